//! Logs.

use alloy_primitives::{Address, B256, Bytes};
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

pub(crate) static KEY: KeyDef = key_def!(3: "block_number" Number, "log_index" Number);

/// A row of `logs`.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct LogRow {
    pub block_number: u64,
    pub log_index: u32,
    pub transaction_index: u32,
    #[serde(deserialize_with = "wire::read")]
    pub address: Address,
    #[serde(deserialize_with = "wire::read")]
    pub topic0: Option<B256>,
    #[serde(deserialize_with = "wire::read")]
    pub topic1: Option<B256>,
    #[serde(deserialize_with = "wire::read")]
    pub topic2: Option<B256>,
    #[serde(deserialize_with = "wire::read")]
    pub topic3: Option<B256>,
    #[serde(deserialize_with = "wire::read")]
    pub data: Bytes,
}

impl Keyed for LogRow {
    fn key(&self) -> Key {
        Key(vec![self.block_number.into(), self.log_index.into()])
    }
}

/// Which logs; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogsRequest {
    pub address: Option<Address>,
    pub topics: [Option<B256>; 4],
    /// Position of the transaction within the blocks.
    pub transaction_index: Option<u32>,
    pub from_block: Option<u64>,
    pub to_block: Option<u64>,
    pub keyset: Keyset,
}

pub(crate) async fn list(
    store: &Store,
    request: &LogsRequest,
    at: BlockNumber,
) -> Result<Vec<LogRow>, QueryError> {
    let [topic0, topic1, topic2, topic3] = request.topics;
    let sql = Sql::new("SELECT ?fields FROM logs WHERE block_number <= {at:UInt64}")
        .bind("at", at.0)
        .filter(
            "AND address = toFixedString(unhex({address:String}), 20)",
            "address",
            request.address,
        )
        .filter(
            "AND topic0 = toFixedString(unhex({topic0:String}), 32)",
            "topic0",
            topic0,
        )
        .filter(
            "AND topic1 = toFixedString(unhex({topic1:String}), 32)",
            "topic1",
            topic1,
        )
        .filter(
            "AND topic2 = toFixedString(unhex({topic2:String}), 32)",
            "topic2",
            topic2,
        )
        .filter(
            "AND topic3 = toFixedString(unhex({topic3:String}), 32)",
            "topic3",
            topic3,
        )
        .filter(
            "AND transaction_index = {transaction_index:UInt32}",
            "transaction_index",
            request.transaction_index,
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

/// The first `limit` logs of each of these blocks.
pub(crate) async fn first_of_blocks(
    store: &Store,
    blocks: &[u64],
    limit: u64,
) -> Result<Vec<LogRow>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM logs WHERE block_number IN {blocks:Array(UInt64)} \
         ORDER BY block_number, log_index LIMIT {limit:UInt64} BY block_number",
    )
    .bind_numbers("blocks", blocks.iter().copied())
    .bind("limit", limit);
    store.rows(sql).await
}

/// The first `limit` logs of each of these transactions, given by block and position.
pub(crate) async fn first_of_transactions(
    store: &Store,
    positions: &[(u64, u32)],
    limit: u64,
) -> Result<Vec<LogRow>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM logs WHERE block_number IN {blocks:Array(UInt64)} AND (block_number, transaction_index) IN \
         (SELECT place.1, toUInt32(place.2) FROM \
         (SELECT arrayJoin(arrayZip({blocks:Array(UInt64)}, {indexes:Array(UInt64)})) AS place)) \
         ORDER BY block_number, log_index LIMIT {limit:UInt64} BY block_number, transaction_index",
    )
    .bind_numbers("blocks", positions.iter().map(|(block, _)| *block))
    .bind_numbers("indexes", positions.iter().map(|(_, index)| u64::from(*index)))
    .bind("limit", limit);
    store.rows(sql).await
}
