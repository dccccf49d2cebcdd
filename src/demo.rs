//! `lastro demo`: a whole network, its tokens, their traffic, and the index of it all, on this machine.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use lastro_besu_rpc::{BesuClient, ClientOptions, Endpoint};
use lastro_contracts::demo::{DemoAccounts, DemoTokens, DemoTraffic, TrafficOptions, deploy};
use lastro_ingest::{
    Proofs,
    consensus::{Anchor, GenesisFile},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::DemoArgs,
    config::{Config, StorePlace},
    devnet::{QbftNetwork, QbftOptions},
    provision::Provisioner,
    up::up,
};

/// Development keys: everybody who reads this has them.
const DEMO_PHRASE: &str = "lastro demo";
const N_HOLDERS: u32 = 12;

/// What the demo prints once it serves.
#[derive(Debug)]
pub struct DemoSummary {
    pub api: std::net::SocketAddr,
    pub node: String,
    pub tokens: DemoTokens,
    pub holder: alloy_primitives::Address,
}

/// Runs until cancelled.
pub async fn demo(
    args: &DemoArgs,
    cancellation: CancellationToken,
    announce: impl FnOnce(&DemoSummary),
) -> anyhow::Result<()> {
    let folder = DemoFolder::new(args.data_dir.clone())?;
    let provisioner = Provisioner::new()?;
    // Both are fetched before anything runs, so that nothing waits for a download later.
    provisioner.clickhouse().await?;
    let geth = provisioner.qbft_node().await?;
    let accounts = DemoAccounts::derive(DEMO_PHRASE, N_HOLDERS)?;

    tracing::info!("starting four validators");
    let options = QbftOptions {
        block_period: Duration::from_secs(args.block_period),
        funded: accounts.faucet_addresses(),
        ..QbftOptions::new(folder.path().join("network"))
    };
    let mut network = QbftNetwork::start(&geth, &options).await?;
    let endpoints = endpoints(&network)?;
    let config = Config {
        endpoints: endpoints.clone(),
        anchor: Anchor::GenesisFile(Box::new(GenesisFile::parse(&std::fs::read(
            network.genesis_path(),
        )?)?)),
        proofs: Proofs::Full,
        database: "lastro".to_owned(),
        store: StorePlace::Embedded {
            data_dir: folder.path().to_owned(),
        },
        listen: args.listen,
    };

    let client = BesuClient::connect(endpoints, ClientOptions::default()).await?;
    tracing::info!("deploying a currency, a bond and a deed");
    let tokens = deploy(&client, &accounts).await?;
    let holder = accounts
        .holders()
        .first()
        .context("the demo has no accounts")?
        .address();
    let traffic_options = TrafficOptions {
        transactions_per_block: args.transactions,
        ..TrafficOptions::default()
    };
    let traffic = DemoTraffic::prepare(&client, tokens, accounts, traffic_options).await?;
    let node = network.http_url(0)?;

    let issuing = tokio::spawn(traffic.run(cancellation.clone()));
    let ended = up(config, cancellation.clone(), |server, _| {
        announce(&DemoSummary {
            api: server.address(),
            node,
            tokens,
            holder,
        });
    })
    .await;
    cancellation.cancel();
    let issued = issuing.await.context("the demo traffic failed")?;
    network.stop_all().await;
    ended?;
    issued?;
    Ok(())
}

fn endpoints(network: &QbftNetwork) -> anyhow::Result<Vec<Endpoint>> {
    let endpoint = |index| -> anyhow::Result<Endpoint> {
        Ok(Endpoint {
            http: network.http_url(index)?,
            ws: Some(network.ws_url(index)?),
        })
    };
    (0..network.n_nodes()).map(endpoint).collect()
}

/// A folder that is kept when it was named, and removed when it was not.
enum DemoFolder {
    Named(PathBuf),
    Temporary(TempDir),
}

impl DemoFolder {
    fn new(named: Option<PathBuf>) -> anyhow::Result<Self> {
        match named {
            Some(path) => {
                std::fs::create_dir_all(&path)
                    .with_context(|| format!("cannot create {}", path.display()))?;
                Ok(Self::Named(path.canonicalize()?))
            }
            None => Ok(Self::Temporary(
                tempfile::Builder::new().prefix("lastro-demo-").tempdir()?,
            )),
        }
    }

    fn path(&self) -> &std::path::Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}
