//! `newHeads` over a WebSocket: opened again when it breaks, with growing pauses, and when it is silent, at once.

use std::{sync::Arc, time::Instant};

use futures::{SinkExt, StreamExt};
use lastro_schema::BlockRef;
use reqwest::Url;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        Error as WsError, Message, client::IntoClientRequest, http::header::AUTHORIZATION,
    },
};

use super::{EndpointWatch, HeadSource};
use crate::{
    client::{BlockId, jittered},
    error::ServerError,
    options::ClientOptions,
    wire::SingleAnswer,
};

const SUBSCRIBE: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#;
const ASK_GENESIS: &str =
    r#"{"jsonrpc":"2.0","id":2,"method":"eth_getBlockByNumber","params":["0x0",false]}"#;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a subscription ended.
#[derive(Debug, thiserror::Error)]
enum SubscriptionError {
    #[error("the WebSocket could not be opened: {0}")]
    Connect(#[source] Box<WsError>),
    #[error("the WebSocket could not be opened in time")]
    ConnectTimeout,
    #[error("the node did not confirm the subscription in time")]
    SubscribeTimeout,
    #[error("the node refused the subscription: {0}")]
    Refused(ServerError),
    #[error("the WebSocket leads to another network than the HTTP URL: its genesis block differs")]
    OtherNetwork,
    #[error("the WebSocket broke: {0}")]
    Broken(#[source] Box<WsError>),
    #[error("the node closed the WebSocket")]
    Closed,
    #[error("no head came over the WebSocket although the chain moved")]
    Silent,
}

pub(super) async fn follow(
    watch: EndpointWatch,
    url: Url,
    tls: Arc<rustls::ClientConfig>,
    options: ClientOptions,
) {
    let id = watch.node.id;
    let mut pause = options.first_cool_down;
    loop {
        let started = Instant::now();
        let ended = tokio::select! {
            biased;
            () = watch.cancel.cancelled() => return,
            ended = subscribe(&watch, &url, &tls, &options) => ended,
        };
        let Err(error) = ended;
        tracing::debug!(endpoint = %watch.node.name, %error, "head subscription ended");
        watch.board.disconnected(id, error.to_string());
        if started.elapsed() > options.max_cool_down {
            pause = options.first_cool_down;
        }
        tokio::select! {
            biased;
            () = watch.cancel.cancelled() => return,
            () = tokio::time::sleep(jittered(pause)) => {}
        }
        pause = (pause * 2).min(options.max_cool_down);
    }
}

/// One subscription from opening to end.
async fn subscribe(
    watch: &EndpointWatch,
    url: &Url,
    tls: &Arc<rustls::ClientConfig>,
    options: &ClientOptions,
) -> Result<std::convert::Infallible, SubscriptionError> {
    let opened = timeout(options.connect_timeout, open(watch, url, tls)).await;
    let mut socket = opened.map_err(|_| SubscriptionError::ConnectTimeout)??;
    let confirmed = timeout(options.request_timeout, confirm(watch, &mut socket)).await;
    confirmed.map_err(|_| SubscriptionError::SubscribeTimeout)??;
    // Heads between two subscriptions come from here; without an answer the polling task brings them.
    let polled = timeout(options.connect_timeout, watch.pool.head_of(&watch.node)).await;
    let head = polled.ok().and_then(Result::ok);
    if let Some(head) = head {
        watch.report(head, HeadSource::Polling);
    }
    watch
        .board
        .subscribed(watch.node.id, head.map(|head| head.number));
    loop {
        let message = tokio::select! {
            message = next_text(&mut socket) => message?,
            () = watch.board.reconnect(watch.node.id) => return Err(SubscriptionError::Silent),
        };
        if let Some(head) = head_in(&message) {
            watch.report(head, HeadSource::Subscription);
        }
    }
}

async fn open(
    watch: &EndpointWatch,
    url: &Url,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Socket, SubscriptionError> {
    let connect = |error| SubscriptionError::Connect(Box::new(error));
    let mut bare = url.clone();
    // These fail only for URLs that cannot have credentials.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    let mut request = bare.as_str().into_client_request().map_err(connect)?;
    if let Some(authorization) = watch.node.ws_authorization() {
        request.headers_mut().insert(AUTHORIZATION, authorization);
    }
    let connector = Connector::Rustls(Arc::clone(tls));
    let (socket, _) = connect_async_tls_with_config(request, None, true, Some(connector))
        .await
        .map_err(connect)?;
    Ok(socket)
}

/// Subscribes, and makes sure that the WebSocket leads to the same network as the HTTP URL.
async fn confirm(watch: &EndpointWatch, socket: &mut Socket) -> Result<(), SubscriptionError> {
    let broken = |error| SubscriptionError::Broken(Box::new(error));
    socket
        .send(Message::text(SUBSCRIBE))
        .await
        .map_err(broken)?;
    socket
        .send(Message::text(ASK_GENESIS))
        .await
        .map_err(broken)?;
    let (mut subscribed, mut compared) = (false, false);
    while !(subscribed && compared) {
        let message = next_text(socket).await?;
        if let Some(head) = head_in(&message) {
            watch.report(head, HeadSource::Subscription);
            continue;
        }
        let Ok(answer) = sonic_rs::from_str::<SingleAnswer<'_>>(&message) else {
            continue;
        };
        if let Some(error) = answer.error {
            return Err(SubscriptionError::Refused(error.into()));
        }
        let Some(result) = answer.result else {
            continue;
        };
        match serde_json::from_str::<BlockId>(result.as_raw_str()) {
            Ok(genesis) if genesis.hash() == watch.pool.network().genesis_hash => compared = true,
            Ok(_) => return Err(SubscriptionError::OtherNetwork),
            Err(_) => subscribed = true,
        }
    }
    Ok(())
}

/// The next message with content; pings are answered by the library while it reads.
async fn next_text(socket: &mut Socket) -> Result<String, SubscriptionError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(_))) | None => return Err(SubscriptionError::Closed),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(SubscriptionError::Broken(Box::new(error))),
        }
    }
}

/// The head that a notification announces.
fn head_in(message: &str) -> Option<BlockRef> {
    serde_json::from_str::<Notification>(message)
        .ok()?
        .params
        .result
        .block_ref()
}

#[derive(Deserialize)]
struct Notification {
    params: NotificationParams,
}

#[derive(Deserialize)]
struct NotificationParams {
    result: BlockId,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_in_recorded_frames() {
        let frames = include_str!("../../fixtures/new_heads.jsonl");
        let heads: Vec<_> = frames
            .lines()
            .filter_map(head_in)
            .map(|head| head.number.0)
            .collect();
        assert_eq!(
            heads,
            (0xf..=0xf + u64::try_from(heads.len()).unwrap() - 1).collect::<Vec<_>>()
        );
        assert!(heads.len() > 10);
        for other in ["", "[]", "{}", r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#] {
            assert_eq!(head_in(other), None);
        }
    }
}
