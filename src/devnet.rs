//! Chains on this machine, for tests and demonstrations: a QBFT network of real validators, and a development node.
//!
//! Reading order: `qbft` (a network's start, its nodes killed and restarted), `genesis` and `keys` (what the network agrees
//! on), `node` (one process), `anvil`, then `ports` and `json_rpc`. Every node listens on 127.0.0.1 only, and dies with this
//! process.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use thiserror::Error;

mod anvil;
mod genesis;
mod json_rpc;
mod keys;
mod node;
mod ports;
mod qbft;
#[cfg(test)]
mod tests;

pub use anvil::{Anvil, AnvilOptions};
pub use qbft::{QbftNetwork, QbftOptions};

#[derive(Debug, Error)]
pub enum DevnetError {
    #[error("a QBFT network needs at least one validator")]
    NoValidators,
    #[error(
        "a QBFT network needs a block period of whole seconds that a header can hold, or 0, but got {period:?}"
    )]
    BlockPeriod { period: Duration },
    #[error("{data_dir} holds a network with another genesis: choose another folder, or remove it")]
    OtherNetwork { data_dir: PathBuf },
    #[error("another process runs the network in {data_dir}: stop it, or choose another folder")]
    NetworkInUse { data_dir: PathBuf },
    #[error("there is no node {index} in a network of {n_nodes}")]
    NoSuchNode { index: usize, n_nodes: usize },
    #[error("node {index} is running already")]
    NodeIsRunning { index: usize },
    #[error("no free port of 127.0.0.1 could be found")]
    NoFreePort { source: io::Error },
    #[error("failed to {action} {path}")]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("failed to encode {what} as JSON")]
    Encode {
        what: &'static str,
        source: serde_json::Error,
    },
    #[error("failed to start {program}")]
    NotStarted { program: PathBuf, source: io::Error },
    #[error("{node} ended with {status}, saying: {log_tail}; see {log}")]
    Ended {
        node: String,
        status: ExitStatus,
        log_tail: String,
        log: PathBuf,
    },
    #[error("{node} made no block within {} s, saying: {log_tail}; see {log}", waited.as_secs())]
    NoBlock {
        node: String,
        waited: Duration,
        log_tail: String,
        log: PathBuf,
    },
}

impl DevnetError {
    fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// Whether another process took one of the ports between their choice and their use.
    fn is_port_taken(&self) -> bool {
        matches!(self, Self::Ended { log_tail, .. } if log_tail.to_ascii_lowercase().contains("address already in use"))
    }
}
