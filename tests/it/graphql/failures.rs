//! Bad input, limits, and a store that goes away: each a clear error with its code.

use std::time::Duration;

use lastro_query::{HeadFeed, Limits, ServeConfig, ServeError, Sources, serve};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    api::Api,
    chain::{A, BRL, fill, known_chain},
    store::{self, Database},
};

async fn limited(limits: Limits) -> Api {
    let (database, head) = known_chain().await;
    let api = Api::start_with(database.config(), limits).await;
    api.wait_for(head.number.0).await;
    api
}

#[tokio::test]
async fn malformed_arguments_are_named_with_what_is_wrong() {
    let api = limited(Limits::default()).await;
    let zero = "0x0000000000000000000000000000000000000000000000000000000000000000";
    for (query, part) in [
        ("{ block(number: -1) { number } }", "integer from 0"),
        ("{ block(number: 1.5) { number } }", "integer from 0"),
        ("{ block(number: \"0x1\") { number } }", "integer from 0"),
        (
            "{ block(hash: \"0x12\") { number } }",
            "64 hexadecimal digits after 0x, not 2",
        ),
        (
            &format!("{{ block(number: 1, hash: \"{zero}\") {{ number }} }}"),
            "not both",
        ),
        ("{ transaction { hash } }", "hash"),
        (
            "{ balance(token: \"BRL\", account: \"0x00\") { amount } }",
            "begin with 0x",
        ),
        (
            &format!("{{ balance(token: \"{BRL}\", account: \"{A}\", id: \"1e3\") {{ amount }} }}"),
            "decimal integer",
        ),
        (
            &format!("{{ balance(token: \"{BRL}\", account: \"{A}\", at: {{}}) {{ amount }} }}"),
            "exactly one field",
        ),
        (
            &format!(
                "{{ balance(token: \"{BRL}\", account: \"{A}\", at: {{ number: 1, hash: \"{zero}\" }}) {{ amount }} }}"
            ),
            "exactly one field",
        ),
        (
            "{ blocks(first: 1, last: 1) { nodes { number } } }",
            "not both",
        ),
        ("{ blocks(first: 0) { nodes { number } } }", "at least 1"),
        ("{ blocks(first: -3) { nodes { number } } }", "first"),
        ("{ blocks(orderBy: UP) { nodes { number } } }", "orderBy"),
        ("{ blocks(after: 5) { nodes { number } } }", "cursor"),
        (
            "{ transfers(filter: { standard: ERC7 }) { nodes { amount } } }",
            "standard",
        ),
        (
            "{ transfers(filter: { colour: 1 }) { nodes { amount } } }",
            "colour",
        ),
        ("{ blocks { nodes { size } } }", "size"),
        ("{ blocks { nodes { number } }", "expected"),
        ("mutation { mint }", "mutation"),
        ("", "expected"),
    ] {
        let (code, message) = super::api::error(&first_error(api.query(query).await));
        assert_eq!(code, "BAD_USER_INPUT", "{query}: {message}");
        assert!(
            message.to_lowercase().contains(&part.to_lowercase()),
            "{query}: {message}"
        );
    }
    for query in [
        format!("{{ validators(at: {{ hash: \"{zero}\" }}) {{ members }} }}"),
        "{ validators(at: { number: 7 }) { members } }".to_owned(),
    ] {
        assert_eq!(api.error(&query).await.0, "NOT_FOUND");
    }
    api.stop().await;
}

/// One mistake can be reported by several of the library's rules; the first is enough.
fn first_error(mut answer: Value) -> Value {
    answer["errors"]
        .as_array_mut()
        .unwrap_or_else(|| panic!("no error"))
        .truncate(1);
    answer
}

#[tokio::test]
async fn depth_complexity_and_page_size_are_limited_before_anything_runs() {
    let api = limited(Limits {
        max_depth: 5,
        max_complexity: 200,
        max_page_size: 40,
        ..Limits::default()
    })
    .await;
    let (code, message) = api.error("{ blocks(first: 1) { nodes { transactions(first: 1) { nodes { logs(first: 1) { nodes { data } } } } } } }").await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("LIMIT_EXCEEDED", "the query is nested deeper than 5 levels")
    );
    let (code, message) = api
        .error("{ blocks(first: 40) { nodes { number hash parentHash timestamp proof } } }")
        .await;
    assert_eq!(code, "LIMIT_EXCEEDED");
    assert!(message.contains("more than 200"), "{message}");
    let (code, message) = api
        .error("{ blocks(first: 41) { nodes { number } } }")
        .await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "LIMIT_EXCEEDED",
            "the page size is 41, the limit is 40: ask for less at once"
        )
    );
    let (code, _) = api
        .error_with(
            "query ($n: Int) { blocks(last: $n) { nodes { number } } }",
            json!({ "n": 41 }),
        )
        .await;
    assert_eq!(code, "LIMIT_EXCEEDED");
    // Not written in the text, so refused by the list itself.
    let (code, _) = api.error("{ blocks { nodes { number } } }").await;
    assert_eq!(code, "LIMIT_EXCEEDED");
    api.read("{ blocks(first: 40) { nodes { number } } }").await;
    api.stop().await;
}

#[tokio::test]
async fn requests_are_json_of_limited_size_from_no_foreign_page() {
    let api = limited(Limits {
        max_request_bytes: 2_000,
        ..Limits::default()
    })
    .await;
    let json_kind = ("content-type", "application/json");
    let long =
        json!({ "query": format!("{{ block {{ number }} }} # {}", "x".repeat(2_000)) }).to_string();
    for (headers, body, status, code) in [
        (vec![json_kind], long.as_str(), 413, "LIMIT_EXCEEDED"),
        (vec![json_kind], &" ".repeat(10_000), 413, "LIMIT_EXCEEDED"),
        (vec![json_kind], "{ block }", 400, "BAD_USER_INPUT"),
        (vec![json_kind], "[]", 400, "BAD_USER_INPUT"),
        (
            vec![],
            r#"{"query":"{ block { number } }"}"#,
            415,
            "BAD_USER_INPUT",
        ),
        (
            vec![("content-type", "text/plain")],
            r#"{"query":"{ block { number } }"}"#,
            415,
            "BAD_USER_INPUT",
        ),
        (
            vec![json_kind, ("origin", "http://elsewhere.example")],
            r#"{"query":"{ block { number } }"}"#,
            403,
            "BAD_USER_INPUT",
        ),
    ] {
        let answer = api
            .http("POST", "/graphql", &headers, body.as_bytes())
            .await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], code);
    }
    let own = [json_kind, ("origin", api.url.as_str())];
    let answer = api
        .http(
            "POST",
            "/graphql",
            &own,
            br#"{"query":"{ block { number } }"}"#,
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    api.stop().await;
}

#[tokio::test]
async fn subscriptions_are_limited_per_connection_and_in_total() {
    let limits = Limits {
        max_subscriptions_per_connection: 1,
        max_subscriptions: 2,
        ..Limits::default()
    };
    let api = limited(limits).await;
    let subscription = "subscription { blocks(fromBlock: 6) { block { number } } }";
    let (mut first, mut second, mut third) =
        (api.socket().await, api.socket().await, api.socket().await);
    first.subscribe("1", subscription, json!({})).await;
    first.event().await;
    first.subscribe("2", subscription, json!({})).await;
    let (code, message) = super::api::error(&first.event().await);
    assert_eq!(
        (code.as_str(), message.contains("this connection")),
        ("LIMIT_EXCEEDED", true),
        "{message}"
    );
    second.subscribe("1", subscription, json!({})).await;
    second.event().await;
    third.subscribe("1", subscription, json!({})).await;
    assert_eq!(super::api::error(&third.event().await).0, "LIMIT_EXCEEDED");
    assert_eq!(third.message().await["type"], "complete");
    // A place is free again once its subscription has ended.
    drop(second);
    let mut freed = false;
    for id in 2..100 {
        third
            .subscribe(&id.to_string(), subscription, json!({}))
            .await;
        freed = third.event().await["errors"].is_null();
        if freed {
            break;
        }
        assert_eq!(third.message().await["type"], "complete");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(freed);
    api.stop().await;
}

/// A server that takes connections and never answers.
fn silent_store() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn a_request_has_limited_time_and_waits_its_turn() {
    let database = Database::create().await;
    fill(&database).await;
    let limits = Limits {
        request_timeout: Duration::from_millis(1_500),
        max_concurrent_requests: 1,
        ..Limits::default()
    };
    let api = Api::start_with(database.config(), limits).await;
    api.wait_for(6).await;
    // A real slow read: each of seven blocks takes 0.4 s.
    database.execute("RENAME TABLE blocks TO blocks_kept").await;
    database
        .execute(
            "CREATE VIEW blocks AS SELECT * FROM blocks_kept WHERE NOT ignore(sleepEachRow(0.4))",
        )
        .await;
    let slow = api.query("{ blocks { nodes { number } } }");
    let waiting = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        api.query("{ status { chainId } }").await
    };
    let (slow, waiting) = tokio::join!(slow, waiting);
    assert_eq!(super::api::error(&slow).0, "TIMEOUT");
    let (code, message) = super::api::error(&waiting);
    assert_eq!(
        (code.as_str(), message.contains("busy")),
        ("LIMIT_EXCEEDED", true),
        "{message}"
    );
    api.stop().await;
}

#[tokio::test]
async fn without_a_committed_block_it_says_so() {
    let database = Database::create().await;
    let api = Api::start(database.config()).await;
    let (code, message) = api.error("{ status { chainId } }").await;
    assert_eq!(
        (code.as_str(), message.contains("nothing is indexed yet")),
        ("UNAVAILABLE", true),
        "{message}"
    );
    let ready = api.http("GET", "/readyz", &[], b"").await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.contains("nothing is indexed yet"),
        "{}",
        ready.body
    );
    // The first block changes that without a restart.
    let head = fill(&database).await;
    api.show(head).await;
    assert_eq!(api.http("GET", "/readyz", &[], b"").await.status, 200);
    api.stop().await;
}

#[tokio::test]
async fn a_store_that_stops_is_unavailable_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = store::start(folder.path()).await;
    let database = Database::create_in(store::access(&server)).await;
    fill(&database).await;
    let api = Api::start(database.config()).await;
    api.wait_for(6).await;
    assert_eq!(api.http("GET", "/readyz", &[], b"").await.status, 200);
    server.kill().await;

    let balance = format!("{{ balance(token: \"{BRL}\", account: \"{A}\") {{ amount }} }}");
    let answer = api.query(&balance).await;
    assert_eq!(
        super::api::error(&answer),
        (
            "UNAVAILABLE".to_owned(),
            "the store does not answer: try again later".to_owned()
        )
    );
    assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
    assert_eq!(api.http("GET", "/healthz", &[], b"").await.status, 200);
    let ready = api.http("GET", "/readyz", &[], b"").await;
    assert_eq!(ready.status, 503);
    let checks: Value = serde_json::from_str(&ready.body).unwrap();
    assert_eq!(
        checks["checks"][0],
        json!({ "name": "store", "ok": false, "detail": "the store does not answer: try again later" })
    );
    let metrics = api.http("GET", "/metrics", &[], b"").await.body;
    assert!(
        metrics.contains(r#"query_requests_total{operation="query",outcome="UNAVAILABLE"}"#),
        "{metrics}"
    );
    api.stop().await;
}

#[tokio::test]
async fn internal_causes_stay_in_the_log() {
    let (database, head) = known_chain().await;
    let api = Api::start(database.config()).await;
    api.wait_for(head.number.0).await;
    database.execute("DROP TABLE token_transfers").await;
    let answer = api.query("{ transfers { nodes { amount } } }").await;
    let (code, message) = super::api::error(&answer);
    assert_eq!(code, "INTERNAL");
    let id = answer["errors"][0]["extensions"]["requestId"]
        .as_str()
        .unwrap();
    assert_eq!(
        message,
        format!("internal error: the operator finds the cause in the log under request {id}")
    );
    api.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let (_held, url) = silent_store();
    let listen = url.strip_prefix("http://").unwrap().parse().unwrap();
    let database = Database::create().await;
    let sources = Sources {
        store: database.config(),
        feed: HeadFeed::Poll(Duration::from_secs(1)),
        node_head: None,
        readiness: std::sync::Arc::new(Vec::new),
        registry: prometheus::Registry::new(),
    };
    let config = ServeConfig {
        listen,
        ..ServeConfig::default()
    };
    let error = serve(config, sources, CancellationToken::new())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServeError::PortTaken(address) if address == listen),
        "{error:?}"
    );
    assert!(error.to_string().contains(&listen.port().to_string()));
}

#[tokio::test]
async fn the_page_and_all_it_loads_come_from_this_server() {
    let api = limited(Limits::default()).await;
    let page = api.http("GET", "/graphql", &[], b"").await;
    assert_eq!(page.status, 200);
    assert!(
        page.headers
            .contains("content-security-policy: default-src 'none'"),
        "{}",
        page.headers
    );
    assert!(
        !page.body.contains("http://") && !page.body.contains("https://"),
        "{}",
        page.body
    );
    let assets: Vec<_> = page
        .body
        .split('"')
        .filter(|text| text.starts_with("/graphql/assets/"))
        .collect();
    assert_eq!(assets.len(), 6);
    for asset in assets {
        let answer = api.http("GET", asset, &[], b"").await;
        assert_eq!(answer.status, 200, "{asset}");
        assert!(!answer.body.is_empty(), "{asset}");
    }
    let schema = api.http("GET", "/schema.graphql", &[], b"").await.body;
    assert!(schema.contains("type Query"));
    assert_eq!(
        api.http("GET", "/graphql/assets/other.js", &[], b"")
            .await
            .status,
        404
    );
    assert!(!page.headers.contains("access-control-allow-origin"));
    api.stop().await;
}
