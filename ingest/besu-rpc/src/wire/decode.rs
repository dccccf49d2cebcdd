//! Blocks joined with their receipts: one part of a fetched range, accepted whole or not at all.

use bytes::Bytes;
use lastro_schema::{BlockNumber, BlockRange};

use super::{
    Block, BlockWithReceipts, Receipt, WireError,
    answers::{Asked, Slot, block_slots, receipts_slots, slots},
};
use crate::error::ServerError;

/// Bodies of the answers that hold the receipts of a part.
#[derive(Clone)]
pub(crate) enum ReceiptBodies {
    /// One batch of `eth_getBlockReceipts`; ids are block numbers.
    ByBlock(Bytes),
    /// Batches of `eth_getTransactionReceipt` in order; ids count the transactions of the part from 0.
    ByTransaction(Vec<ReceiptBatch>),
}

#[derive(Clone)]
pub(crate) struct ReceiptBatch {
    pub(crate) n_requests: usize,
    pub(crate) body: Bytes,
}

impl ReceiptBodies {
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Bytes> {
        let (whole, batches): (_, &[ReceiptBatch]) = match self {
            Self::ByBlock(body) => (Some(body), &[]),
            Self::ByTransaction(batches) => (None, batches),
        };
        whole
            .into_iter()
            .chain(batches.iter().map(|batch| &batch.body))
    }
}

/// Blocks in ascending order, each with its receipts.
pub(crate) fn decode_part<'a>(
    range: BlockRange,
    blocks: &'a Bytes,
    receipts: &'a ReceiptBodies,
) -> Result<Vec<BlockWithReceipts<'a>>, WireError> {
    let blocks = decode_blocks(blocks, range)?;
    let receipts = match receipts {
        ReceiptBodies::ByBlock(body) => decode_receipts(body, range)?,
        ReceiptBodies::ByTransaction(batches) => decode_single_receipts(batches, range, &blocks)?,
    };
    let mut joined = Vec::with_capacity(blocks.len());
    for ((number, block), receipts) in range.numbers().zip(blocks).zip(receipts) {
        reconcile(number, &block, &receipts)?;
        joined.push(BlockWithReceipts { block, receipts });
    }
    Ok(joined)
}

/// A hex quantity such as `0x1c`; `None` when it is none or does not fit.
pub(crate) fn parse_quantity(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    // `from_str_radix` takes a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

fn decode_blocks(body: &[u8], range: BlockRange) -> Result<Vec<Block<'_>>, WireError> {
    let slots = block_slots(body, range)?;
    range
        .numbers()
        .zip(slots)
        .map(|(number, slot)| match slot {
            Slot::Value(block) => Ok(block),
            Slot::Null => Err(WireError::NullBlock { number }),
            Slot::Refused(error) if error.is_unknown_block() => {
                Err(WireError::NullBlock { number })
            }
            Slot::Refused(error) => Err(refused(number, "eth_getBlockByNumber", error)),
        })
        .collect()
}

fn decode_receipts(body: &[u8], range: BlockRange) -> Result<Vec<Vec<Receipt<'_>>>, WireError> {
    let slots = receipts_slots(body, range)?;
    range
        .numbers()
        .zip(slots)
        .map(|(number, slot)| match slot {
            Slot::Value(receipts) => Ok(receipts),
            Slot::Null => Err(WireError::NullReceipts { number }),
            Slot::Refused(error) if error.is_unknown_block() => {
                Err(WireError::NullReceipts { number })
            }
            Slot::Refused(error) => Err(refused(number, "eth_getBlockReceipts", error)),
        })
        .collect()
}

fn decode_single_receipts<'a>(
    batches: &'a [ReceiptBatch],
    range: BlockRange,
    blocks: &[Block<'_>],
) -> Result<Vec<Vec<Receipt<'a>>>, WireError> {
    const METHOD: &str = "eth_getTransactionReceipt";
    let mut answers = Vec::new();
    let mut first_id = 0;
    for batch in batches {
        let n_requests = u64::try_from(batch.n_requests).unwrap_or(u64::MAX);
        let asked = Asked {
            method: METHOD,
            what: "receipts",
            range,
            first_id,
            n_requests,
        };
        answers.extend(slots::<Receipt<'a>>(&batch.body, asked)?);
        first_id = first_id.saturating_add(n_requests);
    }
    let mut answers = answers.into_iter();
    let mut by_block = Vec::with_capacity(blocks.len());
    for (number, block) in range.numbers().zip(blocks) {
        let mut receipts = Vec::with_capacity(block.transactions.len());
        for transaction_index in 0..block.transactions.len() {
            match answers.next() {
                Some(Slot::Value(receipt)) => receipts.push(receipt),
                Some(Slot::Null) | None => {
                    return Err(WireError::NullReceipt {
                        number,
                        transaction_index,
                    });
                }
                Some(Slot::Refused(error)) => return Err(refused(number, METHOD, error)),
            }
        }
        by_block.push(receipts);
    }
    Ok(by_block)
}

fn refused(number: BlockNumber, method: &'static str, error: ServerError) -> WireError {
    WireError::Server {
        number,
        method,
        error,
    }
}

fn reconcile(
    number: BlockNumber,
    block: &Block<'_>,
    receipts: &[Receipt<'_>],
) -> Result<(), WireError> {
    if parse_quantity(block.number) != Some(number.0) {
        return Err(WireError::WrongNumber {
            asked: number,
            answered: block.number.to_owned(),
        });
    }
    for (transaction_index, receipt) in receipts.iter().enumerate() {
        // The hash first: after a reorganisation between the two answers the counts differ as well.
        let same_number = parse_quantity(receipt.block_number) == Some(number.0);
        if !same_number || !receipt.block_hash.eq_ignore_ascii_case(block.hash) {
            return Err(WireError::ReceiptOfOtherBlock {
                number,
                transaction_index,
                answered_hash: receipt.block_hash.to_owned(),
                answered_number: receipt.block_number.to_owned(),
            });
        }
    }
    if block.transactions.len() != receipts.len() {
        let (n_transactions, n_receipts) = (block.transactions.len(), receipts.len());
        return Err(WireError::ReceiptCount {
            number,
            n_transactions,
            n_receipts,
        });
    }
    for (transaction_index, (transaction, receipt)) in
        block.transactions.iter().zip(receipts).enumerate()
    {
        if !receipt
            .transaction_hash
            .eq_ignore_ascii_case(transaction.hash)
        {
            let answered = receipt.transaction_hash.to_owned();
            return Err(WireError::ReceiptOfOtherTransaction {
                number,
                transaction_index,
                answered,
            });
        }
    }
    Ok(())
}
