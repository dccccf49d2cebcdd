//! One HTTP body of a batch answer, taken apart by id. Answers may come in any order.

use std::borrow::Cow;

use lastro_schema::BlockRange;
use serde::Deserialize;
use sonic_rs::LazyValue;

use super::{Block, Receipt, WireError};
use crate::error::ServerError;

/// Answer to one request, its result not looked into.
#[derive(Deserialize)]
pub(crate) struct SingleAnswer<'a> {
    #[serde(borrow)]
    pub(crate) result: Option<LazyValue<'a>>,
    #[serde(borrow)]
    pub(crate) error: Option<AnswerError<'a>>,
}

/// The `error` member of a JSON-RPC answer. Messages may hold escapes (Besu sends stack traces), so they may be copied.
#[derive(Debug, Deserialize)]
pub(crate) struct AnswerError<'a> {
    code: i64,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<LazyValue<'a>>,
}

impl From<AnswerError<'_>> for ServerError {
    fn from(error: AnswerError<'_>) -> Self {
        let data = error.data.map(|data| {
            let raw = data.as_raw_str();
            sonic_rs::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())
        });
        Self {
            code: error.code,
            message: error.message.into_owned(),
            data,
        }
    }
}

/// What one element of a batch answer holds.
pub(super) enum Slot<T> {
    Value(T),
    Null,
    Refused(ServerError),
}

/// What was asked: `n_requests` requests of `method` with ids from `first_id` on, to cover `range`.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) method: &'static str,
    /// Plural, for messages.
    pub(super) what: &'static str,
    pub(super) range: BlockRange,
    pub(super) first_id: u64,
    pub(super) n_requests: u64,
}

/// The answers in the order of their ids.
pub(super) fn slots<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    asked: Asked,
) -> Result<Vec<Slot<T>>, WireError> {
    let Asked {
        method,
        what,
        range,
        ..
    } = asked;
    if let Some(error) = refusal(body) {
        return Err(WireError::ServerRefusedBatch {
            range,
            method,
            error,
        });
    }
    let mut answers: Vec<Answer<'a, T>> =
        sonic_rs::from_slice(body).map_err(|error| blame::<T>(body, asked, &error))?;
    // Nothing moves when they are in order, as they nearly always are.
    answers.sort_by_key(|answer| answer.id);
    let mut slots = Vec::with_capacity(answers.len());
    let mut expected = asked.first_id..asked.first_id.saturating_add(asked.n_requests);
    for Answer { id, result, error } in answers {
        let slot = match (result, error) {
            (_, Some(error)) => Slot::Refused(error.into()),
            (Some(value), None) => Slot::Value(value),
            (None, None) => Slot::Null,
        };
        match (id, expected.next()) {
            (Some(id), Some(next)) if id == next => slots.push(slot),
            (Some(id), Some(next)) if id > next && id < expected.end => {
                return Err(WireError::MissingAnswer {
                    range,
                    method,
                    id: next,
                });
            }
            (Some(id), _) => return Err(WireError::UnexpectedAnswer { range, method, id }),
            (None, _) => {
                return Err(match slot {
                    Slot::Refused(error) => WireError::ServerRefusedBatch {
                        range,
                        method,
                        error,
                    },
                    _ => WireError::Json {
                        what,
                        range,
                        cause: "an answer without an id".to_owned(),
                    },
                });
            }
        }
    }
    match expected.next() {
        Some(id) => Err(WireError::MissingAnswer { range, method, id }),
        None => Ok(slots),
    }
}

/// Hashes of all transactions of a batch answer with blocks, block after block: what is asked one by one from a node
/// that has no `eth_getBlockReceipts`. Blocks that are missing count as empty here; decoding the range reports them.
pub(crate) fn transaction_hashes(body: &[u8], range: BlockRange) -> Result<Vec<&str>, WireError> {
    let blocks = slots::<BlockHashes<'_>>(body, asked_blocks(range))?;
    Ok(blocks
        .into_iter()
        .filter_map(|slot| match slot {
            Slot::Value(block) => Some(block.transactions),
            Slot::Null | Slot::Refused(_) => None,
        })
        .flatten()
        .map(|transaction| transaction.hash)
        .collect())
}

pub(super) fn asked_blocks(range: BlockRange) -> Asked {
    asked_by_number("eth_getBlockByNumber", "blocks", range)
}

pub(super) fn asked_receipts(range: BlockRange) -> Asked {
    asked_by_number("eth_getBlockReceipts", "receipts", range)
}

/// Ids of requests by block are the block numbers.
fn asked_by_number(method: &'static str, what: &'static str, range: BlockRange) -> Asked {
    Asked {
        method,
        what,
        range,
        first_id: range.first().0,
        n_requests: range.n_blocks(),
    }
}

/// A single error object in place of the array: how Besu refuses a batch that is too large.
fn refusal(body: &[u8]) -> Option<ServerError> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let answer: SingleAnswer<'_> = sonic_rs::from_slice(body).ok()?;
    answer.error.map(ServerError::from)
}

/// The slow way round, only once something failed: which element is it?
fn blame<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    asked: Asked,
    error: &sonic_rs::Error,
) -> WireError {
    let Asked { what, range, .. } = asked;
    let whole = || WireError::Json {
        what,
        range,
        cause: one_line(error),
    };
    let Ok(text) = std::str::from_utf8(body) else {
        return whole();
    };
    let Ok(elements) = sonic_rs::from_str::<Vec<LazyValue<'a>>>(text) else {
        return whole();
    };
    for element in elements {
        // Goes back to the body to borrow from it for as long as it lives.
        let raw = match element.as_raw_cow() {
            Cow::Borrowed(raw) => raw,
            Cow::Owned(_) => return whole(),
        };
        if let Err(error) = sonic_rs::from_str::<Answer<'a, T>>(raw) {
            let id = sonic_rs::from_str::<IdOnly>(raw)
                .ok()
                .and_then(|answer| answer.id);
            let number = range.numbers().find(|number| Some(number.0) == id);
            return match number {
                Some(number) => WireError::JsonOfBlock {
                    what,
                    number,
                    cause: one_line(&error),
                },
                None => WireError::Json {
                    what,
                    range,
                    cause: one_line(&error),
                },
            };
        }
    }
    whole()
}

/// The parser's message without the excerpt of the body that it draws below.
fn one_line(error: &sonic_rs::Error) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[derive(Deserialize)]
struct Answer<'a, T> {
    id: Option<u64>,
    result: Option<T>,
    #[serde(borrow)]
    error: Option<AnswerError<'a>>,
}

#[derive(Deserialize)]
struct IdOnly {
    id: Option<u64>,
}

#[derive(Deserialize)]
struct BlockHashes<'a> {
    #[serde(borrow)]
    transactions: Vec<TransactionHash<'a>>,
}

#[derive(Deserialize)]
struct TransactionHash<'a> {
    hash: &'a str,
}

/// Named here so that `decode` does not repeat the element types.
pub(super) fn block_slots(
    body: &[u8],
    range: BlockRange,
) -> Result<Vec<Slot<Block<'_>>>, WireError> {
    slots(body, asked_blocks(range))
}

pub(super) fn receipts_slots(
    body: &[u8],
    range: BlockRange,
) -> Result<Vec<Slot<Vec<Receipt<'_>>>>, WireError> {
    slots(body, asked_receipts(range))
}
