//! Balances of accounts and holders of tokens. The sums themselves are defined in [`crate::read::sums`].

use alloy_primitives::{Address, U256};
use clickhouse::Row;
use lastro_schema::BlockNumber;
use serde::Deserialize;

use crate::{
    error::QueryError,
    read::{
        keyset::{Key, KeyDef, Keyed, Keyset, key_def},
        sql::Sql,
        sums::{SORTABLE, SUMS, Sums, TOTALS},
        wire,
    },
    store::Store,
};

pub(crate) static BALANCES_KEY: KeyDef = key_def!(7: "token" Address, "token_id" Amount);
/// Flagged sums come first in descending order: what has no number must not hide behind the last page.
pub(crate) static HOLDERS_KEY: KeyDef =
    key_def!(8: "flagged" Number, "balance" Amount, "account" Address);

/// Sums of one account in one token and id at a block; zeros when nothing ever moved.
pub(crate) async fn sums(
    store: &Store,
    account: Address,
    token: Address,
    token_id: U256,
    at: BlockNumber,
) -> Result<Sums, QueryError> {
    let sql = Sql::new("SELECT")
        .and_then(SUMS)
        .and_then(
            "FROM balance_changes WHERE account = toFixedString(unhex({account:String}), 20) \
             AND token = toFixedString(unhex({token:String}), 20) AND token_id = {token_id:UInt256} AND block_number <= {at:UInt64}",
        )
        .bind("account", account)
        .bind("token", token)
        .bind("token_id", token_id)
        .bind("at", at.0);
    Ok(store.row(sql).await?.unwrap_or_default())
}

/// Sums of an account in a token and id.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct BalanceRow {
    #[serde(deserialize_with = "wire::read")]
    pub token: Address,
    #[serde(deserialize_with = "wire::read")]
    pub token_id: U256,
    #[serde(deserialize_with = "wire::read")]
    in_high: U256,
    #[serde(deserialize_with = "wire::read")]
    in_low: U256,
    #[serde(deserialize_with = "wire::read")]
    out_high: U256,
    #[serde(deserialize_with = "wire::read")]
    out_low: U256,
}

impl BalanceRow {
    pub(crate) fn sums(&self) -> Sums {
        Sums {
            in_high: self.in_high,
            in_low: self.in_low,
            out_high: self.out_high,
            out_low: self.out_low,
        }
    }
}

impl Keyed for BalanceRow {
    fn key(&self) -> Key {
        Key(vec![self.token.into(), self.token_id.into()])
    }
}

/// Which balances of an account.
#[derive(Clone, Debug)]
pub(crate) struct BalancesRequest {
    pub account: Address,
    pub token: Option<Address>,
    /// Also those that are exactly zero.
    pub include_zero: bool,
    pub keyset: Keyset,
}

pub(crate) async fn list(
    store: &Store,
    request: &BalancesRequest,
    at: BlockNumber,
) -> Result<Vec<BalanceRow>, QueryError> {
    let sql = Sql::new("SELECT token, token_id, in_high, in_low, out_high, out_low FROM (SELECT token, token_id,")
        .and_then(SUMS)
        .and_then(",")
        .and_then(TOTALS)
        .and_then(
            "FROM balance_changes WHERE account = toFixedString(unhex({account:String}), 20) AND block_number <= {at:UInt64}",
        )
        .bind("account", request.account)
        .bind("at", at.0)
        .filter("AND token = toFixedString(unhex({token:String}), 20)", "token", request.token);
    let sql = request
        .keyset
        .bounds(sql, &BALANCES_KEY)
        .and_then("GROUP BY token, token_id)");
    let sql = if request.include_zero {
        sql
    } else {
        sql.and_then("WHERE entered != left_it")
    };
    store.rows(request.keyset.order(sql, &BALANCES_KEY)).await
}

/// Sums of one holder of a token.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct HolderRow {
    #[serde(deserialize_with = "wire::read")]
    pub account: Address,
    flagged: u8,
    #[serde(deserialize_with = "wire::read")]
    balance: U256,
    #[serde(deserialize_with = "wire::read")]
    in_high: U256,
    #[serde(deserialize_with = "wire::read")]
    in_low: U256,
    #[serde(deserialize_with = "wire::read")]
    out_high: U256,
    #[serde(deserialize_with = "wire::read")]
    out_low: U256,
}

impl HolderRow {
    pub(crate) fn sums(&self) -> Sums {
        Sums {
            in_high: self.in_high,
            in_low: self.in_low,
            out_high: self.out_high,
            out_low: self.out_low,
        }
    }
}

impl Keyed for HolderRow {
    fn key(&self) -> Key {
        Key(vec![
            u64::from(self.flagged).into(),
            self.balance.into(),
            self.account.into(),
        ])
    }
}

/// Which holders.
#[derive(Clone, Debug)]
pub(crate) struct HoldersRequest {
    pub token: Address,
    pub token_id: U256,
    pub keyset: Keyset,
}

/// Accounts whose balance is not zero. Read from `token_transfers`, which is sorted by token; `balance_changes` is not.
pub(crate) async fn holders(
    store: &Store,
    request: &HoldersRequest,
    at: BlockNumber,
) -> Result<Vec<HolderRow>, QueryError> {
    let sql = Sql::new(
        "SELECT account, flagged, balance, in_high, in_low, out_high, out_low FROM (SELECT *,",
    )
    .and_then(SORTABLE)
    .and_then("FROM (SELECT account,")
    .and_then(SUMS)
    .and_then(",")
    .and_then(TOTALS)
    .and_then(
        "FROM (SELECT arrayJoin([0, 1]) AS direction, if(direction = 1, to_address, from_address) AS account, amount \
         FROM token_transfers WHERE token = toFixedString(unhex({token:String}), 20) AND token_id = {token_id:UInt256} \
         AND block_number <= {at:UInt64}) WHERE account != toFixedString('', 20) GROUP BY account)) \
         WHERE (flagged OR balance > 0)",
    )
    .bind("token", request.token)
    .bind("token_id", request.token_id)
    .bind("at", at.0);
    let sql = request.keyset.bounds(sql, &HOLDERS_KEY);
    store.rows(request.keyset.order(sql, &HOLDERS_KEY)).await
}
