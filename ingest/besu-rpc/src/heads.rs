//! The head of the chain as it moves.
//!
//! Every endpoint has up to two tasks: `subscription` reads `newHeads` from its WebSocket and opens it again when it
//! breaks; `polling` asks over HTTP where no frame came of late, and notices a WebSocket that is open but silent. Both
//! report to the `board`, which publishes the highest head. Only the newest head is kept: whoever wants every block
//! fetches the range in between.

mod board;
mod polling;
mod subscription;

use std::{sync::Arc, time::Instant};

use alloy_primitives::B256;
use lastro_schema::{BlockNumber, BlockRef};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{EndpointNode, Pool},
    endpoint::{EndpointId, EndpointName},
    options::ClientOptions,
};
use board::Board;

/// A head, when and from whom it was first heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewHead {
    pub number: BlockNumber,
    pub hash: B256,
    pub endpoint: EndpointId,
    pub received_at: Instant,
    pub source: HeadSource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadSource {
    Subscription,
    Polling,
}

/// How the heads reach us, one entry for each endpoint.
#[derive(Clone, Debug)]
pub struct HeadWatchStatus {
    pub endpoints: Vec<EndpointWatchStatus>,
}

#[derive(Clone, Debug)]
pub struct EndpointWatchStatus {
    pub id: EndpointId,
    pub name: EndpointName,
    /// The WebSocket is open and the subscription confirmed.
    pub subscribed: bool,
    /// Frames with a head.
    pub n_frames: u64,
    /// Heads that polling brought first.
    pub n_polled_heads: u64,
    /// Subscriptions that ended, for whatever reason.
    pub n_disconnects: u64,
    /// Subscriptions given up because they were silent while the chain moved.
    pub n_silent: u64,
    pub last_frame_at: Option<Instant>,
    /// Why the last subscription or poll failed.
    pub last_error: Option<String>,
}

/// Follows the head until it is dropped or cancelled.
pub struct HeadWatch {
    heads: watch::Receiver<Option<NewHead>>,
    board: Arc<Board>,
    cancel: CancellationToken,
    /// Dropping the set ends the tasks.
    _tasks: JoinSet<()>,
}

/// What both tasks of an endpoint share.
#[derive(Clone)]
struct EndpointWatch {
    pool: Arc<Pool>,
    node: Arc<EndpointNode>,
    board: Arc<Board>,
    cancel: CancellationToken,
}

impl HeadWatch {
    /// Must be called in a tokio runtime.
    pub(crate) fn start(
        pool: Arc<Pool>,
        options: &ClientOptions,
        tls: &Arc<rustls::ClientConfig>,
        cancel: CancellationToken,
    ) -> Self {
        let (board, heads) = Board::new(pool.nodes());
        let board = Arc::new(board);
        let mut tasks = JoinSet::new();
        for node in pool.nodes() {
            let (pool, node, board) = (Arc::clone(&pool), Arc::clone(node), Arc::clone(&board));
            let watch = EndpointWatch {
                pool,
                node,
                board,
                cancel: cancel.clone(),
            };
            if let Some(url) = watch.node.ws.clone() {
                tasks.spawn(subscription::follow(
                    watch.clone(),
                    url,
                    Arc::clone(tls),
                    options.clone(),
                ));
            }
            tasks.spawn(polling::follow(watch, options.clone()));
        }
        Self {
            heads,
            board,
            cancel,
            _tasks: tasks,
        }
    }

    /// The newest head, as soon as there is one that this method has not returned; `None` once cancelled. Heads in
    /// between are skipped. On a chain that reorganises a head may be lower than the one before.
    pub async fn next(&mut self) -> Option<NewHead> {
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return None,
                changed = self.heads.changed() => changed.ok()?,
            }
            if let Some(head) = *self.heads.borrow_and_update() {
                return Some(head);
            }
        }
    }

    /// The newest head known, without waiting.
    pub fn latest(&self) -> Option<NewHead> {
        *self.heads.borrow()
    }

    pub fn status(&self) -> HeadWatchStatus {
        self.board.status()
    }
}

impl EndpointWatch {
    fn report(&self, head: BlockRef, source: HeadSource) {
        self.node.set_head(head);
        let BlockRef { number, hash } = head;
        self.board.report(NewHead {
            number,
            hash,
            endpoint: self.node.id,
            received_at: Instant::now(),
            source,
        });
    }
}
