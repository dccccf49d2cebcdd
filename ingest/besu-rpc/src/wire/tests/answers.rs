//! Batch answers that are not what was asked for.

use bytes::Bytes;
use lastro_schema::{BlockNumber, BlockRange};
use serde_json::{Value, json};

use super::{BERLIN, CANCUN, fetched, number_of, recorded};
use crate::{
    EndpointId, FetchedRange, WireError,
    fetched::FetchedPart,
    wire::{ReceiptBatch, ReceiptBodies, parse_quantity, transaction_hashes},
};

/// Recorded blocks 28 to 31 as two batch answers.
struct Batch {
    blocks: Vec<Value>,
    receipts: Vec<Value>,
}

const FIRST: u64 = 28;
const LAST: u64 = 31;

fn batch() -> Batch {
    let recorded = recorded(CANCUN);
    let of_range = recorded
        .iter()
        .filter(|(block, _)| (FIRST..=LAST).contains(&number_of(block)));
    let (blocks, receipts) = of_range
        .map(|(block, receipts)| {
            let id = number_of(block);
            let answer = |result| json!({"jsonrpc": "2.0", "id": id, "result": result});
            (answer(block), answer(receipts))
        })
        .unzip();
    Batch { blocks, receipts }
}

impl Batch {
    fn fetched(&self) -> FetchedRange {
        let body = |answers: &Vec<Value>| Bytes::from(json!(answers).to_string());
        FetchedRange::from_bodies(
            EndpointId(0),
            range(),
            body(&self.blocks),
            body(&self.receipts),
        )
    }

    fn error(&self) -> WireError {
        self.fetched().decode().unwrap_err()
    }
}

fn range() -> BlockRange {
    BlockRange::new(BlockNumber(FIRST), BlockNumber(LAST)).unwrap()
}

#[test]
fn answers_may_come_in_any_order() {
    let mut batch = batch();
    let in_order = batch.fetched();
    let expected = in_order.decode().unwrap();
    assert_eq!(
        expected.iter().map(|b| b.block.number).collect::<Vec<_>>(),
        ["0x1c", "0x1d", "0x1e", "0x1f"]
    );
    assert_eq!(
        expected
            .iter()
            .map(|b| b.receipts.len())
            .collect::<Vec<_>>(),
        [2, 5, 2, 4]
    );
    batch.blocks.reverse();
    batch.receipts.swap(0, 2);
    assert_eq!(batch.fetched().decode().unwrap(), expected);
    assert_eq!(in_order.n_bytes(), batch.fetched().n_bytes());
}

#[test]
fn nulls_and_unknown_blocks_are_retryable() {
    let number = BlockNumber(29);
    let mut without_block = batch();
    without_block.blocks[1]["result"] = Value::Null;
    let mut without_receipts = batch();
    without_receipts.receipts[1]["result"] = Value::Null;
    // Besu 25.5.0 beyond its head.
    let mut refused = batch();
    refused.receipts[1] = json!({"jsonrpc": "2.0", "id": 29, "error": {"code": -32000, "message": "Block not found"}});
    for (batch, expected) in [
        (without_block, WireError::NullBlock { number }),
        (without_receipts, WireError::NullReceipts { number }),
        (refused, WireError::NullReceipts { number }),
    ] {
        let error = batch.error();
        assert_eq!(error, expected);
        assert!(error.is_retryable() && error.is_absent());
    }
}

#[test]
fn refusals_name_the_block() {
    let mut batch = batch();
    batch.receipts[2] = json!({"jsonrpc": "2.0", "id": 30, "error": {"code": -32603, "message": "Internal error\n\tat"}});
    let error = batch.error();
    assert!(
        matches!(&error, WireError::Server { number: BlockNumber(30), error, .. } if error.code == -32603)
    );
    assert!(error.is_retryable());
    batch.receipts[2] = json!({"jsonrpc": "2.0", "id": 30, "error": {"code": -32601, "message": "Method not found"}});
    assert!(!batch.error().is_retryable());
}

#[test]
fn a_batch_refused_as_a_whole_is_told_apart() {
    let refusal = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"Number of requests exceeds max batch size"}}"#;
    for body in [refusal.to_owned(), format!("[{refusal}]")] {
        let fetched = FetchedRange::from_bodies(
            EndpointId(0),
            range(),
            body.into(),
            Bytes::from_static(b"[]"),
        );
        let error = fetched.decode().unwrap_err();
        assert!(
            matches!(error, WireError::ServerRefusedBatch { .. }),
            "{error}"
        );
        assert!(error.is_retryable() && error.asks_for_less());
    }
}

#[test]
fn missing_doubled_and_foreign_answers_are_errors() {
    let mut missing = batch();
    missing.blocks.remove(2);
    assert!(matches!(
        missing.error(),
        WireError::MissingAnswer { id: 30, .. }
    ));
    let mut cut = batch();
    cut.receipts.pop();
    assert!(matches!(
        cut.error(),
        WireError::MissingAnswer { id: 31, .. }
    ));
    let mut doubled = batch();
    doubled.blocks.push(doubled.blocks[1].clone());
    assert!(matches!(
        doubled.error(),
        WireError::UnexpectedAnswer { id: 29, .. }
    ));
    for id in [27, 32, u64::MAX] {
        let mut foreign = batch();
        foreign.blocks[0]["id"] = id.into();
        assert!(matches!(
            foreign.error(),
            WireError::UnexpectedAnswer { .. } | WireError::MissingAnswer { .. }
        ));
    }
    let mut nameless = batch();
    nameless.blocks[0]["id"] = Value::Null;
    assert!(matches!(nameless.error(), WireError::Json { .. }));
}

#[test]
fn blocks_and_receipts_must_belong_together() {
    let mut other_number = batch();
    other_number.blocks[1]["result"]["number"] = "0x1c".into();
    assert!(matches!(
        other_number.error(),
        WireError::WrongNumber {
            asked: BlockNumber(29),
            ..
        }
    ));
    let mut other_block = batch();
    other_block.receipts[1]["result"] = other_block.receipts[0]["result"].clone();
    let error = other_block.error();
    assert!(
        matches!(
            error,
            WireError::ReceiptOfOtherBlock {
                number: BlockNumber(29),
                ..
            }
        ),
        "{error}"
    );
    let mut fewer = batch();
    fewer.receipts[1]["result"].as_array_mut().unwrap().pop();
    let (n_transactions, n_receipts) = (5, 4);
    assert_eq!(
        fewer.error(),
        WireError::ReceiptCount {
            number: BlockNumber(29),
            n_transactions,
            n_receipts
        }
    );
    let mut swapped = batch();
    swapped.receipts[1]["result"]
        .as_array_mut()
        .unwrap()
        .swap(0, 1);
    let error = swapped.error();
    assert!(matches!(
        error,
        WireError::ReceiptOfOtherTransaction {
            transaction_index: 0,
            ..
        }
    ));
    assert!(!error.is_retryable());
}

#[test]
fn json_errors_name_the_block_and_the_field() {
    let mut batch = batch();
    batch.blocks[3]["result"]
        .as_object_mut()
        .unwrap()
        .remove("stateRoot");
    let error = batch.error();
    assert!(
        matches!(
            error,
            WireError::JsonOfBlock {
                number: BlockNumber(31),
                what: "blocks",
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("stateRoot"), "{error}");
    // An escape cannot be borrowed: an error, not a panic and not a wrong value.
    let escaped = batch.fetched().parts[0]
        .receipts
        .bodies()
        .next()
        .unwrap()
        .clone();
    let escaped = String::from_utf8(escaped.to_vec())
        .unwrap()
        .replacen("\"0x", "\"\\u0030x", 1);
    let blocks = Bytes::from(json!(super::answers::batch().blocks).to_string());
    let fetched = FetchedRange::from_bodies(EndpointId(0), range(), blocks, escaped.into());
    let error = fetched.decode().unwrap_err();
    assert!(
        matches!(
            error,
            WireError::JsonOfBlock {
                what: "receipts",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn an_answer_cut_anywhere_is_an_error() {
    let (block, receipts) = &recorded(BERLIN)[1];
    let whole = fetched(block, receipts);
    let body = &whole.parts[0].blocks;
    for length in (0..body.len()).step_by(37) {
        let cut = FetchedRange::from_bodies(
            EndpointId(0),
            whole.range,
            body.slice(..length),
            whole.bodies().nth(1).unwrap().clone(),
        );
        assert!(cut.decode().unwrap_err().is_retryable());
    }
}

#[test]
fn a_fifth_topic_is_an_error() {
    let mut batch = batch();
    batch.receipts[0]["result"][0]["logs"][0]["topics"] = json!(["0x", "0x", "0x", "0x", "0x"]);
    assert!(batch.error().to_string().contains("four topics"));
}

#[test]
fn single_receipts_are_put_together_by_block() {
    let batch = batch();
    let fetched = batch.fetched();
    let blocks = fetched.parts[0].blocks.clone();
    let n_hashes = transaction_hashes(&blocks, range()).unwrap().len();
    assert_eq!(n_hashes, 13);
    let all: Vec<Value> = batch
        .receipts
        .iter()
        .flat_map(|answer| answer["result"].as_array().unwrap().clone())
        .collect();
    let answer =
        |(id, result): (usize, &Value)| json!({"jsonrpc": "2.0", "id": id, "result": result});
    let answers: Vec<Value> = all.iter().enumerate().map(answer).collect();
    let in_batches = |answers: &[Value]| {
        let batches = answers.chunks(5).map(|chunk| ReceiptBatch {
            n_requests: chunk.len(),
            body: json!(chunk.iter().rev().collect::<Vec<_>>())
                .to_string()
                .into(),
        });
        let receipts = ReceiptBodies::ByTransaction(batches.collect());
        let parts = vec![FetchedPart {
            range: range(),
            blocks: blocks.clone(),
            receipts,
        }];
        FetchedRange {
            endpoint: EndpointId(0),
            range: range(),
            parts,
        }
    };
    assert_eq!(
        in_batches(&answers).decode().unwrap(),
        fetched.decode().unwrap()
    );
    let mut absent = answers;
    absent[2]["result"] = Value::Null;
    let error = in_batches(&absent).decode().unwrap_err();
    assert_eq!(
        error,
        WireError::NullReceipt {
            number: BlockNumber(29),
            transaction_index: 0
        }
    );
}

#[test]
fn quantities_are_hex_and_nothing_else() {
    assert_eq!(parse_quantity("0x1c"), Some(28));
    assert_eq!(parse_quantity("0x01"), Some(1));
    for odd in ["", "0x", "1c", "0x+1", "0xg", "0x10000000000000000"] {
        assert_eq!(parse_quantity(odd), None, "{odd}");
    }
}
