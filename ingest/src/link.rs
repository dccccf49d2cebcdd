//! Link stage: do these blocks, in this order, belong to the chain?
//!
//! Each block must name the one before it as its parent, list the validator set in force (replayed from the anchor, never
//! taken from the header) and be covered by a quorum of that set. A quorum proves a linked run of blocks back to the last
//! change of the set, so seals are checked at the end of a range and at each block whose vote changes the set; where all
//! seals are recovered anyway, at every block.

use std::{collections::HashMap, sync::Arc};

use alloy_primitives::{Address, B256};
use lastro_schema::{BlockNumber, BlockRef, UnixSeconds};
use thiserror::Error;

use crate::{
    consensus::{
        ChangeCause, Consensus, ConsensusError, SealError, SealReport, SetChange, ValidatorSet,
        VoteKind, expect_quorum, verify_quorum,
    },
    decode::{CheckedBlock, CheckedChunk, Sealed},
    project::SeenToken,
    rows::RangeRows,
};

/// A block that does not belong where it stands.
#[derive(Debug, Error)]
pub enum LinkError {
    #[error("block {number} names {found} as its parent, but block {parent} is the one before it")]
    Parent {
        number: BlockNumber,
        parent: BlockRef,
        found: B256,
    },
    #[error("block 0 is {found}, the anchor says {expected}")]
    Genesis { expected: BlockRef, found: BlockRef },
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
}

impl LinkError {
    /// A stable name for filters and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Parent { .. } => "parent_link",
            Self::Genesis { .. } => "genesis",
            Self::Consensus(ConsensusError::Seals { .. }) => "seals",
            Self::Consensus(ConsensusError::UnexpectedValidators { .. }) => "validators",
            Self::Consensus(_) => "consensus",
        }
    }
}

/// What is known of the chain up to a block; the next block is judged by it.
#[derive(Clone, Debug)]
pub struct ChainState {
    pub consensus: Consensus,
    /// Block 0, agreed with the anchor.
    pub genesis: BlockRef,
    /// The last linked block; `None` before block 0.
    pub head: Option<BlockRef>,
    /// Who seals the next block; `None` without BFT consensus.
    pub validators: Option<ValidatorSet>,
    /// Tokens seen so far, so that each is described once.
    pub tokens: Arc<HashMap<Address, BlockNumber>>,
}

/// A range that is proven and ready to be stored.
#[derive(Debug)]
pub struct LinkedRange {
    pub rows: RangeRows,
    pub last: BlockRef,
    pub last_timestamp: UnixSeconds,
    /// Tokens that no earlier block knows, in the order of their first block and address.
    pub new_tokens: Vec<(SeenToken, BlockNumber)>,
    /// The chain after the range.
    pub state: ChainState,
}

/// Links the chunks of a range to the chain.
///
/// # Errors
/// The first block that does not belong there; `state` is as before and nothing of the range is to be used.
pub fn link_range(
    state: &ChainState,
    chunks: Vec<CheckedChunk>,
) -> Result<LinkedRange, (BlockNumber, LinkError)> {
    let mut linker = Linker {
        state: state.clone(),
        rows: RangeRows::default(),
    };
    let mut n_left: usize = chunks.iter().map(|chunk| chunk.blocks.len()).sum();
    let mut last_timestamp = UnixSeconds::default();
    let mut seen_tokens = Vec::new();
    for mut chunk in chunks {
        // The chunk's own rows come first; what linking adds to them goes to its end, in block order as well.
        std::mem::swap(&mut linker.rows, &mut chunk.rows);
        for block in &chunk.blocks {
            n_left -= 1;
            linker
                .link(block, n_left == 0)
                .map_err(|error| (block.reference.number, error))?;
            last_timestamp = block.header.timestamp;
        }
        std::mem::swap(&mut linker.rows, &mut chunk.rows);
        linker.rows.append(chunk.rows);
        seen_tokens.extend(chunk.seen_tokens);
    }
    let new_tokens = linker.add_tokens(seen_tokens);
    // A range has at least one block, so there is a head now.
    let last = linker.state.head.unwrap_or(state.genesis);
    Ok(LinkedRange {
        rows: linker.rows,
        last,
        last_timestamp,
        new_tokens,
        state: linker.state,
    })
}

struct Linker {
    state: ChainState,
    rows: RangeRows,
}

impl Linker {
    fn link(&mut self, block: &CheckedBlock, is_last: bool) -> Result<(), LinkError> {
        self.expect_place(block)?;
        let proof = match (&block.sealed, self.state.validators.take()) {
            (Some(sealed), Some(set)) if block.reference.number.0 > 0 => {
                self.link_sealed(block, sealed, set, is_last)?
            }
            (_, Some(set)) => {
                self.push_set(&set, BlockNumber(0), BlockNumber(0), "genesis");
                self.state.validators = Some(set);
                "anchor"
            }
            (_, None) if self.state.consensus == Consensus::Plain => "no_signatures",
            (_, None) => {
                return Err(ConsensusError::ValidatorContractMode {
                    block: block.reference.number,
                }
                .into());
            }
        };
        self.rows.blocks.proof.push(proof);
        self.state.head = Some(block.reference);
        Ok(())
    }

    fn expect_place(&self, block: &CheckedBlock) -> Result<(), LinkError> {
        match self.state.head {
            None if block.reference == self.state.genesis => Ok(()),
            None => Err(LinkError::Genesis {
                expected: self.state.genesis,
                found: block.reference,
            }),
            Some(parent) if parent.hash == block.header.parent_hash => Ok(()),
            Some(parent) => {
                let (number, found) = (block.reference.number, block.header.parent_hash);
                Err(LinkError::Parent {
                    number,
                    parent,
                    found,
                })
            }
        }
    }

    fn link_sealed(
        &mut self,
        block: &CheckedBlock,
        sealed: &Sealed,
        set: ValidatorSet,
        is_last: bool,
    ) -> Result<&'static str, LinkError> {
        let (number, proposer) = (block.reference.number, block.header.beneficiary);
        set.expect_header(number, proposer, &sealed.extra.validators)?;
        let mut next = set.clone();
        let change = next.apply(number, proposer, sealed.extra.vote)?;
        let signers = match &sealed.signers {
            Some(recovered) => Some(judged(number, expect_quorum(&set, recovered))?),
            None if is_last || change.is_some() => Some(judged(
                number,
                verify_quorum(&set, sealed.seal_hash, &sealed.extra.seals),
            )?),
            None => None,
        };
        self.push_seals(number, sealed, signers.as_deref());
        self.push_vote(&set, block, sealed)?;
        if let Some(SetChange {
            first_block, cause, ..
        }) = change
        {
            let reason = match cause {
                ChangeCause::Vote => "vote",
                ChangeCause::Transition => "transition",
            };
            self.push_set(&next, first_block, number, reason);
        }
        self.state.validators = Some(next);
        Ok(if signers.is_some() {
            "sealed"
        } else {
            "linked"
        })
    }

    fn push_seals(&mut self, number: BlockNumber, sealed: &Sealed, signers: Option<&[Address]>) {
        let rows = &mut self.rows.block_seals;
        for (index, seal) in (0_u32..).zip(&sealed.extra.seals) {
            let signer = usize::try_from(index)
                .ok()
                .and_then(|index| signers?.get(index));
            rows.block_number.push(number.0);
            rows.seal_index.push(index);
            rows.seal.push(&seal.0);
            rows.signer.push(signer.map(|signer| &signer.0.0));
        }
    }

    fn push_vote(
        &mut self,
        set: &ValidatorSet,
        block: &CheckedBlock,
        sealed: &Sealed,
    ) -> Result<(), ConsensusError> {
        let Some(vote) = sealed.extra.vote else {
            return Ok(());
        };
        let counted = set.counts(block.header.beneficiary, vote)?;
        let rows = &mut self.rows.validator_votes;
        rows.block_number.push(block.reference.number.0);
        rows.proposer.push_address(&block.header.beneficiary);
        rows.recipient.push_address(&vote.recipient);
        rows.kind.push(match vote.kind {
            VoteKind::Add => "add",
            VoteKind::Remove => "remove",
        });
        rows.counted.push(u8::from(counted));
        Ok(())
    }

    fn push_set(
        &mut self,
        set: &ValidatorSet,
        first_block: BlockNumber,
        decided_in: BlockNumber,
        reason: &str,
    ) {
        let rows = &mut self.rows.validators;
        rows.first_block.push(first_block.0);
        rows.decided_in_block.push(decided_in.0);
        rows.reason.push(reason);
        rows.members.push_with(|members| {
            set.members()
                .iter()
                .for_each(|member| members.push_address(member))
        });
    }

    /// Keeps the tokens that are new to the chain.
    fn add_tokens(&mut self, seen: Vec<(SeenToken, BlockNumber)>) -> Vec<(SeenToken, BlockNumber)> {
        let mut new_tokens = Vec::new();
        for (seen, first_block) in seen {
            if !self.state.tokens.contains_key(&seen.token) {
                Arc::make_mut(&mut self.state.tokens).insert(seen.token, first_block);
                new_tokens.push((seen, first_block));
            }
        }
        new_tokens
    }
}

fn judged(
    block: BlockNumber,
    report: Result<SealReport, SealError>,
) -> Result<Vec<Address>, ConsensusError> {
    report
        .map(|report| report.signers)
        .map_err(|source| ConsensusError::Seals { block, source })
}
