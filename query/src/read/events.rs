//! Events: logs that a registered ABI decodes.

use alloy_primitives::{Address, B256};
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

pub(crate) static KEY: KeyDef = key_def!(4: "block_number" Number, "log_index" Number);

/// A row of `events`.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct EventRow {
    #[serde(deserialize_with = "wire::read")]
    pub address: Address,
    pub event: String,
    pub block_number: u64,
    pub log_index: u32,
    pub transaction_index: u32,
    pub signature: String,
    pub arguments: String,
    #[serde(deserialize_with = "wire::read")]
    pub abi: B256,
}

impl Keyed for EventRow {
    fn key(&self) -> Key {
        Key(vec![self.block_number.into(), self.log_index.into()])
    }
}

/// Which events; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventsRequest {
    pub address: Option<Address>,
    pub event: Option<String>,
    pub from_block: Option<u64>,
    pub to_block: Option<u64>,
    pub keyset: Keyset,
}

pub(crate) async fn list(
    store: &Store,
    request: &EventsRequest,
    at: BlockNumber,
) -> Result<Vec<EventRow>, QueryError> {
    // Sorted by address: without one, look among the nearest blocks before all of them.
    if request.address.is_none() {
        let blocks = BlockSpan {
            from_block: request.from_block,
            to_block: request.to_block,
            at,
        };
        if let Some((from_block, to_block)) = request.keyset.nearest(blocks) {
            let (from_block, to_block) = (Some(from_block), Some(to_block));
            let near = EventsRequest {
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
    request: &EventsRequest,
    at: BlockNumber,
) -> Result<Vec<EventRow>, QueryError> {
    let sql = Sql::new("SELECT ?fields FROM events WHERE block_number <= {at:UInt64}")
        .bind("at", at.0)
        .filter(
            "AND address = toFixedString(unhex({address:String}), 20)",
            "address",
            request.address,
        )
        .filter(
            "AND event = {event:String}",
            "event",
            request.event.as_deref(),
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
