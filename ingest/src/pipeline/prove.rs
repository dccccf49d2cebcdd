//! Fetch and decode: a range of blocks from whichever node gives an answer that proves its own headers.
//!
//! An answer that does not is quarantined and another node is asked. When none is left, indexing waits at that height,
//! says so, and tries all of them again.

use std::{sync::Arc, time::Duration};

use lastro_besu_rpc::{BesuClient, EndpointId, FetchedRange, RpcError, WireError};
use lastro_schema::{BlockNumber, BlockRange};
use tokio::{sync::Semaphore, task::spawn_blocking, time::sleep};

use crate::{
    decode::{BadBlock, CheckedChunk, DecodeRules, decode_chunk},
    error::IngestError,
    progress::Progress,
    quarantine::{Quarantine, Refusal},
};

/// First and longest wait before a question is put again.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// Times that an answer that may have come too early, or cut short, is asked for again before another node is.
const MAX_REPEATS: u32 = 6;
/// Wait at a height at which every node's answer was refused.
pub(super) const STOPPED_WAIT: Duration = Duration::from_secs(5);

/// Consecutive blocks that prove their own headers, and the answer that they came in.
#[derive(Debug)]
pub(crate) struct ProvenChunk {
    pub answer: FetchedRange,
    pub checked: CheckedChunk,
}

/// Gives proven chunks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Prover {
    pub client: BesuClient,
    pub rules: DecodeRules,
    pub quarantine: Quarantine,
    pub progress: Progress,
    /// One permit per core: decoding more at once only takes memory.
    pub cores: Arc<Semaphore>,
}

enum DecodeFailure {
    Wire(WireError),
    Bad(BadBlock),
}

impl Prover {
    /// Asks until a node gives a provable answer. `avoid` are nodes whose answer for this range was refused already.
    pub(crate) async fn prove(
        &self,
        range: BlockRange,
        mut avoid: Vec<EndpointId>,
    ) -> Result<ProvenChunk, IngestError> {
        let (mut n_repeats, mut wait) = (0, BACK_OFF.0);
        loop {
            let answer = match self.client.fetch_range_avoiding(range, &avoid).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.await_node(range, &error, &mut wait).await?;
                    continue;
                }
            };
            self.progress.fetched(range.last(), answer.n_bytes());
            match self.decode(answer.clone()).await? {
                Ok(checked) => {
                    self.progress.proven(range.last());
                    return Ok(ProvenChunk { answer, checked });
                }
                Err(DecodeFailure::Wire(error)) => {
                    self.client.report(&answer, &error);
                    n_repeats += 1;
                    if error.is_retryable() && n_repeats < MAX_REPEATS {
                        tracing::debug!(%range, %error, "asking again");
                        back_off(&mut wait).await;
                        continue;
                    }
                    (n_repeats, wait) = (0, BACK_OFF.0);
                    self.refuse_unreadable(&answer, &error).await?;
                    self.avoid(answer.endpoint, &mut avoid).await;
                }
                Err(DecodeFailure::Bad(bad)) => {
                    self.refuse(
                        &answer,
                        bad.number,
                        bad.error.reason(),
                        bad.error.to_string(),
                    )
                    .await?;
                    self.avoid(answer.endpoint, &mut avoid).await;
                }
            }
        }
    }

    /// An answer that is not what was asked for, time and again: a lie, or a block that the node just does not have.
    async fn refuse_unreadable(
        &self,
        answer: &FetchedRange,
        error: &WireError,
    ) -> Result<(), IngestError> {
        let number = answer.range.first();
        let is_refusal = matches!(
            error,
            WireError::Server { .. } | WireError::ServerRefusedBatch { .. }
        );
        if error.is_absent() || is_refusal {
            let endpoint = self.endpoint_name(answer.endpoint);
            tracing::warn!(block_number = number.0, endpoint, %error, "no answer for a block");
            self.progress
                .stopped_at(number, format!("{endpoint}: {error}"));
            return Ok(());
        }
        self.refuse(answer, number, "malformed_answer", error.to_string())
            .await
    }

    /// Quarantines an answer and remembers that its node gave it.
    pub(crate) async fn refuse(
        &self,
        answer: &FetchedRange,
        number: BlockNumber,
        reason: &'static str,
        detail: String,
    ) -> Result<(), IngestError> {
        let endpoint = self.endpoint_name(answer.endpoint);
        self.progress.refused();
        self.progress
            .stopped_at(number, format!("{endpoint}: {detail}"));
        self.client
            .mark_lying(answer.endpoint, format!("block {number}: {detail}"));
        self.quarantine
            .keep(&Refusal {
                number,
                endpoint: endpoint.clone(),
                reason,
                detail,
                answer,
            })
            .await?;
        Ok(())
    }

    fn endpoint_name(&self, id: EndpointId) -> String {
        let health = self
            .client
            .endpoints()
            .into_iter()
            .find(|health| health.id == id);
        health.map_or_else(
            || format!("endpoint {id}"),
            |health| health.name.to_string(),
        )
    }

    /// Asks others from now on. When there are none, or none but nodes that were refused before answers, it waits, and then
    /// all of them are asked again.
    async fn avoid(&self, endpoint: EndpointId, avoid: &mut Vec<EndpointId>) {
        let again = avoid.contains(&endpoint);
        if !again {
            avoid.push(endpoint);
        }
        if again || self.endpoints().iter().all(|known| avoid.contains(known)) {
            sleep(STOPPED_WAIT).await;
            avoid.clear();
        }
    }

    /// Every configured node.
    pub(crate) fn endpoints(&self) -> Vec<EndpointId> {
        self.client
            .endpoints()
            .into_iter()
            .map(|health| health.id)
            .collect()
    }

    async fn decode(
        &self,
        answer: FetchedRange,
    ) -> Result<Result<CheckedChunk, DecodeFailure>, IngestError> {
        let rules = self.rules;
        let stage_gone = |detail: String| IngestError::Stage { detail };
        let permit = self
            .cores
            .clone()
            .acquire_owned()
            .await
            .map_err(|error| stage_gone(error.to_string()))?;
        let decoding = spawn_blocking(move || {
            let _permit = permit;
            let blocks = answer.decode().map_err(DecodeFailure::Wire)?;
            decode_chunk(&blocks, answer.range, rules).map_err(DecodeFailure::Bad)
        });
        decoding
            .await
            .map_err(|error| stage_gone(error.to_string()))
    }

    /// Waits out what may pass by itself: a node away, busy or behind.
    async fn await_node(
        &self,
        range: BlockRange,
        error: &RpcError,
        wait: &mut Duration,
    ) -> Result<(), IngestError> {
        let passes = error.is_retryable() || matches!(error, RpcError::BeyondHead { .. });
        if !passes {
            return Err(error.clone().into());
        }
        tracing::debug!(%range, %error, "waiting for a node");
        back_off(wait).await;
        Ok(())
    }
}

async fn back_off(wait: &mut Duration) {
    sleep(*wait).await;
    *wait = (*wait * 2).min(BACK_OFF.1);
}
