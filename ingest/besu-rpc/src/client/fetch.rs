//! A range of blocks with receipts from one endpoint: batches as large as it likes them, halved where it balks.

use std::{collections::VecDeque, io::Write};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, future::try_join, stream};
use lastro_schema::BlockRange;

use super::node::Node;
use crate::{
    envelope,
    error::RpcError,
    fetched::FetchedPart,
    wire::{ReceiptBatch, ReceiptBodies, transaction_hashes},
};

/// Parts of one range under way at once; the limiter of the endpoint has the last word.
const PARTS_IN_FLIGHT: usize = 4;
/// The same for batches of single receipts.
const RECEIPT_BATCHES_IN_FLIGHT: usize = 4;

const BLOCKS: &str = "eth_getBlockByNumber";
const BLOCK_RECEIPTS: &str = "eth_getBlockReceipts";
const SINGLE_RECEIPT: &str = "eth_getTransactionReceipt";

/// Parts in ascending order that cover the range.
pub(crate) async fn fetch_range(
    node: &Node,
    range: BlockRange,
) -> Result<Vec<FetchedPart>, RpcError> {
    let n_blocks = node.sizer().blocks_per_range();
    let parts: Vec<Vec<FetchedPart>> = stream::iter(range.chunks(as_u64(n_blocks)))
        .map(|chunk| fetch_chunk(node, chunk))
        .buffered(PARTS_IN_FLIGHT)
        .try_collect()
        .await?;
    Ok(parts.into_iter().flatten().collect())
}

/// One part, or several where the node finds it too much.
async fn fetch_chunk(node: &Node, range: BlockRange) -> Result<Vec<FetchedPart>, RpcError> {
    let mut parts = Vec::new();
    let mut todo = VecDeque::from([range]);
    while let Some(range) = todo.pop_front() {
        let n_blocks = usize::try_from(range.n_blocks()).unwrap_or(usize::MAX);
        match fetch_part(node, range, n_blocks).await {
            Ok(part) => parts.push(part),
            Err(error) if error.asks_for_less() && n_blocks > 1 => {
                if !matches!(error, RpcError::BatchLimit { .. }) {
                    node.sizer().too_much(n_blocks);
                }
                let smaller = node.sizer().blocks_per_range().min(n_blocks / 2);
                tracing::debug!(endpoint = %node.name, %range, smaller, %error, "range is split");
                let pieces: Vec<_> = range.chunks(as_u64(smaller)).collect();
                pieces
                    .into_iter()
                    .rev()
                    .for_each(|piece| todo.push_front(piece));
            }
            Err(error) => {
                if matches!(error, RpcError::Timeout { .. }) {
                    node.sizer().too_much(n_blocks);
                }
                return Err(error);
            }
        }
    }
    Ok(parts)
}

async fn fetch_part(
    node: &Node,
    range: BlockRange,
    n_blocks: usize,
) -> Result<FetchedPart, RpcError> {
    let numbers = || range.numbers().map(|number| (number.0, number.0));
    let blocks = envelope::batch(BLOCKS, numbers(), |body, number| {
        write!(body, r#"["{number:#x}",true]"#)
    });
    let blocks = node.batch(BLOCKS, blocks, n_blocks);
    let (blocks, receipts) = if node
        .capabilities()
        .is_none_or(|offered| offered.block_receipts)
    {
        let receipts = envelope::batch(BLOCK_RECEIPTS, numbers(), |body, number| {
            write!(body, r#"["{number:#x}"]"#)
        });
        let (blocks, receipts) =
            try_join(blocks, node.batch(BLOCK_RECEIPTS, receipts, n_blocks)).await?;
        node.sizer()
            .answered(n_blocks, blocks.len().max(receipts.len()));
        (blocks, ReceiptBodies::ByBlock(receipts))
    } else {
        let blocks = blocks.await?;
        node.sizer().answered(n_blocks, blocks.len());
        let receipts = fetch_single_receipts(node, range, &blocks).await?;
        (blocks, ReceiptBodies::ByTransaction(receipts))
    };
    Ok(FetchedPart {
        range,
        blocks,
        receipts,
    })
}

/// Receipts one by one, in batches, for a node without `eth_getBlockReceipts`.
async fn fetch_single_receipts(
    node: &Node,
    range: BlockRange,
    blocks: &Bytes,
) -> Result<Vec<ReceiptBatch>, RpcError> {
    let hashes = transaction_hashes(blocks, range)
        .map_err(|error| node.malformed(BLOCKS, error.to_string()))?;
    // Hash texts go into requests: nothing but hex may.
    if let Some(odd) = hashes.iter().find(|hash| !is_hash(hash)) {
        return Err(node.malformed(BLOCKS, format!("a transaction hash that is none: {odd:?}")));
    }
    let n_requests = node.sizer().requests_per_batch();
    let chunks: Vec<(usize, &[&str])> = hashes
        .chunks(n_requests)
        .enumerate()
        .map(|(i, chunk)| (i * n_requests, chunk))
        .collect();
    // Boxed one by one: the compiler cannot prove a stream of these borrowing futures to be `Send`.
    let fetches = chunks
        .into_iter()
        .map(|(first_id, hashes)| fetch_receipt_chunk(node, first_id, hashes).boxed());
    let batches: Vec<Vec<ReceiptBatch>> = stream::iter(fetches.collect::<Vec<_>>())
        .buffered(RECEIPT_BATCHES_IN_FLIGHT)
        .try_collect()
        .await?;
    Ok(batches.into_iter().flatten().collect())
}

async fn fetch_receipt_chunk(
    node: &Node,
    first_id: usize,
    hashes: &[&str],
) -> Result<Vec<ReceiptBatch>, RpcError> {
    let mut batches = Vec::new();
    let mut todo = VecDeque::from([(first_id, hashes)]);
    while let Some((first_id, hashes)) = todo.pop_front() {
        let numbered = (as_u64(first_id)..).zip(hashes.iter());
        let body = envelope::batch(SINGLE_RECEIPT, numbered, |body, hash| {
            write!(body, r#"["{hash}"]"#)
        });
        match node.batch(SINGLE_RECEIPT, body, hashes.len()).await {
            Ok(body) => batches.push(ReceiptBatch {
                n_requests: hashes.len(),
                body,
            }),
            Err(error) if error.asks_for_less() && hashes.len() > 1 => {
                let (first_half, second_half) = hashes.split_at(hashes.len() / 2);
                todo.push_front((first_id + first_half.len(), second_half));
                todo.push_front((first_id, first_half));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(batches)
}

fn is_hash(text: &str) -> bool {
    text.len() == 66
        && text
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
