//! For operators and their machines: is it alive, is it ready, what does it count.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus::{Encoder as _, TextEncoder};
use serde::Serialize;

use super::Shared;

/// One thing that must be well for this process to be of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub ok: bool,
    /// What was seen, for people.
    pub detail: String,
}

/// Checks of the other parts of the process, asked at each `/readyz`; it must answer at once.
pub type ReadinessChecks = Arc<dyn Fn() -> Vec<Check> + Send + Sync>;

/// Time in which the store must answer to count as ready.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers as long as the process can answer anything.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// 200 when every check is well, else 503; the checks either way.
pub(crate) async fn readiness(State(shared): State<Shared>) -> Response {
    let mut checks = vec![store_answers(&shared).await, head_known(&shared)];
    checks.extend((shared.readiness)());
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(serde_json::json!({ "ready": ready, "checks": checks })),
    )
        .into_response()
}

pub(crate) async fn metrics(State(shared): State<Shared>) -> Response {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&shared.registry.gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "metrics could not be written"
            );
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn store_answers(shared: &Shared) -> Check {
    let (ok, detail) = match tokio::time::timeout(PING_TIMEOUT, shared.store.ping()).await {
        Ok(Ok(())) => (true, "it answers".to_owned()),
        Ok(Err(error)) => (false, error.to_string()),
        Err(_) => (
            false,
            format!("no answer within {} s", PING_TIMEOUT.as_secs()),
        ),
    };
    Check {
        name: "store",
        ok,
        detail,
    }
}

fn head_known(shared: &Shared) -> Check {
    let head = shared.heads.borrow();
    let detail = match head.as_ref() {
        Some(head) => format!("answers show block {}", head.pinned.number),
        None => "nothing is indexed yet".to_owned(),
    };
    Check {
        name: "head",
        ok: head.is_some(),
        detail,
    }
}
