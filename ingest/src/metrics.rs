//! Progress as Prometheus metrics. They are read from the shared progress when a scrape comes, so nothing is counted twice.

use std::sync::{Mutex, PoisonError};

use prometheus::{
    IntCounter, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::progress::Progress;

/// Registers the indexer's metrics.
///
/// # Errors
/// The registry has metrics of these names already.
pub fn register(registry: &Registry, progress: &Progress) -> Result<(), prometheus::Error> {
    registry.register(Box::new(ProgressCollector::new(progress.clone())?))
}

struct ProgressCollector {
    progress: Progress,
    /// Scrapes take turns, so that no rise is added twice.
    turn: Mutex<()>,
    head: IntGauge,
    committed: IntGauge,
    lag: IntGauge,
    since_commit: IntGauge,
    stopped: IntGauge,
    counters: [IntCounter; 5],
}

impl ProgressCollector {
    fn new(progress: Progress) -> Result<Self, prometheus::Error> {
        Ok(Self {
            progress,
            turn: Mutex::new(()),
            head: IntGauge::new(
                "ingest_node_head_block",
                "Newest block that a node announced",
            )?,
            committed: IntGauge::new(
                "ingest_committed_block",
                "Last block whose rows are all stored",
            )?,
            lag: IntGauge::new(
                "ingest_head_lag_blocks",
                "Blocks that a node has and this index has not",
            )?,
            since_commit: IntGauge::new(
                "ingest_since_commit_seconds",
                "Time since a block was last committed, or since the start",
            )?,
            stopped: IntGauge::new(
                "ingest_stopped",
                "1 while indexing waits at a block for which no node gives a provable answer",
            )?,
            counters: [
                counter("ingest_blocks_total", "Blocks committed since the start")?,
                counter(
                    "ingest_transactions_total",
                    "Transactions committed since the start",
                )?,
                counter("ingest_logs_total", "Logs committed since the start")?,
                counter(
                    "ingest_fetched_bytes_total",
                    "Bytes of node answers since the start",
                )?,
                counter(
                    "ingest_refused_answers_total",
                    "Answers that failed a check since the start",
                )?,
            ],
        })
    }

    fn gauges(&self) -> [&IntGauge; 5] {
        [
            &self.head,
            &self.committed,
            &self.lag,
            &self.since_commit,
            &self.stopped,
        ]
    }

    fn update(&self) {
        let now = self.progress.snapshot();
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.head.set(now.head.map_or(-1, |head| gauge(head.0)));
        self.committed.set(
            now.committed
                .map_or(-1, |committed| gauge(committed.number.0)),
        );
        self.lag.set(gauge(now.lag_blocks()));
        self.since_commit.set(gauge(now.since_change.as_secs()));
        self.stopped.set(i64::from(now.stopped_at.is_some()));
        let totals = [
            now.n_blocks,
            now.n_transactions,
            now.n_logs,
            now.n_bytes_fetched,
            now.n_refused,
        ];
        for (counter, total) in self.counters.iter().zip(totals) {
            counter.inc_by(total.saturating_sub(counter.get()));
        }
    }
}

fn counter(name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    IntCounter::with_opts(Opts::new(name, help))
}

impl Collector for ProgressCollector {
    fn desc(&self) -> Vec<&Desc> {
        let gauges = self.gauges().into_iter().flat_map(Collector::desc);
        gauges
            .chain(self.counters.iter().flat_map(Collector::desc))
            .collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.update();
        let gauges = self.gauges().into_iter().flat_map(Collector::collect);
        gauges
            .chain(self.counters.iter().flat_map(Collector::collect))
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloy_primitives::B256;
    use lastro_schema::{BlockNumber, BlockRef};

    use super::*;

    #[test]
    fn a_scrape_shows_the_progress_of_its_moment() {
        let (registry, progress) = (Registry::new(), Progress::default());
        register(&registry, &progress).unwrap();
        assert!(register(&registry, &progress).is_err());
        progress.head(BlockNumber(9));
        let last = BlockRef {
            number: BlockNumber(7),
            hash: B256::ZERO,
        };
        progress.committed_range(last, 8, 80, 160);
        let value = |name: &str| {
            let families = registry.gather();
            let metric = &families
                .iter()
                .find(|family| family.name() == name)
                .unwrap()
                .get_metric()[0];
            metric.get_gauge().get_value() + metric.get_counter().get_value()
        };
        for (name, expected) in [
            ("ingest_node_head_block", 9.0),
            ("ingest_committed_block", 7.0),
            ("ingest_head_lag_blocks", 2.0),
            ("ingest_blocks_total", 8.0),
            ("ingest_transactions_total", 80.0),
            ("ingest_logs_total", 160.0),
        ] {
            assert!((value(name) - expected).abs() < f64::EPSILON, "{name}");
        }
    }
}
