//! What is committed: the checkpoint after each range, and the check that its rows are still there.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::B256;
use arrow_array::RecordBatch;
use lastro_schema::{
    BlockNumber, BlockRange, BlockRef, PROJECTION_VERSION, RowDigest, TableDef, TableDigester,
    UnixSeconds,
    tables::{Checkpoints, chain_tables},
};
use serde::Deserialize;

use super::{Store, StoreError};

/// What a range gave one table.
#[derive(Clone, Copy, Debug)]
pub struct TableCount {
    pub table: &'static TableDef,
    pub n_rows: u64,
    pub digest: RowDigest,
}

/// A committed range.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub range: BlockRange,
    /// The last block of the range.
    pub last: BlockRef,
    pub last_timestamp: UnixSeconds,
    pub generation: u32,
    pub tables: Vec<TableCount>,
    /// The validator set after the range, as `ValidatorSet::to_bytes` gives it; empty without BFT consensus.
    pub validator_state: String,
}

#[derive(Deserialize)]
struct Row {
    first_block: u64,
    last_block: u64,
    last_hash: B256,
    last_timestamp: u64,
    generation: u32,
    tables: Vec<String>,
    n_rows: Vec<u64>,
    digests: Vec<String>,
    validator_state: String,
}

impl Row {
    fn into_checkpoint(self) -> Result<Checkpoint, StoreError> {
        let broken = |what: &str| StoreError::Answer {
            detail: format!("the checkpoint of block {} has {what}", self.last_block),
        };
        let range = BlockRange::new(BlockNumber(self.first_block), BlockNumber(self.last_block))
            .ok_or_else(|| broken("an empty range"))?;
        let counts = self.tables.iter().zip(&self.n_rows).zip(&self.digests).map(
            |((name, n_rows), digest)| {
                let table = chain_tables().into_iter().find(|table| table.name == name);
                let table = table.ok_or_else(|| broken("an unknown table"))?;
                let mut bytes = RowDigest::default();
                faster_hex::hex_decode(digest.as_bytes(), &mut bytes)
                    .map_err(|_| broken("a malformed digest"))?;
                Ok(TableCount {
                    table,
                    n_rows: *n_rows,
                    digest: bytes,
                })
            },
        );
        Ok(Checkpoint {
            range,
            last: BlockRef {
                number: range.last(),
                hash: self.last_hash,
            },
            last_timestamp: UnixSeconds(self.last_timestamp),
            generation: self.generation,
            tables: counts.collect::<Result<_, StoreError>>()?,
            validator_state: self.validator_state,
        })
    }
}

impl Store {
    /// The last committed range.
    pub async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        Ok(self.recent_checkpoints(1).await?.pop())
    }

    /// The last `n` committed ranges, newest first.
    pub async fn recent_checkpoints(&self, n: u32) -> Result<Vec<Checkpoint>, StoreError> {
        self.checkpoints_below(None, n).await
    }

    /// Up to `n` committed ranges, newest first, of those that end at or below `last`.
    pub(crate) async fn checkpoints_below(
        &self,
        last: Option<BlockNumber>,
        n: u32,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let last = last.unwrap_or(BlockNumber(u64::MAX));
        let rows: Vec<Row> = self
            .rows(&format!(
                "SELECT first_block, last_block, concat('0x', lower(hex(last_hash))) AS last_hash, last_timestamp, \
                 generation, tables, n_rows, arrayMap(d -> lower(hex(d)), digests) AS digests, validator_state \
                 FROM checkpoints WHERE last_block <= {last} ORDER BY last_block DESC LIMIT {n}"
            ))
            .await?;
        rows.into_iter().map(Row::into_checkpoint).collect()
    }

    /// Makes a range visible to readers. All its rows must have been stored before.
    pub(crate) async fn write_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut rows = Checkpoints::default();
        rows.first_block.push(checkpoint.range.first().0);
        rows.last_block.push(checkpoint.range.last().0);
        rows.last_hash.push_hash(&checkpoint.last.hash);
        rows.last_timestamp.push(checkpoint.last_timestamp.0);
        rows.projection_version.push(PROJECTION_VERSION);
        rows.generation.push(checkpoint.generation);
        rows.tables.push_with(|names| {
            checkpoint
                .tables
                .iter()
                .for_each(|count| names.push(count.table.name))
        });
        rows.n_rows.push_with(|counts| {
            checkpoint
                .tables
                .iter()
                .for_each(|count| counts.push(count.n_rows))
        });
        rows.digests.push_with(|digests| {
            checkpoint
                .tables
                .iter()
                .for_each(|count| digests.push(&count.digest))
        });
        rows.validator_state.push(&checkpoint.validator_state);
        rows.committed_at
            .push(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let (range, hash, generation) = (
            checkpoint.range,
            checkpoint.last.hash,
            checkpoint.generation,
        );
        self.insert_rows(rows, &format!("checkpoint-{range}-{hash}-{generation}"))
            .await
    }

    /// Counts and digests what a table holds of a range.
    pub(crate) async fn count_rows(
        &self,
        table: &'static TableDef,
        range: BlockRange,
    ) -> Result<TableCount, StoreError> {
        let batches = self.rows_of_range(table, range).await?;
        let mut digester = TableDigester::new(table);
        let mut n_rows = 0;
        for batch in &batches {
            digester.update(batch)?;
            n_rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        }
        Ok(TableCount {
            table,
            n_rows,
            digest: digester.finish(),
        })
    }

    /// All rows of a range, in the order in which they were made.
    pub(crate) async fn rows_of_range(
        &self,
        table: &'static TableDef,
        range: BlockRange,
    ) -> Result<Vec<RecordBatch>, StoreError> {
        let Some(block_column) = table.block_column else {
            return Ok(Vec::new());
        };
        let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        self.arrow(&format!(
            "SELECT {} FROM {} WHERE {block_column} BETWEEN {} AND {} ORDER BY {}",
            columns.join(", "),
            table.name,
            range.first(),
            range.last(),
            table.row_order.join(", "),
        ))
        .await
    }

    /// Compares the stored rows of a committed range with its checkpoint.
    pub(crate) async fn verify_checkpoint(
        &self,
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let (first, last) = (checkpoint.range.first(), checkpoint.range.last());
        for expected in &checkpoint.tables {
            let found = self.count_rows(expected.table, checkpoint.range).await?;
            let table = || expected.table.name.to_owned();
            if found.n_rows != expected.n_rows {
                let (expected, found) = (expected.n_rows, found.n_rows);
                return Err(StoreError::RowsMissing {
                    table: table(),
                    first,
                    last,
                    expected,
                    found,
                });
            }
            if found.digest != expected.digest {
                return Err(StoreError::RowsChanged {
                    table: table(),
                    first,
                    last,
                });
            }
        }
        Ok(())
    }

    /// Deletes all rows of blocks above `last` (all rows when `None`) and waits until they are gone. The caller raises the
    /// generation first, so that rows inserted again are not taken for repetitions.
    pub(crate) async fn delete_above(&self, last: Option<BlockNumber>) -> Result<(), StoreError> {
        let kept = last.map_or("0".to_owned(), |last| last.0.saturating_add(1).to_string());
        // Checkpoints go first: from then on no reader sees the rows that follow.
        let tables =
            std::iter::once(<Checkpoints as lastro_schema::TableRows>::def()).chain(chain_tables());
        for table in tables {
            if let Some(block_column) = table.block_column {
                self.execute(&format!(
                    "ALTER TABLE {} DELETE WHERE {block_column} >= {kept} SETTINGS mutations_sync = 2",
                    table.name
                ))
                .await?;
            }
        }
        Ok(())
    }
}
