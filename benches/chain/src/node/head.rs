//! The visible head, who is told of it, and the blocks that are announced before they can be had.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::broadcast;

/// A subscriber that is further behind skips blocks, as it would with a real node.
const MAX_UNSENT_ANNOUNCEMENTS: usize = 4096;

#[derive(Debug)]
pub(super) struct Head {
    number: AtomicU64,
    announcements: broadcast::Sender<u64>,
    announced: Mutex<HashMap<u64, Announcement>>,
}

#[derive(Debug)]
struct Announcement {
    at: Instant,
    /// `null` answers given so far, by method.
    n_nulls: HashMap<&'static str, u32>,
}

impl Head {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number: AtomicU64::new(number),
            announcements: broadcast::Sender::new(MAX_UNSENT_ANNOUNCEMENTS),
            announced: Mutex::default(),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    /// The number of every block that is shown on the way up.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<u64> {
        self.announcements.subscribe()
    }

    pub(super) fn set(&self, number: u64) {
        let mut announced = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let previous = self.number.swap(number, Ordering::SeqCst);
        for shown in previous.saturating_add(1)..=number {
            announced.insert(
                shown,
                Announcement {
                    at: Instant::now(),
                    n_nulls: HashMap::new(),
                },
            );
            // Nobody listens: nobody misses anything.
            let _ = self.announcements.send(shown);
        }
    }

    pub(super) fn announced_at(&self, number: u64) -> Option<Instant> {
        let announced = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        announced.get(&number).map(|announcement| announcement.at)
    }

    /// Whether a block has to be denied once more to a method that asks for it.
    pub(super) fn deny(&self, number: u64, method: &'static str, n_nulls: u32) -> bool {
        if n_nulls == 0 {
            return false;
        }
        let mut announced = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(announcement) = announced.get_mut(&number) else {
            return false;
        };
        let given = announcement.n_nulls.entry(method).or_default();
        *given += 1;
        *given <= n_nulls
    }
}
