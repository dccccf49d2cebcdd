//! What is added to every answer: codes and request ids for errors, the block it was read at.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use async_graphql::{Response, ServerError, Value, resolver_utils::enum_value};

use crate::{
    api::labels::{Anchor, Proof},
    error::{ErrorCode, QueryError},
    head::Head,
    limits::Limits,
};

/// An answer to a request that did not run.
pub(super) fn refused(error: QueryError) -> Response {
    Response::from_errors(vec![
        async_graphql::Error::new_with_source(error).into_server_error(Default::default()),
    ])
}

/// Names the block in `extensions.lastro`, for readers that did not ask for `readAt`.
pub(super) fn with_read_at(response: Response, head: &Head) -> Result<Response, QueryError> {
    let pinned = &head.pinned;
    let read_at = async_graphql::value!({
        "head": {
            "number": pinned.number.0,
            "hash": pinned.hash.to_string(),
            "timestamp": pinned.timestamp.0,
            "proof": enum_value(Proof::from_label(&pinned.proof)?),
            "anchor": enum_value(Anchor::from_label(&head.chain.anchor)?),
        }
    });
    Ok(response.extension("lastro", read_at))
}

/// Messages of the GraphQL library for its two limits.
const TOO_COMPLEX: &str = "Query is too complex.";
const TOO_DEEP: &str = "Query is nested too deep.";

/// Gives an error its code, and keeps an internal cause out of the answer.
pub(super) fn describe(error: &mut ServerError, id: &str, limits: &Limits) -> ErrorCode {
    let cause = error.source::<QueryError>().cloned();
    let code = match &cause {
        Some(cause) => cause.code(),
        None if error.message == TOO_COMPLEX || error.message == TOO_DEEP => {
            ErrorCode::LimitExceeded
        }
        // What the library refuses by itself: text, types, values of arguments.
        None => ErrorCode::BadUserInput,
    };
    match &cause {
        Some(cause) if code == ErrorCode::Internal => {
            tracing::error!(
                request_id = id,
                error = cause as &dyn std::error::Error,
                "a request failed"
            );
            error.message = format!(
                "internal error: the operator finds the cause in the log under request {id}"
            );
        }
        Some(cause) if code == ErrorCode::Unavailable => {
            tracing::warn!(
                request_id = id,
                error = cause as &dyn std::error::Error,
                "a request could not be answered"
            );
        }
        None if error.message == TOO_COMPLEX => {
            error.message = format!(
                "the query may cost more than {}: ask for less at once",
                limits.max_complexity
            );
        }
        None if error.message == TOO_DEEP => {
            error.message = format!(
                "the query is nested deeper than {} levels",
                limits.max_depth
            );
        }
        _ => {}
    }
    let extensions = error.extensions.get_or_insert_default();
    extensions.set("code", code.name());
    extensions.set("requestId", Value::from(id));
    code
}

/// Ids that tell requests apart in the log, unguessable across restarts.
pub(super) struct RequestIds {
    base: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self {
            base: RandomState::new().hash_one(std::process::id()),
            next: AtomicU64::new(0),
        }
    }

    pub(super) fn next(&self) -> String {
        format!(
            "{:016x}-{}",
            self.base,
            self.next.fetch_add(1, Ordering::Relaxed)
        )
    }
}
