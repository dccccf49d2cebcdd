//! Logs.

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    api::{
        block::Block,
        loaders::{BlockKey, TransactionKey, loader},
        scalars::{Address, BlockNumber, Bytes, Hash},
        scope::{ReadAt, Scope},
        transaction::Transaction,
    },
    error::QueryError,
    read::logs::LogRow,
};

/// A log.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Log {
    /// [proven] Block that includes the log.
    block_number: BlockNumber,
    /// [proven] Position in the block.
    log_index: u32,
    /// [proven] Position of the transaction in the block.
    transaction_index: u32,
    /// [proven] Contract that emitted the log.
    address: Address,
    /// [proven] First topic: for most events the hash of their signature.
    topic0: Option<Hash>,
    /// [proven] Second topic.
    topic1: Option<Hash>,
    /// [proven] Third topic.
    topic2: Option<Hash>,
    /// [proven] Fourth topic.
    topic3: Option<Hash>,
    /// [proven] Unindexed arguments, ABI-encoded.
    data: Bytes,
    #[graphql(skip)]
    scope: Scope,
}

#[ComplexObject]
impl Log {
    /// The transaction that caused the log.
    async fn transaction(&self, ctx: &Context<'_>) -> Result<Transaction, QueryError> {
        transaction_of(ctx, self.block_number, self.transaction_index, &self.scope).await
    }

    /// The block that includes the log.
    async fn block(&self, ctx: &Context<'_>) -> Result<Block, QueryError> {
        block_of(ctx, self.block_number, &self.scope).await
    }

    /// The block at which this was read.
    async fn read_at(&self) -> Result<ReadAt, QueryError> {
        self.scope.read_at()
    }
}

impl Log {
    pub(crate) fn new(row: LogRow, scope: Scope) -> Result<Self, QueryError> {
        Ok(Self {
            block_number: row.block_number.into(),
            log_index: row.log_index,
            transaction_index: row.transaction_index,
            address: row.address.into(),
            topic0: row.topic0.map(Into::into),
            topic1: row.topic1.map(Into::into),
            topic2: row.topic2.map(Into::into),
            topic3: row.topic3.map(Into::into),
            data: row.data.into(),
            scope,
        })
    }
}

/// The transaction at a position, which a row says exists.
pub(crate) async fn transaction_of(
    ctx: &Context<'_>,
    block: BlockNumber,
    index: u32,
    scope: &Scope,
) -> Result<Transaction, QueryError> {
    let row = loader(ctx)
        .load_one(TransactionKey {
            block: block.0,
            index,
        })
        .await?;
    let row = row.ok_or_else(|| {
        QueryError::Inconsistent(format!(
            "block {} has no transaction {index}, which a row refers to",
            block.0
        ))
    })?;
    Transaction::new(row, scope.clone())
}

/// The block of a number, which a row says exists.
pub(crate) async fn block_of(
    ctx: &Context<'_>,
    block: BlockNumber,
    scope: &Scope,
) -> Result<Block, QueryError> {
    let row = loader(ctx).load_one(BlockKey(block.0)).await?;
    let row = row.ok_or_else(|| {
        QueryError::Inconsistent(format!(
            "there is no block {}, which a row refers to",
            block.0
        ))
    })?;
    Block::new(row, scope.clone())
}
