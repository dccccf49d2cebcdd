//! Token transfers.

use alloy_primitives::{Address, U256};
use clickhouse::Row;
use lastro_schema::BlockNumber;
use serde::Deserialize;

use crate::{
    error::QueryError,
    read::{
        keyset::{BlockSpan, Key, KeyDef, Keyed, Keyset, key_def},
        sql::Sql,
        wire,
    },
    store::Store,
};

pub(crate) static KEY: KeyDef =
    key_def!(6: "block_number" Number, "log_index" Number, "batch_index" Number);

/// A row of `token_transfers`.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct TransferRow {
    #[serde(deserialize_with = "wire::read")]
    pub token: Address,
    pub block_number: u64,
    pub log_index: u32,
    pub batch_index: u32,
    pub transaction_index: u32,
    pub standard: String,
    #[serde(deserialize_with = "wire::read")]
    pub operator: Option<Address>,
    #[serde(deserialize_with = "wire::read")]
    pub from_address: Address,
    #[serde(deserialize_with = "wire::read")]
    pub to_address: Address,
    #[serde(deserialize_with = "wire::read")]
    pub token_id: U256,
    #[serde(deserialize_with = "wire::read")]
    pub amount: U256,
}

impl Keyed for TransferRow {
    fn key(&self) -> Key {
        Key(vec![
            self.block_number.into(),
            self.log_index.into(),
            self.batch_index.into(),
        ])
    }
}

/// Which transfers; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct TransfersRequest {
    pub token: Option<Address>,
    pub token_id: Option<U256>,
    /// Giver or receiver.
    pub account: Option<Address>,
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub standard: Option<&'static str>,
    pub from_block: Option<u64>,
    pub to_block: Option<u64>,
    pub keyset: Keyset,
}

pub(crate) async fn list(
    store: &Store,
    request: &TransfersRequest,
    at: BlockNumber,
) -> Result<Vec<TransferRow>, QueryError> {
    // Sorted by token: without one, look among the nearest blocks before all of them.
    if request.token.is_none() && request.account.is_none() {
        let blocks = BlockSpan {
            from_block: request.from_block,
            to_block: request.to_block,
            at,
        };
        if let Some((from_block, to_block)) = request.keyset.nearest(blocks) {
            let (from_block, to_block) = (Some(from_block), Some(to_block));
            let near = TransfersRequest {
                from_block,
                to_block,
                ..request.clone()
            };
            let rows = read(store, &near, at).await?;
            if request.keyset.is_full(rows.len()) {
                return Ok(rows);
            }
        }
    }
    read(store, request, at).await
}

async fn read(
    store: &Store,
    request: &TransfersRequest,
    at: BlockNumber,
) -> Result<Vec<TransferRow>, QueryError> {
    let sql = Sql::new("SELECT ?fields FROM token_transfers WHERE block_number <= {at:UInt64}")
        .bind("at", at.0);
    let sql = block_range(sql, request)
        .filter(
            "AND token = toFixedString(unhex({token:String}), 20)",
            "token",
            request.token,
        )
        .filter(
            "AND token_id = {token_id:UInt256}",
            "token_id",
            request.token_id,
        )
        .filter(
            "AND from_address = toFixedString(unhex({from:String}), 20)",
            "from",
            request.from,
        )
        .filter(
            "AND to_address = toFixedString(unhex({to:String}), 20)",
            "to",
            request.to,
        )
        .filter(
            "AND standard = {standard:String}",
            "standard",
            request.standard,
        );
    let sql = match request.account {
        Some(account) => of_account(sql, request).bind("account", account),
        None => sql,
    };
    let sql = request.keyset.bounds(sql, &KEY);
    store.rows(request.keyset.order(sql, &KEY)).await
}

fn block_range(sql: Sql, request: &TransfersRequest) -> Sql {
    sql.filter(
        "AND block_number >= {from_block:UInt64}",
        "from_block",
        request.from_block,
    )
    .filter(
        "AND block_number <= {to_block:UInt64}",
        "to_block",
        request.to_block,
    )
}

/// The account's own page of `balance_changes`, which is sorted by account, names the transfers: the primary index of both
/// tables is used, and no more than the page is read from `token_transfers`, unless other conditions must still be met there.
fn of_account(sql: Sql, request: &TransfersRequest) -> Sql {
    let mut sql = sql.and_then(
        "AND (token, block_number, log_index, batch_index) IN (SELECT DISTINCT token, block_number, log_index, batch_index \
         FROM balance_changes WHERE account = toFixedString(unhex({account:String}), 20) AND block_number <= {at:UInt64}",
    );
    if request.token.is_some() {
        sql.push("AND token = toFixedString(unhex({token:String}), 20)");
    }
    if request.token_id.is_some() {
        sql.push("AND token_id = {token_id:UInt256}");
    }
    if request.from_block.is_some() {
        sql.push("AND block_number >= {from_block:UInt64}");
    }
    if request.to_block.is_some() {
        sql.push("AND block_number <= {to_block:UInt64}");
    }
    let only_account = request.from.is_none() && request.to.is_none() && request.standard.is_none();
    let sql = request.keyset.bounds(sql, &KEY);
    let sql = if only_account {
        request.keyset.order(sql, &KEY)
    } else {
        sql
    };
    sql.and_then(")")
}
