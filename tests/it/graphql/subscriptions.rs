//! Subscriptions: a client that comes back with its last cursor misses nothing and gets nothing twice.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    api::{Api, Socket, error},
    chain::{A, B, BOND, BRL, block, commit, commit_all, done, known_chain, moved},
    rows::{BlockRows, block_hash, chain_row},
    store::Database,
};

const TRANSFERS: &str = "subscription ($filter: TransferFilter, $after: Cursor) { transfers(filter: $filter, after: $after) { \
                         cursor transfer { blockNumber logIndex amount tokenDetails { symbol } readAt { number } } } }";
const BLOCKS: &str = "subscription ($after: Cursor, $from: BlockNumber) { blocks(after: $after, fromBlock: $from) { \
                      cursor block { number hash nTransactions readAt { number proof anchor } } } }";

async fn transfer(socket: &mut Socket) -> (u64, u64, Value) {
    let event = socket.event().await;
    assert!(event["errors"].is_null(), "{event}");
    let transfer = &event["data"]["transfers"]["transfer"];
    let place = |field: &str| transfer[field].as_u64().unwrap();
    (
        place("blockNumber"),
        place("logIndex"),
        event["data"]["transfers"]["cursor"].clone(),
    )
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    let brl = json!({ "token": BRL });
    let pair = || {
        vec![
            done(moved(BRL, A, B, 1)),
            done(moved(BOND, A, B, 1)),
            done(moved(BRL, B, A, 2)),
        ]
    };

    let mut socket = api.socket().await;
    socket
        .subscribe("1", TRANSFERS, json!({ "filter": brl }))
        .await;
    assert!(
        socket.is_silent(Duration::from_millis(200)).await,
        "only what is committed from now on"
    );
    api.announce(commit(&database, &block(7, pair())).await);
    let (number, log_index, cursor) = transfer(&mut socket).await;
    assert_eq!((number, log_index), (7, 0));
    // The connection breaks between two events of one block; blocks are committed meanwhile.
    drop(socket);
    api.show(commit(&database, &block(8, pair())).await).await;
    api.show(commit(&database, &block(9, vec![])).await).await;

    let mut socket = api.socket().await;
    socket
        .subscribe("1", TRANSFERS, json!({ "filter": brl, "after": cursor }))
        .await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (number, log_index, _) = transfer(&mut socket).await;
        seen.push((number, log_index));
    }
    assert_eq!(seen, [(7, 2), (8, 0), (8, 2)]);
    // Several blocks announced at once are all read.
    commit(&database, &block(10, pair())).await;
    api.announce(commit(&database, &block(11, pair())).await);
    for expected in [(10, 0), (10, 2), (11, 0), (11, 2)] {
        let (number, log_index, _) = transfer(&mut socket).await;
        assert_eq!((number, log_index), expected);
    }
    assert!(socket.is_silent(Duration::from_millis(200)).await);
    api.stop().await;
}

#[tokio::test]
async fn a_list_is_continued_by_the_subscription() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    let page = api
        .read("{ transfers(first: 1) { pageInfo { endCursor } } }")
        .await;
    let newest = &page["transfers"]["pageInfo"]["endCursor"];
    let mut socket = api.socket().await;
    socket
        .subscribe("1", TRANSFERS, json!({ "after": newest }))
        .await;
    socket.subscribe("2", BLOCKS, json!({ "from": 5 })).await;
    for number in [5, 6] {
        let event = socket.event().await;
        let block = &event["data"]["blocks"]["block"];
        assert_eq!(
            (&block["number"], &block["hash"]),
            (&json!(number), &json!(block_hash(number, 0)))
        );
        assert_eq!(
            block["readAt"],
            json!({ "number": 6, "proof": "SEALED", "anchor": "GENESIS_FILE" })
        );
    }
    api.announce(commit(&database, &block(7, vec![done(moved(BRL, A, B, 1))])).await);
    let events = [socket.event().await, socket.event().await];
    let data = |name: &str| {
        events
            .iter()
            .find(|event| !event["data"][name].is_null())
            .unwrap()["data"][name]
            .clone()
    };
    assert_eq!(data("blocks")["block"]["number"], 7);
    assert_eq!(
        data("transfers")["transfer"]["tokenDetails"]["symbol"],
        "BRL"
    );
    assert_eq!(data("transfers")["transfer"]["readAt"]["number"], 7);
    api.stop().await;
}

#[tokio::test]
async fn a_long_past_is_read_whole_while_the_chain_grows() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    // More than is read at once, all in one block.
    let many = (0..1_300)
        .map(|amount| done(moved(BRL, A, B, amount)))
        .collect();
    api.show(commit(&database, &block(7, many)).await).await;
    let mut socket = api.socket().await;
    let filter = json!({ "token": BRL, "fromBlock": 7 });
    socket
        .subscribe("1", TRANSFERS, json!({ "filter": filter }))
        .await;
    for index in 0..700 {
        assert_eq!(transfer(&mut socket).await.1, index);
    }
    api.announce(commit(&database, &block(8, vec![done(moved(BRL, A, B, 1))])).await);
    for index in 700..1_300 {
        assert_eq!(transfer(&mut socket).await.1, index);
    }
    assert_eq!(transfer(&mut socket).await.0, 8);
    api.stop().await;
}

#[tokio::test]
async fn queries_run_over_the_socket_and_subscriptions_can_be_ended() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    let mut socket = api.socket().await;
    socket
        .subscribe("q", "{ block(number: 1) { number } }", json!({}))
        .await;
    assert_eq!(
        socket.event().await["data"],
        json!({ "block": { "number": 1 } })
    );
    assert_eq!(
        socket.message().await,
        json!({ "type": "complete", "id": "q" })
    );
    socket.subscribe("s", BLOCKS, json!({})).await;
    socket.send(&json!({ "id": "s", "type": "complete" })).await;
    let ended = async {
        while gauge(&api, "query_subscriptions").await != 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .expect("the subscription ends");
    api.stop().await;
}

async fn gauge(api: &Api, name: &str) -> u64 {
    let metrics = api.http("GET", "/metrics", &[], b"").await.body;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")))
        .unwrap_or_else(|| panic!("{metrics}"));
    line.parse().unwrap()
}

#[tokio::test]
async fn a_reorganisation_ends_a_subscription_with_its_reason() {
    let database = Database::create().await;
    database.insert("chain", &chain_row(1337, "none")).await;
    let unsigned = |number| BlockRows {
        proof: "no_signatures",
        ..block(number, vec![])
    };
    commit_all(&database, &[0, 1, 2, 3].map(unsigned)).await;
    let api = Api::start(database.config()).await;
    api.wait_for(3).await;
    let mut socket = api.socket().await;
    socket.subscribe("1", BLOCKS, json!({ "from": 3 })).await;
    let event = socket.event().await;
    assert_eq!(event["data"]["blocks"]["block"]["number"], 3);
    let cursor = &event["data"]["blocks"]["cursor"];
    for table in ["checkpoints WHERE last_block", "blocks WHERE number"] {
        database.execute(&format!("DELETE FROM {table} = 3")).await;
    }
    let other = BlockRows {
        branch: 1,
        ..unsigned(3)
    };
    api.announce(commit(&database, &other).await);
    let event = socket.event().await;
    assert_eq!(error(&event).0, "REORGANISED");
    assert_eq!(socket.message().await["type"], "complete");
    socket
        .subscribe("2", BLOCKS, json!({ "after": cursor }))
        .await;
    assert_eq!(error(&socket.event().await).0, "STALE_CURSOR");
    api.stop().await;
}

#[tokio::test]
async fn subscribers_are_told_when_the_server_stops() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    let mut socket = api.socket().await;
    socket.subscribe("1", BLOCKS, json!({})).await;
    api.stop().await;
    assert!(socket.frame().await.is_close());
}
