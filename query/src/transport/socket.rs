//! `GET /graphql/ws`: subscriptions by the `graphql-transport-ws` protocol (and its predecessor `graphql-ws`).

use std::{str::FromStr as _, sync::Arc};

use async_graphql::{
    Data,
    http::{ALL_WEBSOCKET_PROTOCOLS, WebSocket as GraphqlSocket, WebSocketProtocols, WsMessage},
};
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt, future};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Shared, is_foreign};
use crate::{execute::ConnectionBudget, metrics::Counted};

/// Close code for a server that stops.
const GOING_AWAY: u16 = 1001;

pub(crate) async fn open(
    State(shared): State<Shared>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if is_foreign(&headers) {
        return (
            StatusCode::FORBIDDEN,
            "pages of other origins may not subscribe\n",
        )
            .into_response();
    }
    let Some(protocol) = protocol(&headers) else {
        let problem =
            "name a protocol in `sec-websocket-protocol`: graphql-transport-ws or graphql-ws\n";
        return (StatusCode::BAD_REQUEST, problem).into_response();
    };
    let Ok(place) = shared.connection_places.clone().try_acquire_owned() else {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many open connections: try again later\n",
        )
            .into_response();
    };
    let limit = shared.requests.limits().max_request_bytes;
    upgrade
        .protocols(ALL_WEBSOCKET_PROTOCOLS)
        .max_message_size(limit)
        .max_frame_size(limit)
        .on_upgrade(move |socket| {
            // Tracked, so that a shutdown can wait for its farewell.
            let tracker = shared.connections.clone();
            tracker.track_future(serve(shared, socket, protocol, place))
        })
}

fn protocol(headers: &HeaderMap) -> Option<WebSocketProtocols> {
    let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    offered
        .split(',')
        .find_map(|name| WebSocketProtocols::from_str(name.trim()).ok())
}

async fn serve(
    shared: Shared,
    socket: WebSocket,
    protocol: WebSocketProtocols,
    _place: OwnedSemaphorePermit,
) {
    let _counted = Counted::new(&shared.requests.metrics().connections);
    let limits = shared.requests.limits().clone();
    let (mut sink, incoming) = socket.split();
    let texts = incoming
        .take_while(|message| future::ready(message.is_ok()))
        .filter_map(|message| future::ready(message.ok()))
        .filter(|message| future::ready(matches!(message, Message::Text(_) | Message::Binary(_))))
        .map(Message::into_data);
    let mut session = Data::default();
    session.insert(ConnectionBudget(Arc::new(Semaphore::new(
        limits.max_subscriptions_per_connection,
    ))));
    let outgoing =
        GraphqlSocket::new(shared.requests.clone(), texts, protocol).connection_data(session);
    futures::pin_mut!(outgoing);
    loop {
        let message = tokio::select! {
            () = shared.shutdown.cancelled() => Some(close(GOING_AWAY, "the server stops")),
            message = outgoing.next() => message.map(|message| match message {
                WsMessage::Text(text) => Message::Text(text.into()),
                WsMessage::Close(code, reason) => close(code, &reason),
            }),
        };
        let Some(message) = message else { return };
        let last = matches!(message, Message::Close(_));
        let sent = tokio::time::timeout(limits.send_timeout, sink.send(message)).await;
        if last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

fn close(code: u16, reason: &str) -> Message {
    // A close frame holds at most 123 bytes of text.
    let end = (0..=reason.len().min(123))
        .rev()
        .find(|end| reason.is_char_boundary(*end))
        .unwrap_or(0);
    Message::Close(Some(CloseFrame {
        code,
        reason: reason[..end].into(),
    }))
}
