//! What the node says of logs and of token contracts.

use alloy_primitives::{Address, U256, hex, keccak256};
use lastro_bench_chain::{ChainOptions, Fork, Metadata, ReplayOptions, TokenKind};
use serde_json::{Value, json};

use crate::node::start;

#[test]
fn logs_by_range_hash_and_filter() {
    let (chain, node, mut client) = start(
        &ChainOptions::mixed(30, Fork::Cancun),
        ReplayOptions::default(),
    );
    let logs = client
        .call(
            "eth_getLogs",
            json!([{"fromBlock": "0x0", "toBlock": "latest"}]),
        )
        .unwrap();
    let mut expected = Vec::new();
    for number in 0..=30 {
        let receipts: Value =
            serde_json::from_slice(node.chain().receipts_json(number).unwrap()).unwrap();
        let of_block = receipts
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|receipt| receipt["logs"].as_array().unwrap());
        expected.extend(of_block.cloned().collect::<Vec<_>>());
    }
    assert!(expected.len() > 50);
    assert_eq!(logs, json!(expected));

    let token = chain.facts.tokens()[0].address;
    let transfer = keccak256("Transfer(address,address,uint256)");
    let account = chain.facts.accounts()[0].into_word();
    for filter in [
        json!({"address": token}),
        json!({"address": [token, Address::ZERO], "topics": [transfer]}),
        json!({"topics": [null, [account, transfer]]}),
    ] {
        let mut request = filter.clone();
        request["fromBlock"] = json!("0x0");
        let found = client.call("eth_getLogs", json!([request])).unwrap();
        let wanted = expected.iter().filter(|log| {
            let by_event = filter["topics"][0].is_null() || log["topics"][0] == json!(transfer);
            let by_account = filter["topics"][1].is_null() || log["topics"][1] == json!(account);
            let by_address = filter["address"].is_null() || log["address"] == json!(token);
            by_event && by_account && by_address
        });
        assert_eq!(
            found.as_array().unwrap().iter().collect::<Vec<_>>(),
            wanted.collect::<Vec<_>>(),
            "{filter}"
        );
    }
    let block = chain.blocks.iter().find(|block| {
        block
            .receipts
            .iter()
            .any(|receipt| !receipt.logs.is_empty())
    });
    let hash = block.unwrap().hash;
    let of_block = client
        .call("eth_getLogs", json!([{"blockHash": hash}]))
        .unwrap();
    assert!(
        of_block
            .as_array()
            .unwrap()
            .iter()
            .all(|log| log["blockHash"] == json!(hash))
    );
    assert_ne!(of_block, json!([]));

    let mut refused = |request: Value| client.call("eth_getLogs", json!([request])).unwrap_err();
    let invalid = (-32602, "Invalid params".to_owned());
    assert_eq!(
        refused(json!({"fromBlock": "0x9", "toBlock": "0x1"})),
        invalid
    );
    assert_eq!(
        refused(json!({"fromBlock": "0x9", "toBlock": "0xff"})),
        invalid
    );
    assert_eq!(
        refused(json!({"blockHash": transfer})),
        (-32000, "Block not found".to_owned())
    );
    node.set_quirks(|quirks| quirks.max_logs_range = 10);
    let too_wide = (
        -32005,
        "Requested range exceeds maximum RPC range limit".to_owned(),
    );
    assert_eq!(
        refused(json!({"fromBlock": "0x1", "toBlock": "0xc"})),
        too_wide
    );
    assert!(
        client
            .call(
                "eth_getLogs",
                json!([{"fromBlock": "0x1", "toBlock": "0xb"}])
            )
            .is_ok()
    );
    let malformed = json!([{"fromBlock": "0x1", "toBlock": "0x2", "topics": ["0x1234"]}]);
    assert_eq!(client.call("eth_getLogs", malformed), Ok(json!([])));
}

#[test]
fn calls_to_tokens() {
    let (chain, _node, mut client) = start(
        &ChainOptions::mixed(60, Fork::Cancun),
        ReplayOptions::default(),
    );
    let facts = chain.facts.clone();
    let mut call = |to: Address, signature: &str, arguments: &[U256], at: &str| {
        let mut input = keccak256(signature)[..4].to_vec();
        arguments
            .iter()
            .for_each(|argument| input.extend(argument.to_be_bytes::<32>()));
        let request = json!({"to": to, "data": hex::encode_prefixed(input)});
        client
            .call("eth_call", json!([request, at]))
            .map(|value| hex::decode(value.as_str().unwrap()).unwrap())
    };
    let word = |account: Address| U256::from_be_bytes(account.into_word().0);
    for token in facts.tokens() {
        let name = call(token.address, "name()", &[], "latest");
        match token.metadata {
            Metadata::Strings => assert_eq!(
                name.unwrap()[64..][..token.name.len()],
                *token.name.as_bytes()
            ),
            Metadata::Bytes32 => assert_eq!(name.unwrap().len(), 32),
            Metadata::Missing => assert_eq!(name.unwrap_err().0, 3),
        }
        if token.kind == TokenKind::Erc20 {
            for (at, number) in [("0x14", 20), ("latest", 60)] {
                let supply = call(token.address, "totalSupply()", &[], at).unwrap();
                assert_eq!(
                    Some(U256::from_be_slice(&supply)),
                    facts.total_supply(token.address, U256::ZERO, number)
                );
                for account in facts.accounts() {
                    let balance =
                        call(token.address, "balanceOf(address)", &[word(*account)], at).unwrap();
                    let expected = facts.balance(token.address, U256::ZERO, *account, number);
                    assert_eq!(Some(U256::from_be_slice(&balance)), expected);
                }
            }
        }
    }
    let of_kind = |kind| {
        facts
            .tokens()
            .iter()
            .find(|token| token.kind == kind)
            .unwrap()
            .address
    };
    let deed = of_kind(TokenKind::Erc721);
    let ((owner, id), _) = facts.holders(deed, 60).into_iter().next().unwrap();
    assert_eq!(
        call(deed, "ownerOf(uint256)", &[id], "latest").unwrap(),
        owner.into_word().to_vec()
    );
    let bond = of_kind(TokenKind::Erc1155);
    let ((holder, id), amount) = facts.holders(bond, 60).into_iter().next().unwrap();
    let balance = call(
        bond,
        "balanceOf(address,uint256)",
        &[word(holder), id],
        "latest",
    )
    .unwrap();
    assert_eq!(U256::from_be_slice(&balance), amount);
    let nobody = facts.accounts()[0];
    assert_eq!(
        call(nobody, "name()", &[], "latest").unwrap(),
        Vec::<u8>::new()
    );
}
