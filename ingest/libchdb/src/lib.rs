//! The one crate with `unsafe` code: what the embedded servers need and safe Rust cannot express.
//!
//! Reading order: `clickhouse_local` (load `libchdb.so` and run the ClickHouse inside it), then `parent_death` (a server
//! started by this process must not outlive it, not even after SIGKILL).

// Calling into a shared library and running code between fork and exec have no safe form. Each block says why it is sound.
#![allow(unsafe_code)]

mod clickhouse_local;
mod parent_death;

pub use clickhouse_local::{LibchdbError, run_clickhouse_local};
pub use parent_death::die_with_parent;
