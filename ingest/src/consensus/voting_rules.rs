use std::collections::BTreeMap;
use std::num::NonZeroU64;

use alloy_primitives::Address;
use lastro_schema::BlockNumber;
use serde::{Deserialize, Serialize};

/// Besu's and GoQuorum's default, in blocks.
const DEFAULT_EPOCH_LENGTH: NonZeroU64 = NonZeroU64::new(30_000).expect("not zero");

/// How the nodes of a chain count votes, where Besu and GoQuorum differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteDialect {
    /// The vote in an epoch block does not count; a vote to add a member or to remove a stranger is kept like any other.
    #[default]
    Besu,
    /// The vote in an epoch block counts, after the old ones were discarded; a vote that would change nothing does not.
    Goquorum,
}

/// The part of a genesis file's `config` that decides who may seal which block. No hash covers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VotingRules {
    epoch_length: NonZeroU64,
    overrides: BTreeMap<BlockNumber, Vec<Address>>,
    dialect: VoteDialect,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RulesError {
    #[error(
        "a transition replaces the validators at block 0; name them in the genesis extraData instead"
    )]
    OverrideAtGenesis,
    #[error("the transition at block {block} replaces the validators by an empty list")]
    EmptyOverride { block: BlockNumber },
}

impl Default for VotingRules {
    /// The defaults of Besu, for chains whose configuration nobody gave.
    fn default() -> Self {
        Self {
            epoch_length: DEFAULT_EPOCH_LENGTH,
            overrides: BTreeMap::new(),
            dialect: VoteDialect::Besu,
        }
    }
}

impl VotingRules {
    /// `epoch_length` is in blocks; `overrides` are the validators that `transitions` set from a block on.
    pub fn new(
        epoch_length: NonZeroU64,
        overrides: BTreeMap<BlockNumber, Vec<Address>>,
        dialect: VoteDialect,
    ) -> Result<Self, RulesError> {
        let mut rules = Self {
            epoch_length,
            overrides,
            dialect,
        };
        for (block, validators) in &mut rules.overrides {
            if *block == BlockNumber(0) {
                return Err(RulesError::OverrideAtGenesis);
            }
            if validators.is_empty() {
                return Err(RulesError::EmptyOverride { block: *block });
            }
            validators.sort_unstable();
            validators.dedup();
        }
        Ok(rules)
    }

    /// In blocks.
    pub fn epoch_length(&self) -> NonZeroU64 {
        self.epoch_length
    }

    pub fn dialect(&self) -> VoteDialect {
        self.dialect
    }

    /// All outstanding votes are discarded at such a block.
    pub fn is_epoch_block(&self, number: BlockNumber) -> bool {
        number.0 % self.epoch_length == 0
    }

    /// Blocks from which on the configuration replaces the validators, with the sorted new ones.
    pub fn overrides(&self) -> &BTreeMap<BlockNumber, Vec<Address>> {
        &self.overrides
    }
}
