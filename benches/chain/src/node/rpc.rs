//! From the bytes of a request to its reply: single calls, batches, notifications, and what is malformed.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{Answer, Reply};
use super::params::Params;
use super::{Shared, SharedCounters, methods};
use crate::served::ServedChain;

/// An error as JSON-RPC has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: i32,
    pub(super) message: &'static str,
}

impl Failure {
    pub(super) const INVALID_REQUEST: Self = Self {
        code: -32600,
        message: "Invalid Request",
    };
    pub(super) const METHOD_NOT_FOUND: Self = Self {
        code: -32601,
        message: "Method not found",
    };
    pub(super) const INVALID_PARAMS: Self = Self {
        code: -32602,
        message: "Invalid params",
    };
    pub(super) const PARSE_ERROR: Self = Self {
        code: -32700,
        message: "Parse error",
    };
    pub(super) const UNKNOWN_BLOCK: Self = Self {
        code: -39001,
        message: "Unknown block",
    };
    pub(super) const BLOCK_NOT_FOUND: Self = Self {
        code: -32000,
        message: "Block not found",
    };
    pub(super) const RANGE_TOO_WIDE: Self = Self {
        code: -32005,
        message: "Requested range exceeds maximum RPC range limit",
    };
    pub(super) const BATCH_TOO_LARGE: Self = Self {
        code: -32005,
        message: "Number of requests exceeds max batch size",
    };
    pub(super) const SUBSCRIPTION_NOT_FOUND: Self = Self {
        code: -32000,
        message: "Subscription not found",
    };
}

/// What answers a call that is not about the chain: a WebSocket connection's subscriptions.
pub(super) trait Subscriber {
    /// `None` when the method is none of its own.
    fn call(&mut self, method: &str, params: &Params) -> Option<Result<Answer<'static>, Failure>>;
}

/// HTTP has no subscriptions.
pub(super) struct NoSubscriber;

impl Subscriber for NoSubscriber {
    fn call(&mut self, _: &str, _: &Params) -> Option<Result<Answer<'static>, Failure>> {
        None
    }
}

/// The reply to a whole request. The flag tells whether it was well-formed: HTTP answers 400 otherwise.
pub(super) fn reply<'c>(
    shared: &Shared,
    chain: &'c ServedChain,
    request: &[u8],
    subscriber: &mut dyn Subscriber,
) -> (Reply<'c>, bool) {
    let mut reply = Reply::default();
    let Ok(request) = serde_json::from_slice::<&RawValue>(request) else {
        push_failure(&mut reply, "null", &Failure::PARSE_ERROR);
        return (reply, false);
    };
    if !request.get().starts_with('[') {
        let is_valid = answer_one(shared, chain, request.get(), subscriber, (&mut reply, ""));
        return (reply, is_valid);
    }
    match serde_json::from_str::<Vec<&RawValue>>(request.get()) {
        Ok(calls) if calls.len() > shared.quirks().max_batch => {
            push_failure(&mut reply, "null", &Failure::BATCH_TOO_LARGE);
        }
        Ok(calls) if !calls.is_empty() => {
            for call in calls {
                let before = if reply.is_empty() { "[" } else { "," };
                answer_one(shared, chain, call.get(), subscriber, (&mut reply, before));
            }
            // A batch of nothing but notifications is answered by an empty body.
            if !reply.is_empty() {
                reply.push_text("]");
            }
        }
        _ => {
            push_failure(&mut reply, "null", &Failure::INVALID_REQUEST);
            return (reply, false);
        }
    }
    (reply, true)
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow, default, deserialize_with = "even_null")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(default)]
    params: Vec<Value>,
}

/// An id of `null` is an id; no id makes a notification.
fn even_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// `before` goes before the answer; notifications get neither. Gives whether the call was well-formed.
fn answer_one<'c>(
    shared: &Shared,
    chain: &'c ServedChain,
    call: &str,
    subscriber: &mut dyn Subscriber,
    (reply, before): (&mut Reply<'c>, &str),
) -> bool {
    SharedCounters::add(&shared.counters.calls, 1);
    let Ok(call) = serde_json::from_str::<Call<'_>>(call) else {
        reply.push_text(before);
        push_failure(reply, "null", &Failure::INVALID_REQUEST);
        return false;
    };
    let params = Params(call.params);
    let answer = subscriber
        .call(&call.method, &params)
        .unwrap_or_else(|| methods::call(shared, chain, &call.method, &params));
    let Some(id) = call.id else { return true };
    reply.push_text(before);
    match answer {
        Ok(answer) => {
            reply.push_text("{\"jsonrpc\":\"2.0\",\"id\":");
            reply.push_text(id.get());
            reply.push_text(",\"result\":");
            reply.push_answer(answer);
            reply.push_text("}");
        }
        Err(failure) => push_failure(reply, id.get(), &failure),
    }
    true
}

fn push_failure(reply: &mut Reply<'_>, id: &str, failure: &Failure) {
    let Failure { code, message } = failure;
    reply.push_text(&format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{message}"}}}}"#
    ));
}
