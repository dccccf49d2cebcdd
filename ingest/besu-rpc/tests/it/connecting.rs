//! What is found out about endpoints, and which are refused.

use lastro_besu_rpc::{BesuClient, ClientOptions, Endpoint, EndpointId, RpcError};
use lastro_schema::ChainId;

use crate::{
    chain, connect, eventually, http,
    node::{Fault, Node},
    options,
};

#[tokio::test]
async fn a_node_is_known_after_connecting() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    assert_eq!(client.chain_id(), ChainId(648_629));
    let genesis = node.script().chain.block(0)["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(client.genesis_hash().to_string(), genesis);
    let health = client.endpoints().remove(0);
    assert!(health.healthy);
    assert_eq!(health.head.unwrap().number.0, chain::LAST);
    let offered = health.capabilities.unwrap();
    assert!(offered.client_version.starts_with("besu/v26.8.0"));
    assert!(offered.block_receipts && offered.trace_block && offered.debug_trace);
    assert!(health.latency.is_some());
}

#[tokio::test]
async fn what_a_node_lacks_is_noticed_once() {
    let node = Node::start();
    node.script().offers.clear();
    let client = connect(&[&node]).await;
    let offered = client.endpoints().remove(0).capabilities.unwrap();
    assert!(!offered.block_receipts && !offered.trace_block && !offered.debug_trace);
    assert_eq!(
        client
            .trace_block(lastro_schema::BlockNumber(3))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        client
            .call_traces(lastro_schema::BlockNumber(3))
            .await
            .unwrap(),
        None
    );
    assert_eq!(node.calls("trace_block").len(), 1);
}

#[tokio::test]
async fn endpoints_of_other_networks_are_refused() {
    let (one, other) = (Node::start(), Node::start());
    other.script().chain_id = 1;
    let endpoints = vec![http(&one), http(&other)];
    let error = BesuClient::connect(endpoints.clone(), options())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            RpcError::ChainMismatch {
                second_chain: ChainId(1),
                ..
            }
        ),
        "{error}"
    );
    for node in [&one, &other] {
        assert!(
            error
                .to_string()
                .contains(node.http_url().trim_end_matches('/')),
            "{error}"
        );
    }
    other.script().chain_id = 648_629;
    other.script().genesis_hash = Some(format!("0x{}", "ab".repeat(32)));
    let error = BesuClient::connect(endpoints, options()).await.unwrap_err();
    assert!(matches!(error, RpcError::GenesisMismatch { .. }), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn what_is_no_node_is_described() {
    let node = Node::start();
    let page = "<html><head><title>It works!</title></head></html>";
    for fault in [
        Fault::Body(page.to_owned()),
        Fault::Status(404, page),
        Fault::Body(r#"{"status":"UP"}"#.to_owned()),
    ] {
        node.fault("eth_chainId", 1, fault);
        let error = BesuClient::connect(vec![http(&node)], options())
            .await
            .unwrap_err();
        assert!(matches!(error, RpcError::NotEthereumNode { .. }), "{error}");
    }
    node.fault("eth_chainId", 1, Fault::Status(401, "Unauthorized"));
    let error = BesuClient::connect(vec![http(&node)], options())
        .await
        .unwrap_err();
    assert!(
        matches!(error, RpcError::HttpStatus { status: 401, .. }),
        "{error}"
    );
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn no_answer_at_all_is_an_error_that_names_each_endpoint() {
    let mut node = Node::start();
    node.kill();
    let one = BesuClient::connect(vec![http(&node)], options())
        .await
        .unwrap_err();
    assert!(matches!(one, RpcError::Unreachable { .. }), "{one}");
    assert!(one.is_retryable());
    let two = BesuClient::connect(vec![http(&node), http(&node)], options())
        .await
        .unwrap_err();
    assert!(
        matches!(&two, RpcError::NoHealthyEndpoint { errors } if errors.len() == 2),
        "{two}"
    );
    let none = BesuClient::connect(Vec::new(), options())
        .await
        .unwrap_err();
    assert!(matches!(none, RpcError::NoEndpoint));
}

#[tokio::test]
async fn an_endpoint_that_is_down_at_start_joins_later() {
    let (up, mut down) = (Node::start(), Node::start());
    down.kill();
    let client = connect(&[&down, &up]).await;
    assert!(!client.endpoints()[0].healthy);
    assert!(client.endpoints()[0].last_error.is_some());
    down.restart();
    eventually("the endpoint is probed again", async || {
        client.head().await.unwrap();
        client.endpoints()[0].healthy
    })
    .await;
    assert!(client.endpoints()[0].capabilities.is_some());
}

#[tokio::test]
async fn an_endpoint_that_comes_back_as_another_network_stays_out() {
    let (up, mut changed) = (Node::start(), Node::start());
    let client = connect(&[&up, &changed]).await;
    changed.kill();
    eventually("the endpoint is given up", async || {
        let _ = client
            .request_of::<_, String>(EndpointId(1), "eth_chainId", ())
            .await;
        !client.endpoints()[1].healthy
    })
    .await;
    changed.script().chain_id = 1;
    changed.restart();
    eventually("the endpoint is refused", async || {
        client.head().await.unwrap();
        client.endpoints()[1]
            .last_error
            .as_ref()
            .is_some_and(|error| error.contains("chain id"))
    })
    .await;
    assert!(!client.endpoints()[1].healthy);
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let mut node = Node::start();
    let with_credentials = |url: String| url.replacen("://", "://alice:hunter2@", 1);
    let endpoint = Endpoint {
        http: with_credentials(node.http_url()),
        ws: Some(with_credentials(node.ws_url())),
    };
    assert!(!format!("{endpoint:?}").contains("hunter2"));
    let client = BesuClient::connect(vec![endpoint.clone()], options())
        .await
        .unwrap();
    let mut heads = client.watch_heads(tokio_util::sync::CancellationToken::new());
    heads.next().await.unwrap();
    eventually("the subscription is confirmed", async || {
        heads.status().endpoints[0].subscribed
    })
    .await;
    // "alice:hunter2"
    assert!(
        node.script()
            .authorization
            .iter()
            .all(|header| header == "Basic YWxpY2U6aHVudGVyMg==")
    );
    assert!(node.script().authorization.len() > 5);
    node.kill();
    let mut errors = vec![client.head().await.unwrap_err()];
    errors.push(
        BesuClient::connect(vec![endpoint], ClientOptions::default())
            .await
            .unwrap_err(),
    );
    errors.push(
        client
            .request::<_, String>("eth_chainId", ())
            .await
            .unwrap_err(),
    );
    eventually("the subscription is lost", async || {
        !heads.status().endpoints[0].subscribed
    })
    .await;
    let shown = format!(
        "{errors:?} {} {:?} {:?} {client:?}",
        errors[0],
        client.endpoints(),
        heads.status()
    );
    assert!(
        !shown.contains("hunter2") && !shown.contains("alice"),
        "{shown}"
    );
}

#[tokio::test]
async fn tls_is_spoken_where_the_url_says_so() {
    let node = Node::start();
    let http = node.http_url().replacen("http", "https", 1);
    // The node speaks no TLS: the attempt must fail in the handshake, not before.
    let error = BesuClient::connect(vec![Endpoint { http, ws: None }], options())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            RpcError::Unreachable { .. } | RpcError::ConnectionLost { .. }
        ),
        "{error}"
    );
    assert!(node.script().calls.is_empty());
}
