//! Each query at the head and at an old block.

use serde_json::{Value, json};

use super::{
    api::Api,
    chain::{A, B, BOND, BRL, C, CHAIN_ID, DEED, HUGE, known_chain, validators},
    rows::{block_hash, timestamp, transaction_hash},
};

async fn known_api() -> Api {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    api
}

fn read_at(number: u64) -> Value {
    let proof = if number == 0 { "LINKED" } else { "SEALED" };
    json!({
        "number": number, "hash": block_hash(number, 0), "timestamp": timestamp(number), "proof": proof,
        "anchor": "GENESIS_FILE",
    })
}

const READ_AT: &str = "readAt { number hash timestamp proof anchor }";

#[tokio::test]
async fn status_says_what_is_indexed_and_what_its_proofs_rest_on() {
    let api = known_api().await;
    let answer = api
        .query(&format!(
            "{{ status {{ chainId genesisHash consensus anchor anchorTerms firstBlock nBlocks lagBlocks head {{ number }} {READ_AT} \
             versions {{ lastro projection schema store }} }} }}"
        ))
        .await;
    let status = &answer["data"]["status"];
    assert_eq!(status["chainId"], CHAIN_ID);
    assert_eq!(status["genesisHash"], json!(block_hash(0, 0)));
    assert_eq!(status["consensus"], "QBFT");
    assert_eq!(status["anchor"], "GENESIS_FILE");
    assert_eq!(status["anchorTerms"]["epochLength"], 30_000);
    assert_eq!(
        (&status["firstBlock"], &status["nBlocks"]),
        (&json!(0), &json!(7))
    );
    assert_eq!(status["lagBlocks"], 994);
    assert_eq!(status["readAt"], read_at(6));
    assert_eq!(status["versions"]["projection"], 1);
    // Every answer names its block, also to those who do not ask.
    assert_eq!(answer["extensions"]["lastro"]["head"], read_at(6));
    api.stop().await;
}

#[tokio::test]
async fn a_block_is_found_by_number_and_by_hash_with_all_below_it() {
    let api = known_api().await;
    let fields = format!(
        "number hash parentHash gasLimit baseFeePerGas withdrawals nTransactions proof sendersRecovered \
         transactions(first: 1) {{ nodes {{ hash from nLogs logs {{ nodes {{ logIndex transaction {{ hash }} }} }} }} \
         pageInfo {{ hasNextPage endCursor }} }} logs {{ nodes {{ logIndex address }} }} \
         seals {{ seals {{ sealIndex signer }} }} validators {{ members quorum }} {READ_AT}"
    );
    let by_number = api
        .read(&format!("{{ block(number: \"2\") {{ {fields} }} }}"))
        .await;
    let by_hash = api
        .read(&format!(
            "{{ block(hash: \"{}\") {{ {fields} }} }}",
            block_hash(2, 0)
        ))
        .await;
    assert_eq!(by_number, by_hash);
    let block = &by_number["block"];
    assert_eq!(block["parentHash"], json!(block_hash(1, 0)));
    assert_eq!(block["gasLimit"], u64::MAX.to_string());
    assert_eq!(block["baseFeePerGas"], "7");
    assert_eq!(block["withdrawals"], Value::Null);
    assert_eq!(block["sendersRecovered"], true);
    let transactions = &block["transactions"];
    assert_eq!(
        transactions["nodes"][0]["hash"],
        json!(transaction_hash(2, 0))
    );
    assert_eq!(
        transactions["nodes"][0]["logs"]["nodes"][0]["transaction"]["hash"],
        json!(transaction_hash(2, 0))
    );
    assert_eq!(transactions["pageInfo"]["hasNextPage"], true);
    assert_eq!(
        block["logs"]["nodes"],
        json!([{ "logIndex": 0, "address": BRL }, { "logIndex": 1, "address": BRL }])
    );
    assert_eq!(
        block["seals"]["seals"][3],
        json!({ "sealIndex": 3, "signer": validators()[3] })
    );
    assert_eq!(
        block["validators"],
        json!({ "members": validators(), "quorum": 3 })
    );
    assert_eq!(block["readAt"], read_at(6));

    let after = &transactions["pageInfo"]["endCursor"];
    let query = "query ($after: Cursor) { block(number: 2) { transactions(after: $after) { nodes { hash } } } }";
    let next = api.read_with(query, json!({ "after": after })).await;
    assert_eq!(
        next["block"]["transactions"]["nodes"],
        json!([{ "hash": transaction_hash(2, 1) }])
    );

    let query = format!(
        "{{ above: block(number: 7) {{ hash }} unknown: block(hash: \"{}\") {{ hash }} }}",
        block_hash(7, 0)
    );
    assert_eq!(
        api.read(&query).await,
        json!({ "above": null, "unknown": null })
    );
    assert_eq!(
        api.read("{ block { number } }").await,
        json!({ "block": { "number": 6 } })
    );
    api.stop().await;
}

#[tokio::test]
async fn a_transaction_is_found_by_hash() {
    let api = known_api().await;
    let query = "query ($hash: Hash!) { transaction(hash: $hash) { blockNumber transactionIndex from to status gasUsed input \
                 effectiveGasPrice maxFeePerGas gasPrice blobVersionedHashes revertReason block { number hash } } }";
    let answer = api
        .read_with(query, json!({ "hash": transaction_hash(2, 1) }))
        .await;
    assert_eq!(
        answer["transaction"],
        json!({
            "blockNumber": 2, "transactionIndex": 1, "from": B, "to": BRL, "status": 1, "gasUsed": 21_000, "input": "0xdead",
            "effectiveGasPrice": "7", "maxFeePerGas": "10", "gasPrice": null, "blobVersionedHashes": [], "revertReason": null,
            "block": { "number": 2, "hash": block_hash(2, 0) },
        })
    );
    let unknown = api
        .read_with(query, json!({ "hash": block_hash(2, 0) }))
        .await;
    assert_eq!(unknown["transaction"], Value::Null);
    api.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_read_at_an_old_block() {
    let api = known_api().await;
    let answer = api
        .read(&format!(
            "{{ blocks(filter: {{ fromBlock: 2, toBlock: 4 }}, orderBy: ASC) {{ nodes {{ number }} }} \
             old: blocks(first: 2, at: {{ number: 3 }}) {{ nodes {{ number }} {READ_AT} }} \
             transactions(filter: {{ from: \"{B}\" }}) {{ nodes {{ blockNumber }} }} \
             called: transactions(filter: {{ to: \"{BOND}\", fromBlock: 1 }}) {{ nodes {{ hash }} }} \
             logs(filter: {{ address: \"{DEED}\" }}) {{ nodes {{ blockNumber logIndex topic3 data }} }} \
             topics: logs(filter: {{ topic1: \"{}\", toBlock: 5 }}) {{ nodes {{ blockNumber }} }} \
             events(filter: {{ address: \"{BRL}\", event: \"Moved\" }}, at: {{ hash: \"{}\" }}) {{ nodes {{ blockNumber arguments \
             transaction {{ hash }} }} {READ_AT} }} }}",
            A.into_word(),
            block_hash(1, 0),
        ))
        .await;
    assert_eq!(
        answer["blocks"]["nodes"],
        json!([{ "number": 2 }, { "number": 3 }, { "number": 4 }])
    );
    assert_eq!(
        answer["old"]["nodes"],
        json!([{ "number": 3 }, { "number": 2 }])
    );
    assert_eq!(answer["old"]["readAt"], read_at(3));
    assert_eq!(
        answer["transactions"]["nodes"],
        json!([{ "blockNumber": 5 }, { "blockNumber": 2 }])
    );
    assert_eq!(
        answer["called"]["nodes"],
        json!([{ "hash": transaction_hash(3, 0) }])
    );
    let word = format!("0x{:064x}", 1);
    assert_eq!(
        answer["logs"]["nodes"],
        json!([{ "blockNumber": 4, "logIndex": 0, "topic3": null, "data": word }])
    );
    assert_eq!(answer["topics"]["nodes"], json!([{ "blockNumber": 2 }]));
    let arguments = json!({ "to": A, "amount": "1000" });
    let event = json!({ "blockNumber": 1, "arguments": arguments, "transaction": { "hash": transaction_hash(1, 0) } });
    assert_eq!(
        answer["events"],
        json!({ "nodes": [event], "readAt": read_at(1) })
    );
    api.stop().await;
}

#[tokio::test]
async fn tokens_appear_with_their_first_transfer() {
    let api = known_api().await;
    let answer = api
        .read(&format!(
            "{{ token(token: \"{BRL}\") {{ token standard name symbol decimals firstBlock metadataBlock supply {{ amount formatted }} }} \
             before: token(token: \"{BRL}\", at: {{ number: 0 }}) {{ token }} \
             tokens {{ nodes {{ token standard }} }} \
             old: tokens(at: {{ number: 3 }}) {{ nodes {{ token }} {READ_AT} }} \
             fungible: tokens(filter: {{ standard: ERC20 }}, orderBy: DESC) {{ nodes {{ symbol }} }} \
             named: tokens(filter: {{ symbol: \"DEED\" }}) {{ nodes {{ token }} }} }}"
        ))
        .await;
    let brl = json!({
        "token": BRL, "standard": "ERC20", "name": "BRL", "symbol": "BRL", "decimals": 2, "firstBlock": 1, "metadataBlock": 1,
        "supply": { "amount": "900", "formatted": "9" },
    });
    assert_eq!(answer["token"], brl);
    assert_eq!(answer["before"], Value::Null);
    assert_eq!(
        answer["tokens"]["nodes"][1],
        json!({ "token": BOND, "standard": "ERC1155" })
    );
    assert_eq!(answer["tokens"]["nodes"].as_array().unwrap().len(), 5);
    assert_eq!(
        answer["old"],
        json!({ "nodes": [{ "token": BRL }, { "token": BOND }], "readAt": read_at(3) })
    );
    assert_eq!(
        answer["fungible"]["nodes"],
        json!([{ "symbol": "OLD" }, { "symbol": "HUGE" }, { "symbol": "BRL" }])
    );
    assert_eq!(answer["named"]["nodes"], json!([{ "token": DEED }]));
    api.stop().await;
}

#[tokio::test]
async fn transfers_are_found_by_token_account_ends_and_standard() {
    let api = known_api().await;
    let of = async |filter: String| -> Vec<(u64, u64, u64)> {
        let query = format!(
            "{{ transfers(filter: {filter}, orderBy: ASC) {{ nodes {{ blockNumber logIndex batchIndex }} }} }}"
        );
        let answer = api.read(&query).await;
        let place = |node: &Value, field: &str| node[field].as_u64().unwrap();
        let nodes = answer["transfers"]["nodes"].as_array().unwrap().iter();
        nodes
            .map(|node| {
                (
                    place(node, "blockNumber"),
                    place(node, "logIndex"),
                    place(node, "batchIndex"),
                )
            })
            .collect()
    };
    assert_eq!(of("{}".into()).await.len(), 11);
    assert_eq!(
        of(format!("{{ token: \"{BOND}\" }}")).await,
        [(3, 0, 0), (3, 0, 1)]
    );
    assert_eq!(
        of(format!("{{ token: \"{BOND}\", tokenId: \"2\" }}")).await,
        [(3, 0, 1)]
    );
    // A self-transfer has two balance changes and is one transfer.
    assert_eq!(
        of(format!("{{ account: \"{C}\" }}")).await,
        [(2, 1, 0), (4, 0, 0), (5, 0, 0), (6, 1, 0)]
    );
    assert_eq!(
        of(format!("{{ account: \"{C}\", token: \"{BRL}\" }}")).await,
        [(2, 1, 0), (6, 1, 0)]
    );
    assert_eq!(
        of(format!("{{ account: \"{C}\", from: \"{B}\" }}")).await,
        [(2, 1, 0), (5, 0, 0)]
    );
    assert_eq!(
        of(format!("{{ account: \"{C}\", fromBlock: 5, toBlock: 5 }}")).await,
        [(5, 0, 0)]
    );
    assert_eq!(of(format!("{{ to: \"{B}\" }}")).await, [(2, 0, 0)]);
    assert_eq!(of("{ standard: ERC721 }".into()).await, [(4, 0, 0)]);
    let zero = alloy_primitives::Address::ZERO;
    assert_eq!(
        of(format!("{{ from: \"{zero}\", token: \"{HUGE}\" }}")).await,
        [(4, 1, 0), (4, 2, 0)]
    );

    let query = format!(
        "{{ transfers(filter: {{ token: \"{BRL}\" }}, first: 1, at: {{ number: 2 }}) {{ nodes {{ from to amount formatted standard \
         operator tokenId transaction {{ hash }} block {{ number }} tokenDetails {{ symbol }} {READ_AT} }} }} }}"
    );
    assert_eq!(
        api.read(&query).await["transfers"]["nodes"][0],
        json!({
            "from": B, "to": C, "amount": "50", "formatted": "0.5", "standard": "ERC20", "operator": null, "tokenId": "0",
            "transaction": { "hash": transaction_hash(2, 1) }, "block": { "number": 2 }, "tokenDetails": { "symbol": "BRL" },
            "readAt": read_at(2),
        })
    );
    api.stop().await;
}

#[tokio::test]
async fn validators_and_seals_are_those_of_the_block() {
    let api = known_api().await;
    let answer = api
        .read(&format!(
            "{{ validators {{ firstBlock decidedInBlock reason members quorum {READ_AT} }} \
             old: validators(at: {{ number: 5 }}) {{ reason members {READ_AT} }} \
             blockSeals(block: {{ number: 5 }}) {{ blockNumber seals {{ seal signer }} validators {{ members }} {READ_AT} }} }}"
        ))
        .await;
    assert_eq!(
        answer["validators"],
        json!({
            "firstBlock": 6, "decidedInBlock": 5, "reason": "VOTE", "members": validators()[..3], "quorum": 2,
            "readAt": read_at(6),
        })
    );
    assert_eq!(
        answer["old"],
        json!({ "reason": "GENESIS", "members": validators(), "readAt": read_at(5) })
    );
    let seals = &answer["blockSeals"];
    assert_eq!(
        seals["seals"][0],
        json!({ "seal": format!("0x{}", "5a".repeat(65)), "signer": validators()[0] })
    );
    assert_eq!(seals["validators"]["members"], json!(validators()));
    assert_eq!(seals["readAt"], read_at(5));
    api.stop().await;
}
