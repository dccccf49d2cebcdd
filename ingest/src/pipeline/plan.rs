//! Plan stage: which blocks are committed together.
//!
//! Ranges are large while there is much to catch up with and single blocks at the head. How they are cut is written down
//! before anything of them is inserted (see `store::plan`).

use lastro_besu_rpc::HeadWatch;
use lastro_schema::{BlockNumber, BlockRange, BlockRef};
use tokio::sync::mpsc;

use crate::{
    error::IngestError,
    progress::Progress,
    store::{Lease, Store, plan::Plans},
};

/// Blocks per range, largest first; the largest that the lag fills is taken.
const RANGE_SIZES: [u64; 3] = [1000, 100, 1];
/// Ranges that may be inserted above the checkpoint at once; more than the stages after this one can hold.
pub(super) const WINDOW_RANGES: usize = 16;

/// A range to be committed as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommitRange {
    pub range: BlockRange,
    pub generation: u32,
    /// An earlier process may have inserted rows of this range already.
    pub replayed: bool,
}

pub(crate) struct Planner {
    pub store: Store,
    pub lease: Lease,
    pub progress: Progress,
    pub plans: Plans,
    /// Last block that an earlier process may have inserted.
    pub replay_end: Option<BlockNumber>,
    /// Last block of which rows are there already: up to it, ranges must be cut as they were.
    pub stored_end: Option<BlockNumber>,
    /// First block that is not committed yet.
    pub next: BlockNumber,
    /// Development chains only: under BFT consensus blocks are final.
    pub may_reorganise: bool,
}

impl Planner {
    /// Hands out ranges as the head moves, until the heads end or nobody takes ranges any more.
    pub(crate) async fn run(
        mut self,
        mut heads: HeadWatch,
        ranges: mpsc::Sender<CommitRange>,
    ) -> Result<(), IngestError> {
        while let Some(head) = heads.next().await {
            self.progress.head(head.number);
            self.expect_same_branch(BlockRef {
                number: head.number,
                hash: head.hash,
            })?;
            while let Some(range) = self.next_range(head.number).await? {
                if ranges.send(range).await.is_err() {
                    return Ok(());
                }
                if let Some(newer) = heads.latest() {
                    self.progress.head(newer.number);
                }
            }
        }
        Ok(())
    }

    /// A development chain that was reset or reorganised may stay at a height that is committed already.
    fn expect_same_branch(&self, head: BlockRef) -> Result<(), IngestError> {
        let Some(committed) = self
            .progress
            .snapshot()
            .committed
            .filter(|_| self.may_reorganise)
        else {
            return Ok(());
        };
        if head.number < committed.number
            || (head.number == committed.number && head.hash != committed.hash)
        {
            return Err(IngestError::Reorganised { from: head.number });
        }
        Ok(())
    }

    /// The next range, if the chain has all its blocks.
    async fn next_range(&mut self, head: BlockNumber) -> Result<Option<CommitRange>, IngestError> {
        if self.next > head {
            return Ok(None);
        }
        let replayed = self.replay_end.is_some_and(|end| self.next <= end);
        // A range of which nothing was stored is cut anew: it may reach beyond the head, and would wait for blocks to come.
        if self.stored_end.is_none_or(|end| self.next > end) {
            self.fit_plan(head.0 - self.next.0 + 1).await?;
        }
        let Some(range) = self
            .plans
            .range_at(self.next)
            .filter(|range| range.last() <= head)
        else {
            return Ok(None);
        };
        let generation = self
            .plans
            .plan_at(self.next)
            .map_or(0, |plan| plan.generation);
        self.next = BlockNumber(range.last().0 + 1);
        Ok(Some(CommitRange {
            range,
            generation,
            replayed,
        }))
    }

    /// Adds a plan when the lag asks for other ranges than the plan in force.
    async fn fit_plan(&mut self, lag: u64) -> Result<(), IngestError> {
        let blocks_per_range = RANGE_SIZES
            .into_iter()
            .find(|size| *size <= lag)
            .unwrap_or(1);
        if self.plans.cuts(self.next, blocks_per_range) {
            return Ok(());
        }
        let plan = self
            .plans
            .cut_anew(self.next, blocks_per_range, WINDOW_RANGES as u64);
        self.lease.persist(|| self.store.add_plan(&plan)).await?;
        self.plans.push(plan);
        Ok(())
    }
}
