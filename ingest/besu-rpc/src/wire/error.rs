//! What can be wrong with an answer that arrived whole.

use lastro_schema::{BlockNumber, BlockRange};

use crate::error::ServerError;

/// An answer that cannot be taken for the blocks that were asked for. Nothing of the range is returned then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the {what} of blocks {range} are not the JSON that was expected: {cause}")]
    Json {
        what: &'static str,
        range: BlockRange,
        cause: String,
    },
    #[error("the {what} of block {number} are not the JSON that was expected: {cause}")]
    JsonOfBlock {
        what: &'static str,
        number: BlockNumber,
        cause: String,
    },
    #[error("the node answered no block for number {number}, which it does not have (yet)")]
    NullBlock { number: BlockNumber },
    #[error("the node answered no receipts for block {number}, which it does not have (yet)")]
    NullReceipts { number: BlockNumber },
    #[error("the node answered no receipt for transaction {transaction_index} of block {number}")]
    NullReceipt {
        number: BlockNumber,
        transaction_index: usize,
    },
    #[error("the node refused {method} for block {number}: {error}")]
    Server {
        number: BlockNumber,
        method: &'static str,
        error: ServerError,
    },
    #[error("the node refused a batch of {method} for blocks {range}: {error}")]
    ServerRefusedBatch {
        range: BlockRange,
        method: &'static str,
        error: ServerError,
    },
    #[error("the batch answer for blocks {range} has no answer with id {id} to {method}")]
    MissingAnswer {
        range: BlockRange,
        method: &'static str,
        id: u64,
    },
    #[error(
        "the batch answer for blocks {range} has an answer with id {id} to {method} that was not asked for"
    )]
    UnexpectedAnswer {
        range: BlockRange,
        method: &'static str,
        id: u64,
    },
    #[error("asked for block {asked}, the node answered block number {answered:?}")]
    WrongNumber {
        asked: BlockNumber,
        answered: String,
    },
    #[error(
        "block {number} has {n_transactions} transactions, the node answered {n_receipts} receipts"
    )]
    ReceiptCount {
        number: BlockNumber,
        n_transactions: usize,
        n_receipts: usize,
    },
    #[error(
        "receipt {transaction_index} of block {number} belongs to another block: {answered_hash} at {answered_number}"
    )]
    ReceiptOfOtherBlock {
        number: BlockNumber,
        transaction_index: usize,
        answered_hash: String,
        answered_number: String,
    },
    #[error("receipt {transaction_index} of block {number} is for another transaction: {answered}")]
    ReceiptOfOtherTransaction {
        number: BlockNumber,
        transaction_index: usize,
        answered: String,
    },
}

impl WireError {
    /// Whether the same question can get a good answer later: a block just announced and not there yet, a node under
    /// load, an answer cut short, a reorganisation between two answers. Otherwise ask another node.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Json { .. }
            | Self::JsonOfBlock { .. }
            | Self::NullBlock { .. }
            | Self::NullReceipts { .. }
            | Self::NullReceipt { .. }
            | Self::MissingAnswer { .. }
            | Self::ReceiptOfOtherBlock { .. } => true,
            Self::Server { error, .. } | Self::ServerRefusedBatch { error, .. } => {
                error.is_retryable() || error.asks_for_less()
            }
            Self::UnexpectedAnswer { .. }
            | Self::WrongNumber { .. }
            | Self::ReceiptCount { .. }
            | Self::ReceiptOfOtherTransaction { .. } => false,
        }
    }

    /// Whether the node does not have what it was asked for, so that its head as we know it is too high.
    pub fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::NullBlock { .. } | Self::NullReceipts { .. } | Self::NullReceipt { .. }
        )
    }

    /// Whether the node would answer a smaller range.
    pub fn asks_for_less(&self) -> bool {
        match self {
            Self::Server { error, .. } | Self::ServerRefusedBatch { error, .. } => {
                error.asks_for_less()
            }
            _ => false,
        }
    }
}
