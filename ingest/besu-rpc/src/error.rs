//! What can go wrong between us and a node, one variant per thing that is to be handled differently.
//!
//! No message holds a URL with credentials: endpoints appear by their [`EndpointName`].

use std::{fmt, time::Duration};

use alloy_primitives::B256;
use lastro_schema::{BlockNumber, ChainId};

use crate::{endpoint::EndpointName, revert::RevertReason};

/// The `error` member of a JSON-RPC answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    pub code: i64,
    pub message: String,
    /// The string itself where `data` is one (Besu's revert data), else the JSON text.
    pub data: Option<String>,
}

/// A request that failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RpcError {
    #[error("no node endpoint is configured: give at least one HTTP URL")]
    NoEndpoint,
    /// The text of the URL is not repeated: it may hold a password.
    #[error("endpoint {position} is not usable: {cause}")]
    InvalidEndpoint { position: usize, cause: String },
    #[error("TLS cannot be set up: {cause}; are the CA certificates of the system installed?")]
    Tls { cause: String },
    #[error("no connection to {endpoint}: {cause}")]
    Unreachable {
        endpoint: EndpointName,
        cause: String,
    },
    #[error("the connection to {endpoint} broke during {method}: {cause}")]
    ConnectionLost {
        endpoint: EndpointName,
        method: &'static str,
        cause: String,
    },
    #[error("{endpoint} did not answer {method} within {after:?}")]
    Timeout {
        endpoint: EndpointName,
        method: &'static str,
        after: Duration,
    },
    #[error("{endpoint} answered {method} with HTTP status {status}: {found}")]
    HttpStatus {
        endpoint: EndpointName,
        method: &'static str,
        status: u16,
        found: String,
    },
    #[error(
        "{endpoint} is not the JSON-RPC port of an Ethereum node: {found}; check host, port and path of the URL"
    )]
    NotEthereumNode {
        endpoint: EndpointName,
        found: String,
    },
    #[error(
        "endpoints of different chains: {first} has chain id {first_chain}, {second} has {second_chain}; \
         give endpoints of one network only"
    )]
    ChainMismatch {
        first: EndpointName,
        first_chain: ChainId,
        second: EndpointName,
        second_chain: ChainId,
    },
    #[error(
        "endpoints of different networks: {first} has genesis block {first_genesis}, {second} has {second_genesis}; \
         give endpoints of one network only"
    )]
    GenesisMismatch {
        first: EndpointName,
        first_genesis: B256,
        second: EndpointName,
        second_genesis: B256,
    },
    #[error("{endpoint} refused {method}: {error}")]
    Server {
        endpoint: EndpointName,
        method: &'static str,
        error: ServerError,
    },
    #[error("{endpoint} does not offer {method}: {error}")]
    MethodNotFound {
        endpoint: EndpointName,
        method: &'static str,
        error: ServerError,
    },
    #[error("{endpoint} refused {method} for so many blocks at once: {error}")]
    RangeLimit {
        endpoint: EndpointName,
        method: &'static str,
        error: ServerError,
    },
    #[error("{endpoint} refused a batch of {n_requests} requests: {cause}")]
    BatchLimit {
        endpoint: EndpointName,
        n_requests: usize,
        cause: String,
    },
    #[error("the answer of {endpoint} to {method} exceeds the limit of {limit_bytes} bytes")]
    ResponseTooLarge {
        endpoint: EndpointName,
        method: &'static str,
        limit_bytes: usize,
    },
    #[error("the answer of {endpoint} to {method} is not what was expected: {cause}")]
    Malformed {
        endpoint: EndpointName,
        method: &'static str,
        cause: String,
    },
    #[error(
        "{endpoint} answered nothing (null) to {method}, it does not have what was asked for (yet)"
    )]
    Null {
        endpoint: EndpointName,
        method: &'static str,
    },
    #[error("block {asked} is above the head of every node that answers (highest known: {})", number_or_none(.head))]
    BeyondHead {
        asked: BlockNumber,
        head: Option<BlockNumber>,
    },
    #[error("no node answers: {}", one_by_one(.errors))]
    NoHealthyEndpoint { errors: Vec<RpcError> },
}

/// What is known of a transaction whose sending failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No node took it.
    NotApplied,
    /// A node may have taken it: look it up by hash before anything else.
    Unknown,
}

impl RpcError {
    /// Whether the same request can succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::ConnectionLost { .. }
            | Self::Timeout { .. }
            | Self::Malformed { .. }
            | Self::Null { .. }
            | Self::BeyondHead { .. } => true,
            Self::HttpStatus { status, .. } => is_retryable_status(*status),
            Self::Server { error, .. } => error.is_retryable(),
            // Without errors: all of them are cooling down after failures.
            Self::NoHealthyEndpoint { errors } => {
                errors.is_empty() || errors.iter().any(Self::is_retryable)
            }
            Self::NoEndpoint
            | Self::InvalidEndpoint { .. }
            | Self::Tls { .. }
            | Self::NotEthereumNode { .. }
            | Self::ChainMismatch { .. }
            | Self::GenesisMismatch { .. }
            | Self::MethodNotFound { .. }
            | Self::RangeLimit { .. }
            | Self::BatchLimit { .. }
            | Self::ResponseTooLarge { .. } => false,
        }
    }

    /// For a failed send: can the transaction have reached a pool?
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NoEndpoint
            | Self::InvalidEndpoint { .. }
            | Self::Tls { .. }
            | Self::Unreachable { .. }
            | Self::ChainMismatch { .. }
            | Self::GenesisMismatch { .. }
            | Self::MethodNotFound { .. }
            | Self::RangeLimit { .. }
            | Self::BatchLimit { .. }
            | Self::BeyondHead { .. } => Outcome::NotApplied,
            Self::HttpStatus {
                status: 400..=407 | 409..=499,
                ..
            } => Outcome::NotApplied,
            Self::Server { error, .. } if error.is_definite() => Outcome::NotApplied,
            Self::NoHealthyEndpoint { errors } => {
                if errors
                    .iter()
                    .all(|error| error.outcome() == Outcome::NotApplied)
                {
                    Outcome::NotApplied
                } else {
                    Outcome::Unknown
                }
            }
            Self::ConnectionLost { .. }
            | Self::Timeout { .. }
            | Self::HttpStatus { .. }
            | Self::NotEthereumNode { .. }
            | Self::Server { .. }
            | Self::ResponseTooLarge { .. }
            | Self::Malformed { .. }
            | Self::Null { .. } => Outcome::Unknown,
        }
    }

    /// Why a call or a gas estimate reverted, where the node said so.
    pub fn revert_reason(&self) -> Option<RevertReason> {
        match self {
            Self::Server { error, .. } => error.revert_reason(),
            _ => None,
        }
    }

    /// Whether the endpoint, not the request, is at fault: count it against its health and ask the next one.
    pub(crate) fn is_endpoint_fault(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::ConnectionLost { .. }
            | Self::Timeout { .. }
            | Self::NotEthereumNode { .. }
            | Self::ChainMismatch { .. }
            | Self::GenesisMismatch { .. }
            | Self::Malformed { .. } => true,
            // 413 is about the size of the request.
            Self::HttpStatus { status, .. } => *status != 413,
            _ => false,
        }
    }

    /// Whether asking for less at once can help.
    pub(crate) fn asks_for_less(&self) -> bool {
        match self {
            Self::RangeLimit { .. } | Self::BatchLimit { .. } | Self::ResponseTooLarge { .. } => {
                true
            }
            Self::HttpStatus { status, .. } => *status == 413,
            Self::Server { error, .. } => error.asks_for_less(),
            _ => false,
        }
    }
}

impl ServerError {
    /// Transient by its nature: an internal error, a limit of the moment, a time-out inside the node.
    pub fn is_retryable(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        matches!(self.code, -32603 | -32002)
            || self.is_unknown_block()
            || message.contains("timeout")
            || message.contains("timed out")
            || message.contains("too many requests")
    }

    /// -32601 "method not found" (any node), -32604 "method not enabled" (Besu).
    pub fn is_method_not_found(&self) -> bool {
        matches!(self.code, -32601 | -32604)
    }

    /// A limit on ranges, batches or sizes. Besu uses -32005 for these and for gas above the block limit, so the text
    /// decides; geth says -32003 "response too large" and -32600 "batch too large".
    pub fn asks_for_less(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        matches!(self.code, -32005 | -32003 | -32600)
            && ["batch", "range", "response too large", "response size"]
                .iter()
                .any(|limit| message.contains(limit))
    }

    /// Besu 25 answers "Block not found" where newer ones answer null; -39001 is "Unknown block".
    pub fn is_unknown_block(&self) -> bool {
        self.code == -39001
            || (self.code == -32000
                && self
                    .message
                    .to_ascii_lowercase()
                    .contains("block not found"))
    }

    /// Besu: "Known transaction"; geth and anvil: "already known", "already imported".
    pub fn is_known_transaction(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        ["known transaction", "already known", "already imported"]
            .iter()
            .any(|known| message.contains(known))
    }

    /// Decodes `data` of a revert: code 3 on new nodes, -32000 on old ones.
    pub fn revert_reason(&self) -> Option<RevertReason> {
        if !matches!(self.code, 3 | -32000) {
            return None;
        }
        RevertReason::from_hex(self.data.as_deref()?)
    }

    /// Whether a send that got this answer surely did nothing.
    fn is_definite(&self) -> bool {
        !self.is_known_transaction() && !self.is_retryable()
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Besu appends Java stack traces to some messages.
        let first_line = self.message.lines().next().unwrap_or_default();
        write!(f, "{first_line} (code {})", self.code)
    }
}

fn is_retryable_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

fn number_or_none(number: &Option<BlockNumber>) -> String {
    number.map_or_else(|| "none".to_owned(), |number| number.to_string())
}

fn one_by_one(errors: &[RpcError]) -> String {
    if errors.is_empty() {
        return "all of them are cooling down after failures".to_owned();
    }
    errors
        .iter()
        .map(RpcError::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests;
