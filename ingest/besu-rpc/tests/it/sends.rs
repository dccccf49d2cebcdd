//! Sending transactions: never twice by accident.

use alloy_primitives::keccak256;
use lastro_besu_rpc::{EndpointId, Outcome, RpcError};

use crate::{
    connect,
    node::{Fault, Node},
};

const SEND: &str = "eth_sendRawTransaction";
const RAW: [u8; 4] = [0xf8, 0x62, 0x80, 0x01];

fn refusal(code: i64, message: &str) -> Fault {
    Fault::Body(format!(
        r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"{message}"}}}}"#
    ))
}

#[tokio::test]
async fn a_send_returns_the_hash() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    assert_eq!(
        client.send_raw_transaction(&RAW).await.unwrap(),
        keccak256(RAW)
    );
    node.fault(SEND, 1, refusal(-32000, "Known transaction"));
    assert_eq!(
        client.send_raw_transaction(&RAW).await.unwrap(),
        keccak256(RAW)
    );
    let other = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#,
        keccak256([1])
    );
    node.fault(SEND, 1, Fault::Body(other));
    let error = client.send_raw_transaction(&RAW).await.unwrap_err();
    assert!(matches!(error, RpcError::Malformed { .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test]
async fn a_broken_send_is_not_repeated_elsewhere() {
    let (one, other) = (Node::start(), Node::start());
    let client = connect(&[&one, &other]).await;
    for fault in [Fault::CutMidBody, Fault::Status(502, "bad gateway")] {
        one.fault(SEND, 1, fault.clone());
        other.fault(SEND, 1, fault);
        let before = one.calls(SEND).len() + other.calls(SEND).len();
        let error = client.send_raw_transaction(&RAW).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        assert_eq!(one.calls(SEND).len() + other.calls(SEND).len(), before + 1);
        one.script().faults.clear();
        other.script().faults.clear();
    }
}

#[tokio::test]
async fn a_refused_send_was_not_applied() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    for (code, message) in [
        (-32001, "Nonce too low"),
        (-32007, "Sender account not authorized to send transactions"),
    ] {
        node.fault(SEND, 1, refusal(code, message));
        let error = client.send_raw_transaction(&RAW).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn where_nothing_was_sent_the_next_endpoint_is_tried() {
    let (mut one, other) = (Node::start(), Node::start());
    let client = connect(&[&one, &other]).await;
    one.kill();
    // Lets the client see that its open connections are closed; on one of those the outcome would be unknown.
    client
        .request_of::<_, String>(EndpointId(0), "eth_chainId", ())
        .await
        .unwrap_err();
    for _ in 0..4 {
        assert_eq!(
            client.send_raw_transaction(&RAW).await.unwrap(),
            keccak256(RAW)
        );
    }
    assert_eq!(other.calls(SEND).len(), 4);
}
