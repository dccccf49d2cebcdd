//! The `config` object: which protocol seals, and the voting rules.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use alloy_primitives::Address;
use lastro_schema::{BlockNumber, ChainId};
use serde_json::Value;

use super::fields::{Fields, malformed, parse_address};
use super::{Consensus, GenesisError, VotingRules};
use crate::consensus::VoteDialect;

pub(super) struct Config {
    pub(super) chain_id: ChainId,
    pub(super) consensus: Consensus,
    pub(super) rules: VotingRules,
    pub(super) block_period: Option<Duration>,
    pub(super) request_timeout: Option<Duration>,
}

/// The object that configures the protocol, by its key.
struct Protocol<'a> {
    consensus: Consensus,
    key: &'static str,
    fields: Fields<'a>,
}

impl Config {
    pub(super) fn read(config: &Fields<'_>) -> Result<Self, GenesisError> {
        let chain_id = ChainId(
            config
                .u64("chainId")?
                .ok_or_else(|| config.missing("chainId"))?,
        );
        let Some(protocol) = read_protocol(config)? else {
            return Ok(Self {
                chain_id,
                consensus: Consensus::Plain,
                rules: VotingRules::default(),
                block_period: None,
                request_timeout: None,
            });
        };
        refuse_contract_mode(&protocol.fields, BlockNumber(0))?;
        if protocol
            .fields
            .u64("startBlock")?
            .is_some_and(|block| block > 0)
        {
            return Err(GenesisError::UnsupportedTransition {
                path: protocol.fields.path("startBlock"),
            });
        }
        let seconds = |key| {
            protocol
                .fields
                .u64(key)
                .map(|value| value.map(Duration::from_secs))
        };
        Ok(Self {
            chain_id,
            consensus: protocol.consensus,
            rules: read_rules(config, &protocol)?,
            block_period: seconds("blockPeriodSeconds")?,
            request_timeout: seconds("requestTimeoutSeconds")?,
        })
    }
}

fn read_protocol<'a>(config: &Fields<'a>) -> Result<Option<Protocol<'a>>, GenesisError> {
    if config.get("ibft")?.is_some() {
        return Err(GenesisError::Ibft1 {
            path: config.path("ibft"),
        });
    }
    let mut found: Option<Protocol<'a>> = None;
    for (key, consensus) in [
        ("qbft", Consensus::Qbft),
        ("ibft2", Consensus::Ibft2),
        ("istanbul", Consensus::Qbft),
    ] {
        let Some(fields) = config.object(key)? else {
            continue;
        };
        // GoQuorum's older spelling stands for QBFT only if that is said to start at block 0.
        if key == "istanbul" && fields.u64("testQBFTBlock")? != Some(0) {
            return Err(GenesisError::Ibft1 {
                path: config.path(key),
            });
        }
        if let Some(first) = &found {
            return Err(GenesisError::TwoProtocols {
                first: first.key,
                second: key,
            });
        }
        found = Some(Protocol {
            consensus,
            key,
            fields,
        });
    }
    Ok(found)
}

fn read_rules(config: &Fields<'_>, protocol: &Protocol<'_>) -> Result<VotingRules, GenesisError> {
    let is_goquorum = protocol.key == "istanbul" || config.bool("isQuorum")? == Some(true);
    let dialect = if is_goquorum {
        VoteDialect::Goquorum
    } else {
        VoteDialect::Besu
    };
    let overrides = match dialect {
        VoteDialect::Besu => read_overrides(config, protocol)?,
        VoteDialect::Goquorum => {
            refuse_goquorum_transitions(config)?;
            BTreeMap::new()
        }
    };
    let key = if protocol.key == "istanbul" {
        "epoch"
    } else {
        "epochLength"
    };
    let epoch_length = match protocol.fields.u64(key)? {
        None => VotingRules::default().epoch_length(),
        Some(length) => NonZeroU64::new(length).ok_or_else(|| {
            malformed(
                protocol.fields.path(key),
                "a number of blocks above 0",
                &Value::from(length),
            )
        })?,
    };
    Ok(VotingRules::new(epoch_length, overrides, dialect)?)
}

/// Besu: `transitions.<protocol>` is a list of changes, some of which name validators.
fn read_overrides(
    config: &Fields<'_>,
    protocol: &Protocol<'_>,
) -> Result<BTreeMap<BlockNumber, Vec<Address>>, GenesisError> {
    let mut overrides = BTreeMap::new();
    let Some(transitions) = config.object("transitions")? else {
        return Ok(overrides);
    };
    for (index, entry) in transitions
        .array(protocol.key)?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let entry = Fields::of(
            entry,
            format!("{}[{index}]", transitions.path(protocol.key)),
        )?;
        let block = BlockNumber(entry.u64("block")?.ok_or_else(|| entry.missing("block"))?);
        refuse_contract_mode(&entry, block)?;
        let Some(validators) = entry.array("validators")? else {
            continue;
        };
        let validators = validators
            .iter()
            .map(|value| {
                let address = value.as_str().and_then(parse_address);
                address.ok_or_else(|| {
                    malformed(entry.path("validators"), "a list of addresses", value)
                })
            })
            .collect::<Result<_, _>>()?;
        if overrides.insert(block, validators).is_some() {
            return Err(GenesisError::Ambiguous {
                path: entry.path("block"),
            });
        }
    }
    Ok(overrides)
}

fn refuse_contract_mode(fields: &Fields<'_>, block: BlockNumber) -> Result<(), GenesisError> {
    let by_mode = fields
        .get("validatorSelectionMode")?
        .and_then(Value::as_str)
        .is_some_and(|mode| mode.eq_ignore_ascii_case("contract"));
    for (key, refused) in [
        (
            "validatorContractAddress",
            fields.get("validatorContractAddress")?.is_some(),
        ),
        ("validatorSelectionMode", by_mode),
    ] {
        if refused {
            return Err(GenesisError::ValidatorContract {
                path: fields.path(key),
                block,
            });
        }
    }
    Ok(())
}

/// GoQuorum: `transitions` is a list. Those of block times or rewards do not matter here; those that change who seals
/// or when votes are dropped work otherwise than in Besu and were never seen.
fn refuse_goquorum_transitions(config: &Fields<'_>) -> Result<(), GenesisError> {
    for (index, entry) in config
        .array("transitions")?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let entry = Fields::of(entry, format!("{}[{index}]", config.path("transitions")))?;
        let block = BlockNumber(entry.u64("block")?.unwrap_or_default());
        refuse_contract_mode(&entry, block)?;
        for key in [
            "validators",
            "validatorSelectionMode",
            "epochLength",
            "algorithm",
        ] {
            if entry.get(key)?.is_some() {
                return Err(GenesisError::UnsupportedTransition {
                    path: entry.path(key),
                });
            }
        }
    }
    Ok(())
}
