//! The head: the newest block that answers may show, kept fresh by announcements or by polling.
//!
//! One task per process follows the feed and publishes what requests need to pin themselves without asking the store. An
//! announcement comes after its block is committed, so a head is never shown before it can be read.

use std::{sync::Arc, time::Duration};

use lastro_schema::{BlockNumber, BlockRef};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    error::QueryError,
    metrics::Metrics,
    read::head::{self, ChainRow, Committed, PinnedBlock},
    store::Store,
};

/// How this process learns of committed blocks.
#[derive(Clone, Debug)]
pub enum HeadFeed {
    /// The indexer runs in this process and announces each head after its commit; `None` before the first.
    Channel(watch::Receiver<Option<BlockRef>>),
    /// The indexer runs elsewhere: look for new checkpoints this often.
    Poll(Duration),
}

/// The newest block that answers may show, with what goes into every answer.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub chain: Arc<ChainRow>,
    pub first: BlockNumber,
    pub pinned: PinnedBlock,
    /// Rises when blocks that were shown have left the chain (development chains only).
    pub epoch: u64,
}

/// What requests and subscriptions watch; `None` before the first block is committed.
pub(crate) type HeadReceiver = watch::Receiver<Option<Arc<Head>>>;

/// Waits between attempts while the store does not answer.
const RETRY: Duration = Duration::from_millis(500);
/// How often checkpoints are read once the announcing side is gone.
const FALLBACK_POLL: Duration = Duration::from_secs(1);

/// Publishes heads until cancelled.
pub(crate) struct HeadFollower {
    pub store: Store,
    pub feed: HeadFeed,
    pub heads: watch::Sender<Option<Arc<Head>>>,
    pub metrics: Metrics,
}

/// What a look at the store gave.
enum Look {
    Settled,
    /// The block was replaced while it was being looked at (development chains only).
    Moved,
}

impl HeadFollower {
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let (mut announced, mut last) = (None, None);
        loop {
            match self.refresh(announced, &mut last).await {
                Ok(Look::Settled) => announced = self.next_announcement().await,
                Ok(Look::Moved) => {
                    tokio::time::sleep(RETRY).await;
                    announced = None;
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the head could not be read, trying again"
                    );
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Waits for the next reason to look; the announced block, if the feed names it.
    async fn next_announcement(&mut self) -> Option<BlockRef> {
        match &mut self.feed {
            HeadFeed::Channel(receiver) => {
                if receiver.changed().await.is_ok() {
                    return *receiver.borrow_and_update();
                }
                tracing::info!("the announcing side has ended, reading checkpoints instead");
                self.feed = HeadFeed::Poll(FALLBACK_POLL);
                None
            }
            HeadFeed::Poll(period) => {
                tokio::time::sleep(*period).await;
                None
            }
        }
    }

    /// Publishes the announced head, or the one that the checkpoints show. `last` is the newest head ever published.
    async fn refresh(
        &self,
        announced: Option<BlockRef>,
        last: &mut Option<Arc<Head>>,
    ) -> Result<Look, QueryError> {
        let next = match (announced, &last) {
            (Some(head), Some(last)) => Some(Committed {
                first: last.first,
                head,
            }),
            _ => head::committed(&self.store).await?,
        };
        let Some(next) = next else {
            self.publish(None);
            return Ok(Look::Settled);
        };
        let published = self
            .heads
            .borrow()
            .as_ref()
            .map(|head| head.pinned.block_ref());
        if published == Some(next.head) {
            return Ok(Look::Settled);
        }
        let Some(head) = self.head_of(next, last.as_deref()).await? else {
            return Ok(Look::Moved);
        };
        let head = Arc::new(head);
        *last = Some(head.clone());
        self.publish(Some(head));
        Ok(Look::Settled)
    }

    fn publish(&self, head: Option<Arc<Head>>) {
        if let Some(head) = &head {
            self.metrics
                .head_block
                .set(i64::try_from(head.pinned.number.0).unwrap_or(i64::MAX));
        }
        self.heads.send_if_modified(|published| {
            let changed = published.is_some() || head.is_some();
            *published = head;
            changed
        });
    }

    /// `None` when the block, or the row of the chain, is not there (any more).
    async fn head_of(
        &self,
        next: Committed,
        last: Option<&Head>,
    ) -> Result<Option<Head>, QueryError> {
        let chain = match last {
            Some(last) => Some(last.chain.clone()),
            None => head::chain(&self.store).await?.map(Arc::new),
        };
        let Some(chain) = chain else { return Ok(None) };
        let mut numbers = vec![next.head.number];
        numbers.extend(
            last.map(|head| head.pinned.number)
                .filter(|number| *number < next.head.number),
        );
        let mut pins = head::pins(&self.store, &numbers).await?;
        let stands = last.is_none_or(|head| pins.contains(&head.pinned));
        let epoch = last.map_or(0, |head| head.epoch) + u64::from(!stands);
        let Some(index) = pins.iter().position(|pin| pin.block_ref() == next.head) else {
            return Ok(None);
        };
        Ok(Some(Head {
            chain,
            first: next.first,
            pinned: pins.swap_remove(index),
            epoch,
        }))
    }
}
