use alloy_primitives::Address;
use lastro_schema::BlockNumber;

use super::{ExtraDataError, SealError};

/// A header that is not what the rules and the set in force demand. Nothing of such a block may be stored; another node
/// may have a true one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConsensusError {
    #[error("malformed extraData in block {block}")]
    ExtraData {
        block: BlockNumber,
        source: ExtraDataError,
    },

    #[error(
        "header of block {block} has {present} but not {absent}, which an earlier fork brought"
    )]
    FieldGap {
        block: BlockNumber,
        absent: &'static str,
        present: &'static str,
    },

    #[error(
        "expected a header of block {expected}, found block {found}: the validator set is replayed block by block"
    )]
    OutOfOrder {
        expected: BlockNumber,
        found: BlockNumber,
    },

    #[error("block {block} lists the validators {found:?}, but the set in force is {expected:?}")]
    UnexpectedValidators {
        block: BlockNumber,
        expected: Vec<Address>,
        found: Vec<Address>,
    },

    #[error(
        "block {block} lists no validators, as in validator-contract mode: the set is kept by a contract and cannot be \
         replayed from votes, so seals prove nothing here"
    )]
    ValidatorContractMode { block: BlockNumber },

    #[error("block {block} was proposed by {proposer}, who is not a validator in force")]
    ForeignProposer {
        block: BlockNumber,
        proposer: Address,
    },

    #[error("the seals of block {block} do not prove it")]
    Seals {
        block: BlockNumber,
        source: SealError,
    },

    #[error("the stored validator set is unreadable: {reason}; replay it from the anchor")]
    StoredSet { reason: String },

    #[error(
        "the stored validator set was replayed under other voting rules (epoch length, transitions or dialect) than the \
         anchor gives now; give the former anchor, or index again from block 0"
    )]
    RulesChanged,
}
