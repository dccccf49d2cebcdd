//! The node over HTTP, call by call.

use std::time::{Duration, Instant};

use alloy_primitives::keccak256;
use lastro_bench_chain::{
    Chain, ChainOptions, Disguise, DrainOptions, Fork, Lie, Quirks, ReplayNode, ReplayOptions,
    ServedChain, drain,
};
use serde_json::{Value, json};

use crate::client::Client;

pub(crate) fn start(options: &ChainOptions, replay: ReplayOptions) -> (Chain, ReplayNode, Client) {
    let chain = Chain::generate(options).unwrap();
    let node = ReplayNode::start(ServedChain::render(&chain), replay).unwrap();
    let client = Client::connect(&node.http_url);
    (chain, node, client)
}

fn start_small() -> (Chain, ReplayNode, Client) {
    start(&ChainOptions::small(20), ReplayOptions::default())
}

const UNKNOWN_BLOCK: Result<Value, (i64, &str)> = Err((-39001, "Unknown block"));

fn owned(expected: Result<Value, (i64, &str)>) -> Result<Value, (i64, String)> {
    expected.map_err(|(code, message)| (code, message.to_owned()))
}

#[test]
fn small_calls() {
    let (chain, _node, mut client) = start_small();
    for (method, expected) in [
        ("eth_chainId", json!("0x9e5b5")),
        ("net_version", json!("648629")),
        ("eth_blockNumber", json!("0x14")),
        ("eth_syncing", json!(false)),
        ("net_peerCount", json!("0x3")),
        (
            "web3_clientVersion",
            json!("besu/v26.8.0/linux-x86_64/openjdk-java-25"),
        ),
    ] {
        assert_eq!(client.call(method, json!([])), Ok(expected));
    }
    assert_eq!(
        client.call("eth_noSuchMethod", json!([])),
        owned(Err((-32601, "Method not found")))
    );
    let validators = client
        .call("qbft_getValidatorsByBlockNumber", json!(["latest"]))
        .unwrap();
    let expected: Vec<String> = chain.blocks[20]
        .extra
        .validators
        .iter()
        .map(|v| format!("{v:#x}"))
        .collect();
    assert_eq!(validators, json!(expected));
    assert_eq!(
        client.call("qbft_getValidatorsByBlockNumber", json!(["0xff"])),
        Ok(Value::Null)
    );
}

#[test]
fn blocks_by_number_and_hash() {
    let (chain, node, mut client) = start_small();
    let full: Value = serde_json::from_slice(node.chain().block_json(5).unwrap()).unwrap();
    assert_eq!(
        client
            .call("eth_getBlockByNumber", json!(["0x5", true]))
            .unwrap(),
        full
    );
    let hash = chain.blocks[5].hash;
    assert_eq!(
        client
            .call("eth_getBlockByHash", json!([hash, true]))
            .unwrap(),
        full
    );
    let mut with_hashes = full.clone();
    with_hashes["transactions"] = chain.blocks[5]
        .transactions
        .iter()
        .map(|tx| json!(tx.hash))
        .collect();
    assert_eq!(
        client
            .call("eth_getBlockByNumber", json!(["0x5", false]))
            .unwrap(),
        with_hashes
    );
    for (tag, number) in [("latest", "0x14"), ("pending", "0x14"), ("earliest", "0x0")] {
        assert_eq!(
            client
                .call("eth_getBlockByNumber", json!([tag, false]))
                .unwrap()["number"],
            number
        );
    }
    assert_eq!(
        client
            .call("eth_getBlockByNumber", json!([12, false]))
            .unwrap()["number"],
        "0xc"
    );
    for tag in ["safe", "finalized"] {
        assert_eq!(
            client.call("eth_getBlockByNumber", json!([tag, false])),
            owned(UNKNOWN_BLOCK)
        );
    }
    node.set_quirks(|quirks| quirks.knows_finalized = true);
    assert_eq!(
        client
            .call("eth_getBlockByNumber", json!(["finalized", false]))
            .unwrap()["number"],
        "0x14"
    );
    assert_eq!(
        client.call("eth_getBlockByNumber", json!(["0x15", true])),
        Ok(Value::Null)
    );
    assert_eq!(
        client.call("eth_getBlockByHash", json!([keccak256("no block"), true])),
        Ok(Value::Null)
    );
    let error = client
        .call("eth_getBlockByNumber", json!(["12", true]))
        .unwrap_err();
    assert_eq!(error, (-32602, "Invalid block number params".to_owned()));
}

#[test]
fn receipts_and_transactions() {
    let (chain, node, mut client) = start(
        &ChainOptions::mixed(20, Fork::Prague),
        ReplayOptions::default(),
    );
    for block in &chain.blocks {
        let number = format!("{:#x}", block.number());
        let receipts = client
            .call("eth_getBlockReceipts", json!([number]))
            .unwrap();
        assert_eq!(
            client
                .call("eth_getBlockReceipts", json!([block.hash]))
                .unwrap(),
            receipts
        );
        let full = client
            .call("eth_getBlockByNumber", json!([number, true]))
            .unwrap();
        for (place, transaction) in block.transactions.iter().enumerate() {
            let one = client
                .call("eth_getTransactionReceipt", json!([transaction.hash]))
                .unwrap();
            assert_eq!(one, receipts[place]);
            let one = client
                .call("eth_getTransactionByHash", json!([transaction.hash]))
                .unwrap();
            assert_eq!(one, full["transactions"][place]);
        }
    }
    let unknown = json!([keccak256("no transaction")]);
    assert_eq!(
        client.call("eth_getTransactionReceipt", unknown),
        Ok(Value::Null)
    );
    assert_eq!(
        client.call("eth_getBlockReceipts", json!(["0xffff"])),
        Ok(Value::Null)
    );
    node.set_quirks(|quirks| quirks.without_block_receipts = true);
    let refused = owned(Err((-32601, "Method not found")));
    assert_eq!(client.call("eth_getBlockReceipts", json!(["0x1"])), refused);
    assert_eq!(
        client.call("qbft_getValidatorsByBlockNumber", json!(["0x1"])),
        refused
    );
}

#[test]
fn batches_ids_and_malformed_requests() {
    let (_chain, node, mut client) = start_small();
    let (status, body) = client.post(
        r#"[{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]},
            {"jsonrpc":"2.0","method":"eth_blockNumber"},
            {"jsonrpc":"2.0","id":"abc","method":"net_version"}, 1, {"id":null,"method":"nope"}]"#,
    );
    let answers: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, answers),
        (
            200,
            json!([
                {"jsonrpc": "2.0", "id": 1, "result": "0x14"},
                {"jsonrpc": "2.0", "id": "abc", "result": "648629"},
                {"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "Invalid Request"}},
                {"jsonrpc": "2.0", "id": null, "error": {"code": -32601, "message": "Method not found"}},
            ])
        )
    );
    let notification = r#"{"jsonrpc":"2.0","method":"eth_blockNumber"}"#;
    assert_eq!(client.post(notification), (200, String::new()));
    assert_eq!(
        client.post(&format!("[{notification}]")),
        (200, String::new())
    );
    let failure = |status, code, message| {
        (
            status,
            format!(
                r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}"#
            ),
        )
    };
    assert_eq!(client.post("[]"), failure(400, -32600, "Invalid Request"));
    assert_eq!(
        client.post("{\"jsonrpc\":"),
        failure(400, -32700, "Parse error")
    );
    assert_eq!(client.get("/"), (201, String::new()));
    assert_eq!(client.get("/liveness").0, 200);

    let call = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#;
    let batch = |n: usize| format!("[{}]", vec![call; n].join(","));
    let too_large = failure(200, -32005, "Number of requests exceeds max batch size");
    assert_eq!(client.post(&batch(1025)), too_large);
    assert_eq!(
        serde_json::from_str::<Vec<Value>>(&client.post(&batch(1024)).1)
            .unwrap()
            .len(),
        1024
    );
    node.set_quirks(|quirks| quirks.max_batch = 5);
    assert_eq!(client.post(&batch(6)), too_large);
    let counters = node.counters();
    assert_eq!(
        (counters.http_requests, counters.calls),
        (8, 5 + 1 + 1 + 1024)
    );
    assert!(counters.bytes_out > 1024 * 30);
}

#[test]
fn a_large_batch_of_blocks_and_receipts_comes_whole() {
    let (_chain, node, mut client) = start(&ChainOptions::small(300), ReplayOptions::default());
    let calls: Vec<Value> = (0..=300)
        .flat_map(|n| {
            let number = format!("{n:#x}");
            [
                json!({"jsonrpc": "2.0", "id": 2 * n, "method": "eth_getBlockByNumber", "params": [number, true]}),
                json!({"jsonrpc": "2.0", "id": 2 * n + 1, "method": "eth_getBlockReceipts", "params": [number]}),
            ]
        })
        .collect();
    let (_, body) = client.post(&json!(calls).to_string());
    let answers: Vec<Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(answers.len(), 602);
    let chain = node.chain();
    for (n, answer) in (0_u64..).zip(answers.chunks(2)) {
        let parse = |json: Option<&[u8]>| serde_json::from_slice::<Value>(json.unwrap()).unwrap();
        assert_eq!(answer[0]["result"], parse(chain.block_json(n)));
        assert_eq!(answer[1]["result"], parse(chain.receipts_json(n)));
    }
}

#[test]
fn the_head_goes_where_it_is_told() {
    let (_chain, node, mut client) = start(
        &ChainOptions::small(20),
        ReplayOptions {
            head: Some(5),
            ..ReplayOptions::default()
        },
    );
    let mut block_number = || client.call("eth_blockNumber", json!([])).unwrap();
    assert_eq!(block_number(), "0x5");
    node.advance(3);
    assert_eq!(block_number(), "0x8");
    node.set_head(2);
    assert_eq!(block_number(), "0x2");
    node.set_head(100);
    assert_eq!((block_number(), node.head()), (json!("0x14"), 20));
    node.set_head(0);
    node.advance_every(Duration::from_millis(2));
    let deadline = Instant::now() + Duration::from_secs(20);
    while node.head() < 10 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    node.stop_advancing();
    assert!(node.announced_at(10).unwrap() > node.announced_at(3).unwrap());
    assert_eq!(node.announced_at(0), None);
}

#[test]
fn a_block_just_announced_is_null_for_a_while() {
    let quirks = Quirks {
        nulls_after_announcement: 2,
        ..Quirks::default()
    };
    let (_chain, node, mut client) = start(
        &ChainOptions::small(20),
        ReplayOptions {
            head: Some(5),
            quirks,
            ..ReplayOptions::default()
        },
    );
    let mut ask = |method: &str, number: &str| {
        let params = if method == "eth_getBlockReceipts" {
            json!([number])
        } else {
            json!([number, true])
        };
        client.call(method, params).unwrap().is_null()
    };
    assert!(!ask("eth_getBlockByNumber", "0x5"));
    node.advance(1);
    for method in ["eth_getBlockByNumber", "eth_getBlockReceipts"] {
        assert_eq!(
            [(); 4].map(|()| ask(method, "0x6")),
            [true, true, false, false],
            "{method}"
        );
    }
}

#[test]
fn slow_silent_and_gone() {
    let (_chain, node, mut client) = start_small();
    node.set_quirks(|quirks| quirks.latency = Duration::from_millis(80));
    let started = Instant::now();
    assert!(client.call("eth_blockNumber", json!([])).is_ok());
    assert!(started.elapsed() >= Duration::from_millis(80));
    node.set_quirks(|quirks| {
        *quirks = Quirks {
            offline: true,
            ..Quirks::default()
        }
    });
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#;
    assert_eq!(client.try_post(request), None);
    node.set_quirks(|quirks| quirks.offline = false);
    assert_eq!(Client::connect(&node.http_url).post(request).0, 200);
    let url = node.http_url.clone();
    drop(node);
    assert!(std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).is_err());
}

#[test]
fn another_chain_can_be_put_in_its_place() {
    let (chain, node, mut client) = start_small();
    let honest = client.call("eth_getBlockReceipts", json!(["0x5"])).unwrap();
    let lying = ServedChain::lying(&chain, &[(5, Lie::MissingLog(Disguise::Bare))]).unwrap();
    node.set_chain(lying);
    assert_ne!(
        client.call("eth_getBlockReceipts", json!(["0x5"])).unwrap(),
        honest
    );
    node.set_chain(ServedChain::render(&chain));
    assert_eq!(
        client.call("eth_getBlockReceipts", json!(["0x5"])).unwrap(),
        honest
    );
    let shorter = Chain::generate(&ChainOptions::small(7)).unwrap();
    node.set_chain(ServedChain::render(&shorter));
    assert_eq!(client.call("eth_blockNumber", json!([])).unwrap(), "0x7");
}

#[tokio::test]
async fn draining_fetches_everything_once() {
    let (_chain, node, _client) = start(&ChainOptions::small(100), ReplayOptions::default());
    let options = DrainOptions {
        first_block: 0,
        last_block: 100,
        blocks_per_batch: 7,
        n_connections: 3,
    };
    let drained = drain(&node.http_url, options).await.unwrap();
    let counters = node.counters();
    assert_eq!(
        (drained.n_blocks, counters.calls, counters.http_requests),
        (101, 202, 15)
    );
    assert_eq!(drained.n_bytes, counters.bytes_out);
    assert!(drained.n_bytes > u64::try_from(node.chain().n_bytes()).unwrap());
}
