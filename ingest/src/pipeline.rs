//! The main flow, from a node to the checkpoint, for backfill and head alike:
//!
//! ```text
//! plan ranges → fetch → decode (proves each block's content) → link (proves that it belongs to the chain) → insert → commit
//! ```
//!
//! Order: chunks are fetched and decoded side by side, and leave that stage in the order of their blocks; ranges are inserted
//! side by side and committed in order. Retry: each stage repeats what may pass by itself, so an error here is final. Loss:
//! nothing is dropped; a stage that cannot go on holds the ones before it back through the bounded channels.

mod insert;
mod link;
mod plan;
mod prove;

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use futures::{StreamExt, stream};
use lastro_besu_rpc::BesuClient;
use lastro_schema::BlockRef;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    decode::DecodeRules,
    error::IngestError,
    link::ChainState,
    progress::Progress,
    quarantine::Quarantine,
    store::{Lease, Store, plan::Plans},
};
use insert::{Inserter, commit_in_order};
use link::Linking;
use plan::{CommitRange, Planner, WINDOW_RANGES};
use prove::Prover;

/// Chunks fetched or decoded at once.
const CHUNKS_IN_FLIGHT: usize = 8;
/// Ranges handed out ahead of fetching.
const PLANNED_RANGES: usize = 2;
/// Linked ranges that wait for an insert.
const LINKED_RANGES: usize = 1;
/// Ranges inserted at once.
const RANGES_IN_FLIGHT: usize = 3;
/// Inserted ranges that wait for their checkpoint.
const STORED_RANGES: usize = 2;
/// Longest that stopping waits for what is under way.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
// What can be inserted above the checkpoint must fit the window that plans promise.
const _: () = assert!(RANGES_IN_FLIGHT + STORED_RANGES + 2 <= WINDOW_RANGES);

/// Everything that a run of the pipeline stands on.
pub(crate) struct Pipeline {
    pub client: BesuClient,
    pub store: Store,
    pub lease: Lease,
    pub rules: DecodeRules,
    pub state: ChainState,
    pub plans: Plans,
    pub replay_end: Option<lastro_schema::BlockNumber>,
    pub stored_end: Option<lastro_schema::BlockNumber>,
    /// Development chains only: under BFT consensus blocks are final.
    pub may_reorganise: bool,
    pub progress: Progress,
}

impl Pipeline {
    /// Runs until cancelled (then what is under way is finished in order) or until a stage cannot go on.
    pub(crate) async fn run(self, cancellation: CancellationToken) -> Result<(), IngestError> {
        let (planned, ranges) = mpsc::channel(PLANNED_RANGES);
        let (linked, proven) = mpsc::channel(LINKED_RANGES);
        let (stored, committed) = mpsc::channel(STORED_RANGES);

        let heads = self.client.watch_heads(cancellation.clone());
        let planner = Planner {
            store: self.store.clone(),
            lease: self.lease.clone(),
            progress: self.progress.clone(),
            plans: self.plans,
            replay_end: self.replay_end,
            stored_end: self.stored_end,
            next: next_block(self.state.head),
            may_reorganise: self.may_reorganise,
        };
        let cores = available_parallelism().map_or(1, |cores| cores.get());
        let prover = Prover {
            client: self.client.clone(),
            rules: self.rules,
            quarantine: Quarantine::new(self.store.clone(), self.lease.clone()),
            progress: self.progress.clone(),
            cores: Arc::new(Semaphore::new(cores)),
        };
        let inserter = Inserter {
            store: self.store,
            lease: self.lease,
            chain_id: self.client.chain_id(),
        };
        let chunks = prove_in_order(prover.clone(), ranges);
        let linking = Linking {
            prover,
            state: self.state,
        };

        let mut stages = JoinSet::new();
        stages.spawn(planner.run(heads, planned));
        stages.spawn(linking.run(chunks, linked));
        stages.spawn(insert_in_order(inserter.clone(), proven, stored));
        stages.spawn(commit_in_order(inserter, self.progress, committed));

        let ended = tokio::select! {
            ended = all_ended(&mut stages) => ended,
            () = out_of_patience(cancellation) => Ok(()),
        };
        // What still runs is ended before anybody builds on what it left.
        stages.shutdown().await;
        ended
    }
}

/// Each stage ends when the one before it does; the first error ends the wait.
async fn all_ended(stages: &mut JoinSet<Result<(), IngestError>>) -> Result<(), IngestError> {
    while let Some(stage) = stages.join_next().await {
        stage.map_err(|error| IngestError::Stage {
            detail: error.to_string(),
        })??;
    }
    Ok(())
}

/// A stage may wait for a node or a database that is away; stopping does not wait with it for long. Nothing is lost: the
/// next start repeats what was under way.
async fn out_of_patience(cancellation: CancellationToken) {
    cancellation.cancelled().await;
    sleep(STOP_PATIENCE).await;
}

fn next_block(head: Option<BlockRef>) -> lastro_schema::BlockNumber {
    lastro_schema::BlockNumber(head.map_or(0, |head| head.number.0 + 1))
}

/// Fetches and decodes chunks side by side; they come out in order.
fn prove_in_order(
    prover: Prover,
    mut ranges: mpsc::Receiver<CommitRange>,
) -> impl futures::Stream<Item = Result<(CommitRange, prove::ProvenChunk), IngestError>> {
    let client = prover.client.clone();
    stream::poll_fn(move |context| ranges.poll_recv(context))
        .flat_map(move |commit| {
            let chunks = commit.range.chunks(client.preferred_blocks());
            stream::iter(chunks.map(move |chunk| (commit, chunk)))
        })
        .map(move |(commit, chunk)| {
            let prover = prover.clone();
            // A task of its own, so that answers are read on all cores.
            let task = AbortOnDropHandle::new(tokio::spawn(async move {
                prover.prove(chunk, Vec::new()).await
            }));
            async move {
                let proven = task.await.map_err(|error| IngestError::Stage {
                    detail: error.to_string(),
                })??;
                Ok((commit, proven))
            }
        })
        .buffered(CHUNKS_IN_FLIGHT)
}

async fn insert_in_order(
    inserter: Inserter,
    mut proven: mpsc::Receiver<link::ProvenRange>,
    stored: mpsc::Sender<insert::StoredRange>,
) -> Result<(), IngestError> {
    let mut inserts = std::pin::pin!(
        stream::poll_fn(move |context| proven.poll_recv(context))
            .map(|range| {
                let inserter = inserter.clone();
                async move { inserter.insert(range).await }
            })
            .buffered(RANGES_IN_FLIGHT)
    );
    while let Some(range) = inserts.next().await {
        if stored.send(range?).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
