//! Where answers go that failed a check: kept with their raw bytes, stored nowhere else.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use lastro_besu_rpc::FetchedRange;
use lastro_schema::{BlockNumber, TableRows, tables};

use crate::{
    rows::TableBatch,
    store::{Lease, Store, StoreError},
};

/// A refused answer.
#[derive(Debug)]
pub(crate) struct Refusal<'a> {
    pub number: BlockNumber,
    /// Name of the node, without credentials.
    pub endpoint: String,
    /// Stable name of the kind of failure.
    pub reason: &'static str,
    pub detail: String,
    pub answer: &'a FetchedRange,
}

/// Writes refused answers, each kind once per block and node while the process lives, so that a node that repeats its lie
/// does not fill the disk.
#[derive(Clone, Debug)]
pub(crate) struct Quarantine {
    store: Store,
    lease: Lease,
    known: Arc<Mutex<HashSet<RefusalKey>>>,
}

/// Block, node and reason.
type RefusalKey = (BlockNumber, String, &'static str);

impl Quarantine {
    pub(crate) fn new(store: Store, lease: Lease) -> Self {
        Self {
            store,
            lease,
            known: Arc::default(),
        }
    }

    pub(crate) async fn keep(&self, refusal: &Refusal<'_>) -> Result<(), StoreError> {
        let Refusal {
            number,
            endpoint,
            reason,
            detail,
            answer,
        } = refusal;
        tracing::error!(
            block_number = number.0,
            endpoint,
            reason,
            detail,
            "answer refused"
        );
        let key = (*number, endpoint.clone(), *reason);
        if !self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key)
        {
            return Ok(());
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let id = crate::store::random_id()?;
        let mut rows = tables::Quarantine::default();
        rows.block_number.push(number.0);
        rows.quarantined_at
            .push(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        rows.id.push(&id);
        rows.endpoint.push(endpoint);
        rows.reason.push(reason);
        rows.detail.push(detail);
        rows.raw
            .push_with(|raw| answer.bodies().for_each(|body| raw.push(body)));
        let token = format!("quarantine-{}", faster_hex::hex_string(&id));
        let batch = TableBatch {
            table: tables::Quarantine::def(),
            rows: rows.finish(),
        };
        self.lease
            .persist(|| self.store.insert(&batch, &token))
            .await
    }
}
