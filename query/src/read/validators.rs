//! Validator sets and commit seals.

use alloy_primitives::{Address, FixedBytes};
use clickhouse::Row;
use lastro_schema::BlockNumber;
use serde::Deserialize;

use crate::{
    error::QueryError,
    read::{sql::Sql, wire},
    store::Store,
};

/// A row of `validators`.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct ValidatorSetRow {
    pub first_block: u64,
    pub decided_in_block: u64,
    pub reason: String,
    #[serde(deserialize_with = "wire::read")]
    pub members: Vec<Address>,
}

/// The set that seals block `at`; `None` without BFT consensus.
pub(crate) async fn in_force(
    store: &Store,
    at: BlockNumber,
) -> Result<Option<ValidatorSetRow>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM validators WHERE first_block <= {at:UInt64} AND decided_in_block <= {at:UInt64} \
         ORDER BY first_block DESC LIMIT 1",
    )
    .bind("at", at.0);
    store.row(sql).await
}

/// A row of `block_seals`.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct SealRow {
    pub block_number: u64,
    pub seal_index: u32,
    #[serde(deserialize_with = "wire::read")]
    pub seal: FixedBytes<65>,
    #[serde(deserialize_with = "wire::read")]
    pub signer: Option<Address>,
}

/// All stored seals of a block, in the order of its header; bounded by the size of the validator set.
pub(crate) async fn seals(store: &Store, block: BlockNumber) -> Result<Vec<SealRow>, QueryError> {
    let sql = Sql::new(
        "SELECT ?fields FROM block_seals WHERE block_number = {block:UInt64} ORDER BY seal_index",
    )
    .bind("block", block.0);
    store.rows(sql).await
}
