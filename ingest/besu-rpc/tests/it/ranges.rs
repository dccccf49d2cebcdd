//! Ranges of blocks with receipts.

use lastro_besu_rpc::{
    BesuClient, ClientOptions, EndpointId, FetchedRange, Gzip, RpcError, WireError,
};
use lastro_schema::{BlockNumber, BlockRange};

use crate::{
    chain, connect, eventually, http,
    node::{Fault, Node},
    options,
};

const BLOCKS: &str = "eth_getBlockByNumber";
const RECEIPTS: &str = "eth_getBlockReceipts";

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(BlockNumber(first), BlockNumber(last)).unwrap()
}

fn whole() -> BlockRange {
    range(0, chain::LAST)
}

/// Number, hash and count of receipts of every block.
fn decoded(fetched: &FetchedRange) -> Vec<(String, String, usize)> {
    let blocks = fetched.decode().unwrap().into_iter();
    blocks
        .map(|b| {
            (
                b.block.number.to_owned(),
                b.block.hash.to_owned(),
                b.receipts.len(),
            )
        })
        .collect()
}

fn expected(node: &Node, range: BlockRange) -> Vec<(String, String, usize)> {
    let script = node.script();
    let block = |number: BlockNumber| {
        let block = script.chain.block(number.0);
        let text = |field: &str| block[field].as_str().unwrap().to_owned();
        (
            text("number"),
            text("hash"),
            block["transactions"].as_array().unwrap().len(),
        )
    };
    range.numbers().map(block).collect()
}

async fn check(client: &BesuClient, node: &Node, range: BlockRange) {
    let fetched = client.fetch_range(range).await.unwrap();
    assert_eq!(decoded(&fetched), expected(node, range));
}

#[tokio::test]
async fn a_range_comes_in_order_with_receipts() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    check(&client, &node, whole()).await;
    node.script().reverse_batches = true;
    check(&client, &node, whole()).await;
    check(&client, &node, BlockRange::single(BlockNumber(0))).await;
    let fetched = client.fetch_range(range(28, 30)).await.unwrap();
    assert_eq!(fetched.bodies().count(), 2);
    assert_eq!(
        fetched.n_bytes(),
        fetched.bodies().map(bytes::Bytes::len).sum::<usize>()
    );
}

#[tokio::test]
async fn the_batch_limit_of_the_node_is_found_and_kept() {
    let node = Node::start();
    node.script().max_batch = 5;
    let client = connect(&[&node]).await;
    for _ in 0..5 {
        check(&client, &node, whole()).await;
    }
    assert_eq!(client.endpoints()[0].requests_per_batch, 5);
    node.script().calls.clear();
    check(&client, &node, whole()).await;
    assert_eq!(node.calls(RECEIPTS), vec![5; 13]);
    assert!(client.preferred_blocks() <= 5);
}

#[tokio::test]
async fn a_request_too_large_for_a_proxy_is_split() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    node.fault(RECEIPTS, 3, Fault::Status(413, "Request Entity Too Large"));
    check(&client, &node, range(0, 40)).await;
    assert!(client.endpoints()[0].healthy);
    assert!(client.endpoints()[0].requests_per_batch < 41);
}

#[tokio::test]
async fn missing_block_receipts_are_replaced() {
    let node = Node::start();
    node.script().offers.clear();
    let client = connect(&[&node]).await;
    node.script().max_batch = 7;
    for _ in 0..3 {
        check(&client, &node, whole()).await;
    }
    assert_eq!(node.calls(RECEIPTS), [1], "asked once, when connecting");
    assert!(node.calls("eth_getTransactionReceipt").len() > 3);
}

#[tokio::test]
async fn a_block_just_announced_may_be_null_at_first() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    for method in [BLOCKS, RECEIPTS] {
        node.fault(method, 1, Fault::Nulls);
        let wanted = BlockRange::single(BlockNumber(chain::LAST));
        let fetched = client.fetch_range(wanted).await.unwrap();
        let error = fetched.decode().unwrap_err();
        assert!(
            matches!(
                error,
                WireError::NullBlock { .. } | WireError::NullReceipts { .. }
            ),
            "{error}"
        );
        assert!(error.is_retryable());
        client.report(&fetched, &error);
        assert_eq!(client.endpoints()[0].head, None, "the head was too high");
        check(&client, &node, wanted).await;
    }
}

#[tokio::test]
async fn a_gateway_to_older_nodes_is_noticed_later() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    node.fault(RECEIPTS, 1, Fault::Errors(-32601, "Method not found"));
    let fetched = client.fetch_range(range(28, 30)).await.unwrap();
    let error = fetched.decode().unwrap_err();
    client.report(&fetched, &error);
    check(&client, &node, range(28, 30)).await;
    assert!(
        !client.endpoints()[0]
            .capabilities
            .as_ref()
            .unwrap()
            .block_receipts
    );
}

#[tokio::test]
async fn a_cut_or_failing_answer_is_fetched_again() {
    let (one, other) = (Node::start(), Node::start());
    let client = connect(&[&one, &other]).await;
    let page = "<html>maintenance</html>";
    for fault in [
        Fault::CutMidBody,
        Fault::Status(500, page),
        Fault::Body(page.to_owned()),
    ] {
        one.fault(BLOCKS, 1, fault);
        check(&client, &one, whole()).await;
    }
    // Cut, but with an end that looks like an end: seen when decoding.
    one.fault(BLOCKS, 1, Fault::Body("[{\"jsonrpc\":\"2.0\",".to_owned()));
    other.fault(BLOCKS, 1, Fault::Body("[{\"jsonrpc\":\"2.0\",".to_owned()));
    let fetched = client.fetch_range(whole()).await.unwrap();
    assert!(matches!(
        fetched.decode().unwrap_err(),
        WireError::Json { .. }
    ));
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_split_and_then_refused() {
    let node = Node::start();
    let limits = ClientOptions {
        max_response_bytes: 30_000,
        ..options()
    };
    let client = BesuClient::connect(vec![http(&node)], limits)
        .await
        .unwrap();
    check(&client, &node, range(36, chain::LAST)).await;
    let per_range = client.endpoints()[0].blocks_per_range;
    assert!(per_range < 29, "{per_range}");
    let limits = ClientOptions {
        max_response_bytes: 4_000,
        ..options()
    };
    let client = BesuClient::connect(vec![http(&node)], limits)
        .await
        .unwrap();
    let error = client.fetch_range(range(28, 30)).await.unwrap_err();
    assert!(
        matches!(
            error,
            RpcError::ResponseTooLarge {
                limit_bytes: 4_000,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.is_retryable());
    assert!(client.endpoints()[0].healthy);
}

#[tokio::test]
async fn a_limit_stated_for_single_blocks_shrinks_the_next_range() {
    let node = Node::start();
    let client = connect(&[&node]).await;
    node.fault(
        BLOCKS,
        1,
        Fault::Errors(-32005, "Requested range exceeds maximum RPC range limit"),
    );
    let fetched = client.fetch_range(range(0, 39)).await.unwrap();
    let error = fetched.decode().unwrap_err();
    assert!(error.is_retryable() && error.asks_for_less(), "{error}");
    client.report(&fetched, &error);
    assert_eq!(client.preferred_blocks(), 20);
    check(&client, &node, range(0, 39)).await;
}

#[tokio::test]
async fn compressed_answers_are_read_within_the_limit() {
    let node = Node::start();
    let compressed = include_bytes!("../../fixtures/three_blocks.json.gz");
    let limits = ClientOptions {
        gzip: Gzip::On,
        ..options()
    };
    let client = BesuClient::connect(vec![http(&node)], limits.clone())
        .await
        .unwrap();
    node.fault(BLOCKS, 1, Fault::Gzip(compressed));
    check(&client, &node, range(28, 30)).await;
    // The limit is on what comes out, so that a small body cannot fill the memory.
    let limits = ClientOptions {
        max_response_bytes: 2 * compressed.len(),
        ..limits
    };
    let client = BesuClient::connect(vec![http(&node)], limits)
        .await
        .unwrap();
    node.fault(BLOCKS, usize::MAX, Fault::Gzip(compressed));
    let error = client.fetch_range(range(28, 30)).await.unwrap_err();
    assert!(
        matches!(error, RpcError::ResponseTooLarge { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn ranges_above_the_head_of_a_node_are_not_asked_of_it() {
    let (low, high) = (Node::start(), Node::start());
    low.script().head = 10;
    let client = connect(&[&low, &high]).await;
    for _ in 0..10 {
        let fetched = client.fetch_range(range(5, 40)).await.unwrap();
        assert_eq!(fetched.endpoint, EndpointId(1));
    }
    let error = client.fetch_range(range(60, 70)).await.unwrap_err();
    let head = Some(BlockNumber(chain::LAST));
    assert!(
        matches!(error, RpcError::BeyondHead { head: found, .. } if found == head),
        "{error}"
    );
    assert!(error.is_retryable());
    // The node catches up.
    low.script().head = 50;
    client.head().await.unwrap();
    let fetched = client
        .fetch_range_avoiding(range(5, 40), &[EndpointId(1)])
        .await
        .unwrap();
    assert_eq!(fetched.endpoint, EndpointId(0));
}

#[tokio::test]
async fn liars_and_those_to_avoid_are_asked_last() {
    let (one, mut other) = (Node::start(), Node::start());
    let client = connect(&[&one, &other]).await;
    client.mark_lying(EndpointId(0), "transactions root differs");
    for _ in 0..5 {
        assert_eq!(
            client.fetch_range(range(1, 2)).await.unwrap().endpoint,
            EndpointId(1)
        );
    }
    let avoided = client
        .fetch_range_avoiding(range(1, 2), &[EndpointId(1)])
        .await
        .unwrap();
    assert!([EndpointId(0), EndpointId(1)].contains(&avoided.endpoint));
    other.kill();
    eventually("only the liar is left", async || {
        client
            .fetch_range(range(1, 2))
            .await
            .is_ok_and(|fetched| fetched.endpoint == EndpointId(0))
    })
    .await;
}

#[tokio::test]
async fn a_node_killed_in_the_middle_costs_no_block() {
    let (mut one, other) = (Node::start(), Node::start());
    let client = connect(&[&one, &other]).await;
    let reader = {
        let client = client.clone();
        tokio::spawn(async move {
            let mut lengths = Vec::new();
            for _ in 0..200 {
                lengths.push(
                    client
                        .fetch_range(range(20, 40))
                        .await
                        .unwrap()
                        .decode()
                        .unwrap()
                        .len(),
                );
            }
            lengths
        })
    };
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        one.kill();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        one.restart();
    }
    assert_eq!(reader.await.unwrap(), vec![21; 200]);
}
