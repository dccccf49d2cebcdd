//! `lastro check`: proves the stored rows again, without any node.

use std::path::PathBuf;

use clap::Args;
use lastro_ingest::{
    check::{CheckOptions, CheckReport},
    store::{Store, StoreConfig},
};
use lastro_schema::BlockNumber;

use crate::{
    cli::UpArgs,
    config::{OfflineConfig, RawConfig},
    up::open_store,
};

/// Flags of `lastro check`; the settings of the database are those of `lastro up`.
#[derive(Debug, Default, Args)]
pub struct CheckArgs {
    /// Configuration file (TOML). Environment variables LASTRO_… weigh more, flags most.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// ClickHouse by URL, instead of the embedded one.
    #[arg(long, value_name = "URL")]
    pub store_url: Option<String>,
    /// Database of this chain.
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// Folder of the embedded ClickHouse.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// The network's genesis file, where trust begins; without it, what the database itself names.
    #[arg(long, value_name = "FILE", conflicts_with = "genesis_hash")]
    pub genesis: Option<PathBuf>,
    /// The genesis block's hash, where there is no file.
    #[arg(long, value_name = "HASH")]
    pub genesis_hash: Option<alloy_primitives::B256>,
    /// Begin with the commit range of this block, taking the end of the range before as it is stored.
    #[arg(long, value_name = "BLOCK")]
    pub from: Option<u64>,
    /// End with the commit range of this block.
    #[arg(long, value_name = "BLOCK")]
    pub to: Option<u64>,
}

/// Gives the report; see [`CheckReport::is_clean`].
pub async fn check(args: &CheckArgs) -> anyhow::Result<CheckReport> {
    let OfflineConfig {
        anchor,
        database,
        store: place,
    } = RawConfig::load(&store_flags(args))?.validate_offline()?;
    let options = CheckOptions {
        from: args.from.map(BlockNumber),
        to: args.to.map(BlockNumber),
        anchor,
    };
    let opened = open_store(&place).await?;
    let config = StoreConfig {
        url: opened.url,
        database,
        user: opened.writer.user,
        password: opened.writer.password,
    };
    let report = run(config, &options).await;
    if let Some(embedded) = opened.embedded {
        embedded.stop().await;
    }
    report
}

async fn run(config: StoreConfig, options: &CheckOptions) -> anyhow::Result<CheckReport> {
    let store = Store::open(config).await?;
    Ok(lastro_ingest::check::check(&store, options).await?)
}

fn store_flags(args: &CheckArgs) -> UpArgs {
    UpArgs {
        config: args.config.clone(),
        store_url: args.store_url.clone(),
        database: args.database.clone(),
        data_dir: args.data_dir.clone(),
        genesis: args.genesis.clone(),
        genesis_hash: args.genesis_hash,
        ..UpArgs::default()
    }
}
