#![allow(clippy::unwrap_used)]

mod answers;
mod oracle;

use lastro_schema::{BlockNumber, BlockRange};
use serde_json::{Value, json};

use crate::{EndpointId, FetchedRange};

pub(super) const CANCUN: [&str; 2] = [
    include_str!("../../fixtures/cancun_blocks.jsonl"),
    include_str!("../../fixtures/cancun_receipts.jsonl"),
];
pub(super) const BERLIN: [&str; 2] = [
    include_str!("../../fixtures/berlin_blocks.jsonl"),
    include_str!("../../fixtures/berlin_receipts.jsonl"),
];

/// Recorded blocks with the receipts of each.
pub(super) fn recorded([blocks, receipts]: [&str; 2]) -> Vec<(Value, Value)> {
    let parse = |line: &str| serde_json::from_str(line).unwrap();
    blocks
        .lines()
        .map(parse)
        .zip(receipts.lines().map(parse))
        .collect()
}

pub(super) fn number_of(block: &Value) -> u64 {
    super::parse_quantity(block["number"].as_str().unwrap()).unwrap()
}

/// A fetched range of one block.
pub(super) fn fetched(block: &Value, receipts: &Value) -> FetchedRange {
    let number = number_of(block);
    let answer = |result: &Value| {
        json!([{"jsonrpc": "2.0", "id": number, "result": result}])
            .to_string()
            .into()
    };
    let range = BlockRange::single(BlockNumber(number));
    FetchedRange::from_bodies(EndpointId(0), range, answer(block), answer(receipts))
}
