//! Token transfers.

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    api::{
        block::Block,
        labels::TokenStandard,
        log::{block_of, transaction_of},
        scalars::{Address, BigInt, BlockNumber},
        scope::{ReadAt, Scope},
        token::{Token, formatted, token_of},
        transaction::Transaction,
    },
    error::QueryError,
    read::transfers::TransferRow,
};

/// A movement of a token: an ERC-20, ERC-721 or ERC-1155 transfer, mint or burn. A batch transfer gives one per item.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Transfer {
    /// [proven] Contract of the token.
    token: Address,
    /// [proven] Block of the log.
    block_number: BlockNumber,
    /// [proven] Position of the log in the block.
    log_index: u32,
    /// [proven] Position in an ERC-1155 batch; 0 for the others.
    batch_index: u32,
    /// [proven] Position of the transaction in the block.
    transaction_index: u32,
    /// [computed] Shape of the event.
    standard: TokenStandard,
    /// [proven] Who moved the tokens; null where the event does not say (ERC-20, ERC-721).
    operator: Option<Address>,
    /// [proven] Giver; the zero address for a mint.
    from: Address,
    /// [proven] Receiver; the zero address for a burn.
    to: Address,
    /// [proven] Id within the contract; 0 for ERC-20.
    token_id: BigInt,
    /// [proven] Amount in the token's smallest unit; 1 for ERC-721.
    amount: BigInt,
    #[graphql(skip)]
    scope: Scope,
}

#[ComplexObject]
impl Transfer {
    /// `amount` with the token's decimals, which a node stated; null when they are unknown.
    async fn formatted(&self, ctx: &Context<'_>) -> Result<Option<String>, QueryError> {
        formatted(ctx, self.token, Some(self.amount.0), &self.scope).await
    }

    /// The token.
    async fn token_details(&self, ctx: &Context<'_>) -> Result<Option<Token>, QueryError> {
        token_of(ctx, self.token, &self.scope).await
    }

    /// The transaction that caused the transfer.
    async fn transaction(&self, ctx: &Context<'_>) -> Result<Transaction, QueryError> {
        transaction_of(ctx, self.block_number, self.transaction_index, &self.scope).await
    }

    /// The block of the transfer.
    async fn block(&self, ctx: &Context<'_>) -> Result<Block, QueryError> {
        block_of(ctx, self.block_number, &self.scope).await
    }

    /// The block at which this was read.
    async fn read_at(&self) -> Result<ReadAt, QueryError> {
        self.scope.read_at()
    }
}

impl Transfer {
    pub(crate) fn new(row: TransferRow, scope: Scope) -> Result<Self, QueryError> {
        Ok(Self {
            token: row.token.into(),
            block_number: row.block_number.into(),
            log_index: row.log_index,
            batch_index: row.batch_index,
            transaction_index: row.transaction_index,
            standard: TokenStandard::from_label(&row.standard)?,
            operator: row.operator.map(Into::into),
            from: row.from_address.into(),
            to: row.to_address.into(),
            token_id: row.token_id.into(),
            amount: row.amount.into(),
            scope,
        })
    }
}
