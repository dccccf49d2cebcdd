//! A genesis file, in Besu's or GoQuorum's spelling: the header and hash of block 0 computed from it, and the part of its
//! `config` that no hash covers.
//!
//! Reading order: this file, `config` (who seals, by which rules), `header` (block 0), `state_root` (the allocated
//! accounts), `fields` (reading JSON without guessing).

mod config;
mod fields;
mod header;
mod state_root;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use lastro_schema::{BlockNumber, ChainId, Header};

use super::{
    BftExtra, Consensus, ConsensusError, ExtraDataError, HeaderHasher, RulesError, VotingRules,
};
use config::Config;
use fields::Fields;

/// What an operator's genesis file says about a chain.
#[derive(Clone, Debug)]
pub struct GenesisFile {
    pub chain_id: ChainId,
    pub consensus: Consensus,
    pub rules: Arc<VotingRules>,
    /// Block 0 as every node that runs on this file must have it.
    pub header: Header,
    pub hash: B256,
    /// Shortest time between blocks that the file starts with (a transition may change it later).
    pub block_period: Option<Duration>,
    /// How long validators wait before they try another round.
    pub request_timeout: Option<Duration>,
}

/// Why a genesis file cannot be the anchor.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    #[error("the genesis file is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("the genesis file lacks {path}")]
    Missing { path: String },
    #[error(
        "the genesis file has {path} in more than one spelling, which nodes read differently: keep one"
    )]
    Ambiguous { path: String },
    #[error("genesis file: {path} should be {expected}, but is {found}")]
    Malformed {
        path: String,
        expected: &'static str,
        found: String,
    },
    #[error(
        "the genesis file configures {first} as well as {second}: chains that change their consensus are not supported"
    )]
    TwoProtocols {
        first: &'static str,
        second: &'static str,
    },
    #[error(
        "the genesis file configures IBFT 1.0 ({path}), whose blocks are hashed and sealed by rules that are not \
         supported here"
    )]
    Ibft1 { path: String },
    #[error(
        "the genesis file selects validators by a contract from block {block} on ({path}): such a set cannot be replayed \
         from votes, so seals would prove nothing"
    )]
    ValidatorContract { path: String, block: BlockNumber },
    #[error("{path} in the genesis file changes who seals, in a way that is not supported")]
    UnsupportedTransition { path: String },
    #[error(
        "the genesis file has {path} active at block 0: headers of that fork are not supported"
    )]
    UnsupportedFork { path: String },
    #[error(
        "the genesis file is configured for {consensus}, but its extraData is not of that form"
    )]
    ExtraData {
        consensus: &'static str,
        source: ExtraDataError,
    },
    #[error(
        "the extraData of the genesis file is of {found}, but its config does not name that protocol: without its epoch \
         length and transitions the validators cannot be told"
    )]
    Unconfigured { found: &'static str },
    #[error(transparent)]
    Rules(#[from] RulesError),
    #[error("the genesis file gives no valid block 0")]
    Header(#[from] ConsensusError),
}

impl GenesisFile {
    pub fn parse(bytes: &[u8]) -> Result<Self, GenesisError> {
        let json: serde_json::Value = serde_json::from_slice(bytes)?;
        let root = Fields::root(&json)?;
        let config_fields = root
            .object("config")?
            .ok_or_else(|| root.missing("config"))?;
        let config = Config::read(&config_fields)?;

        let header = header::read(&root, &config_fields)?;
        if let Some(protocol) = config.consensus.bft() {
            let extra = BftExtra::decode(protocol, &header.extra_data).map_err(|source| {
                GenesisError::ExtraData {
                    consensus: config.consensus.name(),
                    source,
                }
            })?;
            if extra.validators.is_empty() {
                return Err(GenesisError::ValidatorContract {
                    path: root.path("extraData"),
                    block: BlockNumber(0),
                });
            }
        } else if let Ok(protocol) = BftExtra::protocol_of(&header.extra_data) {
            return Err(GenesisError::Unconfigured {
                found: Consensus::from(protocol).name(),
            });
        }
        // Besu and GoQuorum alike hash block 0 as it is.
        let hash = HeaderHasher::new().plain_hash(&header)?;
        Ok(Self {
            chain_id: config.chain_id,
            consensus: config.consensus,
            rules: Arc::new(config.rules),
            header,
            hash,
            block_period: config.block_period,
            request_timeout: config.request_timeout,
        })
    }
}
