#![allow(clippy::unwrap_used)]

use serde::Deserialize;

use super::*;
use crate::wire::SingleAnswer;

#[derive(Deserialize)]
struct Recorded {
    besu: String,
    note: Option<String>,
    response: serde_json::Value,
}

fn recorded() -> Vec<(Recorded, ServerError)> {
    let parse = |line| {
        let recorded: Recorded = serde_json::from_str(line).unwrap();
        let text = recorded.response.to_string();
        let answer: SingleAnswer<'_> = sonic_rs::from_str(&text).unwrap();
        let error = answer.error.unwrap().into();
        (recorded, error)
    };
    include_str!("../../fixtures/errors.jsonl")
        .lines()
        .map(parse)
        .collect()
}

fn error_of(note: &str) -> ServerError {
    recorded()
        .into_iter()
        .find(|(recorded, _)| recorded.note.as_deref() == Some(note))
        .unwrap()
        .1
}

fn server(error: ServerError) -> RpcError {
    let url = reqwest::Url::parse("http://user:hunter2@localhost:8545/hunter2").unwrap();
    RpcError::Server {
        endpoint: EndpointName::of(&url),
        method: "eth_sendRawTransaction",
        error,
    }
}

#[test]
fn codes_and_texts_of_recorded_errors_are_kept() {
    let recorded = recorded();
    assert!(recorded.len() > 20);
    for (line, error) in &recorded {
        assert_eq!(line.response["error"]["code"], error.code);
        assert_eq!(line.response["error"]["message"], error.message);
        assert_eq!(
            line.response["error"]["data"].as_str(),
            error.data.as_deref()
        );
    }
}

#[test]
fn reverts_are_decoded_for_both_versions() {
    let reverted: Vec<_> = recorded()
        .into_iter()
        .filter(|(_, error)| error.data.is_some())
        .collect();
    for version in ["26.8.0", "25.5.0"] {
        let of_version: Vec<_> = reverted
            .iter()
            .filter(|(recorded, _)| recorded.besu == version)
            .collect();
        assert!(!of_version.is_empty());
        assert!(
            of_version
                .iter()
                .all(|(_, error)| error.revert_reason().is_some())
        );
        let reason = RevertReason::Message("motivo: saldo insuficiente".to_owned());
        assert!(
            of_version
                .iter()
                .any(|(_, error)| error.revert_reason() == Some(reason.clone()))
        );
    }
    assert_eq!(error_of("nonce too low").revert_reason(), None);
}

#[test]
fn rejected_sends_are_not_applied_and_known_ones_are_not_rejected() {
    for note in [
        "nonce too low",
        "gas below intrinsic",
        "gas above block limit",
        "wrong chain id",
        "garbage raw tx",
    ] {
        let error = server(error_of(note));
        assert_eq!(error.outcome(), Outcome::NotApplied, "{note}");
        assert!(!error.is_retryable(), "{note}");
        assert!(!error.asks_for_less(), "{note}");
    }
    let known = error_of("already known");
    assert!(known.is_known_transaction());
    assert_eq!(server(known).outcome(), Outcome::Unknown);
}

#[test]
fn internal_errors_are_retryable_and_leave_a_send_open() {
    let error = server(error_of(
        "estimate with value from an account without funds",
    ));
    assert!(error.is_retryable());
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(
        !error.to_string().contains("\tat "),
        "no Java stack trace in {error}"
    );
}

#[test]
fn limits_are_told_from_other_uses_of_their_code() {
    let limit = |code, message: &str| ServerError {
        code,
        message: message.to_owned(),
        data: None,
    };
    assert!(limit(-32005, "Number of requests exceeds max batch size").asks_for_less());
    assert!(limit(-32005, "Requested range exceeds maximum RPC range limit").asks_for_less());
    assert!(!limit(-32005, "Transaction gas limit exceeds block gas limit").asks_for_less());
    assert!(limit(-32000, "Block not found").is_unknown_block());
    assert!(limit(-39001, "Unknown block").is_unknown_block());
    assert!(limit(-32601, "Method not found").is_method_not_found());
    assert!(limit(-32604, "Method not enabled").is_method_not_found());
}

#[test]
fn broken_connections_leave_a_send_open_refused_ones_do_not() {
    let RpcError::Server {
        endpoint, method, ..
    } = server(error_of("nonce too low"))
    else {
        unreachable!()
    };
    let lost = RpcError::ConnectionLost {
        endpoint: endpoint.clone(),
        method,
        cause: String::new(),
    };
    let refused = RpcError::Unreachable {
        endpoint: endpoint.clone(),
        cause: String::new(),
    };
    assert_eq!(lost.outcome(), Outcome::Unknown);
    assert_eq!(refused.outcome(), Outcome::NotApplied);
    let status = |status| RpcError::HttpStatus {
        endpoint: endpoint.clone(),
        method,
        status,
        found: String::new(),
    };
    assert_eq!(status(413).outcome(), Outcome::NotApplied);
    assert_eq!(status(408).outcome(), Outcome::Unknown);
    assert_eq!(status(502).outcome(), Outcome::Unknown);
    let both = RpcError::NoHealthyEndpoint {
        errors: vec![refused.clone(), lost],
    };
    assert_eq!(both.outcome(), Outcome::Unknown);
    assert!(both.is_retryable());
    assert_eq!(
        RpcError::NoHealthyEndpoint {
            errors: vec![refused]
        }
        .outcome(),
        Outcome::NotApplied
    );
    assert!(!format!("{both} {both:?}").contains("hunter2"));
}
