//! The block at which an answer is read. Every root field takes one when it starts, and everything below inherits it.

use std::sync::Arc;

use alloy_primitives::B256;
use async_graphql::{Context, OneofObject, SimpleObject};
use lastro_schema::BlockRef;

use crate::{
    api::{
        labels::{Anchor, Proof},
        scalars,
    },
    error::QueryError,
    head::Head,
    read::head::{self, PinnedBlock},
    store::Store,
};

/// An older block to read at: exactly one of its number and its hash.
#[derive(Clone, Debug, OneofObject)]
pub enum BlockSelector {
    Number(scalars::BlockNumber),
    Hash(scalars::Hash),
}

/// The block at which an answer was read, and what proves it. Rows above that block are never part of the answer.
#[derive(Clone, Debug, SimpleObject)]
pub struct ReadAt {
    /// Number of the block.
    pub number: scalars::BlockNumber,
    /// Hash of the block.
    pub hash: scalars::Hash,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub timestamp: scalars::UInt64,
    /// How the block was proven when it was stored.
    pub proof: Proof,
    /// What the proof rests on.
    pub anchor: Anchor,
}

/// What a request was pinned to at its start: the head of that instant, or why there is none.
#[derive(Clone, Debug)]
pub(crate) struct RequestHead(pub Option<Arc<Head>>);

/// A pinned block with the chain it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    head: Arc<Head>,
    pinned: Arc<PinnedBlock>,
}

impl Scope {
    /// At the head of the request.
    pub(crate) fn at_request_head(ctx: &Context<'_>) -> Result<Self, QueryError> {
        match ctx.data_opt::<RequestHead>() {
            Some(RequestHead(Some(head))) => Ok(Self::at_head(head.clone())),
            _ => Err(QueryError::NothingIndexed),
        }
    }

    pub(crate) fn at_head(head: Arc<Head>) -> Self {
        let pinned = Arc::new(head.pinned.clone());
        Self { head, pinned }
    }

    /// At the head of the request, or at an older block.
    pub(crate) async fn at(
        ctx: &Context<'_>,
        at: Option<BlockSelector>,
    ) -> Result<Self, QueryError> {
        let scope = Self::at_request_head(ctx)?;
        match at {
            None => Ok(scope),
            Some(BlockSelector::Number(number)) => scope.at_number(store(ctx), number.0).await,
            Some(BlockSelector::Hash(hash)) => scope.at_hash(store(ctx), hash.0).await,
        }
    }

    async fn at_number(self, store: &Store, number: u64) -> Result<Self, QueryError> {
        let (number, first, head) = (
            lastro_schema::BlockNumber(number),
            self.head.first,
            self.head.pinned.number,
        );
        if number == head {
            return Ok(self);
        }
        let missing = QueryError::NotIndexed {
            number,
            first,
            head,
        };
        if number > head || number < first {
            return Err(missing);
        }
        let pinned = head::pins(store, &[number]).await?.pop().ok_or(missing)?;
        Ok(Self {
            pinned: Arc::new(pinned),
            ..self
        })
    }

    async fn at_hash(self, store: &Store, hash: B256) -> Result<Self, QueryError> {
        if hash == self.head.pinned.hash {
            return Ok(self);
        }
        let head = self.head.pinned.number;
        let pinned = head::pin_by_hash(store, hash, head).await?;
        let pinned = pinned.ok_or(QueryError::UnknownHash { hash, head })?;
        Ok(Self {
            pinned: Arc::new(pinned),
            ..self
        })
    }

    /// At the block that a cursor names, if it is still part of the chain.
    pub(crate) async fn at_cursor(
        self,
        store: &Store,
        chain_id: u64,
        pinned: BlockRef,
    ) -> Result<Self, QueryError> {
        if chain_id != self.chain_id() {
            return Err(QueryError::ForeignCursor {
                cursor: chain_id,
                chain: self.chain_id(),
            });
        }
        match self.at_number(store, pinned.number.0).await {
            Ok(scope) if scope.pinned.hash == pinned.hash => Ok(scope),
            Ok(_) | Err(QueryError::NotIndexed { .. }) => Err(QueryError::StaleCursor { pinned }),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn number(&self) -> lastro_schema::BlockNumber {
        self.pinned.number
    }

    pub(crate) fn pinned(&self) -> &PinnedBlock {
        &self.pinned
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn chain_id(&self) -> u64 {
        self.head.chain.chain_id
    }

    pub(crate) fn read_at(&self) -> Result<ReadAt, QueryError> {
        Ok(ReadAt {
            number: self.pinned.number.0.into(),
            hash: self.pinned.hash.into(),
            timestamp: self.pinned.timestamp.0.into(),
            proof: Proof::from_label(&self.pinned.proof)?,
            anchor: Anchor::from_label(&self.head.chain.anchor)?,
        })
    }
}

/// The store that every resolver reads.
pub(crate) fn store<'a>(ctx: &Context<'a>) -> &'a Store {
    ctx.data_unchecked::<Store>()
}
