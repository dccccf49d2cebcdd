//! Token contracts and their supply.

use alloy_primitives::U256;
use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    api::{
        balance::SumState,
        labels::TokenStandard,
        loaders::{TokenKey, loader},
        scalars::{Address, BigInt, BlockNumber},
        scope::{ReadAt, Scope, store},
    },
    error::QueryError,
    limits::read_cost,
    read::{
        sums::Sums,
        tokens::{self, TokenRow},
    },
};

/// A token contract: one that emitted a transfer event.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Token {
    /// [proven] Contract of the token.
    token: Address,
    /// [proven] Block of its first transfer event.
    first_block: BlockNumber,
    /// [computed] Shape of its first transfer event.
    standard: TokenStandard,
    /// [stated] `name()`; null when the contract has none.
    name: Option<String>,
    /// [stated] `symbol()`; null when the contract has none.
    symbol: Option<String>,
    /// [stated] `decimals()`; null when the contract has none.
    decimals: Option<u8>,
    /// [stated] Block at which name, symbol and decimals were read; null when no node answered.
    metadata_block: Option<BlockNumber>,
    #[graphql(skip)]
    scope: Scope,
}

#[ComplexObject]
impl Token {
    /// What was minted less what was burned: of one id, or of all ids together.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn supply(&self, ctx: &Context<'_>, id: Option<BigInt>) -> Result<Supply, QueryError> {
        Supply::read(ctx, self.token.0, id.map(|id| id.0), &self.scope).await
    }

    /// The block at which this was read.
    async fn read_at(&self) -> Result<ReadAt, QueryError> {
        self.scope.read_at()
    }
}

impl Token {
    pub(crate) fn new(row: TokenRow, scope: Scope) -> Result<Self, QueryError> {
        Ok(Self {
            token: row.token.into(),
            first_block: row.first_block.into(),
            standard: TokenStandard::from_label(&row.standard)?,
            name: row.name,
            symbol: row.symbol,
            decimals: row.decimals,
            metadata_block: row.metadata_block.map(Into::into),
            scope,
        })
    }
}

/// The token's row, if it had a transfer up to the scope's block.
pub(crate) async fn token_of(
    ctx: &Context<'_>,
    token: Address,
    scope: &Scope,
) -> Result<Option<Token>, QueryError> {
    let row = loader(ctx)
        .load_one(TokenKey {
            token: token.0,
            at: scope.number(),
        })
        .await?;
    row.map(|row| Token::new(row, scope.clone())).transpose()
}

/// An amount as people write it, where the token's decimals are known.
pub(crate) async fn formatted(
    ctx: &Context<'_>,
    token: Address,
    amount: Option<U256>,
    scope: &Scope,
) -> Result<Option<String>, QueryError> {
    let Some(amount) = amount else {
        return Ok(None);
    };
    let token = token_of(ctx, token, scope).await?;
    Ok(token
        .and_then(|token| token.decimals)
        .map(|decimals| with_decimals(amount, decimals)))
}

/// The exact decimal fraction, without trailing zeros.
fn with_decimals(amount: U256, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let digits = format!("{:0>width$}", amount.to_string(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// Supply of a token by its events: what came from the zero address less what went to it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Supply {
    /// Contract of the token.
    token: Address,
    /// Id within the contract; null for all ids together.
    id: Option<BigInt>,
    /// [computed] Sum of all amounts from the zero address; null beyond 2^256 - 1.
    minted: Option<BigInt>,
    /// [computed] Sum of all amounts to the zero address; null beyond 2^256 - 1.
    burned: Option<BigInt>,
    /// [computed] Minted less burned; null when `notSummable`.
    amount: Option<BigInt>,
    /// [computed] Whether the events give no number; see `problem`.
    not_summable: bool,
    /// Why there is no number; null when there is one.
    problem: Option<String>,
    #[graphql(skip)]
    scope: Scope,
}

#[ComplexObject]
impl Supply {
    /// `amount` with the token's decimals, which a node stated; null when either is unknown.
    async fn formatted(&self, ctx: &Context<'_>) -> Result<Option<String>, QueryError> {
        formatted(
            ctx,
            self.token,
            self.amount.map(|amount| amount.0),
            &self.scope,
        )
        .await
    }

    /// The token; null when the index has seen no transfer event of this contract.
    async fn token_details(&self, ctx: &Context<'_>) -> Result<Option<Token>, QueryError> {
        token_of(ctx, self.token, &self.scope).await
    }

    /// The block at which this was read.
    async fn read_at(&self) -> Result<ReadAt, QueryError> {
        self.scope.read_at()
    }
}

impl Supply {
    pub(crate) async fn read(
        ctx: &Context<'_>,
        token: alloy_primitives::Address,
        id: Option<U256>,
        scope: &Scope,
    ) -> Result<Self, QueryError> {
        let sums = tokens::supply(store(ctx), token, id, scope.number()).await?;
        Ok(Self::new(token, id, &sums, scope))
    }

    fn new(token: alloy_primitives::Address, id: Option<U256>, sums: &Sums, scope: &Scope) -> Self {
        let (minted, burned) = sums.totals();
        let state = SumState::new(sums, scope);
        Self {
            token: token.into(),
            id: id.map(Into::into),
            minted: minted.map(Into::into),
            burned: burned.map(Into::into),
            amount: state.amount.map(Into::into),
            not_summable: state.amount.is_none(),
            problem: state.problem,
            scope: scope.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (amount, decimals, text) in [
            (0, 2, "0"),
            (5, 0, "5"),
            (5, 2, "0.05"),
            (1230, 2, "12.3"),
            (1200, 2, "12"),
            (1, 18, "0.000000000000000001"),
        ] {
            assert_eq!(with_decimals(U256::from(amount), decimals), text);
        }
        assert_eq!(with_decimals(U256::MAX, 255).len(), 257);
    }
}
