//! What is known of one endpoint: does it answer, how fast, up to which block, and is it believed.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    time::{Duration, Instant},
};

use lastro_schema::{BlockNumber, BlockRef};

use crate::{
    endpoint::{EndpointId, EndpointName},
    error::RpcError,
    options::ClientOptions,
};

/// A view of one endpoint for status pages and metrics.
#[derive(Clone, Debug)]
pub struct EndpointHealth {
    pub id: EndpointId,
    pub name: EndpointName,
    /// Answers, and is of the right network.
    pub healthy: bool,
    /// Moving average of the time to a whole answer.
    pub latency: Option<Duration>,
    pub head: Option<BlockRef>,
    pub last_error: Option<String>,
    /// Why its answers are not believed any more; it is asked last.
    pub distrusted: Option<String>,
    /// What it can do; `None` until it answered once.
    pub capabilities: Option<Capabilities>,
    /// Requests allowed under way at the moment.
    pub max_in_flight: usize,
    /// Requests in one batch at the moment.
    pub requests_per_batch: usize,
    /// Blocks asked for at once at the moment.
    pub blocks_per_range: usize,
}

/// What a node offers, found out when it is first reached and again when it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// `web3_clientVersion`, empty where the node does not say.
    pub client_version: String,
    /// `eth_getBlockReceipts`; without it receipts are asked for one by one.
    pub block_receipts: bool,
    /// `trace_block`.
    pub trace_block: bool,
    /// `debug_traceBlockByNumber` exists. Whether it obeys `callTracer` shows with the first answer.
    pub debug_trace: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: u32,
    blocked_until: Option<Instant>,
    admitted: bool,
    pub(crate) latency: Option<Duration>,
    pub(crate) head: Option<BlockRef>,
    pub(crate) last_error: Option<RpcError>,
    pub(crate) distrusted: Option<String>,
}

impl Health {
    /// Answers and belongs to the network.
    pub(crate) fn is_ready(&self) -> bool {
        self.admitted && !self.is_cooling()
    }

    pub(crate) fn is_cooling(&self) -> bool {
        self.blocked_until
            .is_some_and(|until| Instant::now() < until)
    }

    pub(crate) fn has(&self, number: BlockNumber) -> bool {
        self.head.is_some_and(|head| head.number >= number)
    }

    /// The endpoint passed the probe.
    pub(crate) fn admit(&mut self, head: BlockRef) {
        self.admitted = true;
        self.head = Some(head);
        self.failures = 0;
        self.blocked_until = None;
    }

    pub(crate) fn succeeded(&mut self, elapsed: Duration) {
        self.latency = Some(
            self.latency
                .map_or(elapsed, |latency| (latency * 7 + elapsed) / 8),
        );
        // An answer that was under way when the endpoint failed does not bring it back: the probe does.
        if self.admitted {
            self.failures = 0;
        }
    }

    /// The first failure is forgiven; from the second on the endpoint pauses, longer each time, and is probed again.
    pub(crate) fn failed(&mut self, error: RpcError, options: &ClientOptions) {
        let fatal = matches!(
            error,
            RpcError::ChainMismatch { .. } | RpcError::GenesisMismatch { .. }
        );
        self.last_error = Some(error);
        if self.is_cooling() {
            // Requests that were under way together fail together: one pause for all.
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures < 2 && self.admitted {
            return;
        }
        self.admitted = false;
        let doublings = self.failures.saturating_sub(2).min(16);
        let pause = options
            .first_cool_down
            .saturating_mul(1 << doublings)
            .min(options.max_cool_down);
        let pause = if fatal { options.max_cool_down } else { pause };
        self.blocked_until = Some(Instant::now() + jittered(pause));
    }
}

/// 50 % to 150 % of a pause, so that many clients do not come back at the same instant.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) % 1001;
    let per_mille = 500 + u32::try_from(random).unwrap_or(500);
    pause * per_mille / 1000
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn admitted() -> Health {
        let mut health = Health::default();
        health.admit(BlockRef {
            number: BlockNumber(7),
            hash: B256::ZERO,
        });
        health
    }

    #[test]
    fn one_failure_is_forgiven_two_are_not() {
        let options = ClientOptions::default();
        let mut health = admitted();
        health.failed(RpcError::NoEndpoint, &options);
        assert!(health.is_ready());
        health.succeeded(Duration::from_millis(1));
        health.failed(RpcError::NoEndpoint, &options);
        assert!(health.is_ready());
        health.failed(RpcError::NoEndpoint, &options);
        assert!(!health.is_ready());
        assert!(health.is_cooling());
        health.succeeded(Duration::from_millis(1));
        assert!(!health.is_ready(), "only a probe brings it back");
    }

    #[test]
    fn pauses_grow_up_to_the_limit() {
        let options = ClientOptions::default();
        let mut health = admitted();
        for _ in 0..100 {
            health.blocked_until = None;
            health.failed(RpcError::NoEndpoint, &options);
        }
        let pause = health.blocked_until.unwrap() - Instant::now();
        assert!(pause <= options.max_cool_down * 3 / 2);
        assert!(pause >= options.max_cool_down / 3);
    }
}
