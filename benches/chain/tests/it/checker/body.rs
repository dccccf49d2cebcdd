//! Transactions, receipts and withdrawals from their JSON: encodings, roots, senders, blooms, labels.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bloom, BloomInput, U256, keccak256};
use alloy_trie::root::ordered_trie_root_encoded;
use serde_json::Value;

use super::Finding;
use super::header::{address, b256, bytes, quantity, recover};
use super::rlp;

pub(crate) fn check(block: &Value, receipts: &Value, findings: &mut BTreeSet<Finding>) {
    let transactions = block["transactions"].as_array().unwrap();
    let receipts = receipts.as_array().unwrap();
    let mut expect = |holds: bool, finding: Finding| {
        if !holds {
            findings.insert(finding);
        }
    };
    for transaction in transactions {
        let hash = keccak256(encode_transaction(transaction, true));
        expect(b256(&transaction["hash"]) == hash, Finding::TransactionHash);
        expect(
            sender(transaction) == Some(address(&transaction["from"])),
            Finding::Sender,
        );
    }
    let encoded: Vec<_> = transactions
        .iter()
        .map(|transaction| encode_transaction(transaction, true))
        .collect();
    expect(
        ordered_trie_root_encoded(&encoded) == b256(&block["transactionsRoot"]),
        Finding::TransactionsRoot,
    );
    let encoded: Vec<_> = receipts.iter().map(encode_receipt).collect();
    expect(
        ordered_trie_root_encoded(&encoded) == b256(&block["receiptsRoot"]),
        Finding::ReceiptsRoot,
    );
    if let Some(withdrawals) = block["withdrawals"].as_array() {
        let encoded: Vec<_> = withdrawals.iter().map(encode_withdrawal).collect();
        expect(
            ordered_trie_root_encoded(&encoded) == b256(&block["withdrawalsRoot"]),
            Finding::WithdrawalsRoot,
        );
    }
    let mut bloom = Bloom::ZERO;
    let mut gas_used = 0;
    for receipt in receipts {
        expect(
            bloom_of(receipt) == Bloom::from_slice(&bytes(&receipt["logsBloom"])),
            Finding::Bloom,
        );
        bloom |= bloom_of(receipt);
        let cumulative = quantity(&receipt["cumulativeGasUsed"]);
        expect(
            cumulative.wrapping_sub(gas_used) == quantity(&receipt["gasUsed"]),
            Finding::Gas,
        );
        gas_used = cumulative;
    }
    expect(
        bloom == Bloom::from_slice(&bytes(&block["logsBloom"])),
        Finding::Bloom,
    );
    expect(gas_used == quantity(&block["gasUsed"]), Finding::Gas);
    expect(labels_hold(block, transactions, receipts), Finding::Labels);
}

/// Places, hashes and parties that are repeated all over the JSON, and fields that follow from others.
fn labels_hold(block: &Value, transactions: &[Value], receipts: &[Value]) -> bool {
    let mut log_index = 0;
    let of_block = |value: &Value| {
        value["blockHash"] == block["hash"]
            && value["blockNumber"] == block["number"]
            && (value["blockTimestamp"].is_null() || value["blockTimestamp"] == block["timestamp"])
    };
    let mut hold = transactions.len() == receipts.len();
    for (place, (transaction, receipt)) in (0_u64..).zip(transactions.iter().zip(receipts)) {
        let at_place = |value: &Value| quantity(&value["transactionIndex"]) == place;
        hold &= of_block(transaction)
            && of_block(receipt)
            && at_place(transaction)
            && at_place(receipt);
        hold &= receipt["transactionHash"] == transaction["hash"];
        for field in ["from", "to", "type"] {
            hold &= receipt[field] == transaction[field];
        }
        hold &= receipt["effectiveGasPrice"] == transaction["gasPrice"];
        let created = transaction["to"]
            .is_null()
            .then(|| address(&transaction["from"]).create(quantity(&transaction["nonce"])));
        hold &= created
            == receipt["contractAddress"]
                .as_str()
                .map(|_| address(&receipt["contractAddress"]));
        for log in receipt["logs"].as_array().unwrap() {
            hold &= of_block(log) && at_place(log) && log["transactionHash"] == transaction["hash"];
            hold &= quantity(&log["logIndex"]) == log_index && log["removed"] == Value::Bool(false);
            log_index += 1;
        }
    }
    hold
}

fn sender(transaction: &Value) -> Option<Address> {
    let word = |field: &str| U256::from_be_slice(&bytes(&transaction[field])).to_be_bytes::<32>();
    let v = U256::from_be_slice(&bytes(&transaction["v"]));
    // Legacy: 27 and 28, or even and odd above 34; others: 0 and 1.
    let parity = if v < U256::from(2) {
        v.byte(0)
    } else {
        (v.byte(0) + 1) & 1
    };
    let signature = [word("r").as_slice(), &word("s"), &[parity]].concat();
    recover(
        &signature,
        keccak256(encode_transaction(transaction, false)),
    )
}

/// With the signature: what enters the trie. Without: what is signed.
fn encode_transaction(transaction: &Value, signed: bool) -> Vec<u8> {
    let number = |field: &str| rlp::number(&bytes(&transaction[field]));
    let string = |field: &str| rlp::string(&bytes(&transaction[field]));
    let kind = quantity(&transaction["type"]);
    let call = [
        number("gas"),
        string("to"),
        number("value"),
        string("input"),
    ];
    let mut items = Vec::new();
    if kind != 0 {
        items.push(number("chainId"));
    }
    items.push(number("nonce"));
    if kind >= 2 {
        items.extend([number("maxPriorityFeePerGas"), number("maxFeePerGas")]);
    } else {
        items.push(number("gasPrice"));
    }
    items.extend(call);
    if kind != 0 {
        items.push(access_list(&transaction["accessList"]));
    }
    if kind == 3 {
        let hashes = transaction["blobVersionedHashes"].as_array().unwrap();
        let hashes: Vec<_> = hashes
            .iter()
            .map(|hash| rlp::string(&bytes(hash)))
            .collect();
        items.extend([number("maxFeePerBlobGas"), rlp::list(&hashes)]);
    }
    if kind == 4 {
        items.push(authorization_list(&transaction["authorizationList"]));
    }
    match (signed, kind) {
        (true, 0) => items.extend([number("v"), number("r"), number("s")]),
        (true, _) => items.extend([number("yParity"), number("r"), number("s")]),
        (false, 0) if !transaction["chainId"].is_null() => {
            items.extend([number("chainId"), rlp::number(&[]), rlp::number(&[])]);
        }
        (false, _) => {}
    }
    typed(kind, rlp::list(&items))
}

fn access_list(value: &Value) -> Vec<u8> {
    let entry = |entry: &Value| {
        let keys: Vec<_> = entry["storageKeys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| rlp::string(&bytes(key)))
            .collect();
        rlp::list(&[rlp::string(&bytes(&entry["address"])), rlp::list(&keys)])
    };
    rlp::list(
        &value
            .as_array()
            .unwrap()
            .iter()
            .map(entry)
            .collect::<Vec<_>>(),
    )
}

fn authorization_list(value: &Value) -> Vec<u8> {
    let entry = |entry: &Value| {
        let number = |field: &str| rlp::number(&bytes(&entry[field]));
        let address = rlp::string(&bytes(&entry["address"]));
        rlp::list(&[
            number("chainId"),
            address,
            number("nonce"),
            number("yParity"),
            number("r"),
            number("s"),
        ])
    };
    rlp::list(
        &value
            .as_array()
            .unwrap()
            .iter()
            .map(entry)
            .collect::<Vec<_>>(),
    )
}

fn encode_receipt(receipt: &Value) -> Vec<u8> {
    let outcome = match receipt["root"].as_str() {
        Some(_) => rlp::string(&bytes(&receipt["root"])),
        None => rlp::number(&bytes(&receipt["status"])),
    };
    let log = |log: &Value| {
        let topics: Vec<_> = log["topics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|topic| rlp::string(&bytes(topic)))
            .collect();
        rlp::list(&[
            rlp::string(&bytes(&log["address"])),
            rlp::list(&topics),
            rlp::string(&bytes(&log["data"])),
        ])
    };
    let logs: Vec<_> = receipt["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(log)
        .collect();
    let items = [
        outcome,
        rlp::number(&bytes(&receipt["cumulativeGasUsed"])),
        rlp::string(&bytes(&receipt["logsBloom"])),
        rlp::list(&logs),
    ];
    typed(quantity(&receipt["type"]), rlp::list(&items))
}

fn encode_withdrawal(withdrawal: &Value) -> Vec<u8> {
    let number = |field: &str| rlp::number(&bytes(&withdrawal[field]));
    let address = rlp::string(&bytes(&withdrawal["address"]));
    rlp::list(&[
        number("index"),
        number("validatorIndex"),
        address,
        number("amount"),
    ])
}

fn typed(kind: u64, list: Vec<u8>) -> Vec<u8> {
    match u8::try_from(kind).unwrap() {
        0 => list,
        kind => [vec![kind], list].concat(),
    }
}

fn bloom_of(receipt: &Value) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in receipt["logs"].as_array().unwrap() {
        bloom.accrue(BloomInput::Raw(&bytes(&log["address"])));
        for topic in log["topics"].as_array().unwrap() {
            let topic: B256 = b256(topic);
            bloom.accrue(BloomInput::Raw(topic.as_slice()));
        }
    }
    bloom
}
