//! The root of all reads: arguments become a typed request, `read` answers it, the rows become types.

use alloy_primitives::U256;
use async_graphql::{Context, Object};

use crate::{
    api::{
        balance::{Balance, BalanceOf, Holder},
        block::Block,
        event::Event,
        filters::{
            BlockFilter, EventFilter, LogFilter, TokenFilter, TransactionFilter, TransferFilter,
        },
        log::Log,
        pagination::{Connection, OrderBy, PageArgs},
        scalars::{Address, BigInt, BlockNumber, Cursor, Hash},
        scope::{BlockSelector, Scope, store},
        status::Status,
        token::{Supply, Token, token_of},
        transaction::Transaction,
        transfer::Transfer,
        validators::{BlockSeals, ValidatorSet},
    },
    error::QueryError,
    limits::{page_cost, read_cost},
    read::{balances, blocks, events, logs, tokens, transactions, transfers, validators},
};

/// Reads of the verified index.
///
/// Each field is read at one block: the head at the request's start, the block given by `at`, or the block of the cursor; it
/// says which in `readAt`, with the block's proof and the anchor the proof rests on. Descriptions begin with a mark: [proven] is
/// covered by roots and hashes that validators signed, [computed] follows from proven fields alone, [stated] is a node's word.
///
/// Error codes in `extensions.code`: BAD_USER_INPUT, NOT_FOUND, STALE_CURSOR, REORGANISED, LIMIT_EXCEEDED, TIMEOUT, UNAVAILABLE,
/// INTERNAL.
#[derive(Clone, Copy, Debug)]
pub struct Query;

// A GraphQL field's arguments are its resolver's parameters; each resolver groups them at once.
#[allow(clippy::too_many_arguments)]
#[Object]
impl Query {
    /// The chain, its anchor, and how far it is indexed.
    async fn status(&self, ctx: &Context<'_>) -> Result<Status, QueryError> {
        Status::new(ctx, Scope::at_request_head(ctx)?)
    }

    /// A block by number or by hash, or the head; null when no indexed block has this hash.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn block(
        &self,
        ctx: &Context<'_>,
        number: Option<BlockNumber>,
        hash: Option<Hash>,
    ) -> Result<Option<Block>, QueryError> {
        let at = match (number, hash) {
            (Some(_), Some(_)) => {
                return Err(QueryError::bad_argument(
                    "hash",
                    "give `number` or `hash`, not both",
                ));
            }
            (Some(number), None) => Some(BlockSelector::Number(number)),
            (None, hash) => hash.map(BlockSelector::Hash),
        };
        let head = Scope::at_request_head(ctx)?;
        let scope = match Scope::at(ctx, at).await {
            Ok(scope) => scope,
            Err(QueryError::UnknownHash { .. } | QueryError::NotIndexed { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let row = blocks::by_numbers(store(ctx), &[scope.number().0])
            .await?
            .pop();
        row.map(|row| Block::new(row, head)).transpose()
    }

    /// Blocks, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn blocks(
        &self,
        ctx: &Context<'_>,
        filter: Option<BlockFilter>,
        first: Option<i32>,
        after: Option<Cursor>,
        last: Option<i32>,
        before: Option<Cursor>,
        #[graphql(default_with = "OrderBy::Desc")] order_by: OrderBy,
        at: Option<BlockSelector>,
    ) -> Result<Connection<Block>, QueryError> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
            order: order_by,
            at,
        };
        let page = args.pin(ctx, &blocks::KEY).await?;
        let request = filter.unwrap_or_default().request(page.keyset.clone());
        let rows = blocks::list(store(ctx), &request, page.scope.number()).await?;
        page.connection(rows, Block::new)
    }

    /// A transaction with its receipt; null when no indexed block includes it.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn transaction(
        &self,
        ctx: &Context<'_>,
        hash: Hash,
    ) -> Result<Option<Transaction>, QueryError> {
        let scope = Scope::at_request_head(ctx)?;
        let row = transactions::by_hash(store(ctx), hash.0, scope.number()).await?;
        row.map(|row| Transaction::new(row, scope)).transpose()
    }

    /// Transactions, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn transactions(
        &self,
        ctx: &Context<'_>,
        filter: Option<TransactionFilter>,
        first: Option<i32>,
        after: Option<Cursor>,
        last: Option<i32>,
        before: Option<Cursor>,
        #[graphql(default_with = "OrderBy::Desc")] order_by: OrderBy,
        at: Option<BlockSelector>,
    ) -> Result<Connection<Transaction>, QueryError> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
            order: order_by,
            at,
        };
        let page = args.pin(ctx, &transactions::KEY).await?;
        let request = filter.unwrap_or_default().request(page.keyset.clone());
        let rows = transactions::list(store(ctx), &request, page.scope.number()).await?;
        page.connection(rows, Transaction::new)
    }

    /// Logs, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn logs(
        &self,
        ctx: &Context<'_>,
        filter: Option<LogFilter>,
        first: Option<i32>,
        after: Option<Cursor>,
        last: Option<i32>,
        before: Option<Cursor>,
        #[graphql(default_with = "OrderBy::Desc")] order_by: OrderBy,
        at: Option<BlockSelector>,
    ) -> Result<Connection<Log>, QueryError> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
            order: order_by,
            at,
        };
        let page = args.pin(ctx, &logs::KEY).await?;
        let request = filter.unwrap_or_default().request(page.keyset.clone());
        let rows = logs::list(store(ctx), &request, page.scope.number()).await?;
        page.connection(rows, Log::new)
    }

    /// Logs that a registered ABI decodes, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        filter: Option<EventFilter>,
        first: Option<i32>,
        after: Option<Cursor>,
        last: Option<i32>,
        before: Option<Cursor>,
        #[graphql(default_with = "OrderBy::Desc")] order_by: OrderBy,
        at: Option<BlockSelector>,
    ) -> Result<Connection<Event>, QueryError> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
            order: order_by,
            at,
        };
        let page = args.pin(ctx, &events::KEY).await?;
        let request = filter.unwrap_or_default().request(page.keyset.clone());
        let rows = events::list(store(ctx), &request, page.scope.number()).await?;
        page.connection(rows, Event::new)
    }

    /// A token by its contract; null when the contract emitted no transfer event up to the block read.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn token(
        &self,
        ctx: &Context<'_>,
        token: Address,
        at: Option<BlockSelector>,
    ) -> Result<Option<Token>, QueryError> {
        token_of(ctx, token, &Scope::at(ctx, at).await?).await
    }

    /// Tokens, in the order of their first transfer event.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn tokens(
        &self,
        ctx: &Context<'_>,
        filter: Option<TokenFilter>,
        first: Option<i32>,
        after: Option<Cursor>,
        last: Option<i32>,
        before: Option<Cursor>,
        #[graphql(default_with = "OrderBy::Asc")] order_by: OrderBy,
        at: Option<BlockSelector>,
    ) -> Result<Connection<Token>, QueryError> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
            order: order_by,
            at,
        };
        let page = args.pin(ctx, &tokens::KEY).await?;
        let request = filter.unwrap_or_default().request(page.keyset.clone());
        let rows = tokens::list(store(ctx), &request, page.scope.number()).await?;
        page.connection(rows, Token::new)
    }

    /// What was minted less what was burned of a token: of one id, or of all ids together.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn supply(
        &self,
        ctx: &Context<'_>,
        token: Address,
        id: Option<BigInt>,
        at: Option<BlockSelector>,
    ) -> Result<Supply, QueryError> {
        let scope = Scope::at(ctx, at).await?;
        Supply::read(ctx, token.0, id.map(|id| id.0), &scope).await
    }

    /// Token transfers, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        filter: Option<TransferFilter>,
        first: Option<i32>,
        after: Option<Cursor>,
        last: Option<i32>,
        before: Option<Cursor>,
        #[graphql(default_with = "OrderBy::Desc")] order_by: OrderBy,
        at: Option<BlockSelector>,
    ) -> Result<Connection<Transfer>, QueryError> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
            order: order_by,
            at,
        };
        let page = args.pin(ctx, &transfers::KEY).await?;
        let request = filter.unwrap_or_default().request(page.keyset.clone());
        let rows = transfers::list(store(ctx), &request, page.scope.number()).await?;
        page.connection(rows, Transfer::new)
    }

    /// What an account holds of a token; `id` is 0 for ERC-20.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn balance(
        &self,
        ctx: &Context<'_>,
        token: Address,
        account: Address,
        #[graphql(default_with = "BigInt(U256::ZERO)")] id: BigInt,
        at: Option<BlockSelector>,
    ) -> Result<Balance, QueryError> {
        let scope = Scope::at(ctx, at).await?;
        let of = BalanceOf {
            account: account.0,
            token: token.0,
            token_id: id.0,
        };
        let sums = balances::sums(
            store(ctx),
            of.account,
            of.token,
            of.token_id,
            scope.number(),
        )
        .await?;
        Ok(Balance::new(of, &sums, scope))
    }

    /// All that an account holds, by token and id; without those that are exactly zero unless asked for.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn balances(
        &self,
        ctx: &Context<'_>,
        account: Address,
        token: Option<Address>,
        #[graphql(default = false)] include_zero: bool,
        first: Option<i32>,
        after: Option<Cursor>,
        last: Option<i32>,
        before: Option<Cursor>,
        #[graphql(default_with = "OrderBy::Asc")] order_by: OrderBy,
        at: Option<BlockSelector>,
    ) -> Result<Connection<Balance>, QueryError> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
            order: order_by,
            at,
        };
        let page = args.pin(ctx, &balances::BALANCES_KEY).await?;
        let request = balances::BalancesRequest {
            account: account.0,
            token: token.map(|token| token.0),
            include_zero,
            keyset: page.keyset.clone(),
        };
        let rows = balances::list(store(ctx), &request, page.scope.number()).await?;
        page.connection(rows, |row, scope| {
            Ok(Balance::of_row(account.0, &row, scope))
        })
    }

    /// Accounts that hold a token, largest balance first. Accounts whose events give no number come before all others.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn holders(
        &self,
        ctx: &Context<'_>,
        token: Address,
        #[graphql(default_with = "BigInt(U256::ZERO)")] id: BigInt,
        first: Option<i32>,
        after: Option<Cursor>,
        last: Option<i32>,
        before: Option<Cursor>,
        #[graphql(default_with = "OrderBy::Desc")] order_by: OrderBy,
        at: Option<BlockSelector>,
    ) -> Result<Connection<Holder>, QueryError> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
            order: order_by,
            at,
        };
        let page = args.pin(ctx, &balances::HOLDERS_KEY).await?;
        let request = balances::HoldersRequest {
            token: token.0,
            token_id: id.0,
            keyset: page.keyset.clone(),
        };
        let rows = balances::holders(store(ctx), &request, page.scope.number()).await?;
        page.connection(rows, |row, scope| {
            Ok(Holder::of_row(token.0, id.0, &row, scope))
        })
    }

    /// The validator set that seals the block read; null without BFT consensus.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn validators(
        &self,
        ctx: &Context<'_>,
        at: Option<BlockSelector>,
    ) -> Result<Option<ValidatorSet>, QueryError> {
        let scope = Scope::at(ctx, at).await?;
        let row = validators::in_force(store(ctx), scope.number()).await?;
        row.map(|row| ValidatorSet::new(row, &scope)).transpose()
    }

    /// The commit seals of a block.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn block_seals(
        &self,
        ctx: &Context<'_>,
        block: BlockSelector,
    ) -> Result<BlockSeals, QueryError> {
        let scope = Scope::at(ctx, Some(block)).await?;
        BlockSeals::read(ctx, scope.number(), &scope).await
    }
}
