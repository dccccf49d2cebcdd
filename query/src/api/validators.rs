//! Validator sets and commit seals.

use async_graphql::{Context, SimpleObject};

use crate::{
    api::{
        labels::ValidatorSetReason,
        scalars::{Address, BlockNumber, Bytes},
        scope::{ReadAt, Scope, store},
    },
    error::QueryError,
    read::validators::{self, SealRow, ValidatorSetRow},
};

/// The validators in force from a block on.
#[derive(Clone, Debug, SimpleObject)]
pub struct ValidatorSet {
    /// [computed] First block that this set seals.
    first_block: BlockNumber,
    /// [computed] Block whose header decided it (for genesis and transitions the first block itself).
    decided_in_block: BlockNumber,
    /// [computed] What put the set in force.
    reason: ValidatorSetReason,
    /// [computed] The set, ascending.
    members: Vec<Address>,
    /// [computed] Seals of distinct members that a block needs: two thirds of the set, rounded up.
    quorum: usize,
    /// The block at which this was read.
    read_at: ReadAt,
}

impl ValidatorSet {
    pub(crate) fn new(row: ValidatorSetRow, scope: &Scope) -> Result<Self, QueryError> {
        Ok(Self {
            first_block: row.first_block.into(),
            decided_in_block: row.decided_in_block.into(),
            reason: ValidatorSetReason::from_label(&row.reason)?,
            quorum: (2 * row.members.len()).div_ceil(3),
            members: row.members.into_iter().map(Into::into).collect(),
            read_at: scope.read_at()?,
        })
    }
}

/// A commit seal.
#[derive(Clone, Debug, SimpleObject)]
pub struct Seal {
    /// [proven] Block that the seal signs.
    block_number: BlockNumber,
    /// [stated] Position in the list of the header.
    seal_index: u32,
    /// [stated] The signature: r, s, and the parity of y.
    seal: Bytes,
    /// [computed] Validator that signed, recovered from the seal; null where only the range's last seals were checked.
    signer: Option<Address>,
}

impl From<SealRow> for Seal {
    fn from(row: SealRow) -> Self {
        Self {
            block_number: row.block_number.into(),
            seal_index: row.seal_index,
            seal: Bytes(row.seal.to_vec().into()),
            signer: row.signer.map(Into::into),
        }
    }
}

/// The commit seals of a block, as the node that was asked holds them: other nodes may hold other seals of the same block, so
/// a missing signer is no proof of absence.
#[derive(Clone, Debug, SimpleObject)]
pub struct BlockSeals {
    /// The block.
    block_number: BlockNumber,
    /// Its seals, in the order of the header.
    seals: Vec<Seal>,
    /// The validators in force for the block; null without BFT consensus.
    validators: Option<ValidatorSet>,
    /// The block at which this was read.
    read_at: ReadAt,
}

impl BlockSeals {
    pub(crate) async fn read(
        ctx: &Context<'_>,
        block: lastro_schema::BlockNumber,
        scope: &Scope,
    ) -> Result<Self, QueryError> {
        let store = store(ctx);
        let (seals, set) = futures::try_join!(
            validators::seals(store, block),
            validators::in_force(store, block)
        )?;
        Ok(Self {
            block_number: block.0.into(),
            seals: seals.into_iter().map(Into::into).collect(),
            validators: set.map(|row| ValidatorSet::new(row, scope)).transpose()?,
            read_at: scope.read_at()?,
        })
    }
}
