//! Blocks.

use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256};
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

pub(crate) static KEY: KeyDef = key_def!(1: "number" Number);

/// A row of `blocks`.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct BlockRow {
    pub number: u64,
    #[serde(deserialize_with = "wire::read")]
    pub hash: B256,
    #[serde(deserialize_with = "wire::read")]
    pub parent_hash: B256,
    #[serde(deserialize_with = "wire::read")]
    pub ommers_hash: B256,
    #[serde(deserialize_with = "wire::read")]
    pub beneficiary: Address,
    #[serde(deserialize_with = "wire::read")]
    pub state_root: B256,
    #[serde(deserialize_with = "wire::read")]
    pub transactions_root: B256,
    #[serde(deserialize_with = "wire::read")]
    pub receipts_root: B256,
    #[serde(deserialize_with = "wire::read")]
    pub difficulty: U256,
    pub gas_limit: u64,
    pub gas_used: u64,
    pub timestamp: u64,
    #[serde(deserialize_with = "wire::read")]
    pub extra_data: Bytes,
    #[serde(deserialize_with = "wire::read")]
    pub mix_hash: B256,
    #[serde(deserialize_with = "wire::read")]
    pub nonce: FixedBytes<8>,
    #[serde(deserialize_with = "wire::read")]
    pub base_fee_per_gas: Option<U256>,
    #[serde(deserialize_with = "wire::read")]
    pub withdrawals_root: Option<B256>,
    pub blob_gas_used: Option<u64>,
    pub excess_blob_gas: Option<u64>,
    #[serde(deserialize_with = "wire::read")]
    pub parent_beacon_block_root: Option<B256>,
    #[serde(deserialize_with = "wire::read")]
    pub requests_hash: Option<B256>,
    #[serde(deserialize_with = "wire::read")]
    pub withdrawals: Option<Bytes>,
    pub round: u32,
    pub n_transactions: u32,
    pub n_logs: u32,
    pub proof: String,
    pub senders_recovered: u8,
}

impl Keyed for BlockRow {
    fn key(&self) -> Key {
        Key(vec![self.number.into()])
    }
}

/// Which blocks; both ends belong to the range.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlocksRequest {
    pub from_block: Option<u64>,
    pub to_block: Option<u64>,
    pub keyset: Keyset,
}

pub(crate) async fn list(
    store: &Store,
    request: &BlocksRequest,
    at: BlockNumber,
) -> Result<Vec<BlockRow>, QueryError> {
    let sql = Sql::new("SELECT ?fields FROM blocks WHERE number <= {at:UInt64}")
        .bind("at", at.0)
        .filter(
            "AND number >= {from_block:UInt64}",
            "from_block",
            request.from_block,
        )
        .filter(
            "AND number <= {to_block:UInt64}",
            "to_block",
            request.to_block,
        );
    let sql = request.keyset.bounds(sql, &KEY);
    store.rows(request.keyset.order(sql, &KEY)).await
}

/// Blocks by number, in no order.
pub(crate) async fn by_numbers(
    store: &Store,
    numbers: &[u64],
) -> Result<Vec<BlockRow>, QueryError> {
    let sql = Sql::new("SELECT ?fields FROM blocks WHERE number IN {numbers:Array(UInt64)}")
        .bind_numbers("numbers", numbers.iter().copied());
    store.rows(sql).await
}
