//! The command line: commands and flags, nothing else.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{check::CheckArgs, config::ProofsSetting};

/// Verified index of a Hyperledger Besu network.
///
/// Blocks are stored only after their roots, their hash, their parent link and the validators' seals have been checked; a
/// GraphQL API serves what was proven, and says what was not.
#[derive(Debug, Parser)]
#[command(name = "lastro", version)]
pub struct Cli {
    /// Log filter, such as `info` or `lastro_ingest=debug`; logs go to standard error.
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Index a network and serve it.
    Up(UpArgs),
    /// Start a four-validator QBFT network on this machine, issue and move tokens on it, index it and serve it.
    Demo(DemoArgs),
    /// Prove the stored rows again, without any node, and tell every row that was altered, removed or added.
    Check(CheckArgs),
    /// Fetch the programs that other commands need into the cache, and say where they are.
    Provision,
    /// Print every setting with its meaning and default, as a configuration file.
    Config,
}

/// Flags of `lastro up`; each has a setting of the same meaning in the configuration file.
#[derive(Debug, Default, Args)]
pub struct UpArgs {
    /// Configuration file (TOML). Environment variables LASTRO_… weigh more, flags most.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// HTTP address of a node; repeat it for several nodes of the same network.
    #[arg(long = "rpc", value_name = "URL")]
    pub rpc: Vec<String>,
    /// WebSocket address of a node, in the order of --rpc.
    #[arg(long = "ws", value_name = "URL")]
    pub ws: Vec<String>,
    /// The network's genesis file: the anchor that proofs rest on.
    #[arg(long, value_name = "FILE", conflicts_with = "genesis_hash")]
    pub genesis: Option<PathBuf>,
    /// The genesis block's hash, where there is no file.
    #[arg(long, value_name = "HASH")]
    pub genesis_hash: Option<alloy_primitives::B256>,
    /// Recover every seal and sender, or only the seals that prove each range.
    #[arg(long, value_enum)]
    pub proofs: Option<ProofsSetting>,
    /// ClickHouse by URL, instead of the embedded one.
    #[arg(long, value_name = "URL")]
    pub store_url: Option<String>,
    /// Database of this chain.
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// Folder of the embedded ClickHouse.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Address of the API.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder of the chain and the database; a new temporary one, removed at the end, when not given.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Address of the API.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = lastro_query::DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// Seconds between blocks; 0 makes them as fast as the validators agree.
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub block_period: u64,
    /// Transactions per block that the demo sends.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub transactions: usize,
}
