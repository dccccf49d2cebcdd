//! Balances and holders.

use alloy_primitives::U256;
use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    api::{
        scalars::{Address, BigInt},
        scope::{ReadAt, Scope},
        token::{Token, formatted, token_of},
    },
    error::QueryError,
    read::{
        balances::{BalanceRow, HolderRow},
        sums::{SumProblem, Sums},
    },
};

/// What an account holds of a token, by the token's events.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Balance {
    /// Contract of the token.
    token: Address,
    /// Id within the contract; 0 for ERC-20.
    token_id: BigInt,
    /// The account.
    account: Address,
    /// [computed] What entered less what left, in the token's smallest unit; null when `notSummable`. 0 when the token's events
    /// never name the account: what no event says (see `tokenDetails`, null for a contract without transfer events) is not known.
    amount: Option<BigInt>,
    /// [computed] Sum of all that entered; null beyond 2^256 - 1.
    entered: Option<BigInt>,
    /// [computed] Sum of all that left; null beyond 2^256 - 1.
    left: Option<BigInt>,
    /// [computed] Whether the events give no number; see `problem`.
    not_summable: bool,
    /// Why there is no number; null when there is one.
    problem: Option<String>,
    #[graphql(skip)]
    scope: Scope,
}

#[ComplexObject]
impl Balance {
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

/// Whose balance of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BalanceOf {
    pub account: alloy_primitives::Address,
    pub token: alloy_primitives::Address,
    pub token_id: U256,
}

impl Balance {
    pub(crate) fn new(of: BalanceOf, sums: &Sums, scope: Scope) -> Self {
        let (entered, left) = sums.totals();
        let state = SumState::new(sums, &scope);
        Self {
            token: of.token.into(),
            token_id: of.token_id.into(),
            account: of.account.into(),
            amount: state.amount.map(Into::into),
            entered: entered.map(Into::into),
            left: left.map(Into::into),
            not_summable: state.amount.is_none(),
            problem: state.problem,
            scope,
        }
    }

    pub(crate) fn of_row(
        account: alloy_primitives::Address,
        row: &BalanceRow,
        scope: Scope,
    ) -> Self {
        Self::new(
            BalanceOf {
                account,
                token: row.token,
                token_id: row.token_id,
            },
            &row.sums(),
            scope,
        )
    }
}

/// An account that holds a token.
#[derive(Clone, Debug, SimpleObject)]
pub struct Holder {
    /// The account.
    account: Address,
    /// What it holds.
    balance: Balance,
}

impl Holder {
    pub(crate) fn of_row(
        token: alloy_primitives::Address,
        token_id: U256,
        row: &HolderRow,
        scope: Scope,
    ) -> Self {
        let of = BalanceOf {
            account: row.account,
            token,
            token_id,
        };
        Self {
            account: row.account.into(),
            balance: Balance::new(of, &row.sums(), scope),
        }
    }
}

/// A number, or why there is none.
pub(crate) struct SumState {
    pub amount: Option<U256>,
    pub problem: Option<String>,
}

impl SumState {
    pub(crate) fn new(sums: &Sums, scope: &Scope) -> Self {
        let first = scope.head().first;
        let problem = match sums.balance() {
            // Balances need every event since genesis.
            Ok(_) if first.0 > 0 => format!("the index begins at block {first}: what moved before is not known"),
            Ok(amount) => return Self { amount: Some(amount), problem: None },
            Err(SumProblem::Overflow) => {
                "the amounts add up to more than 2^256 - 1: the token's events do not add up".to_owned()
            }
            Err(SumProblem::MoreLeft) => "transfers leave more than entered: balances that began in genesis storage or a token \
                                          whose events do not add up"
                .to_owned(),
        };
        Self {
            amount: None,
            problem: Some(problem),
        }
    }
}
