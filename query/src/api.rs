//! GraphQL types and their thin resolvers.
//!
//! Reading order: `query` (the root), `scope` (the block an answer is read at), `pagination` (every list), then one file per
//! subject; `subscription` follows the head; `scalars` is where text becomes values.

pub mod balance;
pub mod block;
pub mod event;
pub mod filters;
pub mod labels;
pub(crate) mod loaders;
pub mod log;
pub mod pagination;
pub mod query;
pub mod scalars;
pub mod scope;
pub mod status;
pub mod subscription;
pub mod token;
pub mod transaction;
pub mod transfer;
pub mod validators;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
