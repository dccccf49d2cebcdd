//! Recorded blocks under their numbers, the gaps filled with empty ones.

use serde_json::{Value, json};

/// Number of the last block.
pub(crate) const LAST: u64 = 64;

#[derive(Clone)]
pub(crate) struct Chain {
    /// Block and receipts by number.
    blocks: Vec<(Value, Value)>,
}

impl Chain {
    pub(crate) fn recorded() -> Self {
        let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let blocks = include_str!("../../fixtures/cancun_blocks.jsonl")
            .lines()
            .map(parse);
        let receipts = include_str!("../../fixtures/cancun_receipts.jsonl")
            .lines()
            .map(parse);
        let recorded: Vec<_> = blocks.zip(receipts).collect();
        let empty = recorded.last().unwrap().clone();
        assert_eq!(empty.0["number"], quantity(LAST));
        let blocks = (0..=LAST).map(|number| {
            let known = recorded
                .iter()
                .find(|(block, _)| block["number"] == quantity(number));
            known.cloned().unwrap_or_else(|| {
                let mut block = empty.0.clone();
                block["number"] = quantity(number).into();
                block["hash"] = format!("0x{number:064x}").into();
                (block, json!([]))
            })
        });
        Self {
            blocks: blocks.collect(),
        }
    }

    pub(crate) fn block(&self, number: u64) -> Value {
        self.blocks
            .get(usize::try_from(number).unwrap())
            .map_or(Value::Null, |(block, _)| block.clone())
    }

    pub(crate) fn receipts(&self, number: u64) -> Value {
        self.blocks
            .get(usize::try_from(number).unwrap())
            .map_or(Value::Null, |(_, receipts)| receipts.clone())
    }

    pub(crate) fn receipt(&self, hash: &Value) -> Value {
        let receipts = self
            .blocks
            .iter()
            .flat_map(|(_, receipts)| receipts.as_array().unwrap());
        receipts
            .clone()
            .find(|receipt| receipt["transactionHash"] == *hash)
            .cloned()
            .unwrap_or_default()
    }
}

pub(crate) fn quantity(number: u64) -> String {
    format!("{number:#x}")
}
