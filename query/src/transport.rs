//! HTTP and WebSocket: bytes in, [`crate::execute::Requests`], bytes out.

mod graphql;
mod pages;
mod probes;
mod socket;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use prometheus::Registry;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use probes::{Check, ReadinessChecks};

use crate::{execute::Requests, head::HeadReceiver, store::Store};

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub requests: Requests,
    pub store: Store,
    pub heads: HeadReceiver,
    pub readiness: ReadinessChecks,
    pub registry: Registry,
    pub shutdown: CancellationToken,
    /// WebSocket connections, which outlive the requests that opened them.
    pub connections: TaskTracker,
    pub connection_places: std::sync::Arc<tokio::sync::Semaphore>,
}

pub(crate) fn routes(shared: Shared) -> Router {
    // Text escaped in JSON may take more room than the text itself.
    let body_limit = shared.requests.limits().max_request_bytes.saturating_mul(2);
    Router::new()
        .route("/", get(pages::home))
        .route("/graphql", get(pages::graphiql).post(graphql::answer))
        .route("/graphql/ws", get(socket::open))
        .route("/graphql/assets/{file}", get(pages::asset))
        .route("/schema.graphql", get(pages::sdl))
        .route("/healthz", get(probes::health))
        .route("/readyz", get(probes::readiness))
        .route("/metrics", get(probes::metrics))
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(middleware::from_fn(security_headers))
        .with_state(shared)
}

/// Same origin only, nothing loaded from elsewhere. GraphiQL styles its elements in place.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a browser sent this from a page of another origin. Programs send no `Origin`.
fn is_foreign(headers: &axum::http::HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, authority)| authority);
    host.is_none() || origin != host
}
