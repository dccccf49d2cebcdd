//! What a node may say that is not true, from the clumsy to the carefully covered up.
//!
//! A lie is applied to a copy of the honest chain, field by field; then its [`Disguise`] says how much of what depends on
//! the altered fields is made to fit again. What no liar can do without the validators' keys is to seal the result.

mod apply;
mod fields;
mod seals;
mod strangers;

use thiserror::Error;

use crate::chain::{Chain, ChainError};
use crate::served::ServedChain;

/// How far the node goes to cover up; each step includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disguise {
    /// Nothing else is touched.
    Bare,
    /// The blooms of receipts and header fit the logs.
    Blooms,
    /// Transaction hashes and senders, roots and gas used fit the body.
    Roots,
    /// The block hash fits the header.
    Hash,
    /// All later blocks are linked again: only the seals do not fit.
    Linked,
    /// One validator too few seals this block and the later ones, a stranger fills up the number.
    MinoritySealed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lie {
    /// The last log of the first receipt that has any is left out.
    MissingLog(Disguise),
    /// A log is written twice.
    ExtraLog(Disguise),
    AlteredLog(LogField, Disguise),
    AlteredReceipt(ReceiptField, Disguise),
    MissingReceipt(Disguise),
    /// The receipts of the nearest other block that has different ones; `relabelled` with this block's hash and number.
    ReceiptsOfAnotherBlock {
        relabelled: bool,
    },
    AlteredTransaction(TransactionField, Disguise),
    /// The first two transactions change places, with their receipts.
    SwappedTransactions(Disguise),
    /// The last transaction comes twice, with its receipt.
    DuplicatedTransaction(Disguise),
    /// The last transaction is left out, with its receipt.
    MissingTransaction(Disguise),
    AlteredWithdrawal(Disguise),
    AlteredHeader(HeaderField, Disguise),
    Seals(SealLie),
    /// From this block on strangers run the chain: hashes, links, lists and seals are theirs and fit each other.
    Strangers {
        history: StrangersHistory,
    },
    /// Under this number the node serves the next block, and so on.
    SkippedBlock,
    /// This block is left out, later ones are renumbered and linked.
    RemovedBlock,
    /// The node has everything but this block.
    AbsentBlock,
    /// The same validators on another chain: same chain id, genesis a second later. Wherever it is applied, it is the
    /// whole chain.
    OtherGenesis,
}

/// How the strangers came into the headers' validator lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StrangersHistory {
    /// They just stand there.
    None,
    /// Votes are forged in the name of the validators, and the lists follow from them.
    Votes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SealLie {
    /// One seal is noise.
    Forged,
    /// One seal is a stranger's.
    Stranger,
    /// One less than a quorum.
    TooFew,
    /// None at all.
    None,
    /// A quorum of seals, all of one validator.
    Repeated,
    /// One less than a quorum, and the (r, n-s, flipped v) twin of one of them.
    Twin,
    /// Those of the block before.
    OfAnotherBlock,
    /// A quorum of validators, for another round.
    OfAnotherRound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogField {
    Address,
    /// By place, 0 to 3.
    Topic(u8),
    /// Of a transfer: the amount.
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiptField {
    /// Success or failure; before Byzantium the root.
    Outcome,
    CumulativeGasUsed,
    LogsBloom,
    Type,
    // Not covered by the receipts root:
    GasUsed,
    EffectiveGasPrice,
    ContractAddress,
    From,
    To,
    TransactionHash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionField {
    ChainId,
    Nonce,
    GasPrice,
    MaxFeePerGas,
    MaxPriorityFeePerGas,
    MaxFeePerBlobGas,
    GasLimit,
    To,
    Value,
    Input,
    AccessList,
    BlobVersionedHashes,
    AuthorizationList,
    YParity,
    R,
    S,
    // Not covered by the transactions root:
    From,
    Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderField {
    ParentHash,
    OmmersHash,
    Miner,
    StateRoot,
    TransactionsRoot,
    ReceiptsRoot,
    LogsBloom,
    Difficulty,
    Number,
    GasLimit,
    GasUsed,
    Timestamp,
    Vanity,
    /// A stranger among the validators.
    Validators,
    /// A vote where there is none, none where there is one.
    Vote,
    Round,
    MixHash,
    Nonce,
    BaseFeePerGas,
    WithdrawalsRoot,
    BlobGasUsed,
    ExcessBlobGas,
    ParentBeaconBlockRoot,
    RequestsHash,
    /// What the node says the hash is.
    Hash,
}

impl Disguise {
    pub const ALL: [Self; 6] = [
        Self::Bare,
        Self::Blooms,
        Self::Roots,
        Self::Hash,
        Self::Linked,
        Self::MinoritySealed,
    ];
}

impl LogField {
    pub const ALL: [Self; 6] = [
        Self::Address,
        Self::Topic(0),
        Self::Topic(1),
        Self::Topic(2),
        Self::Topic(3),
        Self::Data,
    ];
}

impl ReceiptField {
    pub const ALL: [Self; 10] = [
        Self::Outcome,
        Self::CumulativeGasUsed,
        Self::LogsBloom,
        Self::Type,
        Self::GasUsed,
        Self::EffectiveGasPrice,
        Self::ContractAddress,
        Self::From,
        Self::To,
        Self::TransactionHash,
    ];
}

impl TransactionField {
    pub const ALL: [Self; 18] = [
        Self::ChainId,
        Self::Nonce,
        Self::GasPrice,
        Self::MaxFeePerGas,
        Self::MaxPriorityFeePerGas,
        Self::MaxFeePerBlobGas,
        Self::GasLimit,
        Self::To,
        Self::Value,
        Self::Input,
        Self::AccessList,
        Self::BlobVersionedHashes,
        Self::AuthorizationList,
        Self::YParity,
        Self::R,
        Self::S,
        Self::From,
        Self::Hash,
    ];
}

impl HeaderField {
    pub const ALL: [Self; 25] = [
        Self::ParentHash,
        Self::OmmersHash,
        Self::Miner,
        Self::StateRoot,
        Self::TransactionsRoot,
        Self::ReceiptsRoot,
        Self::LogsBloom,
        Self::Difficulty,
        Self::Number,
        Self::GasLimit,
        Self::GasUsed,
        Self::Timestamp,
        Self::Vanity,
        Self::Validators,
        Self::Vote,
        Self::Round,
        Self::MixHash,
        Self::Nonce,
        Self::BaseFeePerGas,
        Self::WithdrawalsRoot,
        Self::BlobGasUsed,
        Self::ExcessBlobGas,
        Self::ParentBeaconBlockRoot,
        Self::RequestsHash,
        Self::Hash,
    ];
}

impl SealLie {
    pub const ALL: [Self; 8] = [
        Self::Forged,
        Self::Stranger,
        Self::TooFew,
        Self::None,
        Self::Repeated,
        Self::Twin,
        Self::OfAnotherBlock,
        Self::OfAnotherRound,
    ];
}

impl Lie {
    /// Every lie with every field and every disguise.
    pub fn every() -> Vec<Self> {
        let mut lies = vec![
            Self::ReceiptsOfAnotherBlock { relabelled: false },
            Self::ReceiptsOfAnotherBlock { relabelled: true },
            Self::Strangers {
                history: StrangersHistory::None,
            },
            Self::Strangers {
                history: StrangersHistory::Votes,
            },
            Self::SkippedBlock,
            Self::RemovedBlock,
            Self::AbsentBlock,
            Self::OtherGenesis,
        ];
        lies.extend(SealLie::ALL.map(Self::Seals));
        for disguise in Disguise::ALL {
            lies.extend([
                Self::MissingLog(disguise),
                Self::ExtraLog(disguise),
                Self::MissingReceipt(disguise),
                Self::SwappedTransactions(disguise),
                Self::DuplicatedTransaction(disguise),
                Self::MissingTransaction(disguise),
                Self::AlteredWithdrawal(disguise),
            ]);
            lies.extend(LogField::ALL.map(|field| Self::AlteredLog(field, disguise)));
            lies.extend(ReceiptField::ALL.map(|field| Self::AlteredReceipt(field, disguise)));
            lies.extend(
                TransactionField::ALL.map(|field| Self::AlteredTransaction(field, disguise)),
            );
            lies.extend(HeaderField::ALL.map(|field| Self::AlteredHeader(field, disguise)));
        }
        lies
    }
}

#[derive(Debug, Error)]
pub enum LieError {
    #[error("there is no block {number} to lie about, or it is the genesis block")]
    NoSuchBlock { number: u64 },
    #[error("block {number} has nothing that {lie:?} could alter")]
    NothingToAlter { number: u64, lie: Lie },
    #[error(
        "the chain ends before the strangers have voted themselves in: {n_missing} blocks more are needed"
    )]
    ChainTooShort { n_missing: usize },
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl ServedChain {
    /// The chain with lies about some of its blocks, told one after the other. Genesis file and facts stay honest.
    pub fn lying(chain: &Chain, lies: &[(u64, Lie)]) -> Result<Self, LieError> {
        apply::apply(chain, lies)
    }
}
