//! Blocks recorded from real Besu nodes prove themselves, and no longer do once any field that a root covers is altered.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZeroU64,
    path::Path,
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use bytes::Bytes;
use lastro_besu_rpc::{EndpointId, FetchedRange};
use lastro_ingest::{
    RangeRows,
    consensus::{Anchor, Consensus, ValidatorSet, VoteDialect, VotingRules, verify_genesis},
    decode::{CheckedBlock, CheckedChunk, DecodeRules, decode_chunk},
    link::{ChainState, link_range},
};
use lastro_schema::{BlockNumber, BlockRange, BlockRef, RowDigest, digest_rows};
use serde_json::{Value, json};

const NETS: [&str; 3] = ["main", "rbb", "berlin"];
const RULES: DecodeRules = DecodeRules {
    consensus: Consensus::Qbft,
    recover_all: true,
};

/// Fields that may say anything: the index computes them from proven fields (a receipt's gas, bloom, contract), has them
/// from the place where they stand (positions, block of a log), or does not keep them.
const NOT_BELIEVED: &[&str] = &[
    "header.size",
    "header.totalDifficulty",
    "header.uncles",
    "log.blockHash",
    "log.blockNumber",
    "log.blockTimestamp",
    "log.removed",
    "log.transactionHash",
    "log.transactionIndex",
    "receipt.contractAddress",
    "receipt.effectiveGasPrice",
    "receipt.from",
    "receipt.gasUsed",
    "receipt.logsBloom",
    // The one field that is kept as the node states it.
    "receipt.revertReason",
    "receipt.to",
    "receipt.transactionIndex",
    "receipt.type",
    "transaction.blockHash",
    "transaction.blockNumber",
    "transaction.blockTimestamp",
    "transaction.transactionIndex",
];
/// Besu repeats the price that was paid, which the index computes, and the chain id that is part of `v` already.
const NOT_BELIEVED_BY_TYPE: &[(&str, &str)] = &[
    ("transaction.chainId", "0x0"),
    ("transaction.gasPrice", "0x2"),
    ("transaction.gasPrice", "0x3"),
    ("transaction.gasPrice", "0x4"),
    ("transaction.v", "0x1"),
    ("transaction.v", "0x2"),
    ("transaction.v", "0x3"),
    ("transaction.v", "0x4"),
];

/// What may be left out where that means the same: no list for an empty one, no `to` for a creation, no `type` for 0, and the
/// parity where `v` stands for it.
const MAY_BE_LEFT_OUT: &[&str] = &[
    "transaction.accessList",
    "transaction.to",
    "transaction.type",
    "transaction.yParity",
];

/// A block and its receipts as they were recorded.
struct Recorded {
    number: u64,
    block: Value,
    receipts: Value,
}

/// All answers of a kind by block number.
fn answers(net: &str, file: &str) -> BTreeMap<u64, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("ingest/fixtures/besu")
        .join(net);
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| {
            let number = line["request"]["params"][0].as_str().unwrap();
            let number = u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap();
            (number, line["response"]["result"].clone())
        })
        .collect()
}

/// The recorded blocks of a net whose receipts are known: on `berlin`, where none were recorded, those without transactions.
fn recorded(net: &str) -> Vec<Recorded> {
    let receipts = if net == "berlin" {
        BTreeMap::new()
    } else {
        answers(net, "receipts_by_block.jsonl")
    };
    let mut blocks = Vec::new();
    for (number, block) in answers(net, "blocks.jsonl") {
        let is_empty = block["transactions"].as_array().unwrap().is_empty();
        let receipts = receipts
            .get(&number)
            .cloned()
            .or(is_empty.then(|| json!([])));
        assert!(receipts.is_some() || net == "berlin", "{net} {number}");
        blocks.extend(receipts.map(|receipts| Recorded {
            number,
            block,
            receipts,
        }));
    }
    blocks
}

/// The chain before a recorded block.
struct Before {
    state: ChainState,
    number: u64,
}

impl Before {
    /// No validator was voted in or out before the recorded blocks, so the set of block 0 is the set in force.
    fn new(genesis: &CheckedBlock, number: u64, parent_hash: B256) -> Self {
        let epoch_length = NonZeroU64::new(30_000).unwrap();
        let rules = VotingRules::new(epoch_length, BTreeMap::new(), VoteDialect::Besu).unwrap();
        let rules = Arc::new(rules);
        let anchor = Anchor::FirstUse {
            rules: Arc::clone(&rules),
        };
        let proof = verify_genesis(&anchor, &genesis.header).unwrap();
        assert_eq!(proof.genesis, genesis.reference);
        let mut set: Value = serde_json::from_slice(&proof.validators.unwrap().to_bytes()).unwrap();
        assert_eq!(set["next_block"], 1);
        set["next_block"] = json!(number.max(1));
        let set = ValidatorSet::from_bytes(rules, set.to_string().as_bytes()).unwrap();
        let parent = |number| BlockRef {
            number: BlockNumber(number),
            hash: parent_hash,
        };
        let state = ChainState {
            consensus: proof.consensus,
            genesis: proof.genesis,
            head: number.checked_sub(1).map(parent),
            validators: Some(set),
            tokens: Arc::default(),
        };
        Self { state, number }
    }

    /// What the block gives when it is fetched, decoded and linked.
    fn prove(&self, block: &Value, receipts: &Value) -> Result<RangeRows, String> {
        let (range, chunk) = (
            BlockRange::single(BlockNumber(self.number)),
            decode(self.number, block, receipts)?,
        );
        assert_eq!(chunk.blocks[0].reference.number, range.first());
        let linked = link_range(&self.state, vec![chunk]);
        Ok(linked.map_err(|(_, error)| format!("{error:?}"))?.rows)
    }
}

fn decode(number: u64, block: &Value, receipts: &Value) -> Result<CheckedChunk, String> {
    let answer = |result: &Value| {
        Bytes::from(json!([{ "jsonrpc": "2.0", "id": number, "result": result }]).to_string())
    };
    let range = BlockRange::single(BlockNumber(number));
    let fetched = FetchedRange::from_bodies(EndpointId(0), range, answer(block), answer(receipts));
    let blocks = fetched.decode().map_err(|error| error.to_string())?;
    decode_chunk(&blocks, range, RULES).map_err(|error| error.to_string())
}

fn genesis(net: &str) -> CheckedBlock {
    let block = answers(net, "blocks.jsonl").remove(&0).unwrap();
    decode(0, &block, &json!([])).unwrap().blocks.remove(0)
}

fn parent_hash(block: &Value) -> B256 {
    block["parentHash"].as_str().unwrap().parse().unwrap()
}

/// Digests of all rows that are proven or computed, by table.
fn digests(rows: RangeRows) -> BTreeMap<&'static str, RowDigest> {
    let batches = rows.into_batches().into_iter();
    batches
        .map(|batch| {
            (
                batch.table.name,
                digest_rows(batch.table, &batch.rows).unwrap(),
            )
        })
        .collect()
}

#[test]
fn every_recorded_block_proves_itself() {
    let (mut n_blocks, mut n_transactions, mut n_logs) = (0, 0, 0);
    for net in NETS {
        let genesis = genesis(net);
        for Recorded {
            number,
            block,
            receipts,
        } in recorded(net)
        {
            let before = Before::new(&genesis, number, parent_hash(&block));
            let chunk = decode(number, &block, &receipts).unwrap();
            let checked = &chunk.blocks[0];
            assert_eq!(
                json!(checked.reference.hash),
                block["hash"],
                "{net} {number}"
            );
            before
                .prove(&block, &receipts)
                .unwrap_or_else(|error| panic!("{net} {number}: {error}"));
            n_blocks += 1;
            n_transactions += checked.n_transactions;
            n_logs += checked.n_logs;
        }
    }
    println!(
        "{n_blocks} blocks with {n_transactions} transactions and {n_logs} logs prove themselves"
    );
    assert!(n_blocks > 110 && n_transactions > 60 && n_logs > 20);
}

#[test]
fn transactions_without_their_receipts_prove_nothing() {
    let blocks = answers("berlin", "blocks.jsonl").into_iter();
    let blocks: Vec<_> = blocks
        .filter(|(_, block)| block["transactions"] != json!([]))
        .collect();
    assert!(blocks.len() > 10);
    for (number, block) in blocks {
        let error = decode(number, &block, &json!([])).unwrap_err();
        assert!(error.contains("0 receipts"), "{number}: {error}");
    }
}

/// An alteration of one value in the JSON of a block or its receipts.
struct Mutation {
    /// Such as `receipt.logsBloom`.
    field: String,
    /// `type` of the transaction, for its fields.
    transaction_type: Option<String>,
    how: &'static str,
    block: Value,
    receipts: Value,
}

/// Where a value stands: JSON pointer, name of the field, type of its transaction.
type Leaf = (String, String, Option<String>);

fn leaves(
    value: &Value,
    pointer: &str,
    field: &str,
    transaction_type: Option<&str>,
    found: &mut Vec<Leaf>,
) {
    match value {
        Value::Object(fields) => {
            let section = match field {
                "header.transactions" => "transaction",
                "header.withdrawals" => "withdrawal",
                "receipts" => "receipt",
                "receipt.logs" => "log",
                other => other,
            };
            let transaction_type = fields
                .get("type")
                .and_then(Value::as_str)
                .or(transaction_type);
            for (name, value) in fields {
                let (pointer, field) = (format!("{pointer}/{name}"), format!("{section}.{name}"));
                found.push((
                    pointer.clone(),
                    field.clone(),
                    transaction_type.map(str::to_owned),
                ));
                leaves(value, &pointer, &field, transaction_type, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                if !item.is_object() {
                    found.push((
                        pointer.clone(),
                        field.to_owned(),
                        transaction_type.map(str::to_owned),
                    ));
                }
                leaves(item, &pointer, field, transaction_type, found);
            }
        }
        _ => {}
    }
}

/// Other values in the place of this one; `None` stands for no value at all.
fn alterations(value: &Value) -> Vec<(&'static str, Option<Value>)> {
    let mut altered = vec![("left out", None)];
    match value {
        Value::String(text) if text.len() > 2 => {
            let flip = |digit: char| if digit == '0' { '1' } else { '0' };
            let (first, last) = (text.chars().nth(2).unwrap(), text.chars().last().unwrap());
            let rest = &text[..text.len() - 1];
            altered.push(("last digit", Some(json!(format!("{rest}{}", flip(last))))));
            altered.push((
                "first digit",
                Some(json!(format!("0x{}{}", flip(first), &text[3..]))),
            ));
            // A nonce of zeros is the same number with one digit less.
            if text.bytes().any(|digit| (b'1'..=b'f').contains(&digit)) {
                altered.push(("cut", Some(json!(rest))));
            }
        }
        Value::String(_) => altered.push(("filled", Some(json!("0x01")))),
        Value::Null => altered.push(("filled", Some(json!(Address::repeat_byte(1))))),
        Value::Bool(flag) => altered.push(("flipped", Some(json!(!flag)))),
        Value::Array(items) => {
            altered.extend(items.first().map(|first| {
                (
                    "grown",
                    Some(json!(
                        [items.as_slice(), std::slice::from_ref(first)].concat()
                    )),
                )
            }));
            altered.extend(
                items
                    .split_last()
                    .map(|(_, rest)| ("shortened", Some(json!(rest)))),
            );
            if items.is_empty() {
                altered.push(("filled", Some(json!([B256::repeat_byte(1)]))));
            }
        }
        Value::Object(_) | Value::Number(_) => {}
    }
    altered
}

fn replace(root: &mut Value, pointer: &str, value: Option<Value>) {
    let Some(value) = value else {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match root.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(name)),
            Value::Array(items) => drop(items.remove(name.parse().unwrap())),
            other => panic!("{pointer} is inside {other}"),
        }
        return;
    };
    *root.pointer_mut(pointer).unwrap() = value;
}

fn mutations(recorded: &Recorded) -> Vec<Mutation> {
    let mut mutations = Vec::new();
    let Recorded {
        block, receipts, ..
    } = recorded;
    for (is_block, root, name) in [(true, block, "header"), (false, receipts, "receipts")] {
        let mut found = Vec::new();
        leaves(root, "", name, None, &mut found);
        for (pointer, field, transaction_type) in found {
            for (how, value) in alterations(root.pointer(&pointer).unwrap()) {
                let (mut block, mut receipts) = (block.clone(), receipts.clone());
                let root = if is_block { &mut block } else { &mut receipts };
                replace(root, &pointer, value);
                let (field, transaction_type) = (field.clone(), transaction_type.clone());
                mutations.push(Mutation {
                    field,
                    transaction_type,
                    how,
                    block,
                    receipts,
                });
            }
        }
    }
    mutations
}

#[test]
fn no_field_that_a_root_covers_can_be_altered() {
    let (mut n_refused, mut n_harmless) = (0, 0);
    let (mut harmless, mut unexpected) = (BTreeSet::new(), BTreeSet::new());
    for net in NETS {
        let genesis = genesis(net);
        for recorded in recorded(net) {
            let number = recorded.number;
            let before = Before::new(&genesis, number, parent_hash(&recorded.block));
            let honest = digests(before.prove(&recorded.block, &recorded.receipts).unwrap());
            for mutation in mutations(&recorded) {
                let Mutation {
                    field,
                    transaction_type,
                    how,
                    block,
                    receipts,
                } = mutation;
                let Ok(rows) = before.prove(&block, &receipts) else {
                    n_refused += 1;
                    continue;
                };
                assert_eq!(
                    digests(rows),
                    honest,
                    "{net} block {number}: {field} {how} changed rows"
                );
                let by_type = (
                    field.as_str(),
                    transaction_type.as_deref().unwrap_or_default(),
                );
                let is_left_out = how == "left out" && MAY_BE_LEFT_OUT.contains(&field.as_str());
                let is_listed = NOT_BELIEVED.contains(&field.as_str())
                    || NOT_BELIEVED_BY_TYPE.contains(&by_type);
                if !is_listed && !is_left_out {
                    unexpected.insert(format!(
                        "{field} {how} (transaction type {transaction_type:?})"
                    ));
                }
                n_harmless += 1;
                harmless.insert(field);
            }
        }
    }
    println!("{n_refused} alterations refused, {n_harmless} without effect: {harmless:?}");
    assert_eq!(unexpected, BTreeSet::new(), "believed");
    // What is listed is there for a reason: each field was met.
    let by_type = NOT_BELIEVED_BY_TYPE.iter().map(|(field, _)| field);
    let listed = NOT_BELIEVED.iter().chain(by_type).chain(MAY_BE_LEFT_OUT);
    let listed: BTreeSet<_> = listed.map(|field| (*field).to_owned()).collect();
    assert_eq!(harmless, listed);
    assert!(n_refused > 5_000, "{n_refused}");
}
