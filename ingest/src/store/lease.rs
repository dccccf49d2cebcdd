//! One writer per database.
//!
//! ClickHouse has no compare-and-set, but of two inserts under the same deduplication token only one lands. So to take the
//! lease is to insert the row of the next epoch under that epoch's token and to read back whose row it is. The holder beats;
//! a process that cannot beat stops writing before another one may take over, and every insert asks the lease first.

use std::{
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lastro_schema::tables::Leases;
use serde::Deserialize;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Store, StoreError};

const BEAT_INTERVAL: Duration = Duration::from_secs(5);
/// A holder that did not beat for this long counts as dead.
const TIME_TO_LIVE: Duration = Duration::from_secs(30);
/// A holder that could not beat for this long writes nothing more; well before it counts as dead elsewhere.
const PAUSE_AFTER: Duration = Duration::from_secs(20);
/// First and longest wait before a write is repeated.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
const WARNING_INTERVAL: Duration = Duration::from_secs(10);
/// Beat of a lease that was given back.
const RELEASED: u64 = u64::MAX;

/// The right to write to the database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lease {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    epoch: u64,
    holder: [u8; 16],
    description: String,
    last_beat: Mutex<(u64, Instant)>,
    lost_to: Mutex<Option<String>>,
}

#[derive(Clone, Deserialize)]
struct Row {
    epoch: u64,
    beat: u64,
    holder: String,
    description: String,
}

impl Store {
    /// Takes the lease. A holder that gave it back, or whose process is gone from this machine, is followed at once; another
    /// silent one after its time to live.
    ///
    /// # Errors
    /// [`StoreError::LeaseHeld`] while another process beats.
    pub async fn take_lease(&self) -> Result<Lease, StoreError> {
        let current = self.current_lease().await?;
        if let Some(row) = &current {
            self.await_end(row).await?;
        }
        let epoch = current.map_or(1, |row| row.epoch + 1);
        let state = State {
            epoch,
            holder: random_id()?,
            description: ProcessId::own().to_string(),
            last_beat: Mutex::new((0, Instant::now())),
            lost_to: Mutex::new(None),
        };
        let lease = Lease {
            state: Arc::new(state),
        };
        self.write_beat(&lease.state, 0).await?;
        self.check_owner(&lease.state).await?;
        self.end_inserts().await?;
        Ok(lease)
    }

    /// Renews the lease until cancelled, then gives it back.
    pub async fn keep_lease(
        &self,
        lease: Lease,
        cancellation: CancellationToken,
    ) -> Result<(), StoreError> {
        while cancellation
            .run_until_cancelled(sleep(BEAT_INTERVAL))
            .await
            .is_some()
        {
            let started = Instant::now();
            let beat = lease.beats() + 1;
            match self.beat(&lease, beat).await {
                Ok(()) => *locked(&lease.state.last_beat) = (beat, started),
                Err(error) if error.is_retryable() => {
                    tracing::warn!(%error, "the lease could not be renewed, trying again");
                }
                Err(error) => return Err(error),
            }
        }
        self.write_beat(&lease.state, RELEASED).await
    }

    async fn beat(&self, lease: &Lease, beat: u64) -> Result<(), StoreError> {
        self.write_beat(&lease.state, beat).await?;
        self.check_owner(&lease.state).await
    }

    async fn check_owner(&self, state: &State) -> Result<(), StoreError> {
        let current = self.current_lease().await?;
        match current {
            Some(row)
                if row.epoch == state.epoch
                    && row.holder == faster_hex::hex_string(&state.holder) =>
            {
                Ok(())
            }
            other => {
                let holder = other.map_or_else(|| "nobody".to_owned(), |row| row.description);
                *locked(&state.lost_to) = Some(holder.clone());
                Err(StoreError::LeaseLost { holder })
            }
        }
    }

    async fn current_lease(&self) -> Result<Option<Row>, StoreError> {
        let rows: Vec<Row> = self
            .rows(
                "SELECT epoch, beat, lower(hex(holder)) AS holder, description FROM leases \
                 ORDER BY epoch DESC, beat DESC LIMIT 1",
            )
            .await?;
        Ok(rows.into_iter().next())
    }

    /// Waits until the holder counts as dead, or tells that it is alive.
    async fn await_end(&self, found: &Row) -> Result<(), StoreError> {
        if found.beat == RELEASED
            || ProcessId::parse(&found.description).is_some_and(|process| process.is_gone())
        {
            return Ok(());
        }
        let held = || StoreError::LeaseHeld {
            holder: found.description.clone(),
            wait_s: TIME_TO_LIVE.as_secs(),
        };
        let deadline = Instant::now() + TIME_TO_LIVE;
        while Instant::now() < deadline {
            sleep(Duration::from_secs(1)).await;
            match self.current_lease().await? {
                Some(row) if row.epoch == found.epoch && row.beat == RELEASED => return Ok(()),
                Some(row) if row.epoch == found.epoch && row.beat == found.beat => {}
                _ => return Err(held()),
            }
        }
        Ok(())
    }

    async fn write_beat(&self, state: &State, beat: u64) -> Result<(), StoreError> {
        let mut rows = Leases::default();
        rows.epoch.push(state.epoch);
        rows.beat.push(beat);
        rows.holder.push(&state.holder);
        rows.description.push(&state.description);
        self.insert_rows(rows, &format!("lease-{}-{beat}", state.epoch))
            .await
    }

    /// Ends inserts that still run in the server, left by a dead holder or by a pipeline that was stopped: they could land
    /// after a deletion.
    pub(crate) async fn end_inserts(&self) -> Result<(), StoreError> {
        self.execute(
            "KILL QUERY WHERE current_database = currentDatabase() AND query_kind = 'Insert' SYNC",
        )
        .await
    }
}

impl Lease {
    /// Awaited before every insert. While the lease cannot be renewed it waits: as long as the database is away nobody
    /// else can take the lease either, and the keeper finds out afterwards whether somebody did.
    ///
    /// # Errors
    /// The lease went to another process.
    pub async fn hold(&self) -> Result<(), StoreError> {
        loop {
            if let Some(holder) = locked(&self.state.lost_to).clone() {
                return Err(StoreError::LeaseLost { holder });
            }
            if locked(&self.state.last_beat).1.elapsed() < PAUSE_AFTER {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Writes under the lease, and repeats what may pass: a database that is away, full or out of memory for a while.
    ///
    /// # Errors
    /// The lease went to another process, or the database refuses for good.
    pub(crate) async fn persist<T, F>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut wait = BACK_OFF.0;
        let mut last_warning: Option<Instant> = None;
        loop {
            self.hold().await?;
            match attempt().await {
                Err(error) if error.is_retryable() => {
                    if last_warning.is_none_or(|at| at.elapsed() > WARNING_INTERVAL) {
                        tracing::warn!(%error, "the database does not take rows, trying again");
                        last_warning = Some(Instant::now());
                    }
                    sleep(wait).await;
                    wait = (wait * 2).min(BACK_OFF.1);
                }
                ended => return ended,
            }
        }
    }

    pub fn epoch(&self) -> u64 {
        self.state.epoch
    }

    fn beats(&self) -> u64 {
        locked(&self.state.last_beat).0
    }
}

/// The values behind these locks are whole at every instant, so a panic elsewhere does not spoil them.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Told apart from every other holder of the same epoch.
pub(crate) fn random_id() -> Result<[u8; 16], StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::NoRandomness {
        detail: error.to_string(),
    })?;
    Ok(id)
}

/// A process on a machine, told apart from later ones with the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ProcessId {
    boot: String,
    pid: u32,
    started: String,
}

impl std::fmt::Display for ProcessId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "process {} started {} on boot {}",
            self.pid, self.started, self.boot
        )
    }
}

impl ProcessId {
    fn own() -> Self {
        let pid = std::process::id();
        Self {
            boot: boot_id(),
            pid,
            started: start_time(pid).unwrap_or_default(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (pid, rest) = text.strip_prefix("process ")?.split_once(" started ")?;
        let (started, boot) = rest.split_once(" on boot ")?;
        Some(Self {
            boot: boot.to_owned(),
            pid: pid.parse().ok()?,
            started: started.to_owned(),
        })
    }

    /// Certain only for a process of this machine since it was started; any doubt counts as alive.
    fn is_gone(&self) -> bool {
        !self.boot.is_empty()
            && self.boot == boot_id()
            && start_time(self.pid).as_ref() != Some(&self.started)
    }
}

/// This start of the machine and this process namespace: elsewhere process numbers mean nothing.
fn boot_id() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let namespace = fs::read_link("/proc/self/ns/pid");
    match (boot, namespace) {
        (Ok(boot), Ok(namespace)) => format!("{} {}", boot.trim(), namespace.display()),
        _ => String::new(),
    }
}

/// Start of a process in clock ticks since boot, field 22 of its stat file (counted from the end of its name).
fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1;
    fields.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_that_it_is_alive() {
        let own = ProcessId::own();
        assert_eq!(ProcessId::parse(&own.to_string()).unwrap(), own);
        assert!(!own.is_gone());
        assert!(
            ProcessId {
                started: "1".to_owned(),
                ..own.clone()
            }
            .is_gone()
        );
        assert!(
            !ProcessId {
                boot: "another machine".to_owned(),
                started: "1".to_owned(),
                ..own
            }
            .is_gone()
        );
    }
}
