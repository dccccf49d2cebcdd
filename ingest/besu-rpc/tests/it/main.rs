//! The client against a scripted node that replays recorded answers and misbehaves on command: what it does here cannot
//! be had from a real node at will.
#![allow(clippy::unwrap_used)]

mod chain;
mod connecting;
mod heads;
mod node;
mod ranges;
mod requests;
mod sends;

use std::time::Duration;

use lastro_besu_rpc::{BesuClient, ClientOptions, Endpoint};

use node::Node;

/// Short limits, so that failures are seen soon.
fn options() -> ClientOptions {
    ClientOptions {
        request_timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(2),
        first_cool_down: Duration::from_millis(20),
        max_cool_down: Duration::from_millis(100),
        poll_interval: Duration::from_millis(30),
        silent_after: Duration::from_millis(200),
        ..ClientOptions::default()
    }
}

fn http(node: &Node) -> Endpoint {
    Endpoint {
        http: node.http_url(),
        ws: None,
    }
}

async fn connect(nodes: &[&Node]) -> BesuClient {
    BesuClient::connect(nodes.iter().map(|node| http(node)).collect(), options())
        .await
        .unwrap()
}

/// Tries until it is true; fails the test when it never is.
async fn eventually(what: &str, mut is_true: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !is_true().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "never happened: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
