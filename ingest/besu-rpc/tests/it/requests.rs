//! Single requests: failover, health, time limits.

use std::time::{Duration, Instant};

use alloy_primitives::U64;
use lastro_besu_rpc::{BesuClient, ClientOptions, EndpointId, RpcError};
use lastro_schema::BlockNumber;

use crate::{
    chain, connect, eventually, http,
    node::{Fault, Node},
    options,
};

async fn block_number(client: &BesuClient) -> Result<u64, RpcError> {
    client
        .request::<_, U64>("eth_blockNumber", ())
        .await
        .map(|number| number.to())
}

#[tokio::test]
async fn the_next_endpoint_answers_when_one_fails() {
    let (mut one, mut other) = (Node::start(), Node::start());
    other.script().head = 60;
    let client = connect(&[&one, &other]).await;
    one.kill();
    for _ in 0..20 {
        assert_eq!(block_number(&client).await.unwrap(), 60);
    }
    other.kill();
    eventually("all endpoints are known to be down", async || {
        let error = block_number(&client).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        client.endpoints().iter().all(|endpoint| !endpoint.healthy)
    })
    .await;
    one.restart();
    eventually("the client recovers", async || {
        block_number(&client).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn statuses_of_overload_are_retryable() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    for status in [429, 500, 503] {
        node.fault(
            "eth_blockNumber",
            1,
            Fault::Status(status, "<html>try later</html>"),
        );
        let error = block_number(&client).await.unwrap_err();
        assert!(
            matches!(error, RpcError::HttpStatus { status: found, .. } if found == status),
            "{error}"
        );
        assert!(error.is_retryable());
        eventually("the node is asked again", async || {
            block_number(&client).await.is_ok()
        })
        .await;
    }
}

#[tokio::test]
async fn a_slow_answer_is_a_timeout() {
    let node = Node::start();
    let limits = ClientOptions {
        request_timeout: Duration::from_millis(300),
        ..options()
    };
    let client = BesuClient::connect(vec![http(&node)], limits)
        .await
        .unwrap();
    node.fault("eth_blockNumber", 1, Fault::Late(Duration::from_secs(5)));
    let started = Instant::now();
    let error = block_number(&client).await.unwrap_err();
    assert!(
        matches!(
            error,
            RpcError::Timeout {
                method: "eth_blockNumber",
                ..
            }
        ),
        "{error}"
    );
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_cut_connection_is_tried_once_more() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    node.fault("eth_blockNumber", 1, Fault::CutMidBody);
    assert_eq!(block_number(&client).await.unwrap(), chain::LAST);
    assert_eq!(node.calls("eth_blockNumber").len(), 2);
}

#[tokio::test]
async fn answers_of_the_node_are_typed() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    let absent = client
        .request::<_, Option<serde_json::Value>>("eth_getBlockByNumber", ("0xffff", false))
        .await;
    assert_eq!(absent.unwrap(), None);
    assert_eq!(
        client
            .request_raw("eth_chainId", ())
            .await
            .unwrap()
            .as_ref(),
        br#""0x9e5b5""#
    );
    let error = client
        .request::<_, String>("eth_noSuchMethod", ())
        .await
        .unwrap_err();
    assert!(matches!(error, RpcError::MethodNotFound { .. }), "{error}");
    let error = client
        .request::<_, u8>("eth_chainId", ())
        .await
        .unwrap_err();
    assert!(matches!(error, RpcError::Malformed { .. }), "{error}");
    // As Besu 26.8.0 answers a call that reverts.
    let reverted =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"Execution reverted","data":"0x"}}"#;
    node.fault("eth_call", 1, Fault::Body(reverted.to_owned()));
    let error = client
        .request::<_, String>("eth_call", ())
        .await
        .unwrap_err();
    assert_eq!(
        error.revert_reason(),
        Some(lastro_besu_rpc::RevertReason::Empty)
    );
    // As it answers a malformed request: HTTP 400.
    let refused = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request"}}"#;
    node.fault("eth_call", 1, Fault::Status(400, refused));
    let error = client
        .request::<_, String>("eth_call", ())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, RpcError::Server { error, .. } if error.code == -32600),
        "{error}"
    );
    assert!(client.endpoints()[0].healthy);
}

#[tokio::test]
async fn the_head_is_the_highest_of_those_believed() {
    let (low, high) = (Node::start(), Node::start());
    low.script().head = 10;
    let client = connect(&[&low, &high]).await;
    assert_eq!(client.head().await.unwrap().number.0, chain::LAST);
    client.mark_lying(EndpointId(1), "receipts root differs");
    assert_eq!(client.head().await.unwrap().number.0, 10);
    assert_eq!(
        client.endpoints()[1].distrusted.as_deref(),
        Some("receipts root differs")
    );
    // Backwards: the node was restored from a backup.
    low.script().head = 5;
    assert_eq!(client.head().await.unwrap().number.0, 5);
}

#[tokio::test]
async fn traces_are_raw_and_a_tracer_that_is_ignored_counts_as_none() {
    let (one, other) = (Node::start(), Node::start());
    other.script().offers.clear();
    let client = connect(&[&one, &other]).await;
    let number = BlockNumber(28);
    assert_eq!(
        client.trace_block(number).await.unwrap().unwrap().as_ref(),
        br#"[{"type":"create"}]"#
    );
    assert!(client.call_traces(number).await.unwrap().is_some());
    // As Besu 25.5.0 does.
    let ignored = r#"{"jsonrpc":"2.0","id":1,"result":[{"txHash":"0x","result":{"gas":1,"structLogs":[{"pc":0}]}}]}"#;
    one.fault(
        "debug_traceBlockByNumber",
        1,
        Fault::Body(ignored.to_owned()),
    );
    assert_eq!(client.call_traces(number).await.unwrap(), None);
    let error = client.trace_block(BlockNumber(1000)).await.unwrap_err();
    assert!(matches!(error, RpcError::BeyondHead { .. }), "{error}");
}
