//! The moving head: subscriptions that break or fall silent, polling that takes over.

use std::time::Duration;

use lastro_besu_rpc::{BesuClient, ClientOptions, Endpoint, HeadSource, HeadWatch, NewHead};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{connect, eventually, node::Node, options};

async fn subscribe(nodes: &[&Node], options: ClientOptions) -> HeadWatch {
    let endpoint = |node: &&Node| Endpoint {
        http: node.http_url(),
        ws: Some(node.ws_url()),
    };
    let client = BesuClient::connect(nodes.iter().map(endpoint).collect(), options)
        .await
        .unwrap();
    let watch = client.watch_heads(CancellationToken::new());
    eventually("subscribed", async || {
        watch
            .status()
            .endpoints
            .iter()
            .all(|endpoint| endpoint.subscribed)
    })
    .await;
    watch
}

/// Polls so rarely that only subscriptions can bring heads.
fn without_polling() -> ClientOptions {
    ClientOptions {
        poll_interval: Duration::from_secs(600),
        ..options()
    }
}

async fn next(watch: &mut HeadWatch) -> NewHead {
    timeout(Duration::from_secs(20), watch.next())
        .await
        .unwrap()
        .unwrap()
}

/// Reads until this head comes; heads in between may be skipped.
async fn wait_for(watch: &mut HeadWatch, number: u64) -> NewHead {
    loop {
        let head = next(watch).await;
        if head.number.0 == number {
            return head;
        }
    }
}

#[tokio::test]
async fn heads_are_polled_without_a_websocket() {
    let node = Node::start();
    node.script().head = 20;
    let client = connect(&[&node]).await;
    let cancel = CancellationToken::new();
    let mut watch = client.watch_heads(cancel.clone());
    assert_eq!(next(&mut watch).await.number.0, 20);
    node.script().head = 22;
    let head = next(&mut watch).await;
    assert_eq!((head.number.0, head.source), (22, HeadSource::Polling));
    assert_eq!(watch.latest(), Some(head));
    assert_eq!(watch.status().endpoints[0].n_polled_heads, 2);
    // A development chain that was reverted.
    node.script().head = 21;
    assert_eq!(next(&mut watch).await.number.0, 21);
    cancel.cancel();
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn heads_come_over_the_websocket() {
    let node = Node::start();
    node.script().head = 20;
    let mut watch = subscribe(&[&node], without_polling()).await;
    assert_eq!(wait_for(&mut watch, 20).await.source, HeadSource::Polling);
    for number in 21..30 {
        node.announce(number);
        let head = next(&mut watch).await;
        assert_eq!(
            (head.number.0, head.source),
            (number, HeadSource::Subscription)
        );
        let hash = node.script().chain.block(number)["hash"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(head.hash.to_string(), hash);
    }
    let status = watch.status().endpoints.remove(0);
    assert_eq!(
        (status.n_frames, status.n_disconnects, status.n_silent),
        (9, 0, 0)
    );
}

#[tokio::test]
async fn a_silent_websocket_is_noticed_and_opened_again() {
    let node = Node::start();
    node.script().head = 20;
    let mut watch = subscribe(&[&node], options()).await;
    wait_for(&mut watch, 20).await;
    // The chain moves, the subscription says nothing.
    node.script().head = 21;
    assert_eq!(wait_for(&mut watch, 21).await.source, HeadSource::Polling);
    eventually("the silent subscription is given up", async || {
        let mut script = node.script();
        script.head = (script.head + 1).min(40);
        watch.status().endpoints[0].n_silent > 0
    })
    .await;
    eventually("subscribed again", async || {
        node.script().subscriptions >= 2
    })
    .await;
    eventually("confirmed", async || watch.status().endpoints[0].subscribed).await;
    node.announce(50);
    wait_for(&mut watch, 50).await;
}

#[tokio::test]
async fn a_chain_that_stands_still_is_no_silent_websocket() {
    let node = Node::start();
    let mut watch = subscribe(&[&node], options()).await;
    next(&mut watch).await;
    tokio::time::sleep(options().silent_after * 4).await;
    assert_eq!(watch.status().endpoints[0].n_silent, 0);
    assert_eq!(node.script().subscriptions, 1);
}

#[tokio::test]
async fn no_head_is_missed_when_the_websocket_breaks() {
    let node = Node::start();
    node.script().head = 20;
    let mut watch = subscribe(&[&node], without_polling()).await;
    wait_for(&mut watch, 20).await;
    for number in 21..25 {
        // The head moves while nobody is subscribed.
        node.script().head = number;
        node.close_subscriptions();
        wait_for(&mut watch, number).await;
        eventually("subscribed again", async || {
            watch.status().endpoints[0].subscribed
        })
        .await;
    }
    assert_eq!(watch.status().endpoints[0].n_disconnects, 4);
    node.announce(30);
    assert_eq!(
        wait_for(&mut watch, 30).await.source,
        HeadSource::Subscription
    );
}

#[tokio::test]
async fn a_killed_node_is_followed_again_when_it_is_back() {
    let mut node = Node::start();
    node.script().head = 20;
    let mut watch = subscribe(&[&node], options()).await;
    wait_for(&mut watch, 20).await;
    node.kill();
    eventually("the loss is seen", async || {
        !watch.status().endpoints[0].subscribed
    })
    .await;
    assert!(watch.status().endpoints[0].last_error.is_some());
    node.script().head = 23;
    node.restart();
    wait_for(&mut watch, 23).await;
    eventually("subscribed again", async || {
        watch.status().endpoints[0].subscribed
    })
    .await;
}

#[tokio::test]
async fn a_node_that_lags_does_not_move_the_head_back() {
    let (ahead, behind) = (Node::start(), Node::start());
    ahead.script().head = 30;
    behind.script().head = 25;
    let mut watch = subscribe(&[&ahead, &behind], without_polling()).await;
    wait_for(&mut watch, 30).await;
    for number in 26..=30 {
        behind.announce(number);
    }
    ahead.announce(31);
    assert_eq!(next(&mut watch).await.number.0, 31);
    behind.announce(32);
    assert_eq!(next(&mut watch).await.number.0, 32);
}

#[tokio::test]
async fn a_websocket_of_another_network_is_refused() {
    let (node, stranger) = (Node::start(), Node::start());
    stranger.script().genesis_hash = Some(format!("0x{}", "ab".repeat(32)));
    stranger.script().head = 60;
    node.script().head = 20;
    let endpoint = Endpoint {
        http: node.http_url(),
        ws: Some(stranger.ws_url()),
    };
    let client = BesuClient::connect(vec![endpoint], options())
        .await
        .unwrap();
    let mut watch = client.watch_heads(CancellationToken::new());
    wait_for(&mut watch, 20).await;
    eventually("the WebSocket is refused", async || {
        let error = watch.status().endpoints.remove(0).last_error;
        error.is_some_and(|error| error.contains("another network"))
    })
    .await;
    assert!(!watch.status().endpoints[0].subscribed);
    assert_eq!(watch.latest().unwrap().number.0, 20);
}
