//! Node to verified blocks to Arrow batches to ClickHouse.
//!
//! Reading order: `pipeline` (the whole flow on one screen), then its stages: `decode` (JSON to rows, each block proven against
//! its own header), `link` (each block proven against the chain), `consensus` (the rules it is proven by), `store` (exactly
//! once into ClickHouse); `indexer` is how a process starts, recovers and stops.

mod chain;
pub mod check;
pub mod consensus;
pub mod decode;
mod error;
mod indexer;
pub mod link;
mod metadata;
pub mod metrics;
mod pipeline;
mod progress;
pub mod project;
mod quarantine;
mod rlp;
mod rows;
pub mod store;

pub use error::IngestError;
pub use indexer::{Indexer, IndexerConfig, Proofs};
pub use progress::{Progress, ProgressSnapshot};
pub use rows::{RangeRows, TableBatch};
