//! Decode stage: the node's JSON straight into columns, each block proven against its own header on the way.
//!
//! A block leaves this stage only when its transactions root, receipts root, logs bloom, withdrawals root and header hash
//! have been recomputed from the fields that its rows hold. Whether the header belongs to the chain (parent link, validator
//! set, quorum) is the next stage's question, because only that one sees blocks in order.
//!
//! Reading order: this file, `block` (one block), `header`, `transaction`, `receipt` (its parts), `hex` (text to numbers).

mod block;
mod error;
mod header;
pub(crate) mod hex;
mod receipt;
mod transaction;

use lastro_besu_rpc::wire::BlockWithReceipts;
use lastro_schema::{BlockNumber, BlockRange};

use crate::{consensus::Consensus, project::SeenToken, rows::RangeRows};
use block::BlockDecoder;
pub use block::{CheckedBlock, Sealed};
pub use error::{ContentError, FieldError, Place};
pub(crate) use header::decode_header;

/// How much of each block is recomputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeRules {
    pub consensus: Consensus,
    /// Recover every sender and every seal, not only what the proof of a range needs.
    pub recover_all: bool,
}

/// Consecutive blocks whose contents are proven against their headers.
#[derive(Debug)]
pub struct CheckedChunk {
    pub blocks: Vec<CheckedBlock>,
    pub rows: RangeRows,
    /// Token contracts with a transfer event, each once, with the block of its first.
    pub seen_tokens: Vec<(SeenToken, BlockNumber)>,
}

/// A block that cannot be what its header says.
#[derive(Debug, thiserror::Error)]
#[error("block {number} is refused: {error}")]
pub struct BadBlock {
    pub number: BlockNumber,
    #[source]
    pub error: ContentError,
}

/// Decodes and checks all blocks of an answer.
///
/// # Errors
/// The first block that fails, with the reason; nothing of the chunk is to be used then.
pub fn decode_chunk(
    blocks: &[BlockWithReceipts<'_>],
    range: BlockRange,
    rules: DecodeRules,
) -> Result<CheckedChunk, BadBlock> {
    let mut decoder = BlockDecoder::new(rules);
    let mut checked = Vec::with_capacity(blocks.len());
    for (number, block) in range.numbers().zip(blocks) {
        checked.push(
            decoder
                .decode(number, block)
                .map_err(|error| BadBlock { number, error })?,
        );
    }
    let (rows, seen_tokens) = decoder.finish();
    Ok(CheckedChunk {
        blocks: checked,
        rows,
        seen_tokens,
    })
}
