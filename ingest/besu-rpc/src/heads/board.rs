//! What each endpoint said last; the highest of it is published.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lastro_schema::BlockNumber;
use tokio::sync::{Notify, watch};

use super::{EndpointWatchStatus, HeadSource, HeadWatchStatus, NewHead};
use crate::{client::EndpointNode, endpoint::EndpointId};

pub(super) struct Board {
    heads: watch::Sender<Option<NewHead>>,
    entries: Mutex<Vec<Entry>>,
    /// One for each endpoint: its subscription is to be opened again.
    reconnects: Vec<Notify>,
}

struct Entry {
    status: EndpointWatchStatus,
    head: Option<NewHead>,
    /// Up to here the subscription is not behind.
    subscribed_up_to: Option<BlockNumber>,
    behind_since: Option<Instant>,
}

/// A moment in the life of a subscription, to tell whether a frame came since.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameCount(u64);

impl Board {
    pub(super) fn new(nodes: &[Arc<EndpointNode>]) -> (Self, watch::Receiver<Option<NewHead>>) {
        let (heads, receiver) = watch::channel(None);
        let entries = nodes.iter().map(|node| Entry::new(node)).collect();
        let reconnects = nodes.iter().map(|_| Notify::new()).collect();
        (
            Self {
                heads,
                entries: Mutex::new(entries),
                reconnects,
            },
            receiver,
        )
    }

    pub(super) fn report(&self, head: NewHead) {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(index(head.endpoint)) else {
            return;
        };
        if head.source == HeadSource::Subscription {
            entry.status.n_frames += 1;
            entry.status.last_frame_at = Some(head.received_at);
            entry.subscribed_up_to = Some(head.number);
            entry.behind_since = None;
        }
        if entry.head.is_some_and(|known| is_same(&known, &head)) {
            return;
        }
        entry.head = Some(head);
        let highest = entries
            .iter()
            .filter_map(|entry| entry.head)
            .map(|head| head.number)
            .max();
        let published = *self.heads.borrow();
        let best = if highest.is_none_or(|highest| head.number >= highest) {
            Some(head)
        } else {
            // This endpoint is behind or went backwards: the others decide.
            entries
                .iter()
                .filter_map(|entry| entry.head)
                .rfind(|head| Some(head.number) == highest)
        };
        let Some(best) = best else { return };
        if published.is_some_and(|known| is_same(&known, &best)) {
            return;
        }
        if best.source == HeadSource::Polling
            && let Some(entry) = entries.get_mut(index(best.endpoint))
        {
            entry.status.n_polled_heads += 1;
        }
        // Still under the lock, so that heads are published in the order of the reports.
        self.heads.send_replace(Some(best));
    }

    /// The subscription is confirmed; `head` was polled right after.
    pub(super) fn subscribed(&self, id: EndpointId, head: Option<BlockNumber>) {
        self.with(id, |entry| {
            entry.status.subscribed = true;
            entry.status.last_error = None;
            entry.subscribed_up_to = entry.subscribed_up_to.max(head);
            entry.behind_since = None;
        });
    }

    pub(super) fn disconnected(&self, id: EndpointId, cause: String) {
        self.with(id, |entry| {
            if entry.status.subscribed {
                entry.status.n_disconnects += 1;
            }
            entry.status.subscribed = false;
            entry.status.last_error = Some(cause);
        });
    }

    pub(super) fn poll_failed(&self, id: EndpointId, cause: String) {
        self.with(id, |entry| entry.status.last_error = Some(cause));
    }

    /// Whether the subscription works and brought something within `window`.
    pub(super) fn is_fresh(&self, id: EndpointId, window: Duration) -> bool {
        self.with(id, |entry| {
            entry.status.subscribed
                && entry
                    .status
                    .last_frame_at
                    .is_some_and(|at| at.elapsed() < window)
        })
        .unwrap_or(false)
    }

    pub(super) fn frame_count(&self, id: EndpointId) -> FrameCount {
        FrameCount(self.with(id, |entry| entry.status.n_frames).unwrap_or(0))
    }

    /// Polling found `head`. Gives the subscription up when it has been behind for longer than `silent_after`.
    pub(super) fn check_silence(&self, id: EndpointId, head: BlockNumber, silent_after: Duration) {
        let is_silent = self.with(id, |entry| {
            if !entry.status.subscribed || entry.subscribed_up_to.is_some_and(|up_to| head <= up_to)
            {
                entry.behind_since = None;
                return false;
            }
            let silent = entry
                .behind_since
                .get_or_insert_with(Instant::now)
                .elapsed()
                >= silent_after;
            if silent {
                entry.status.n_silent += 1;
                entry.behind_since = None;
            }
            silent
        });
        if is_silent == Some(true)
            && let Some(reconnect) = self.reconnects.get(index(id))
        {
            reconnect.notify_one();
        }
    }

    /// Completes when the subscription of this endpoint is to be given up.
    pub(super) async fn reconnect(&self, id: EndpointId) {
        match self.reconnects.get(index(id)) {
            Some(reconnect) => reconnect.notified().await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn status(&self) -> HeadWatchStatus {
        HeadWatchStatus {
            endpoints: self
                .lock()
                .iter()
                .map(|entry| entry.status.clone())
                .collect(),
        }
    }

    fn with<R>(&self, id: EndpointId, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        self.lock().get_mut(index(id)).map(change)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new(node: &EndpointNode) -> Self {
        let status = EndpointWatchStatus {
            id: node.id,
            name: node.name.clone(),
            subscribed: false,
            n_frames: 0,
            n_polled_heads: 0,
            n_disconnects: 0,
            n_silent: 0,
            last_frame_at: None,
            last_error: None,
        };
        Self {
            status,
            head: None,
            subscribed_up_to: None,
            behind_since: None,
        }
    }
}

fn index(id: EndpointId) -> usize {
    usize::from(id.0)
}

fn is_same(one: &NewHead, other: &NewHead) -> bool {
    one.number == other.number && one.hash == other.hash
}
