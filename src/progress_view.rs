//! What a person at the terminal sees of the indexer: a line that moves, or plain lines where there is no terminal.

use std::{io::IsTerminal, time::Duration};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use lastro_ingest::{Progress, ProgressSnapshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Shows progress until cancelled.
pub(crate) async fn show(progress: Progress, cancellation: CancellationToken) {
    let is_terminal = std::io::stderr().is_terminal();
    let bar = if is_terminal {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    bar.set_style(ProgressStyle::default_spinner());
    let interval = if is_terminal {
        TERMINAL_INTERVAL
    } else {
        PLAIN_INTERVAL
    };
    let mut last = progress.snapshot();
    while cancellation
        .run_until_cancelled(sleep(interval))
        .await
        .is_some()
    {
        let now = progress.snapshot();
        let line = line(&last, &now);
        if is_terminal {
            bar.set_message(line);
            bar.tick();
        } else {
            tracing::info!("{line}");
        }
        last = now;
    }
    bar.finish_and_clear();
}

/// Block, lag, rates since the last line, and the time left while there is much to catch up with.
fn line(last: &ProgressSnapshot, now: &ProgressSnapshot) -> String {
    let seconds = (now.elapsed - last.elapsed).as_secs_f64().max(1e-3);
    let rate = |before: u64, after: u64| precise(after - before) / seconds;
    let blocks = rate(last.n_blocks, now.n_blocks);
    let block = now.committed.map_or("none".to_owned(), |committed| {
        HumanCount(committed.number.0).to_string()
    });
    let mut line = format!(
        "block {block}, {} behind, {blocks:.0} blocks/s, {:.0} transactions/s, {:.0} logs/s",
        HumanCount(now.lag_blocks()),
        rate(last.n_transactions, now.n_transactions),
        rate(last.n_logs, now.n_logs),
    );
    let left = precise(now.lag_blocks()) / blocks;
    if left.is_finite() && left > 2.0 {
        line.push_str(&format!(
            ", {} left",
            HumanDuration(Duration::from_secs_f64(left.min(1e9)))
        ));
    }
    if let Some((number, _)) = &now.stopped_at {
        line.push_str(&format!(
            ", waiting at block {number}: no node gives a provable answer"
        ));
    }
    line
}

/// Counts of a process are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn precise(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use lastro_schema::{BlockNumber, BlockRef};

    use super::*;

    #[test]
    fn rates_are_of_the_last_interval() {
        let last = Progress::default().snapshot();
        let now = ProgressSnapshot {
            head: Some(BlockNumber(3000)),
            committed: Some(BlockRef {
                number: BlockNumber(1000),
                hash: B256::ZERO,
            }),
            n_blocks: 1001,
            n_transactions: 10_010,
            n_logs: 5005,
            elapsed: last.elapsed + Duration::from_secs(10),
            ..last.clone()
        };
        assert_eq!(
            line(&last, &now),
            "block 1,000, 2,000 behind, 100 blocks/s, 1001 transactions/s, 500 logs/s, 20 seconds left"
        );
    }
}
