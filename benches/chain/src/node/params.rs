//! Parameters of calls, and which block they mean.

use alloy_primitives::{Address, B256, hex};
use serde_json::Value;

use super::rpc::Failure;
use super::{Quirks, Shared};

pub(super) struct Params(pub(super) Vec<Value>);

const BAD_BLOCK_NUMBER: Failure = Failure {
    code: -32602,
    message: "Invalid block number params",
};
const BAD_HASH: Failure = Failure {
    code: -32602,
    message: "Invalid transaction hash params",
};

impl Params {
    pub(super) fn get(&self, place: usize) -> Option<&Value> {
        self.0.get(place)
    }

    /// A number or a tag; the block need not exist.
    pub(super) fn block_number(&self, place: usize, shared: &Shared) -> Result<u64, Failure> {
        block_number(self.get(place), shared)
    }

    pub(super) fn hash(&self, place: usize) -> Result<B256, Failure> {
        self.get(place).and_then(parse_hash).ok_or(BAD_HASH)
    }

    pub(super) fn flag(&self, place: usize) -> Result<bool, Failure> {
        let missing = Failure {
            code: -32602,
            message: "Invalid return complete transaction params",
        };
        self.get(place).and_then(Value::as_bool).ok_or(missing)
    }
}

/// `value` as Besu reads a block parameter.
pub(super) fn block_number(value: Option<&Value>, shared: &Shared) -> Result<u64, Failure> {
    match value {
        Some(Value::String(text)) => tagged_number(text, shared),
        Some(Value::Number(number)) => number.as_u64().ok_or(BAD_BLOCK_NUMBER),
        _ => Err(BAD_BLOCK_NUMBER),
    }
}

fn tagged_number(text: &str, shared: &Shared) -> Result<u64, Failure> {
    match text {
        "latest" | "pending" => Ok(shared.head.number()),
        "earliest" => Ok(0),
        "safe" | "finalized" => finalized(&shared.quirks(), shared),
        _ => {
            let digits = text.strip_prefix("0x").ok_or(BAD_BLOCK_NUMBER)?;
            u64::from_str_radix(digits, 16).map_err(|_| BAD_BLOCK_NUMBER)
        }
    }
}

fn finalized(quirks: &Quirks, shared: &Shared) -> Result<u64, Failure> {
    if quirks.knows_finalized {
        Ok(shared.head.number())
    } else {
        Err(Failure::UNKNOWN_BLOCK)
    }
}

pub(super) fn parse_hash(value: &Value) -> Option<B256> {
    let bytes = parse_bytes(value)?;
    (bytes.len() == 32).then(|| B256::from_slice(&bytes))
}

pub(super) fn parse_address(value: &Value) -> Option<Address> {
    let bytes = parse_bytes(value)?;
    (bytes.len() == 20).then(|| Address::from_slice(&bytes))
}

pub(super) fn parse_bytes(value: &Value) -> Option<Vec<u8>> {
    hex::decode(value.as_str()?.strip_prefix("0x")?).ok()
}
