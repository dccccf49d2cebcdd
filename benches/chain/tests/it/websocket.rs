//! Subscriptions: what comes, in which order, and what does not come.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use lastro_bench_chain::{Chain, ChainOptions, ReplayNode, ReplayOptions, ServedChain};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn start() -> ReplayNode {
    let chain = Chain::generate(&ChainOptions::small(20)).unwrap();
    let options = ReplayOptions {
        head: Some(5),
        ..ReplayOptions::default()
    };
    ReplayNode::start(ServedChain::render(&chain), options).unwrap()
}

async fn connect(node: &ReplayNode) -> Socket {
    connect_async(&node.ws_url).await.unwrap().0
}

async fn receive(socket: &mut Socket) -> Value {
    let message = tokio::time::timeout(Duration::from_secs(20), socket.next())
        .await
        .unwrap();
    serde_json::from_str(message.unwrap().unwrap().to_text().unwrap()).unwrap()
}

async fn call(socket: &mut Socket, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    socket
        .send(Message::text(request.to_string()))
        .await
        .unwrap();
    receive(socket).await
}

#[tokio::test]
async fn new_heads_come_with_their_logs_before_them() {
    let node = start();
    let mut socket = connect(&node).await;
    let heads = call(&mut socket, "eth_subscribe", json!(["newHeads"])).await["result"].clone();
    let logs = call(&mut socket, "eth_subscribe", json!(["logs", {}])).await["result"].clone();
    assert_eq!((&heads, &logs), (&json!("0x1"), &json!("0x2")));
    node.advance(2);
    for number in [6, 7] {
        for log_index in 0..3 {
            let frame = receive(&mut socket).await;
            assert_eq!(frame["params"]["subscription"], logs);
            assert_eq!(
                frame["params"]["result"]["blockNumber"],
                format!("{number:#x}")
            );
            assert_eq!(
                frame["params"]["result"]["logIndex"],
                format!("{log_index:#x}")
            );
        }
        let frame = receive(&mut socket).await;
        assert_eq!(
            (&frame["method"], &frame["params"]["subscription"]),
            (&json!("eth_subscription"), &heads)
        );
        let block = &frame["params"]["result"];
        assert_eq!(block["number"], format!("{number:#x}"));
        assert!(
            block["transactions"]
                .as_array()
                .unwrap()
                .iter()
                .all(Value::is_string)
        );
    }
    assert_eq!(node.counters().notifications, 8);
    // Going back is not announced, and the way up is announced again.
    node.set_head(3);
    node.set_head(4);
    for _ in 0..3 {
        assert_eq!(
            receive(&mut socket).await["params"]["result"]["blockNumber"],
            "0x4"
        );
    }
    assert_eq!(
        receive(&mut socket).await["params"]["result"]["number"],
        "0x4"
    );
    assert_eq!(
        call(&mut socket, "eth_unsubscribe", json!([logs])).await["result"],
        true
    );
    let error = call(&mut socket, "eth_unsubscribe", json!(["0x999"])).await["error"].clone();
    assert_eq!(error["message"], "Subscription not found");
}

#[tokio::test]
async fn calls_work_as_over_http() {
    let node = start();
    let mut socket = connect(&node).await;
    assert_eq!(
        call(&mut socket, "eth_blockNumber", json!([])).await["result"],
        "0x5"
    );
    socket.send(Message::text("garbage")).await.unwrap();
    assert_eq!(receive(&mut socket).await["error"]["code"], -32603);
    let error = call(&mut socket, "eth_subscribe", json!(["unknown"])).await["error"].clone();
    assert_eq!(error["code"], -32600);
    let full = json!(["newHeads", {"includeTransactions": true}]);
    call(&mut socket, "eth_subscribe", full).await;
    node.advance(1);
    let frame = receive(&mut socket).await;
    assert!(frame["params"]["result"]["transactions"][0].is_object());
}

#[tokio::test]
async fn a_silent_socket_accepts_and_says_nothing() {
    let node = start();
    node.set_quirks(|quirks| quirks.silent_websocket = true);
    let mut socket = connect(&node).await;
    assert_eq!(
        call(&mut socket, "eth_subscribe", json!(["newHeads"])).await["result"],
        "0x1"
    );
    node.advance(3);
    // Calls are answered in order, so a notification would have come first.
    assert_eq!(
        call(&mut socket, "eth_blockNumber", json!([])).await["result"],
        "0x8"
    );
    node.set_quirks(|quirks| quirks.silent_websocket = false);
    node.advance(1);
    assert_eq!(
        receive(&mut socket).await["params"]["result"]["number"],
        "0x9"
    );
}

#[tokio::test]
async fn dropped_sockets_end_without_a_word_and_new_ones_are_welcome() {
    let node = start();
    let mut socket = connect(&node).await;
    call(&mut socket, "eth_subscribe", json!(["newHeads"])).await;
    node.drop_websockets();
    let end = tokio::time::timeout(Duration::from_secs(20), socket.next())
        .await
        .unwrap();
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    let mut socket = connect(&node).await;
    call(&mut socket, "eth_subscribe", json!(["newHeads"])).await;
    node.advance(1);
    assert_eq!(
        receive(&mut socket).await["params"]["result"]["number"],
        "0x6"
    );
}
