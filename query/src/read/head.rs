//! The chain, the newest block that readers may look at, and the identity of the blocks that answers are pinned to.

use alloy_primitives::B256;
use clickhouse::Row;
use lastro_schema::{BlockNumber, BlockRef, UnixSeconds};
use serde::Deserialize;

use crate::{
    error::QueryError,
    read::{sql::Sql, wire},
    store::Store,
};

/// What chain the tables hold and what its proofs rest on.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct ChainRow {
    pub chain_id: u64,
    #[serde(deserialize_with = "wire::read")]
    pub genesis_hash: B256,
    pub consensus: String,
    pub anchor: String,
    pub anchor_terms: String,
}

/// The ends of the committed ranges.
#[derive(Clone, Debug, Row, Deserialize)]
struct CommittedRow {
    n_ranges: u64,
    first_block: u64,
    last_block: u64,
    #[serde(deserialize_with = "wire::read")]
    last_hash: B256,
}

/// First committed block, and the last with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub first: BlockNumber,
    pub head: BlockRef,
}

/// A block as far as a reader must know it to read at it.
#[derive(Clone, Debug, Row, Deserialize)]
struct PinRow {
    number: u64,
    #[serde(deserialize_with = "wire::read")]
    hash: B256,
    timestamp: u64,
    proof: String,
}

/// The block that an answer is read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PinnedBlock {
    pub number: BlockNumber,
    pub hash: B256,
    pub timestamp: UnixSeconds,
    /// Label of column `blocks.proof`.
    pub proof: String,
}

impl PinnedBlock {
    pub(crate) fn block_ref(&self) -> BlockRef {
        BlockRef {
            number: self.number,
            hash: self.hash,
        }
    }
}

impl From<PinRow> for PinnedBlock {
    fn from(row: PinRow) -> Self {
        Self {
            number: BlockNumber(row.number),
            hash: row.hash,
            timestamp: UnixSeconds(row.timestamp),
            proof: row.proof,
        }
    }
}

/// `None` before the first block is committed.
pub(crate) async fn chain(store: &Store) -> Result<Option<ChainRow>, QueryError> {
    store
        .row(Sql::new("SELECT ?fields FROM chain LIMIT 1"))
        .await
}

/// `None` before the first range is committed.
pub(crate) async fn committed(store: &Store) -> Result<Option<Committed>, QueryError> {
    let sql = Sql::new(
        "SELECT count() AS n_ranges, min(c.first_block) AS first_block, max(c.last_block) AS last_block, \
         argMax(c.last_hash, (c.last_block, c.generation)) AS last_hash FROM checkpoints AS c",
    );
    let row = store
        .row::<CommittedRow>(sql)
        .await?
        .filter(|row| row.n_ranges > 0);
    Ok(row.map(|row| Committed {
        first: BlockNumber(row.first_block),
        head: BlockRef {
            number: BlockNumber(row.last_block),
            hash: row.last_hash,
        },
    }))
}

/// The blocks of these numbers, in no order; those not stored are left out. The caller keeps below the head.
pub(crate) async fn pins(
    store: &Store,
    numbers: &[BlockNumber],
) -> Result<Vec<PinnedBlock>, QueryError> {
    let sql = Sql::new("SELECT ?fields FROM blocks WHERE number IN {numbers:Array(UInt64)}")
        .bind_numbers("numbers", numbers.iter().map(|number| number.0));
    Ok(store
        .rows::<PinRow>(sql)
        .await?
        .into_iter()
        .map(PinnedBlock::from)
        .collect())
}

/// The block of this hash among those up to `head`.
pub(crate) async fn pin_by_hash(
    store: &Store,
    hash: B256,
    head: BlockNumber,
) -> Result<Option<PinnedBlock>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM blocks WHERE hash = toFixedString(unhex({hash:String}), 32) AND number <= {head:UInt64} LIMIT 1",
    )
    .bind("hash", hash)
    .bind("head", head.0);
    Ok(store.row::<PinRow>(sql).await?.map(PinnedBlock::from))
}

/// Versions beside the program's own.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct VersionsRow {
    pub store: String,
    pub schema: u32,
}

pub(crate) async fn versions(store: &Store) -> Result<VersionsRow, QueryError> {
    let sql =
        Sql::new("SELECT version() AS store, max(m.version) AS schema FROM schema_migrations AS m");
    let row = store.row(sql).await?;
    row.ok_or_else(|| QueryError::Inconsistent("an aggregate gave no row".to_owned()))
}
