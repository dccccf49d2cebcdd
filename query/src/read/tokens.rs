//! Token contracts and their supply.

use alloy_primitives::{Address, U256};
use clickhouse::Row;
use lastro_schema::BlockNumber;
use serde::Deserialize;

use crate::{
    error::QueryError,
    read::{
        keyset::{Key, KeyDef, Keyed, Keyset, key_def},
        sql::Sql,
        sums::{SUMS, Sums},
        wire,
    },
    store::Store,
};

pub(crate) static KEY: KeyDef = key_def!(5: "first_block" Number, "token" Address);

/// A row of `tokens`.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct TokenRow {
    #[serde(deserialize_with = "wire::read")]
    pub token: Address,
    pub first_block: u64,
    pub standard: String,
    pub name: Option<String>,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
    pub metadata_block: Option<u64>,
}

impl Keyed for TokenRow {
    fn key(&self) -> Key {
        Key(vec![self.first_block.into(), self.token.into()])
    }
}

/// Which tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokensRequest {
    pub standard: Option<&'static str>,
    pub symbol: Option<String>,
    pub keyset: Keyset,
}

pub(crate) async fn list(
    store: &Store,
    request: &TokensRequest,
    at: BlockNumber,
) -> Result<Vec<TokenRow>, QueryError> {
    let sql = Sql::new("SELECT ?fields FROM tokens WHERE first_block <= {at:UInt64}")
        .bind("at", at.0)
        .filter(
            "AND standard = {standard:String}",
            "standard",
            request.standard,
        )
        .filter(
            "AND symbol = {symbol:String}",
            "symbol",
            request.symbol.as_deref(),
        );
    let sql = request.keyset.bounds(sql, &KEY);
    store.rows(request.keyset.order(sql, &KEY)).await
}

/// Tokens by address that had a transfer up to `at`, in no order.
pub(crate) async fn by_addresses(
    store: &Store,
    tokens: &[Address],
    at: BlockNumber,
) -> Result<Vec<TokenRow>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM tokens WHERE first_block <= {at:UInt64} AND token IN \
         (SELECT toFixedString(unhex(arrayJoin({tokens:Array(String)})), 20))",
    )
    .bind("at", at.0)
    .bind_all("tokens", tokens.iter().copied());
    store.rows(sql).await
}

/// What was minted (entered) and burned (left): of one id, or of all ids.
pub(crate) async fn supply(
    store: &Store,
    token: Address,
    token_id: Option<U256>,
    at: BlockNumber,
) -> Result<Sums, QueryError> {
    let sql = Sql::new("SELECT")
        .and_then(SUMS)
        .and_then(
            "FROM (SELECT arrayJoin([0, 1]) AS direction, amount, from_address, to_address FROM token_transfers \
             WHERE token = toFixedString(unhex({token:String}), 20) AND block_number <= {at:UInt64}",
        )
        .bind("token", token)
        .bind("at", at.0)
        .filter("AND token_id = {token_id:UInt256}", "token_id", token_id)
        .and_then(") WHERE if(direction = 1, from_address, to_address) = toFixedString('', 20)");
    Ok(store.row(sql).await?.unwrap_or_default())
}
