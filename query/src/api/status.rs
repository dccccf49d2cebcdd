//! What this index is and how far it has come.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use async_graphql::{ComplexObject, Context, SimpleObject};
use lastro_schema::PROJECTION_VERSION;

use crate::{
    api::{
        labels::{Anchor, Consensus},
        scalars::{BlockNumber, Hash, Json, UInt64},
        scope::{ReadAt, Scope, store},
    },
    error::QueryError,
    read::head,
};

/// Newest block that a node has announced, where this process knows it; asked at each `status`, it must answer at once.
pub type NodeHead = Arc<dyn Fn() -> Option<lastro_schema::BlockNumber> + Send + Sync>;

/// The chain, its anchor, and how far it is indexed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Status {
    /// EIP-155 chain id.
    chain_id: UInt64,
    /// Hash of block 0.
    genesis_hash: Hash,
    /// Consensus rules of the chain.
    consensus: Consensus,
    /// What the proofs rest on.
    anchor: Anchor,
    /// The anchor's terms: epoch length, overrides of the validator set, digest of the genesis file.
    anchor_terms: Json,
    /// First indexed block.
    first_block: BlockNumber,
    /// Newest indexed block: the block at which every field without `at` is read.
    head: ReadAt,
    /// Number of indexed blocks.
    n_blocks: UInt64,
    /// Seconds since the head's timestamp, by this server's clock; 0 when the timestamp lies ahead.
    head_age_seconds: UInt64,
    /// Blocks that the node is ahead of the index; null when this process does not know the node's head.
    lag_blocks: Option<UInt64>,
    #[graphql(skip)]
    scope: Scope,
}

/// Versions of what answers.
#[derive(Clone, Debug, SimpleObject)]
pub struct Versions {
    /// This program.
    lastro: &'static str,
    /// Rules that derive rows (transfers, balance changes, events) from proven blocks.
    projection: u32,
    /// Migrations of the database.
    schema: u32,
    /// ClickHouse.
    store: String,
}

#[ComplexObject]
impl Status {
    /// Versions of what answers.
    async fn versions(&self, ctx: &Context<'_>) -> Result<Versions, QueryError> {
        let row = head::versions(store(ctx)).await?;
        Ok(Versions {
            lastro: env!("CARGO_PKG_VERSION"),
            projection: PROJECTION_VERSION,
            schema: row.schema,
            store: row.store,
        })
    }

    /// The block at which this was read.
    async fn read_at(&self) -> Result<ReadAt, QueryError> {
        self.scope.read_at()
    }
}

impl Status {
    pub(crate) fn new(ctx: &Context<'_>, scope: Scope) -> Result<Self, QueryError> {
        let (head, chain) = (scope.head(), &scope.head().chain);
        let number = scope.number();
        let node_head = ctx.data_opt::<NodeHead>().and_then(|node_head| node_head());
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Ok(Self {
            chain_id: chain.chain_id.into(),
            genesis_hash: chain.genesis_hash.into(),
            consensus: Consensus::from_label(&chain.consensus)?,
            anchor: Anchor::from_label(&chain.anchor)?,
            anchor_terms: Json::from_column(&chain.anchor_terms)?,
            first_block: head.first.0.into(),
            head: scope.read_at()?,
            n_blocks: (number.0 - head.first.0).saturating_add(1).into(),
            head_age_seconds: now.saturating_sub(scope.pinned().timestamp.0).into(),
            lag_blocks: node_head.map(|node| node.0.saturating_sub(number.0).into()),
            scope,
        })
    }
}
