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

impl TableCount {
    /// Whether what is stored of a range is what belongs there.
    pub(crate) fn compare(&self, found: &Self, range: BlockRange) -> Result<(), StoreError> {
        let (table, first, last) = (self.table.name.to_owned(), range.first(), range.last());
        if found.n_rows != self.n_rows {
            let (expected, found) = (self.n_rows, found.n_rows);
            return Err(StoreError::RowsMissing {
                table,
                first,
                last,
                expected,
                found,
            });
        }
        if found.digest != self.digest {
            return Err(StoreError::RowsChanged { table, first, last });
        }
        Ok(())
    }
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

impl Checkpoint {
    /// The row of table `checkpoints`; `committed_at` in milliseconds since 1970.
    pub(crate) fn rows(&self, committed_at: u64) -> Checkpoints {
        let mut rows = Checkpoints::default();
        rows.first_block.push(self.range.first().0);
        rows.last_block.push(self.range.last().0);
        rows.last_hash.push_hash(&self.last.hash);
        rows.last_timestamp.push(self.last_timestamp.0);
        rows.projection_version.push(PROJECTION_VERSION);
        rows.generation.push(self.generation);
        rows.tables.push_with(|names| {
            self.tables
                .iter()
                .for_each(|count| names.push(count.table.name))
        });
        rows.n_rows.push_with(|counts| {
            self.tables
                .iter()
                .for_each(|count| counts.push(count.n_rows))
        });
        rows.digests.push_with(|digests| {
            self.tables
                .iter()
                .for_each(|count| digests.push(&count.digest))
        });
        rows.validator_state.push(&self.validator_state);
        rows.committed_at.push(committed_at);
        rows
    }
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
        let rows = checkpoint.rows(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let (range, hash, generation) = (
            checkpoint.range,
            checkpoint.last.hash,
            checkpoint.generation,
        );
        self.insert_rows(rows, &format!("checkpoint-{range}-{hash}-{generation}"))
            .await
    }

    /// The highest block at or above `first` of which any table holds rows.
    pub(crate) async fn last_stored_block(
        &self,
        first: BlockNumber,
    ) -> Result<Option<BlockNumber>, StoreError> {
        #[derive(Deserialize)]
        struct Row {
            last: u64,
            n_rows: u64,
        }
        let last_of = |table: &'static TableDef| {
            let (name, column) = (table.name, table.block_column?);
            Some(format!(
                "SELECT max({column}) AS last, count() AS n FROM {name} WHERE {column} >= {first}"
            ))
        };
        let parts: Vec<_> = chain_tables().into_iter().filter_map(last_of).collect();
        let parts = parts.join(" UNION ALL ");
        let sql = format!("SELECT max(last) AS last, sum(n) AS n_rows FROM ({parts})");
        let rows: Vec<Row> = self.rows(&sql).await?;
        let stored = rows.into_iter().find(|row| row.n_rows > 0);
        Ok(stored.map(|row| BlockNumber(row.last)))
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
        for expected in &checkpoint.tables {
            let found = self.count_rows(expected.table, checkpoint.range).await?;
            expected.compare(&found, checkpoint.range)?;
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
