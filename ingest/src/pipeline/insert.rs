//! Insert and commit: the rows of proven ranges into ClickHouse, exactly once, then the checkpoint that shows them.

use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use lastro_schema::{
    BlockRef, ChainId, PROJECTION_VERSION, TableDef, TableRows, digest_rows, tables::BlockSeals,
};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{link::ProvenRange, plan::CommitRange};
use crate::{
    error::IngestError,
    progress::Progress,
    rows::TableBatch,
    store::{Checkpoint, Lease, Store, StoreError, checkpoint::TableCount},
};

/// Inserts of one range that run at the same time.
const PARALLEL_TABLES: usize = 4;

/// Writes ranges. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Inserter {
    pub store: Store,
    pub lease: Lease,
    pub chain_id: ChainId,
}

/// A range whose rows are all stored.
pub(crate) struct StoredRange {
    pub checkpoint: Checkpoint,
    pub n_transactions: u64,
    pub n_logs: u64,
}

impl Inserter {
    /// Stores all rows of a range. Goes on until it succeeds or the lease is lost: each insert may be repeated without harm.
    pub(crate) async fn insert(&self, range: ProvenRange) -> Result<StoredRange, IngestError> {
        let ProvenRange { commit, linked } = range;
        let (last, last_timestamp) = (linked.last, linked.last_timestamp);
        let validator_state = linked
            .state
            .validators
            .as_ref()
            .map(|set| set.to_bytes())
            .unwrap_or_default();
        let rows = linked.rows;
        let digested = spawn_blocking(move || count_all(rows.into_batches()));
        let batches = digested.await.map_err(|error| IngestError::Stage {
            detail: error.to_string(),
        })??;
        let inserts = batches
            .iter()
            .map(|(batch, _)| self.insert_batch(commit, last, batch).boxed());
        stream::iter(inserts.collect::<Vec<_>>())
            .buffer_unordered(PARALLEL_TABLES)
            .try_collect::<()>()
            .await?;
        let mut tables: Vec<_> = batches.into_iter().map(|(_, count)| count).collect();
        if commit.replayed {
            self.read_back(commit, &mut tables).await?;
        }
        let n_rows = |name| {
            tables
                .iter()
                .find(|count| count.table.name == name)
                .map_or(0, |count| count.n_rows)
        };
        let (n_transactions, n_logs) = (n_rows("transactions"), n_rows("logs"));
        let checkpoint = Checkpoint {
            range: commit.range,
            last,
            last_timestamp,
            generation: commit.generation,
            tables,
            validator_state: String::from_utf8_lossy(&validator_state).into_owned(),
        };
        Ok(StoredRange {
            checkpoint,
            n_transactions,
            n_logs,
        })
    }

    async fn insert_batch(
        &self,
        commit: CommitRange,
        last: BlockRef,
        batch: &TableBatch,
    ) -> Result<(), IngestError> {
        let token = format!(
            "{}-{}-{}-{}-{PROJECTION_VERSION}-{}",
            self.chain_id, batch.table.name, commit.range, last.hash, commit.generation
        );
        self.persist(|| self.store.insert(batch, &token)).await
    }

    /// A range that an earlier process may have inserted. Its token may be known to the database although the rows are not
    /// there (the server notes the token first), so they are read back. All but the seals must be what was just proven; another
    /// node may have given other seals, so for those the checkpoint is made of what is there.
    ///
    /// # Errors
    /// Rows that are missing or others, on which the caller deletes what is above the checkpoint and starts anew.
    async fn read_back(
        &self,
        commit: CommitRange,
        tables: &mut [TableCount],
    ) -> Result<(), IngestError> {
        for count in tables {
            let table: &'static TableDef = count.table;
            let found = self
                .persist(|| self.store.count_rows(table, commit.range))
                .await?;
            if table.name == BlockSeals::def().name && found.n_rows > 0 {
                *count = found;
            } else {
                count.compare(&found, commit.range)?;
            }
        }
        Ok(())
    }

    async fn commit(&self, checkpoint: &Checkpoint) -> Result<(), IngestError> {
        self.persist(|| self.store.write_checkpoint(checkpoint))
            .await
    }

    async fn persist<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T, IngestError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        Ok(self.lease.persist(attempt).await?)
    }
}

fn count_all(batches: Vec<TableBatch>) -> Result<Vec<(TableBatch, TableCount)>, StoreError> {
    let count = |batch: TableBatch| {
        let n_rows = u64::try_from(batch.rows.num_rows()).unwrap_or(u64::MAX);
        let count = TableCount {
            table: batch.table,
            n_rows,
            digest: digest_rows(batch.table, &batch.rows)?,
        };
        Ok((batch, count))
    };
    batches.into_iter().map(count).collect()
}

/// Writes checkpoints in order and tells of each.
pub(crate) async fn commit_in_order(
    inserter: Inserter,
    progress: Progress,
    mut stored: mpsc::Receiver<StoredRange>,
) -> Result<(), IngestError> {
    while let Some(range) = stored.recv().await {
        let checkpoint = &range.checkpoint;
        inserter.commit(checkpoint).await?;
        progress.committed_range(
            checkpoint.last,
            checkpoint.range.n_blocks(),
            range.n_transactions,
            range.n_logs,
        );
        tracing::debug!(
            block_number = checkpoint.last.number.0,
            n_blocks = checkpoint.range.n_blocks(),
            n_transactions = range.n_transactions,
            "committed"
        );
    }
    Ok(())
}
