use std::fmt;

use alloy_primitives::{Address, B256};
use thiserror::Error;

use super::hex::Malformed;
use crate::{chain::transaction::SignatureError, consensus::ConsensusError};

/// Part of a block that a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Header,
    Transaction(u32),
    Receipt(u32),
    Log { transaction: u32, position: u32 },
    Withdrawal(u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => write!(f, "the header"),
            Self::Transaction(index) => write!(f, "transaction {index}"),
            Self::Receipt(index) => write!(f, "receipt {index}"),
            Self::Log {
                transaction,
                position,
            } => write!(f, "log {position} of receipt {transaction}"),
            Self::Withdrawal(index) => write!(f, "withdrawal {index}"),
        }
    }
}

/// A field that is no number or byte string of its kind.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field} of {place} is {problem}")]
pub struct FieldError {
    pub place: Place,
    pub field: &'static str,
    pub problem: Malformed,
}

/// Why a block's content does not prove its header.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ContentError {
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("asked for block {asked}, got block {got}")]
    OtherBlock { asked: u64, got: u64 },
    #[error("{count} items are more than a block can hold")]
    TooManyItems { count: usize },
    #[error("transaction {index} has the unknown type {transaction_type}")]
    TransactionType { index: u32, transaction_type: u64 },
    #[error("transaction {index} hashes to {computed}, the node says {stated}")]
    TransactionHash {
        index: u32,
        computed: B256,
        stated: B256,
    },
    #[error("transaction {index} has no valid signature: {source}")]
    Signature { index: u32, source: SignatureError },
    #[error("transaction {index} was signed by {recovered}, the node says {stated}")]
    Sender {
        index: u32,
        recovered: Address,
        stated: Address,
    },
    #[error("the transactions give the root {computed}, the header says {stated}")]
    TransactionsRoot { computed: B256, stated: B256 },
    #[error("the receipts give the root {computed}, the header says {stated}")]
    ReceiptsRoot { computed: B256, stated: B256 },
    #[error("the logs of the block give another bloom than the header's")]
    Bloom,
    #[error("receipt {index} has neither a status nor a state root")]
    NoOutcome { index: u32 },
    #[error("receipt {index} uses less cumulative gas than the one before")]
    CumulativeGas { index: u32 },
    #[error("the receipts add up to {receipts} gas, the header says {header}")]
    GasUsed { receipts: u64, header: u64 },
    #[error(
        "log {position} of receipt {transaction} has the index {stated} where {expected} follows"
    )]
    LogIndex {
        transaction: u32,
        position: u32,
        stated: u64,
        expected: u32,
    },
    #[error("the header and the body disagree on whether there are withdrawals")]
    WithdrawalsPresence,
    #[error("the withdrawals give the root {computed}, the header says {stated}")]
    WithdrawalsRoot { computed: B256, stated: B256 },
    #[error("the header hashes to {computed}, the node says {stated}")]
    HeaderHash { computed: B256, stated: B256 },
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
}

impl ContentError {
    /// A stable name for filters and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Field(_) => "malformed_field",
            Self::OtherBlock { .. } => "other_block",
            Self::TooManyItems { .. } => "too_many_items",
            Self::TransactionType { .. } => "transaction_type",
            Self::TransactionHash { .. } => "transaction_hash",
            Self::Signature { .. } => "transaction_signature",
            Self::Sender { .. } => "sender",
            Self::TransactionsRoot { .. } => "transactions_root",
            Self::ReceiptsRoot { .. } => "receipts_root",
            Self::Bloom => "logs_bloom",
            Self::NoOutcome { .. } => "receipt_outcome",
            Self::CumulativeGas { .. } => "cumulative_gas",
            Self::GasUsed { .. } => "gas_used",
            Self::LogIndex { .. } => "log_index",
            Self::WithdrawalsPresence | Self::WithdrawalsRoot { .. } => "withdrawals_root",
            Self::HeaderHash { .. } => "header_hash",
            Self::Consensus(_) => "consensus",
        }
    }
}

/// Names the place of a field when its text turns out malformed.
#[derive(Clone, Copy, Debug)]
pub(super) struct At(pub(super) Place);

impl At {
    pub(super) fn field<T>(
        self,
        field: &'static str,
        value: Result<T, Malformed>,
    ) -> Result<T, FieldError> {
        value.map_err(|problem| FieldError {
            place: self.0,
            field,
            problem,
        })
    }

    pub(super) fn present<'a>(
        self,
        field: &'static str,
        value: Option<&'a str>,
    ) -> Result<&'a str, FieldError> {
        self.field(field, value.ok_or(Malformed::Missing))
    }
}
