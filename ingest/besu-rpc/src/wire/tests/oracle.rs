//! The borrowed parse against a slow one: every field picked by name out of a tree of values.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};

use super::{BERLIN, CANCUN, fetched, recorded};
use crate::wire::{AccessListEntry, Authorization, Block, Log, Receipt, Transaction, Withdrawal};

const BLOCK: &[&str] = &[
    "number",
    "hash",
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
];
const OPTIONAL_BLOCK: &[&str] = &[
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
    "size",
];
const TRANSACTION: &[&str] = &["hash", "nonce", "from", "value", "gas", "input", "r", "s"];
const OPTIONAL_TRANSACTION: &[&str] = &[
    "type",
    "chainId",
    "to",
    "gasPrice",
    "maxFeePerGas",
    "maxPriorityFeePerGas",
    "maxFeePerBlobGas",
    "v",
    "yParity",
];
const RECEIPT: &[&str] = &[
    "transactionHash",
    "blockHash",
    "blockNumber",
    "cumulativeGasUsed",
    "gasUsed",
    "logsBloom",
];
const OPTIONAL_RECEIPT: &[&str] = &[
    "type",
    "status",
    "root",
    "effectiveGasPrice",
    "blobGasUsed",
    "blobGasPrice",
    "contractAddress",
    "revertReason",
];
const LOG: &[&str] = &["address", "data", "logIndex"];
const WITHDRAWAL: &[&str] = &["index", "validatorIndex", "address", "amount"];
const AUTHORIZATION: &[&str] = &["chainId", "address", "nonce", "r", "s"];
const OPTIONAL_AUTHORIZATION: &[&str] = &["yParity", "v"];

#[test]
fn recorded_blocks_parse_as_the_oracle_says() {
    for (block, receipts) in recorded(CANCUN).iter().chain(&recorded(BERLIN)) {
        check(block, receipts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn generated_blocks_parse_as_the_oracle_says((block, receipts) in block_with_receipts()) {
        check(&block, &receipts);
    }

    #[test]
    fn any_text_is_an_error_and_no_panic(body in ".{0,200}", receipts in "\\PC{0,80}") {
        use lastro_schema::{BlockNumber, BlockRange};
        let range = BlockRange::single(BlockNumber(1));
        let id = crate::EndpointId(0);
        let fetched = crate::FetchedRange::from_bodies(id, range, body.into(), receipts.into());
        prop_assert!(fetched.decode().is_err());
    }
}

fn check(block: &Value, receipts: &Value) {
    let fetched = fetched(block, receipts);
    let decoded = fetched.decode().unwrap();
    assert_eq!(decoded.len(), 1);
    assert_eq!(show_block(&decoded[0].block), slow_block(block));
    let shown: Vec<_> = decoded[0].receipts.iter().map(show_receipt).collect();
    let slow: Vec<_> = receipts
        .as_array()
        .unwrap()
        .iter()
        .map(slow_receipt)
        .collect();
    assert_eq!(shown, slow);
}

// ---- the slow way

fn pick(value: &Value, fields: &[&[&str]]) -> Map<String, Value> {
    fields
        .concat()
        .iter()
        .map(|field| ((*field).to_owned(), value[*field].clone()))
        .collect()
}

fn pick_all(value: &Value, fields: &[&[&str]]) -> Value {
    match value.as_array() {
        Some(values) => values
            .iter()
            .map(|value| Value::Object(pick(value, fields)))
            .collect(),
        None => Value::Null,
    }
}

fn slow_block(value: &Value) -> Value {
    let mut block = pick(value, &[BLOCK, OPTIONAL_BLOCK, &["uncles"]]);
    block.insert(
        "withdrawals".into(),
        pick_all(&value["withdrawals"], &[WITHDRAWAL]),
    );
    let slow_transaction = |value: &Value| {
        let mut transaction = pick(
            value,
            &[TRANSACTION, OPTIONAL_TRANSACTION, &["blobVersionedHashes"]],
        );
        transaction.insert(
            "accessList".into(),
            pick_all(&value["accessList"], &[&["address", "storageKeys"]]),
        );
        let authorizations = pick_all(
            &value["authorizationList"],
            &[AUTHORIZATION, OPTIONAL_AUTHORIZATION],
        );
        transaction.insert("authorizationList".into(), authorizations);
        Value::Object(transaction)
    };
    block.insert(
        "transactions".into(),
        value["transactions"]
            .as_array()
            .unwrap()
            .iter()
            .map(slow_transaction)
            .collect(),
    );
    Value::Object(block)
}

fn slow_receipt(value: &Value) -> Value {
    let mut receipt = pick(value, &[RECEIPT, OPTIONAL_RECEIPT]);
    receipt.insert("logs".into(), pick_all(&value["logs"], &[LOG, &["topics"]]));
    Value::Object(receipt)
}

// ---- what the fast way gave

fn show_block(b: &Block<'_>) -> Value {
    let mut shown = json!({
        "number": b.number, "hash": b.hash, "parentHash": b.parent_hash, "sha3Uncles": b.ommers_hash, "miner": b.miner,
        "stateRoot": b.state_root, "transactionsRoot": b.transactions_root, "receiptsRoot": b.receipts_root,
        "logsBloom": b.logs_bloom, "difficulty": b.difficulty, "gasLimit": b.gas_limit, "gasUsed": b.gas_used,
        "timestamp": b.timestamp, "extraData": b.extra_data, "mixHash": b.mix_hash, "nonce": b.nonce,
        "baseFeePerGas": b.base_fee_per_gas, "withdrawalsRoot": b.withdrawals_root, "blobGasUsed": b.blob_gas_used,
        "excessBlobGas": b.excess_blob_gas, "parentBeaconBlockRoot": b.parent_beacon_block_root,
        "requestsHash": b.requests_hash, "size": b.size, "uncles": b.uncles,
    });
    let show = |w: &Withdrawal<'_>| json!({"index": w.index, "validatorIndex": w.validator_index, "address": w.address, "amount": w.amount});
    shown["withdrawals"] = b
        .withdrawals
        .as_ref()
        .map(|all| all.iter().map(show).collect())
        .unwrap_or_default();
    shown["transactions"] = b.transactions.iter().map(show_transaction).collect();
    shown
}

fn show_transaction(t: &Transaction<'_>) -> Value {
    let show_entry =
        |a: &AccessListEntry<'_>| json!({"address": a.address, "storageKeys": a.storage_keys});
    let show_authorization = |a: &Authorization<'_>| {
        json!({
            "chainId": a.chain_id, "address": a.address, "nonce": a.nonce, "yParity": a.y_parity, "v": a.v, "r": a.r,
            "s": a.s,
        })
    };
    let access_list: Option<Vec<_>> = t
        .access_list
        .as_ref()
        .map(|all| all.iter().map(show_entry).collect());
    let authorizations: Option<Vec<_>> = t
        .authorization_list
        .as_ref()
        .map(|all| all.iter().map(show_authorization).collect());
    json!({
        "hash": t.hash, "type": t.transaction_type, "chainId": t.chain_id, "nonce": t.nonce, "from": t.from, "to": t.to,
        "value": t.value, "gas": t.gas_limit, "gasPrice": t.gas_price, "maxFeePerGas": t.max_fee_per_gas,
        "maxPriorityFeePerGas": t.max_priority_fee_per_gas, "maxFeePerBlobGas": t.max_fee_per_blob_gas,
        "input": t.input, "accessList": access_list, "blobVersionedHashes": t.blob_versioned_hashes,
        "authorizationList": authorizations, "v": t.v, "yParity": t.y_parity, "r": t.r, "s": t.s,
    })
}

fn show_receipt(r: &Receipt<'_>) -> Value {
    let show = |l: &Log<'_>| json!({"address": l.address, "topics": *l.topics, "data": l.data, "logIndex": l.log_index});
    json!({
        "transactionHash": r.transaction_hash, "blockHash": r.block_hash, "blockNumber": r.block_number,
        "type": r.transaction_type, "status": r.status, "root": r.root, "cumulativeGasUsed": r.cumulative_gas_used,
        "gasUsed": r.gas_used, "effectiveGasPrice": r.effective_gas_price, "blobGasUsed": r.blob_gas_used,
        "blobGasPrice": r.blob_gas_price, "contractAddress": r.contract_address, "logsBloom": r.logs_bloom,
        "logs": r.logs.iter().map(show).collect::<Vec<_>>(), "revertReason": r.revert_reason,
    })
}

// ---- arbitrary blocks: any text without escapes, fields absent or null, fields nobody knows

fn hex() -> impl Strategy<Value = Value> {
    "0x[0-9a-f]{0,80}".prop_map(Value::from)
}

fn hexes(most: usize) -> impl Strategy<Value = Value> {
    vec(hex(), 0..=most).prop_map(Value::from)
}

fn object(
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> impl Strategy<Value = Value> {
    let values = vec(hex(), required.len());
    // `None` absent, `Some(None)` null.
    let optional_values = vec(option::of(option::of(hex())), optional.len());
    let unknown = option::of(prop_oneof![
        Just(json!(null)),
        Just(json!([1.5, {"a": "\"\n"}])),
        Just(json!("\u{1}é"))
    ]);
    (values, optional_values, unknown).prop_map(move |(values, optional_values, unknown)| {
        let mut object = Map::new();
        object.extend(unknown.map(|value| ("aFieldOfTheFuture".to_owned(), value)));
        object.extend(required.iter().map(|name| (*name).to_owned()).zip(values));
        for (name, value) in optional.iter().zip(optional_values) {
            object.extend(value.map(|value| ((*name).to_owned(), value.unwrap_or_default())));
        }
        Value::Object(object)
    })
}

fn with(
    object: impl Strategy<Value = Value>,
    name: &'static str,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    (object, value).prop_map(move |(mut object, value)| {
        object[name] = value;
        object
    })
}

fn list(item: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    option::of(vec(item, 0..3)).prop_map(Value::from)
}

fn transaction() -> impl Strategy<Value = Value> {
    let entry = with(object(&["address"], &[]), "storageKeys", hexes(3));
    let transaction = object(TRANSACTION, OPTIONAL_TRANSACTION);
    let transaction = with(transaction, "accessList", list(entry));
    let transaction = with(
        transaction,
        "blobVersionedHashes",
        option::of(hexes(2)).prop_map(Value::from),
    );
    with(
        transaction,
        "authorizationList",
        list(object(AUTHORIZATION, OPTIONAL_AUTHORIZATION)),
    )
}

fn receipt() -> impl Strategy<Value = Value> {
    let log = with(object(LOG, &["removed"]), "topics", hexes(4));
    with(
        object(RECEIPT, OPTIONAL_RECEIPT),
        "logs",
        vec(log, 0..3).prop_map(Value::from),
    )
}

fn block_with_receipts() -> impl Strategy<Value = (Value, Value)> {
    let block = with(object(BLOCK, OPTIONAL_BLOCK), "uncles", hexes(2));
    let block = with(block, "withdrawals", list(object(WITHDRAWAL, &[])));
    let pairs = vec((transaction(), receipt()), 0..4);
    (block, pairs, any::<u64>()).prop_map(|(mut block, pairs, number)| {
        let number = format!("{number:#x}");
        block["number"] = number.as_str().into();
        let (transactions, mut receipts): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        for (transaction, receipt) in transactions.iter().zip(&mut receipts) {
            receipt["transactionHash"] = transaction["hash"].clone();
            receipt["blockHash"] = block["hash"].clone();
            receipt["blockNumber"] = number.as_str().into();
        }
        block["transactions"] = transactions.into();
        (block, receipts.into())
    })
}
