//! Events as they are committed. A subscriber names its last cursor and gets exactly what follows it: first from the tables,
//! up to the head, then block by block. Rows are read when the subscriber takes them, so a slow one costs no memory: it is
//! only further behind.

use std::{collections::VecDeque, sync::Arc};

use async_graphql::{Context, SimpleObject, Subscription as GraphqlSubscription};
use futures::{Stream, StreamExt, stream};

use crate::{
    api::{
        block::Block,
        filters::TransferFilter,
        pagination::cursor,
        scalars::{BlockNumber, Cursor},
        scope::{Scope, store},
        transfer::Transfer,
    },
    cursor::CursorPlace,
    error::QueryError,
    head::{Head, HeadReceiver},
    metrics::Metrics,
    read::{
        blocks::{self, BlockRow, BlocksRequest},
        keyset::{Key, KeyDef, Keyed, Keyset},
        transfers::{self, TransferRow, TransfersRequest},
    },
    store::Store,
};

/// Events as they are committed. After an error the subscription ends; subscribe again with the last cursor.
#[derive(Clone, Copy, Debug)]
pub struct Subscription;

/// A committed block.
#[derive(Clone, Debug, SimpleObject)]
pub struct BlockEvent {
    /// Pass the last one as `after` to go on where this stopped.
    cursor: Cursor,
    /// The block.
    block: Block,
}

/// A committed transfer.
#[derive(Clone, Debug, SimpleObject)]
pub struct TransferEvent {
    /// Pass the last one as `after` to go on where this stopped.
    cursor: Cursor,
    /// The transfer.
    transfer: Transfer,
}

#[GraphqlSubscription]
impl Subscription {
    /// Blocks in their order: those after the cursor, or from `fromBlock` on, or those committed from now on.
    async fn blocks(
        &self,
        ctx: &Context<'_>,
        after: Option<Cursor>,
        from_block: Option<BlockNumber>,
    ) -> Result<impl Stream<Item = Result<BlockEvent, QueryError>> + use<>, QueryError> {
        let from_block = from_block.map(|number| number.0);
        let follower = Follower::start(
            ctx,
            &blocks::KEY,
            after,
            from_block,
            BlockSource { from_block },
        )
        .await?;
        Ok(follower.stream("blocks", |row: BlockRow, cursor, scope| {
            Ok(BlockEvent {
                cursor,
                block: Block::new(row, scope)?,
            })
        }))
    }

    /// Transfers in their order: those after the cursor (one of the list `transfers` will do), or from the filter's
    /// `fromBlock` on, or those committed from now on.
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        filter: Option<TransferFilter>,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<TransferEvent, QueryError>> + use<>, QueryError> {
        let filter = filter.unwrap_or_default();
        let from_block = filter.first_block();
        let source = TransferSource {
            request: filter.request(Keyset::default()),
        };
        let follower = Follower::start(ctx, &transfers::KEY, after, from_block, source).await?;
        Ok(
            follower.stream("transfers", |row: TransferRow, cursor, scope| {
                Ok(TransferEvent {
                    cursor,
                    transfer: Transfer::new(row, scope)?,
                })
            }),
        )
    }
}

/// Reads a stretch of a list, in ascending order.
trait Source: Send + Sync + 'static {
    type Row: Keyed + Send + 'static;

    /// Rows of blocks `first..=last` beyond the key, at most [`CHUNK`].
    fn read(
        &self,
        store: &Store,
        stretch: Stretch,
    ) -> impl Future<Output = Result<Vec<Self::Row>, QueryError>> + Send;
}

struct Stretch {
    first: u64,
    last: lastro_schema::BlockNumber,
    beyond: Option<Key>,
}

impl Stretch {
    fn keyset(&self) -> Keyset {
        Keyset {
            above: self.beyond.clone(),
            ..Keyset::first(CHUNK)
        }
    }
}

/// Rows read at once and kept for a subscriber.
const CHUNK: u64 = 500;

struct BlockSource {
    from_block: Option<u64>,
}

impl Source for BlockSource {
    type Row = BlockRow;

    async fn read(&self, store: &Store, stretch: Stretch) -> Result<Vec<BlockRow>, QueryError> {
        let first = stretch.first.max(self.from_block.unwrap_or(0));
        let request = BlocksRequest {
            from_block: Some(first),
            to_block: None,
            keyset: stretch.keyset(),
        };
        blocks::list(store, &request, stretch.last).await
    }
}

struct TransferSource {
    request: TransfersRequest,
}

impl Source for TransferSource {
    type Row = TransferRow;

    async fn read(&self, store: &Store, stretch: Stretch) -> Result<Vec<TransferRow>, QueryError> {
        let first = stretch.first.max(self.request.from_block.unwrap_or(0));
        let request = TransfersRequest {
            from_block: Some(first),
            keyset: stretch.keyset(),
            ..self.request.clone()
        };
        transfers::list(store, &request, stretch.last).await
    }
}

/// Where a subscriber stands in its list.
struct Follower<S: Source> {
    store: Store,
    heads: HeadReceiver,
    metrics: Metrics,
    source: S,
    list: &'static KeyDef,
    /// Epoch of the head feed in which all that was given is part of the chain.
    epoch: u64,
    /// First block that may still hold rows to give.
    first: u64,
    /// Rows up to this key have been read.
    beyond: Option<Key>,
    rows: VecDeque<S::Row>,
    scope: Scope,
}

impl<S: Source> Follower<S> {
    async fn start(
        ctx: &Context<'_>,
        list: &'static KeyDef,
        after: Option<Cursor>,
        from_block: Option<u64>,
        source: S,
    ) -> Result<Self, QueryError> {
        let heads = ctx.data_unchecked::<HeadReceiver>().clone();
        let mut scope = Scope::at_request_head(ctx)?;
        let epoch = scope.head().epoch;
        let mut first = from_block.unwrap_or_else(|| scope.number().0.saturating_add(1));
        let mut beyond = None;
        if let Some(cursor) = after {
            let place = CursorPlace::decode(&cursor.0, list, "after")?;
            scope = scope
                .at_cursor(store(ctx), place.chain_id, place.pinned)
                .await?;
            // Every list that can be followed is sorted by block first.
            first = match place.key.0.first() {
                Some(crate::read::keyset::KeyPart::Number(number)) => *number,
                _ => 0,
            };
            beyond = Some(place.key);
        }
        let (store, metrics) = (store(ctx).clone(), ctx.data_unchecked::<Metrics>().clone());
        Ok(Self {
            store,
            heads,
            metrics,
            source,
            list,
            epoch,
            first,
            beyond,
            rows: VecDeque::new(),
            scope,
        })
    }

    fn stream<T: Send>(
        self,
        name: &'static str,
        event: impl Fn(S::Row, Cursor, Scope) -> Result<T, QueryError> + Send,
    ) -> impl Stream<Item = Result<T, QueryError>> {
        let rows = stream::try_unfold(self, move |mut follower: Self| async move {
            let row = follower.next().await?;
            Ok(row.map(|row| {
                let cursor = cursor(&follower.scope, follower.list, row.key());
                follower.metrics.events.with_label_values(&[name]).inc();
                let item = (row, cursor, follower.scope.clone());
                (item, follower)
            }))
        });
        rows.map(move |item| item.and_then(|(row, cursor, scope)| event(row, cursor, scope)))
    }

    /// The next row; `None` when the server stops.
    async fn next(&mut self) -> Result<Option<S::Row>, QueryError> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Ok(Some(row));
            }
            let head = self.heads.borrow_and_update().clone();
            match head {
                Some(head) if head.epoch != self.epoch => {
                    return Err(QueryError::Reorganised {
                        pinned: self.scope.pinned().block_ref(),
                    });
                }
                Some(head) if self.first <= head.pinned.number.0 => self.read_up_to(head).await?,
                _ => {
                    if self.heads.changed().await.is_err() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    async fn read_up_to(&mut self, head: Arc<Head>) -> Result<(), QueryError> {
        let last = head.pinned.number;
        let stretch = Stretch {
            first: self.first,
            last,
            beyond: self.beyond.clone(),
        };
        let rows = self.source.read(&self.store, stretch).await?;
        self.scope = Scope::at_head(head);
        let complete = u64::try_from(rows.len()).is_ok_and(|n_rows| n_rows < CHUNK);
        if complete {
            self.first = last.0.saturating_add(1);
            self.beyond = None;
        } else {
            self.beyond = rows.last().map(Keyed::key);
        }
        self.rows = rows.into();
        Ok(())
    }
}
