//! `eth_getLogs`, and the filter that subscriptions to logs share with it.

use alloy_primitives::{Address, B256};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Shared;
use super::answer::{Answer, Piece};
use super::methods::Outcome;
use super::params::{Params, block_number, parse_address, parse_hash};
use super::rpc::Failure;
use crate::served::{ServedBlock, ServedChain};

pub(super) fn get_logs<'c>(
    shared: &Shared,
    chain: &'c ServedChain,
    params: &Params,
) -> Outcome<'c> {
    let request = params
        .get(0)
        .filter(|request| request.is_object())
        .ok_or(Failure::INVALID_PARAMS)?;
    let (first, last) = match (
        &request["blockHash"],
        &request["fromBlock"],
        &request["toBlock"],
    ) {
        (Value::Null, from, to) => block_range(shared, from, to)?,
        (hash, Value::Null, Value::Null) => {
            let number = parse_hash(hash).and_then(|hash| chain.number_of(hash));
            let number = number
                .filter(|number| *number <= shared.head.number())
                .ok_or(Failure::BLOCK_NOT_FOUND)?;
            (number, number)
        }
        _ => {
            return Err(Failure {
                code: -32602,
                message: "Invalid filter params",
            });
        }
    };
    let filter = Filter::parse(request);
    let mut pieces = vec![Piece::Made("[".to_owned())];
    for block in (first..=last).filter_map(|number| chain.block(number)) {
        let of_block = match &filter {
            Filter::All => all_logs(block),
            filter => vec![Piece::Made(matching_logs(block, filter).join(","))],
        };
        for piece in of_block.into_iter().filter(|piece| !piece.is_empty()) {
            if pieces.len() > 1 {
                pieces.push(Piece::Made(",".to_owned()));
            }
            pieces.push(piece);
        }
    }
    pieces.push(Piece::Made("]".to_owned()));
    Ok(Answer::Pieces(pieces))
}

fn block_range(shared: &Shared, from: &Value, to: &Value) -> Result<(u64, u64), Failure> {
    let latest = Value::from("latest");
    let or_latest = |value: &Value| {
        if value.is_null() {
            latest.clone()
        } else {
            value.clone()
        }
    };
    let first = block_number(Some(&or_latest(from)), shared)?;
    let last = block_number(Some(&or_latest(to)), shared)?;
    if first > last || last > shared.head.number() {
        return Err(Failure::INVALID_PARAMS);
    }
    if last - first > shared.quirks().max_logs_range {
        return Err(Failure::RANGE_TOO_WIDE);
    }
    Ok((first, last))
}

/// Which logs are asked for.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    All,
    Some {
        /// Empty for any.
        addresses: Vec<Address>,
        /// By place; empty for any.
        topics: Vec<Vec<B256>>,
    },
    /// Something in the filter is malformed; Besu answers that nothing matches.
    Nothing,
}

impl Filter {
    pub(super) fn parse(request: &Value) -> Self {
        let addresses = one_or_many(&request["address"], parse_address);
        let topics = match &request["topics"] {
            Value::Null => Some(Vec::new()),
            Value::Array(places) => places
                .iter()
                .map(|place| one_or_many(place, parse_hash))
                .collect(),
            _ => None,
        };
        match (addresses, topics) {
            (Some(addresses), Some(topics))
                if addresses.is_empty() && topics.iter().all(Vec::is_empty) =>
            {
                Self::All
            }
            (Some(addresses), Some(topics)) => Self::Some { addresses, topics },
            _ => Self::Nothing,
        }
    }

    fn matches(&self, log: &Value) -> bool {
        let (addresses, topics) = match self {
            Self::All => return true,
            Self::Nothing => return false,
            Self::Some { addresses, topics } => (addresses, topics),
        };
        let has_address =
            |address: &Address| parse_address(&log["address"]).as_ref() == Some(address);
        let topic_matches = |(place, wanted): (usize, &Vec<B256>)| {
            wanted.is_empty()
                || parse_hash(&log["topics"][place]).is_some_and(|topic| wanted.contains(&topic))
        };
        (addresses.is_empty() || addresses.iter().any(has_address))
            && topics.iter().enumerate().all(topic_matches)
    }
}

/// The logs of a block that match, each as JSON.
pub(super) fn matching_logs(block: &ServedBlock, filter: &Filter) -> Vec<String> {
    let mut matching = Vec::new();
    for span in &block.receipt_spans {
        let list = [b"[", &block.receipts[span.logs.clone()], b"]"].concat();
        let logs: Vec<&RawValue> = serde_json::from_slice(&list).unwrap_or_default();
        for log in logs {
            if serde_json::from_str(log.get()).is_ok_and(|parsed: Value| filter.matches(&parsed)) {
                matching.push(log.get().to_owned());
            }
        }
    }
    matching
}

fn all_logs(block: &ServedBlock) -> Vec<Piece<'_>> {
    block
        .receipt_spans
        .iter()
        .map(|span| Piece::Chain(&block.receipts[span.logs.clone()]))
        .collect()
}

/// `null` is nothing in particular; `None` when malformed.
fn one_or_many<T>(value: &Value, parse: fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(many) => many.iter().map(parse).collect(),
        one => Some(vec![parse(one)?]),
    }
}
