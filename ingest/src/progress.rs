//! How far each stage is: read by the terminal, the readiness check and the metrics.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use lastro_schema::{BlockNumber, BlockRef};
use tokio::sync::watch;

/// Shared by all stages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Progress {
    shared: Arc<Shared>,
    committed: watch::Sender<Option<BlockRef>>,
    head: watch::Sender<Option<BlockNumber>>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    /// Numbers are stored plus one, so that 0 means "none yet".
    fetched: AtomicU64,
    proven: AtomicU64,
    n_blocks: AtomicU64,
    n_transactions: AtomicU64,
    n_logs: AtomicU64,
    n_bytes_fetched: AtomicU64,
    n_refused: AtomicU64,
    last_change: Mutex<Instant>,
    stopped_at: Mutex<Option<(BlockNumber, String)>>,
}

/// What the stages had done at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressSnapshot {
    /// The highest head that a node told.
    pub head: Option<BlockNumber>,
    pub fetched: Option<BlockNumber>,
    pub proven: Option<BlockNumber>,
    pub committed: Option<BlockRef>,
    /// Counted since the process started.
    pub n_blocks: u64,
    pub n_transactions: u64,
    pub n_logs: u64,
    pub n_bytes_fetched: u64,
    /// Answers that failed a check.
    pub n_refused: u64,
    /// The height at which indexing waits because no node gives a provable answer, and why.
    pub stopped_at: Option<(BlockNumber, String)>,
    pub elapsed: Duration,
    /// Since a block was last committed, or the process started.
    pub since_change: Duration,
}

impl ProgressSnapshot {
    /// Blocks that a node has and this index has not.
    pub fn lag_blocks(&self) -> u64 {
        let head = self.head.map_or(0, |head| head.0 + 1);
        head.saturating_sub(self.committed.map_or(0, |committed| committed.number.0 + 1))
    }
}

impl Default for Progress {
    fn default() -> Self {
        let shared = Shared {
            started: Instant::now(),
            fetched: AtomicU64::default(),
            proven: AtomicU64::default(),
            n_blocks: AtomicU64::default(),
            n_transactions: AtomicU64::default(),
            n_logs: AtomicU64::default(),
            n_bytes_fetched: AtomicU64::default(),
            n_refused: AtomicU64::default(),
            last_change: Mutex::new(Instant::now()),
            stopped_at: Mutex::new(None),
        };
        Self {
            shared: Arc::new(shared),
            committed: watch::Sender::new(None),
            head: watch::Sender::new(None),
        }
    }
}

impl Progress {
    /// Tells each committed block, the newest only.
    pub fn committed(&self) -> watch::Receiver<Option<BlockRef>> {
        self.committed.subscribe()
    }

    pub fn snapshot(&self) -> ProgressSnapshot {
        let shared = &self.shared;
        let number = |value: &AtomicU64| {
            value
                .load(Ordering::Relaxed)
                .checked_sub(1)
                .map(BlockNumber)
        };
        ProgressSnapshot {
            head: *self.head.borrow(),
            fetched: number(&shared.fetched),
            proven: number(&shared.proven),
            committed: *self.committed.borrow(),
            n_blocks: shared.n_blocks.load(Ordering::Relaxed),
            n_transactions: shared.n_transactions.load(Ordering::Relaxed),
            n_logs: shared.n_logs.load(Ordering::Relaxed),
            n_bytes_fetched: shared.n_bytes_fetched.load(Ordering::Relaxed),
            n_refused: shared.n_refused.load(Ordering::Relaxed),
            stopped_at: locked(&shared.stopped_at).clone(),
            elapsed: shared.started.elapsed(),
            since_change: locked(&shared.last_change).elapsed(),
        }
    }

    pub(crate) fn head(&self, number: BlockNumber) {
        self.head.send_replace(Some(number));
    }

    pub(crate) fn fetched(&self, last: BlockNumber, n_bytes: usize) {
        self.shared.fetched.fetch_max(last.0 + 1, Ordering::Relaxed);
        let n_bytes = u64::try_from(n_bytes).unwrap_or(u64::MAX);
        self.shared
            .n_bytes_fetched
            .fetch_add(n_bytes, Ordering::Relaxed);
    }

    pub(crate) fn proven(&self, last: BlockNumber) {
        self.shared.proven.fetch_max(last.0 + 1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.shared.n_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stopped_at(&self, number: BlockNumber, why: String) {
        let mut stopped_at = locked(&self.shared.stopped_at);
        // Blocks are fetched side by side; the lowest that cannot be proven is the one that holds the others up.
        if stopped_at
            .as_ref()
            .is_none_or(|(lowest, _)| *lowest >= number)
        {
            *stopped_at = Some((number, why));
        }
    }

    pub(crate) fn committed_range(
        &self,
        last: BlockRef,
        n_blocks: u64,
        n_transactions: u64,
        n_logs: u64,
    ) {
        self.shared.n_blocks.fetch_add(n_blocks, Ordering::Relaxed);
        self.shared
            .n_transactions
            .fetch_add(n_transactions, Ordering::Relaxed);
        self.shared.n_logs.fetch_add(n_logs, Ordering::Relaxed);
        self.set_committed(Some(last));
    }

    /// Where a start or a deletion of rows leaves the checkpoint.
    pub(crate) fn set_committed(&self, last: Option<BlockRef>) {
        let mut stopped_at = locked(&self.shared.stopped_at);
        // Only a commit at that height or above shows that a provable answer was found.
        stopped_at.take_if(|(number, _)| last.is_some_and(|last| last.number >= *number));
        drop(stopped_at);
        *locked(&self.shared.last_change) = Instant::now();
        self.committed.send_replace(last);
    }
}

/// The values behind these locks are whole at every instant, so a panic elsewhere does not spoil them.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
