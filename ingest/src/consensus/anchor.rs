//! Where trust starts: what the operator says about block 0, and the proof that a node's block 0 agrees with it.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::sync::Arc;

use alloy_primitives::{B256, b256};
use lastro_schema::{BlockNumber, BlockRef, Header};
use serde::{Deserialize, Serialize};

use super::{
    BftExtra, Consensus, ConsensusError, ExtraDataError, GenesisFile, HeaderHasher, ValidatorSet,
    VotingRules,
};

/// mixHash of every block of the Istanbul family (IBFT 1.0, IBFT 2.0, QBFT).
const ISTANBUL_MIX_HASH: B256 =
    b256!("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365");

/// What the operator gives. The hash of block 0 covers its validators, but not the `config` of the genesis file, which
/// says how the set may change: so the voting rules are part of each kind.
#[derive(Clone, Debug)]
pub enum Anchor {
    /// Block 0 and the rules follow from the file.
    GenesisFile(Box<GenesisFile>),
    /// Block 0 must have this hash; the rules are the operator's word.
    PinnedHash { hash: B256, rules: Arc<VotingRules> },
    /// Block 0 is whatever the node says: everything after it is "trust on first use".
    FirstUse { rules: Arc<VotingRules> },
}

/// The names that the API and the store use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorKind {
    GenesisFile,
    PinnedHash,
    FirstUse,
}

/// Block 0 of a node, agreed with the anchor.
#[derive(Clone, Debug)]
pub struct AnchorProof {
    pub kind: AnchorKind,
    pub genesis: BlockRef,
    pub consensus: Consensus,
    /// The set for block 1; `None` where blocks carry no seals.
    pub validators: Option<ValidatorSet>,
}

#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    #[error("expected the header of block 0, found that of block {found}")]
    NotGenesis { found: BlockNumber },
    #[error(
        "block 0 of the node has the hash {found}, but the genesis file gives {expected}; they differ in {}: this is \
         another chain, or not its genesis file",
        .fields.join(", ")
    )]
    OtherGenesis {
        expected: B256,
        found: B256,
        fields: Vec<&'static str>,
    },
    #[error(
        "block 0 of the node has the hash {found}, but {expected} is pinned: this is another chain"
    )]
    OtherHash { expected: B256, found: B256 },
    #[error(
        "block 0 has the mixHash of the Istanbul family, but its extraData is of neither QBFT nor IBFT 2.0: IBFT 1.0 is \
         not supported"
    )]
    UnknownExtraData {
        qbft: ExtraDataError,
        ibft2: ExtraDataError,
    },
    #[error(transparent)]
    Genesis(#[from] ConsensusError),
}

impl Anchor {
    pub fn kind(&self) -> AnchorKind {
        match self {
            Self::GenesisFile(_) => AnchorKind::GenesisFile,
            Self::PinnedHash { .. } => AnchorKind::PinnedHash,
            Self::FirstUse { .. } => AnchorKind::FirstUse,
        }
    }

    pub fn rules(&self) -> &Arc<VotingRules> {
        match self {
            Self::GenesisFile(file) => &file.rules,
            Self::PinnedHash { rules, .. } | Self::FirstUse { rules } => rules,
        }
    }
}

impl AnchorKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::GenesisFile => "genesis_file",
            Self::PinnedHash => "pinned_hash",
            Self::FirstUse => "first_use",
        }
    }
}

impl Consensus {
    /// Tells from block 0 how its chain is sealed. Sound as far as block 0 is trusted: its hash covers extraData.
    pub fn detect(genesis: &Header) -> Result<Self, AnchorError> {
        match BftExtra::protocol_of(&genesis.extra_data) {
            Ok(protocol) => Ok(protocol.into()),
            Err(_) if genesis.mix_hash != ISTANBUL_MIX_HASH => Ok(Self::Plain),
            Err((qbft, ibft2)) => Err(AnchorError::UnknownExtraData { qbft, ibft2 }),
        }
    }
}

/// Demands that a node's block 0 is the one that `anchor` stands for, and gives the validators it starts with.
pub fn verify_genesis(anchor: &Anchor, genesis: &Header) -> Result<AnchorProof, AnchorError> {
    if genesis.number != BlockNumber(0) {
        return Err(AnchorError::NotGenesis {
            found: genesis.number,
        });
    }
    let found = HeaderHasher::new().plain_hash(genesis)?;
    let consensus = match anchor {
        Anchor::GenesisFile(file) if file.hash != found => {
            let fields = differing_fields(&file.header, genesis);
            return Err(AnchorError::OtherGenesis {
                expected: file.hash,
                found,
                fields,
            });
        }
        Anchor::PinnedHash { hash, .. } if *hash != found => {
            return Err(AnchorError::OtherHash {
                expected: *hash,
                found,
            });
        }
        Anchor::GenesisFile(file) => file.consensus,
        Anchor::PinnedHash { .. } | Anchor::FirstUse { .. } => Consensus::detect(genesis)?,
    };
    let validators = match consensus.bft() {
        None => None,
        Some(protocol) => {
            let extra = BftExtra::of_header(protocol, genesis)?;
            Some(ValidatorSet::from_genesis(
                Arc::clone(anchor.rules()),
                &extra,
            )?)
        }
    };
    let genesis = BlockRef {
        number: genesis.number,
        hash: found,
    };
    Ok(AnchorProof {
        kind: anchor.kind(),
        genesis,
        consensus,
        validators,
    })
}

fn differing_fields(expected: &Header, found: &Header) -> Vec<&'static str> {
    let fields = [
        ("parentHash", expected.parent_hash == found.parent_hash),
        ("sha3Uncles", expected.ommers_hash == found.ommers_hash),
        ("miner", expected.beneficiary == found.beneficiary),
        (
            "stateRoot (the allocated accounts)",
            expected.state_root == found.state_root,
        ),
        (
            "transactionsRoot",
            expected.transactions_root == found.transactions_root,
        ),
        (
            "receiptsRoot",
            expected.receipts_root == found.receipts_root,
        ),
        ("logsBloom", expected.logs_bloom == found.logs_bloom),
        ("difficulty", expected.difficulty == found.difficulty),
        ("gasLimit", expected.gas_limit == found.gas_limit),
        ("gasUsed", expected.gas_used == found.gas_used),
        ("timestamp", expected.timestamp == found.timestamp),
        (
            "extraData (the validators)",
            expected.extra_data == found.extra_data,
        ),
        ("mixHash", expected.mix_hash == found.mix_hash),
        ("nonce", expected.nonce == found.nonce),
        (
            "baseFeePerGas",
            expected.base_fee_per_gas == found.base_fee_per_gas,
        ),
        (
            "withdrawalsRoot",
            expected.withdrawals_root == found.withdrawals_root,
        ),
        ("blobGasUsed", expected.blob_gas_used == found.blob_gas_used),
        (
            "excessBlobGas",
            expected.excess_blob_gas == found.excess_blob_gas,
        ),
        (
            "parentBeaconBlockRoot",
            expected.parent_beacon_block_root == found.parent_beacon_block_root,
        ),
        (
            "requestsHash",
            expected.requests_hash == found.requests_hash,
        ),
    ];
    fields
        .iter()
        .filter(|(_, equal)| !equal)
        .map(|(name, _)| *name)
        .collect()
}
