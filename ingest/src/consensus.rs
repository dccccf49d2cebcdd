//! What makes a block true: its hash, its commit seals, and the validator set that was in force when it was sealed.
//!
//! Everything here is a pure function of bytes: no network, no clock, no file access (a genesis file comes as bytes).
//!
//! Reading order: `extra_data` (what QBFT and IBFT 2.0 put into a header), `header_hash` (which form of it is hashed),
//! `seals` (who signed), `voting_rules` and `validator_set` (who was entitled to sign), `genesis` and `anchor` (where
//! that knowledge starts).
//!
//! How a block is judged, in this order:
//! 1. [`BftExtra::of_header`] takes the header's extraData apart;
//! 2. [`HeaderHasher::bft_hash`] must give the hash that the next block, or the caller, names;
//! 3. [`ValidatorSet::expect_header`]: number, validator list and proposer must agree with the set in force, which was
//!    replayed from the anchor and never taken from the header that is being judged;
//! 4. [`verify_quorum`] over [`HeaderHasher::seal_hash`];
//! 5. [`ValidatorSet::apply`] counts the header's vote and gives the set for the next block.
//!
//! In a linked range, one quorum proves all blocks before it as long as the set stands. So step 4 may be left out for a
//! block only if a later block of the same linked range passes it **and** no block in between (itself included)
//! returned a [`SetChange`] from step 5: the last block under an old set must carry a quorum of that old set.

mod anchor;
mod error;
mod extra_data;
mod genesis;
mod header_hash;
mod seals;
mod validator_set;
mod voting_rules;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod recorded;

use serde::{Deserialize, Serialize};

pub use anchor::{Anchor, AnchorError, AnchorKind, AnchorProof, verify_genesis};
pub use error::ConsensusError;
pub use extra_data::{BftExtra, ExtraDataError, Seal, Vote, VoteKind, reseal};
pub use genesis::{GenesisError, GenesisFile};
pub use header_hash::HeaderHasher;
pub use seals::{
    Recovered, SealError, SealReport, expect_quorum, recover_signer, recover_signers, verify_quorum,
};
pub use validator_set::{ChangeCause, SetChange, ValidatorSet};
pub use voting_rules::{RulesError, VoteDialect, VotingRules};

/// A protocol whose blocks carry the validators' commit seals.
///
/// QBFT was checked against recorded blocks of Besu 26.8.0 and 25.5.0. IBFT 2.0 follows the rules of Besu's sources and
/// was never seen on a live node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BftProtocol {
    Qbft,
    Ibft2,
}

/// By which rules a chain's headers are hashed and sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consensus {
    Qbft,
    Ibft2,
    /// The hash covers the header as it is, and there are no commit seals: development chains, clique, proof of work.
    Plain,
}

impl Consensus {
    /// The protocol of the commit seals; `None` where blocks carry none.
    pub fn bft(self) -> Option<BftProtocol> {
        match self {
            Self::Qbft => Some(BftProtocol::Qbft),
            Self::Ibft2 => Some(BftProtocol::Ibft2),
            Self::Plain => None,
        }
    }

    /// The name used in configuration, metrics and answers of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qbft => "qbft",
            Self::Ibft2 => "ibft2",
            Self::Plain => "none",
        }
    }
}

impl From<BftProtocol> for Consensus {
    fn from(protocol: BftProtocol) -> Self {
        match protocol {
            BftProtocol::Qbft => Self::Qbft,
            BftProtocol::Ibft2 => Self::Ibft2,
        }
    }
}
