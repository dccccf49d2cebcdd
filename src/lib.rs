//! What the `lastro` program is composed of besides its crates: its settings, its commands and the servers it brings along.
//!
//! Reading order: `cli` and `config` (what is asked for), `up` (index and serve a network), `demo` (with a network of its
//! own), `provision` (fetches pinned tools once), `clickhouse_server` (the embedded store), `devnet` (a QBFT network and a
//! development node for tests and demonstrations).

pub mod check;
pub mod cli;
pub mod clickhouse_server;
pub mod config;
pub mod demo;
pub mod devnet;
mod progress_view;
pub mod provision;
mod server_process;
pub mod up;
