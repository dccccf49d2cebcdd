//! A node on a port of its own, in a runtime of its own, so that it can be killed with all its connections.

mod answer;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime, sync::broadcast};

use crate::chain::{Chain, quantity};

/// What goes wrong with one HTTP answer.
#[derive(Clone)]
pub(crate) enum Fault {
    Status(u16, &'static str),
    Body(String),
    /// Answers properly, but late.
    Late(Duration),
    /// Half of the answer, then the connection is cut.
    CutMidBody,
    Gzip(&'static [u8]),
    /// `null` in place of every result.
    Nulls,
    /// An error in place of every result.
    Errors(i64, &'static str),
}

/// How the node behaves now.
pub(crate) struct Script {
    pub(crate) chain: Chain,
    pub(crate) head: u64,
    pub(crate) chain_id: u64,
    pub(crate) genesis_hash: Option<String>,
    pub(crate) offers: Vec<&'static str>,
    pub(crate) max_batch: usize,
    pub(crate) reverse_batches: bool,
    /// Method, how often still, what.
    pub(crate) faults: Vec<(&'static str, usize, Fault)>,
    /// Every HTTP request: its method and how many requests it held.
    pub(crate) calls: Vec<(String, usize)>,
    pub(crate) authorization: Vec<String>,
    pub(crate) subscriptions: usize,
}

#[derive(Clone)]
enum Frame {
    Text(String),
    Close,
}

#[derive(Clone)]
struct Shared {
    script: Arc<Mutex<Script>>,
    frames: broadcast::Sender<Frame>,
}

pub(crate) struct Node {
    address: SocketAddr,
    shared: Shared,
    runtime: Option<Runtime>,
}

impl Node {
    /// Like Besu 26.8.0 with all its blocks.
    pub(crate) fn start() -> Self {
        let script = Script {
            chain: Chain::recorded(),
            head: crate::chain::LAST,
            chain_id: 648_629,
            genesis_hash: None,
            offers: vec![
                "eth_getBlockReceipts",
                "trace_block",
                "debug_traceBlockByNumber",
            ],
            max_batch: 1024,
            reverse_batches: false,
            faults: Vec::new(),
            calls: Vec::new(),
            authorization: Vec::new(),
            subscriptions: 0,
        };
        let shared = Shared {
            script: Arc::new(Mutex::new(script)),
            frames: broadcast::channel(64).0,
        };
        let mut node = Self {
            address: ([127, 0, 0, 1], 0).into(),
            shared,
            runtime: None,
        };
        node.restart();
        node
    }

    /// Listens on the same port again.
    pub(crate) fn restart(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let socket = std::net::TcpListener::bind(self.address).unwrap();
        socket.set_nonblocking(true).unwrap();
        self.address = socket.local_addr().unwrap();
        let router = Router::new()
            .route("/", post(answer_http))
            .route("/ws", any(answer_ws))
            .with_state(self.shared.clone());
        runtime.spawn(async move {
            let listener = TcpListener::from_std(socket).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        self.runtime = Some(runtime);
    }

    /// Returns when the port and all connections are closed.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A runtime waits for its end, which the thread of an asynchronous test may not do.
            std::thread::spawn(move || drop(runtime)).join().unwrap();
        }
    }

    pub(crate) fn http_url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn ws_url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.shared.script.lock().unwrap()
    }

    /// The next `times` HTTP requests of this method go wrong.
    pub(crate) fn fault(&self, method: &'static str, times: usize, fault: Fault) {
        self.script().faults.push((method, times, fault));
    }

    /// Sizes of the requests of this method so far.
    pub(crate) fn calls(&self, method: &str) -> Vec<usize> {
        self.script()
            .calls
            .iter()
            .filter(|(called, _)| called == method)
            .map(|(_, n)| *n)
            .collect()
    }

    /// The chain moves; the subscribers are told.
    pub(crate) fn announce(&self, head: u64) {
        let block = {
            let mut script = self.script();
            script.head = head;
            script.chain.block(head)
        };
        let params = json!({"subscription": "0x1", "result": block});
        let frame = json!({"jsonrpc": "2.0", "method": "eth_subscription", "params": params});
        // Nobody listening is fine.
        let _ = self.shared.frames.send(Frame::Text(frame.to_string()));
    }

    pub(crate) fn close_subscriptions(&self) {
        let _ = self.shared.frames.send(Frame::Close);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn answer_http(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let (fault, answer) = {
        let mut script = shared.script.lock().unwrap();
        let first = request.get(0).unwrap_or(&request);
        let method = first["method"].as_str().unwrap().to_owned();
        script
            .calls
            .push((method.clone(), request.as_array().map_or(1, Vec::len)));
        script.authorization.extend(
            headers
                .get(header::AUTHORIZATION)
                .map(|value| value.to_str().unwrap().to_owned()),
        );
        let fault = script.take_fault(&method);
        let answer = script.answer(&request);
        (fault, answer)
    };
    match fault {
        None => json_answer(answer.to_string()),
        Some(fault) => spoil(answer, fault, &headers).await,
    }
}

async fn spoil(mut answer: Value, fault: Fault, headers: &HeaderMap) -> Response {
    match fault {
        Fault::Status(status, page) => {
            (StatusCode::from_u16(status).unwrap(), page).into_response()
        }
        Fault::Body(body) => json_answer(body),
        Fault::Late(pause) => {
            tokio::time::sleep(pause).await;
            json_answer(answer.to_string())
        }
        Fault::CutMidBody => {
            let text = answer.to_string();
            let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
            let cut = std::io::Error::other("cut");
            let stream = futures::stream::iter([Ok(half), Err(cut)]);
            json_answer(Body::from_stream(stream))
        }
        Fault::Gzip(body) => {
            assert!(
                headers[header::ACCEPT_ENCODING]
                    .to_str()
                    .unwrap()
                    .contains("gzip")
            );
            ([(header::CONTENT_ENCODING, "gzip")], body).into_response()
        }
        Fault::Nulls => {
            answer
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .for_each(|one| one["result"] = Value::Null);
            json_answer(answer.to_string())
        }
        Fault::Errors(code, message) => {
            let error = json!({"code": code, "message": message});
            let answers = answer.as_array_mut().unwrap().iter_mut();
            answers
                .for_each(|one| *one = json!({"jsonrpc": "2.0", "id": one["id"], "error": error}));
            json_answer(answer.to_string())
        }
    }
}

fn json_answer(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

async fn answer_ws(
    State(shared): State<Shared>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    shared
        .script
        .lock()
        .unwrap()
        .authorization
        .extend(authorization);
    upgrade.on_upgrade(|socket| serve_subscription(shared, socket))
}

async fn serve_subscription(shared: Shared, mut socket: WebSocket) {
    let mut frames = shared.frames.subscribe();
    for _ in 0..2 {
        let Some(Ok(request)) = socket.recv().await else {
            return;
        };
        let request: Value = serde_json::from_str(request.to_text().unwrap()).unwrap();
        let answer = if request["method"] == "eth_subscribe" {
            assert_eq!(request["params"], json!(["newHeads"]));
            json!({"jsonrpc": "2.0", "id": request["id"], "result": quantity(1)})
        } else {
            shared.script.lock().unwrap().answer(&request)
        };
        socket
            .send(Message::text(answer.to_string()))
            .await
            .unwrap();
    }
    shared.script.lock().unwrap().subscriptions += 1;
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Ok(Frame::Text(text)) if socket.send(Message::text(text.as_str())).await.is_ok() => {}
                _ => return,
            },
            message = socket.recv() => if message.is_none_or(|message| message.is_err()) { return },
        }
    }
}
