//! Transactions with their receipts.

use alloy_primitives::{Address, B256, Bytes, U256};
use clickhouse::Row;
use lastro_schema::BlockNumber;
use serde::Deserialize;

use crate::{
    error::QueryError,
    read::{
        keyset::{Key, KeyDef, Keyed, Keyset, key_def},
        sql::Sql,
        wire,
    },
    store::Store,
};

pub(crate) static KEY: KeyDef = key_def!(2: "block_number" Number, "transaction_index" Number);

/// A row of `transactions`.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct TransactionRow {
    pub block_number: u64,
    pub transaction_index: u32,
    #[serde(deserialize_with = "wire::read")]
    pub hash: B256,
    pub transaction_type: u8,
    pub chain_id: Option<u64>,
    #[serde(deserialize_with = "wire::read")]
    pub from_address: Address,
    #[serde(deserialize_with = "wire::read")]
    pub to_address: Option<Address>,
    pub nonce: u64,
    pub gas_limit: u64,
    #[serde(deserialize_with = "wire::read")]
    pub gas_price: Option<U256>,
    #[serde(deserialize_with = "wire::read")]
    pub max_fee_per_gas: Option<U256>,
    #[serde(deserialize_with = "wire::read")]
    pub max_priority_fee_per_gas: Option<U256>,
    #[serde(deserialize_with = "wire::read")]
    pub max_fee_per_blob_gas: Option<U256>,
    #[serde(deserialize_with = "wire::read")]
    pub value: U256,
    #[serde(deserialize_with = "wire::read")]
    pub input: Bytes,
    #[serde(deserialize_with = "wire::read")]
    pub access_list: Bytes,
    #[serde(deserialize_with = "wire::read")]
    pub blob_versioned_hashes: Vec<B256>,
    #[serde(deserialize_with = "wire::read")]
    pub authorization_list: Bytes,
    pub v: u64,
    #[serde(deserialize_with = "wire::read")]
    pub r: B256,
    #[serde(deserialize_with = "wire::read")]
    pub s: B256,
    pub status: Option<u8>,
    #[serde(deserialize_with = "wire::read")]
    pub post_state_root: Option<B256>,
    pub cumulative_gas_used: u64,
    pub gas_used: u64,
    #[serde(deserialize_with = "wire::read")]
    pub effective_gas_price: U256,
    #[serde(deserialize_with = "wire::read")]
    pub contract_address: Option<Address>,
    pub n_logs: u32,
    #[serde(deserialize_with = "wire::read")]
    pub revert_reason: Option<Bytes>,
}

impl Keyed for TransactionRow {
    fn key(&self) -> Key {
        Key(vec![
            self.block_number.into(),
            self.transaction_index.into(),
        ])
    }
}

/// Which transactions; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct TransactionsRequest {
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub from_block: Option<u64>,
    pub to_block: Option<u64>,
    pub keyset: Keyset,
}

pub(crate) async fn list(
    store: &Store,
    request: &TransactionsRequest,
    at: BlockNumber,
) -> Result<Vec<TransactionRow>, QueryError> {
    let sql = Sql::new("SELECT ?fields FROM transactions WHERE block_number <= {at:UInt64}")
        .bind("at", at.0)
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
            "AND block_number >= {from_block:UInt64}",
            "from_block",
            request.from_block,
        )
        .filter(
            "AND block_number <= {to_block:UInt64}",
            "to_block",
            request.to_block,
        );
    let sql = request.keyset.bounds(sql, &KEY);
    store.rows(request.keyset.order(sql, &KEY)).await
}

/// The equality on the fixed string lets the bloom filter index of `hash` skip what cannot hold it.
pub(crate) async fn by_hash(
    store: &Store,
    hash: B256,
    at: BlockNumber,
) -> Result<Option<TransactionRow>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM transactions WHERE hash = toFixedString(unhex({hash:String}), 32) AND block_number <= {at:UInt64} \
         LIMIT 1",
    )
    .bind("hash", hash)
    .bind("at", at.0);
    store.row(sql).await
}

/// Transactions by block and position, in no order.
pub(crate) async fn by_positions(
    store: &Store,
    positions: &[(u64, u32)],
) -> Result<Vec<TransactionRow>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM transactions WHERE (block_number, transaction_index) IN (SELECT place.1, toUInt32(place.2) FROM \
         (SELECT arrayJoin(arrayZip({blocks:Array(UInt64)}, {indexes:Array(UInt64)})) AS place))",
    )
    .bind_numbers("blocks", positions.iter().map(|(block, _)| *block))
    .bind_numbers("indexes", positions.iter().map(|(_, index)| u64::from(*index)));
    store.rows(sql).await
}

/// The first `limit` transactions of each of these blocks.
pub(crate) async fn first_of_blocks(
    store: &Store,
    blocks: &[u64],
    limit: u64,
) -> Result<Vec<TransactionRow>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM transactions WHERE block_number IN {blocks:Array(UInt64)} \
         ORDER BY block_number, transaction_index LIMIT {limit:UInt64} BY block_number",
    )
    .bind_numbers("blocks", blocks.iter().copied())
    .bind("limit", limit);
    store.rows(sql).await
}
