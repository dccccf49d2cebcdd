//! What this crate counts; labels are bounded (operation kind and outcome code, never text of a request).

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// Metrics of the API; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// Requests answered, by kind of operation and outcome (`ok` or an error code).
    pub(crate) requests: IntCounterVec,
    /// Time from a request's arrival to its answer.
    pub(crate) request_duration: HistogramVec,
    /// Time that requests waited for their turn.
    pub(crate) queue_duration: Histogram,
    /// Newest block that answers may show.
    pub(crate) head_block: IntGauge,
    /// Open WebSocket connections.
    pub(crate) connections: IntGauge,
    /// Running subscriptions.
    pub(crate) subscriptions: IntGauge,
    /// Events sent to subscribers.
    pub(crate) events: IntCounterVec,
}

const BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

impl Metrics {
    /// Registers all metrics; an error means that the registry already holds one of the names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new(
                    "query_requests_total",
                    "GraphQL requests answered, by operation and outcome",
                ),
                &["operation", "outcome"],
            )?,
            request_duration: HistogramVec::new(
                HistogramOpts::new(
                    "query_request_duration_seconds",
                    "Time from a request's arrival to its answer",
                )
                .buckets(BUCKETS.to_vec()),
                &["operation"],
            )?,
            queue_duration: Histogram::with_opts(
                HistogramOpts::new(
                    "query_queue_duration_seconds",
                    "Time that requests waited for their turn",
                )
                .buckets(BUCKETS.to_vec()),
            )?,
            head_block: IntGauge::new("query_head_block", "Newest block that answers may show")?,
            connections: IntGauge::new(
                "query_websocket_connections",
                "Open WebSocket connections",
            )?,
            subscriptions: IntGauge::new("query_subscriptions", "Running subscriptions")?,
            events: IntCounterVec::new(
                Opts::new(
                    "query_subscription_events_total",
                    "Events sent to subscribers, by subscription",
                ),
                &["subscription"],
            )?,
        };
        for collector in metrics.collectors() {
            registry.register(collector)?;
        }
        Ok(metrics)
    }

    pub(crate) fn observe_request(
        &self,
        operation: &'static str,
        outcome: &'static str,
        elapsed: Duration,
    ) {
        self.requests.with_label_values(&[operation, outcome]).inc();
        self.request_duration
            .with_label_values(&[operation])
            .observe(elapsed.as_secs_f64());
    }

    fn collectors(&self) -> Vec<Box<dyn prometheus::core::Collector>> {
        vec![
            Box::new(self.requests.clone()),
            Box::new(self.request_duration.clone()),
            Box::new(self.queue_duration.clone()),
            Box::new(self.head_block.clone()),
            Box::new(self.connections.clone()),
            Box::new(self.subscriptions.clone()),
            Box::new(self.events.clone()),
        ]
    }
}

/// Adds one to a gauge for as long as it lives.
pub(crate) struct Counted(IntGauge);

impl Counted {
    pub(crate) fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
