//! `lastro up`: store, indexer and API in one process.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use lastro_besu_rpc::{BesuClient, ClientOptions};
use lastro_ingest::{Indexer, IndexerConfig, Progress, store::StoreConfig};
use lastro_query::{Check, HeadFeed, RunningServer, ServeConfig, Sources};
use tokio_util::sync::CancellationToken;

use crate::{
    clickhouse_server::{ClickHouseOptions, EmbeddedClickHouse},
    config::{Config, Credentials, StorePlace},
    progress_view,
    provision::Provisioner,
};

/// Without a committed block for this long although the node has one, the process is not ready.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// Runs until cancelled or until something cannot go on. `announce` is told the API's address once it serves.
pub async fn up(
    config: Config,
    cancellation: CancellationToken,
    announce: impl FnOnce(&RunningServer, &Config),
) -> anyhow::Result<()> {
    let client = BesuClient::connect(config.endpoints.clone(), ClientOptions::default()).await?;
    let store = open_store(&config.store).await?;
    let progress = Progress::default();
    let indexer_config = IndexerConfig {
        store: store_config(&config, &store.url, &store.writer),
        anchor: config.anchor.clone(),
        proofs: config.proofs,
    };
    let indexer = Indexer::start(client, indexer_config, progress.clone()).await?;
    let server = serve(&config, &store, &progress, cancellation.clone()).await?;
    announce(&server, &config);

    let view = tokio::spawn(progress_view::show(progress, cancellation.clone()));
    let indexing = tokio::spawn(indexer.run(cancellation.clone()));
    // Whichever ends first ends the other: the API of an index that stopped for good would only grow old.
    let serving = tokio::spawn(server.join());
    let (indexed, served) = tokio::join!(
        finish(indexing, cancellation.clone()),
        finish(serving, cancellation.clone())
    );
    view.await.context("the progress display failed")?;
    if let Some(embedded) = store.embedded {
        embedded.stop().await;
    }
    indexed?;
    served
}

async fn finish<E>(
    task: tokio::task::JoinHandle<Result<(), E>>,
    cancellation: CancellationToken,
) -> anyhow::Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let ended = task.await;
    cancellation.cancel();
    ended.context("a task of this process failed")??;
    Ok(())
}

/// A ClickHouse to work with, and the process behind it where it is ours.
pub(crate) struct OpenStore {
    pub(crate) url: String,
    pub(crate) writer: Credentials,
    reader: Credentials,
    pub(crate) embedded: Option<EmbeddedClickHouse>,
}

pub(crate) async fn open_store(place: &StorePlace) -> anyhow::Result<OpenStore> {
    match place {
        StorePlace::Server {
            url,
            writer,
            reader,
        } => Ok(OpenStore {
            url: url.clone(),
            writer: writer.clone(),
            reader: reader.clone(),
            embedded: None,
        }),
        StorePlace::Embedded { data_dir } => {
            let program = Provisioner::new()?.clickhouse().await?;
            let options = ClickHouseOptions::new(data_dir.join("clickhouse"))?;
            let server = EmbeddedClickHouse::start(&program, &options).await?;
            let credentials = |user: &str, password: &str| Credentials {
                user: user.to_owned(),
                password: password.to_owned(),
            };
            Ok(OpenStore {
                url: server.url().to_owned(),
                writer: credentials(server.user(), server.password()),
                reader: credentials(server.reader_user(), server.reader_password()),
                embedded: Some(server),
            })
        }
    }
}

fn store_config(config: &Config, url: &str, writer: &Credentials) -> StoreConfig {
    StoreConfig {
        url: url.to_owned(),
        database: config.database.clone(),
        user: writer.user.clone(),
        password: writer.password.clone(),
    }
}

async fn serve(
    config: &Config,
    store: &OpenStore,
    progress: &Progress,
    cancellation: CancellationToken,
) -> anyhow::Result<RunningServer> {
    let registry = prometheus::Registry::new();
    lastro_ingest::metrics::register(&registry, progress)?;
    let sources = Sources {
        store: lastro_query::StoreConfig {
            url: store.url.clone(),
            database: config.database.clone(),
            user: store.reader.user.clone(),
            password: store.reader.password.clone(),
        },
        feed: HeadFeed::Channel(progress.committed()),
        node_head: Some(node_head(progress)),
        readiness: readiness(progress),
        registry,
    };
    let serve_config = ServeConfig {
        listen: config.listen,
        ..ServeConfig::default()
    };
    Ok(lastro_query::serve(serve_config, sources, cancellation).await?)
}

fn node_head(progress: &Progress) -> lastro_query::NodeHead {
    let progress = progress.clone();
    Arc::new(move || progress.snapshot().head)
}

/// Ready means: blocks arrive, or there are none to come.
fn readiness(progress: &Progress) -> lastro_query::ReadinessChecks {
    let progress = progress.clone();
    Arc::new(move || {
        let now = progress.snapshot();
        let stuck = now.lag_blocks() > 0 && now.since_change > STUCK_AFTER;
        let moving = Check {
            name: "indexing",
            ok: !stuck,
            detail: format!(
                "{} blocks behind the node, last commit {} s ago",
                now.lag_blocks(),
                now.since_change.as_secs()
            ),
        };
        let stopped = now
            .stopped_at
            .map(|(number, why)| format!("no provable answer for block {number}: {why}"));
        let proofs = Check {
            name: "proofs",
            ok: stopped.is_none(),
            detail: stopped.unwrap_or_else(|| "every answer so far could be proven".to_owned()),
        };
        vec![moving, proofs]
    })
}
