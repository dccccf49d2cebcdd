//! Events: decoded logs.

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    api::{
        block::Block,
        log::{block_of, transaction_of},
        scalars::{Address, BlockNumber, Hash, Json},
        scope::{ReadAt, Scope},
        transaction::Transaction,
    },
    error::QueryError,
    read::events::EventRow,
};

/// A log that a registered ABI decodes. The log is proven; that the ABI is the contract's is the operator's word.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Event {
    /// [proven] Contract that emitted the log.
    address: Address,
    /// [computed] Name of the event in the ABI.
    event: String,
    /// [proven] Block of the log.
    block_number: BlockNumber,
    /// [proven] Position of the log in the block.
    log_index: u32,
    /// [proven] Position of the transaction in the block.
    transaction_index: u32,
    /// [computed] Signature of the event, as `Name(type,type)`.
    signature: String,
    /// [computed] Arguments by name; integers as decimal strings, bytes as 0x text. The ABI is the operator's word.
    arguments: Json,
    /// [computed] Digest of the ABI that decoded it.
    abi: Hash,
    #[graphql(skip)]
    scope: Scope,
}

#[ComplexObject]
impl Event {
    /// The transaction that caused the event.
    async fn transaction(&self, ctx: &Context<'_>) -> Result<Transaction, QueryError> {
        transaction_of(ctx, self.block_number, self.transaction_index, &self.scope).await
    }

    /// The block of the event.
    async fn block(&self, ctx: &Context<'_>) -> Result<Block, QueryError> {
        block_of(ctx, self.block_number, &self.scope).await
    }

    /// The block at which this was read.
    async fn read_at(&self) -> Result<ReadAt, QueryError> {
        self.scope.read_at()
    }
}

impl Event {
    pub(crate) fn new(row: EventRow, scope: Scope) -> Result<Self, QueryError> {
        Ok(Self {
            address: row.address.into(),
            event: row.event,
            block_number: row.block_number.into(),
            log_index: row.log_index,
            transaction_index: row.transaction_index,
            signature: row.signature,
            arguments: Json::from_column(&row.arguments)?,
            abi: row.abi.into(),
            scope,
        })
    }
}
