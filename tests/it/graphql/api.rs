//! The server under test and its clients.

use std::{sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt};
use lastro_query::{
    Check, HeadFeed, Limits, RunningServer, ServeConfig, Sources, StoreConfig, serve,
};
use lastro_schema::{BlockNumber, BlockRef};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

/// A running API whose head is announced by the test.
pub(crate) struct Api {
    pub(crate) url: String,
    pub(crate) server: RunningServer,
    pub(crate) shutdown: CancellationToken,
    announce: watch::Sender<Option<BlockRef>>,
}

impl Api {
    pub(crate) async fn start(store: StoreConfig) -> Self {
        Self::start_with(store, Limits::default()).await
    }

    pub(crate) async fn start_with(store: StoreConfig, limits: Limits) -> Self {
        let (announce, announcements) = watch::channel(None);
        Self::start_fed(store, limits, HeadFeed::Channel(announcements), announce).await
    }

    pub(crate) async fn start_polling(store: StoreConfig, period: Duration) -> Self {
        Self::start_fed(
            store,
            Limits::default(),
            HeadFeed::Poll(period),
            watch::channel(None).0,
        )
        .await
    }

    async fn start_fed(
        store: StoreConfig,
        limits: Limits,
        feed: HeadFeed,
        announce: watch::Sender<Option<BlockRef>>,
    ) -> Self {
        let sources = Sources {
            store,
            feed,
            node_head: Some(Arc::new(|| Some(BlockNumber(1_000)))),
            readiness: Arc::new(|| {
                vec![Check {
                    name: "indexing",
                    ok: true,
                    detail: "it moves".to_owned(),
                }]
            }),
            registry: prometheus::Registry::new(),
        };
        let shutdown = CancellationToken::new();
        let config = ServeConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            limits,
        };
        let server = serve(config, sources, shutdown.clone()).await.unwrap();
        let url = format!("http://{}", server.address());
        Self {
            url,
            server,
            shutdown,
            announce,
        }
    }

    pub(crate) fn announce(&self, head: BlockRef) {
        self.announce.send_replace(Some(head));
    }

    /// Announces a block and waits until answers show it.
    pub(crate) async fn show(&self, head: BlockRef) {
        self.announce(head);
        self.wait_for(head.number.0).await;
    }

    pub(crate) async fn wait_for(&self, number: u64) {
        let shown = async {
            while self.query("{ status { head { number } } }").await["data"]["status"]["head"]["number"]
                != number
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, shown).await.expect("the head is shown");
    }

    pub(crate) async fn query(&self, query: &str) -> Value {
        self.post(&json!({ "query": query })).await
    }

    pub(crate) async fn query_with(&self, query: &str, variables: Value) -> Value {
        self.post(&json!({ "query": query, "variables": variables }))
            .await
    }

    /// The answer's data; the request must succeed.
    pub(crate) async fn read(&self, query: &str) -> Value {
        data(self.query(query).await)
    }

    pub(crate) async fn read_with(&self, query: &str, variables: Value) -> Value {
        data(self.query_with(query, variables).await)
    }

    /// Code and message of the answer's one error.
    pub(crate) async fn error(&self, query: &str) -> (String, String) {
        error(&self.query(query).await)
    }

    pub(crate) async fn error_with(&self, query: &str, variables: Value) -> (String, String) {
        error(&self.query_with(query, variables).await)
    }

    pub(crate) async fn post(&self, request: &Value) -> Value {
        let headers = [("content-type", "application/json")];
        let answer = self
            .http("POST", "/graphql", &headers, request.to_string().as_bytes())
            .await;
        serde_json::from_str(&answer.body)
            .unwrap_or_else(|error| panic!("{error}: {}", answer.body))
    }

    pub(crate) async fn http(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        http(&self.url, method, path, headers, body).await
    }

    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(&self.url).await
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.server.join())
            .await
            .expect("the server ends")
            .unwrap();
    }
}

fn data(mut answer: Value) -> Value {
    assert!(answer["errors"].is_null(), "{}", answer["errors"]);
    answer["data"].take()
}

pub(crate) fn error(answer: &Value) -> (String, String) {
    let errors = answer["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("no error in {answer}"));
    assert_eq!(errors.len(), 1, "{errors:?}");
    let text = |value: &Value| {
        value
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    };
    (
        text(&errors[0]["extensions"]["code"]),
        text(&errors[0]["message"]),
    )
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

pub(crate) async fn http(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses a large body answers before it has read all of it.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        headers: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// A WebSocket that speaks `graphql-transport-ws`.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    pub(crate) async fn open(url: &str) -> Self {
        let url = format!("{}/graphql/ws", url.replace("http://", "ws://"));
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert(
            "sec-websocket-protocol",
            "graphql-transport-ws".parse().unwrap(),
        );
        let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut socket = Self { stream };
        socket.send(&json!({ "type": "connection_init" })).await;
        assert_eq!(socket.message().await["type"], "connection_ack");
        socket
    }

    pub(crate) async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await;
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.stream
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    /// The next event of any subscription; its payload.
    pub(crate) async fn event(&mut self) -> Value {
        let mut message = self.message().await;
        assert_eq!(message["type"], "next", "{message}");
        message["payload"].take()
    }

    pub(crate) async fn message(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(text.as_str()).unwrap(),
            other => panic!("not a message: {other:?}"),
        }
    }

    pub(crate) async fn frame(&mut self) -> Message {
        timeout(PATIENCE, self.stream.next())
            .await
            .expect("a message comes")
            .expect("the connection stands")
            .unwrap()
    }

    /// Nothing comes for a while.
    pub(crate) async fn is_silent(&mut self, period: Duration) -> bool {
        timeout(period, self.stream.next()).await.is_err()
    }
}
