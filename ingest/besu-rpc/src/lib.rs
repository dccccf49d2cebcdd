//! JSON-RPC client for Besu and its relatives: batches, failover, subscriptions, typed errors.
//!
//! Reading order: `options` and `endpoint` (what is given), `client` (what can be asked, and of whom it is asked),
//! `fetched` and `wire` (what comes back: raw bodies and the shapes in them), `heads` (the moving head), `error`.
//!
//! What callers rely on:
//! - A range comes whole and from one endpoint, or not at all; nothing is left out of it without an error.
//! - A send is never repeated where a first one may have arrived; its error says what is known.
//! - No message shows more of a URL than scheme, host and port.

mod client;
mod endpoint;
mod envelope;
mod error;
mod fetched;
mod heads;
mod options;
mod revert;
mod tls;
mod transport;
pub mod wire;

pub use client::{BesuClient, Capabilities, EndpointHealth};
pub use endpoint::{EndpointId, EndpointName};
pub use error::{Outcome, RpcError, ServerError};
pub use fetched::FetchedRange;
pub use heads::{EndpointWatchStatus, HeadSource, HeadWatch, HeadWatchStatus, NewHead};
pub use options::{ClientOptions, Endpoint, Gzip};
pub use revert::RevertReason;
pub use wire::WireError;
