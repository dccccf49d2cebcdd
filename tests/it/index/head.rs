//! At the head of the chain, with nodes that announce, withhold and forget.

use std::time::Duration;

use lastro_bench_chain::{Quirks, ReplayNode};

use super::{N_BLOCKS, SERVED, serve, undisturbed};
use crate::support::{Database, Setup, new_database};

fn setup(database: &Database) -> Setup {
    Setup::new(database, SERVED.genesis_json())
}

#[tokio::test(flavor = "multi_thread")]
async fn block_by_block() {
    let (database, node) = (new_database(), serve(Some(0)));
    let running = setup(&database).start(&[&node]).await;
    for number in 0..=N_BLOCKS {
        node.set_head(number);
        running.wait_committed(number).await;
        assert_eq!(running.committed(), Some(number));
        if number % 40 == 20 {
            node.drop_websockets();
        }
    }
    running.stop().await;
    assert_eq!(database.contents(&[]).await, *undisturbed().await);
    let n_ranges = database.number("SELECT count() FROM checkpoints").await;
    assert_eq!(n_ranges, N_BLOCKS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_goes_backwards_takes_nothing_away() {
    let (database, node) = (new_database(), serve(Some(60)));
    let running = setup(&database).start(&[&node]).await;
    running.wait_committed(60).await;
    for (low, high) in [(30, 62), (0, 61), (59, 90)] {
        node.set_head(low);
        // Polls see the low head before it rises again.
        let polled = node.counters().calls + 4;
        running
            .wait_for("polls", || node.counters().calls > polled)
            .await;
        node.set_head(high);
        running.wait_committed(high).await;
    }
    node.set_head(N_BLOCKS);
    running.wait_committed(N_BLOCKS).await;
    running.stop().await;
    assert_eq!(database.contents(&[]).await, *undisturbed().await);
}

/// Half of the chain is there at the start, the other half comes block by block.
async fn index_with(quirks: Quirks) -> ReplayNode {
    let (database, node) = (new_database(), serve(Some(N_BLOCKS / 2)));
    node.set_quirks(|of_node| *of_node = quirks.clone());
    let running = setup(&database).start(&[&node]).await;
    running.wait_committed(N_BLOCKS / 2).await;
    node.advance_every(Duration::from_millis(20));
    running.wait_committed(N_BLOCKS).await;
    running.stop().await;
    assert_eq!(
        database.contents(&[]).await,
        *undisturbed().await,
        "{quirks:?}"
    );
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_are_announced_before_they_are_there() {
    index_with(Quirks {
        nulls_after_announcement: 2,
        ..Quirks::default()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_subscription() {
    let node = index_with(Quirks {
        silent_websocket: true,
        ..Quirks::default()
    })
    .await;
    assert_eq!(node.counters().notifications, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_block_receipts() {
    index_with(Quirks {
        without_block_receipts: true,
        ..Quirks::default()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_small_batches() {
    index_with(Quirks {
        max_batch: 3,
        ..Quirks::default()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_node_with_everything_at_once() {
    let quirks = Quirks {
        without_block_receipts: true,
        max_batch: 5,
        nulls_after_announcement: 1,
        latency: Duration::from_millis(5),
        ..Quirks::default()
    };
    index_with(quirks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_away_for_a_while() {
    let (database, node) = (new_database(), serve(Some(20)));
    let running = setup(&database).start(&[&node]).await;
    running.wait_committed(20).await;
    node.set_quirks(|quirks| quirks.offline = true);
    node.set_head(N_BLOCKS);
    let away = std::time::Instant::now();
    running
        .wait_for("two seconds", || away.elapsed() > Duration::from_secs(2))
        .await;
    assert_eq!(running.committed(), Some(20));
    node.set_quirks(|quirks| quirks.offline = false);
    running.wait_committed(N_BLOCKS).await;
    running.stop().await;
    assert_eq!(database.contents(&[]).await, *undisturbed().await);
}
