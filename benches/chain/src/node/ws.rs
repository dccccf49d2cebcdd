//! WebSocket: the same calls, and subscriptions to `newHeads` and `logs`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::answer::{Answer, Reply};
use super::logs::{Filter, matching_logs};
use super::methods::block_answer;
use super::params::Params;
use super::rpc::{self, Failure, Subscriber};
use super::{Shared, SharedCounters};

pub(super) async fn accept_all(
    shared: Arc<Shared>,
    listener: std::net::TcpListener,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        if shared.quirks().offline {
            continue;
        }
        let shared = shared.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(shared, stream).await {
                tracing::debug!(%error, "a WebSocket connection broke");
            }
        });
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) -> Result<(), WsError> {
    stream.set_nodelay(true)?;
    let mut generation = shared.websocket_generation.subscribe();
    let mut announcements = shared.head.subscribe();
    let mut socket = accept_async(stream).await?;
    let mut subscriptions = Subscriptions {
        shared: shared.clone(),
        active: Vec::new(),
    };
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let answer = answer(&shared, text.as_bytes(), &mut subscriptions);
                    send(&shared, &mut socket, answer).await?;
                }
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
            },
            announced = announcements.recv() => match announced {
                Ok(number) => {
                    for frame in subscriptions.notifications(number) {
                        SharedCounters::add(&shared.counters.notifications, 1);
                        send(&shared, &mut socket, frame).await?;
                    }
                }
                Err(RecvError::Lagged(n)) => tracing::debug!(n, "a subscriber missed blocks"),
                Err(RecvError::Closed) => return Ok(()),
            },
            // The connection is dropped without a closing frame, as when a proxy dies.
            _ = generation.changed() => return Ok(()),
        }
    }
}

fn answer(shared: &Shared, request: &[u8], subscriptions: &mut Subscriptions) -> String {
    let chain = shared.chain();
    if serde_json::from_slice::<Value>(request).is_err() {
        return r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"Internal error"}}"#
            .to_owned();
    }
    let (reply, _) = rpc::reply(shared, &chain, request, subscriptions);
    reply.into_text()
}

async fn send(
    shared: &Shared,
    socket: &mut WebSocketStream<TcpStream>,
    text: String,
) -> Result<(), WsError> {
    if text.is_empty() {
        return Ok(());
    }
    SharedCounters::add(&shared.counters.bytes_out, text.len());
    socket.send(Message::text(text)).await
}

#[derive(Debug)]
enum Topic {
    NewHeads { full: bool },
    Logs(Filter),
}

/// Those of one connection.
#[derive(Debug)]
struct Subscriptions {
    shared: Arc<Shared>,
    active: Vec<(u64, Topic)>,
}

impl Subscriptions {
    /// What block `number` gives: its logs first, as Besu sends them.
    fn notifications(&self, number: u64) -> Vec<String> {
        let mut frames = Vec::new();
        let chain = self.shared.chain();
        let Some(block) = chain
            .block(number)
            .filter(|_| !self.shared.quirks().silent_websocket)
        else {
            return frames;
        };
        for (id, topic) in &self.active {
            if let Topic::Logs(filter) = topic {
                frames.extend(
                    matching_logs(block, filter)
                        .into_iter()
                        .map(|log| frame(*id, Answer::Made(log))),
                );
            }
        }
        for (id, topic) in &self.active {
            if let Topic::NewHeads { full } = topic {
                frames.push(frame(*id, block_answer(block, *full)));
            }
        }
        frames
    }

    fn subscribe(&mut self, params: &Params) -> Result<Answer<'static>, Failure> {
        let options = params.get(1);
        let topic = match params.get(0).and_then(Value::as_str) {
            Some("newHeads") => {
                let full = options.is_some_and(|options| options["includeTransactions"] == true);
                Topic::NewHeads { full }
            }
            Some("logs") => Topic::Logs(Filter::parse(options.ok_or(Failure::INVALID_REQUEST)?)),
            _ => return Err(Failure::INVALID_REQUEST),
        };
        let id = self
            .shared
            .next_subscription
            .fetch_add(1, Ordering::Relaxed);
        self.active.push((id, topic));
        Ok(Answer::quantity(id))
    }

    fn unsubscribe(&mut self, params: &Params) -> Result<Answer<'static>, Failure> {
        let id = params
            .get(0)
            .and_then(Value::as_str)
            .and_then(|text| text.strip_prefix("0x"));
        let id = id.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let place = self
            .active
            .iter()
            .position(|(active, _)| Some(*active) == id);
        self.active
            .remove(place.ok_or(Failure::SUBSCRIPTION_NOT_FOUND)?);
        Ok(Answer::Made("true".to_owned()))
    }
}

impl Subscriber for Subscriptions {
    fn call(&mut self, method: &str, params: &Params) -> Option<Result<Answer<'static>, Failure>> {
        match method {
            "eth_subscribe" => Some(self.subscribe(params)),
            "eth_unsubscribe" => Some(self.unsubscribe(params)),
            _ => None,
        }
    }
}

fn frame(id: u64, result: Answer<'_>) -> String {
    let mut reply = Reply::default();
    reply.push_text(&format!(
        r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"{id:#x}","result":"#
    ));
    reply.push_answer(result);
    reply.push_text("}}");
    reply.into_text()
}
