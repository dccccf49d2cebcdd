//! `POST /graphql`: one request as JSON.

use async_graphql::{Executor as _, Request};
use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Shared, is_foreign};
use crate::error::ErrorCode;

pub(crate) async fn answer(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if is_foreign(&headers) {
        return refusal(
            StatusCode::FORBIDDEN,
            ErrorCode::BadUserInput,
            "pages of other origins may not ask",
        );
    }
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
    if !is_json {
        let problem = "send the request as JSON, with the header `content-type: application/json`";
        return refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::BadUserInput,
            problem,
        );
    }
    let limit = shared.requests.limits().max_request_bytes;
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return too_large(limit);
        }
        Err(rejection) => {
            return refusal(
                rejection.status(),
                ErrorCode::BadUserInput,
                &rejection.body_text(),
            );
        }
    };
    if body.len() > limit {
        return too_large(limit);
    }
    match parse(&body) {
        Ok(request) => Json(shared.requests.execute(request).await).into_response(),
        Err(problem) => refusal(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, &problem),
    }
}

/// One request; a list of them would pass the limits of one.
fn parse(body: &[u8]) -> Result<Request, String> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err("the body must be one JSON object".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| {
        format!("the body is no GraphQL request ({{\"query\": …, \"variables\": …}}): {error}")
    })
}

fn too_large(limit: usize) -> Response {
    let problem = format!("the request is larger than {limit} bytes");
    refusal(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::LimitExceeded,
        &problem,
    )
}

fn refusal(status: StatusCode, code: ErrorCode, message: &str) -> Response {
    let body = json!({ "data": null, "errors": [{ "message": message, "extensions": { "code": code.name() } }] });
    (status, Json(body)).into_response()
}
