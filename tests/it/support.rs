//! What the end-to-end tests of ingest share: one ClickHouse for the whole run, a database per test, indexers that are
//! started and stopped, and tables as bytes to compare.

use std::{
    collections::BTreeMap,
    fs,
    future::pending,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, keccak256};
use clickhouse::Client;
use lastro::{
    clickhouse_server::{ClickHouseOptions, EmbeddedClickHouse},
    provision::Provisioner,
};
use lastro_bench_chain::ReplayNode;
use lastro_besu_rpc::{BesuClient, ClientOptions, Endpoint};
use lastro_ingest::{
    Indexer, IndexerConfig, IngestError, Progress, Proofs,
    consensus::{Anchor, GenesisFile},
    store::StoreConfig,
};
use lastro_schema::{TableDef, tables::chain_tables};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// No condition of these tests takes longer on a machine that has other work as well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) async fn start_clickhouse(folder: &Path, http_port: Option<u16>) -> EmbeddedClickHouse {
    let program = Provisioner::new().unwrap().clickhouse().await.unwrap();
    let options = ClickHouseOptions {
        data_dir: folder.to_owned(),
        http_port,
        memory_limit_bytes: None,
        launcher: PathBuf::from(env!("CARGO_BIN_EXE_lastro")),
    };
    EmbeddedClickHouse::start(&program, &options).await.unwrap()
}

pub(crate) fn store_config(server: &EmbeddedClickHouse, database: &str) -> StoreConfig {
    StoreConfig {
        url: server.url().to_owned(),
        database: database.to_owned(),
        user: server.user().to_owned(),
        password: server.password().to_owned(),
    }
}

/// A database of its own on the server that all tests of this process share.
pub(crate) fn new_database() -> Database {
    static SERVER: OnceLock<StoreConfig> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(start_shared_server);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    Database::new(StoreConfig {
        database: format!("it_{number}"),
        ..server.clone()
    })
}

/// The server lives on a thread of its own, since it would end with the thread and the runtime of the test that starts it.
fn start_shared_server() -> StoreConfig {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = start_clickhouse(&shared_folder(), None).await;
            sender.send(store_config(&server, "default")).unwrap();
            pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

/// Named by the process, so that the next run can remove what this one leaves.
fn shared_folder() -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared-clickhouse");
    for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
        let process = entry.file_name().to_string_lossy().into_owned();
        if !Path::new("/proc").join(process).exists() {
            // Another run may be removing it as well.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = parent.join(std::process::id().to_string());
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A database that is read with plain SQL.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) store: StoreConfig,
    client: Client,
}

/// Number of rows and their hash, by table.
pub(crate) type Contents = BTreeMap<&'static str, (u64, B256)>;

impl Database {
    pub(crate) fn new(store: StoreConfig) -> Self {
        let client = Client::default()
            .with_url(&store.url)
            .with_user(&store.user)
            .with_password(&store.password)
            .with_database(&store.database);
        Self { store, client }
    }

    pub(crate) async fn bytes(&self, sql: &str, format: &str) -> Vec<u8> {
        let mut cursor = self.client.query(sql).fetch_bytes(format).unwrap();
        cursor
            .collect()
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
            .to_vec()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let done = self.client.query(sql).execute().await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The rows as tab-separated text.
    pub(crate) async fn lines(&self, sql: &str) -> Vec<String> {
        let text = String::from_utf8(self.bytes(sql, "TabSeparated").await).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) async fn number(&self, sql: &str) -> u64 {
        self.lines(sql).await[0].parse().unwrap()
    }

    /// Every row of every table of the chain, all columns but `except`, in row order.
    pub(crate) async fn contents(&self, except: &[&str]) -> Contents {
        let mut contents = Contents::new();
        for table in chain_tables() {
            contents.insert(table.name, self.table_contents(table, except).await);
        }
        contents
    }

    async fn table_contents(&self, table: &TableDef, except: &[&str]) -> (u64, B256) {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        let columns: Vec<_> = columns
            .into_iter()
            .filter(|name| !except.contains(name))
            .collect();
        let (columns, order) = (columns.join(", "), table.row_order.join(", "));
        let rows = self
            .bytes(
                &format!("SELECT {columns} FROM {} ORDER BY {order}", table.name),
                "RowBinary",
            )
            .await;
        let n_rows = self
            .number(&format!("SELECT count() FROM {}", table.name))
            .await;
        (n_rows, keccak256(rows))
    }
}

pub(crate) fn anchor(genesis_json: &str) -> Anchor {
    Anchor::GenesisFile(Box::new(
        GenesisFile::parse(genesis_json.as_bytes()).unwrap(),
    ))
}

/// Quick to notice that a node is back.
pub(crate) fn client_options() -> ClientOptions {
    ClientOptions {
        poll_interval: Duration::from_millis(100),
        silent_after: Duration::from_millis(500),
        first_cool_down: Duration::from_millis(20),
        max_cool_down: Duration::from_millis(200),
        ..ClientOptions::default()
    }
}

pub(crate) async fn client(nodes: &[&ReplayNode]) -> BesuClient {
    let endpoint = |node: &&ReplayNode| Endpoint {
        http: node.http_url.clone(),
        ws: Some(node.ws_url.clone()),
    };
    let endpoints = nodes.iter().map(endpoint).collect();
    BesuClient::connect(endpoints, client_options())
        .await
        .unwrap()
}

/// An indexer at work.
pub(crate) struct Running {
    pub(crate) progress: Progress,
    cancellation: CancellationToken,
    task: JoinHandle<Result<(), IngestError>>,
    /// Why it ended, once it has.
    error: Arc<OnceLock<String>>,
}

/// What an indexer is started with.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) store: StoreConfig,
    pub(crate) anchor: Anchor,
    pub(crate) proofs: Proofs,
}

impl Setup {
    pub(crate) fn new(database: &Database, genesis_json: &str) -> Self {
        Self {
            store: database.store.clone(),
            anchor: anchor(genesis_json),
            proofs: Proofs::Full,
        }
    }

    pub(crate) async fn try_start(self, nodes: &[&ReplayNode]) -> Result<Running, IngestError> {
        let Self {
            store,
            anchor,
            proofs,
        } = self;
        let progress = Progress::default();
        let config = IndexerConfig {
            store,
            anchor,
            proofs,
        };
        let indexer = Indexer::start(client(nodes).await, config, progress.clone()).await?;
        let cancellation = CancellationToken::new();
        let error = Arc::new(OnceLock::new());
        let task = tokio::spawn({
            let (cancellation, error) = (cancellation.clone(), Arc::clone(&error));
            async move {
                let ended = indexer.run(cancellation).await;
                ended.inspect_err(|why| error.set(format!("{why:?}")).unwrap())
            }
        });
        Ok(Running {
            progress,
            cancellation,
            task,
            error,
        })
    }

    pub(crate) async fn start(self, nodes: &[&ReplayNode]) -> Running {
        self.try_start(nodes).await.unwrap()
    }
}

impl Running {
    pub(crate) fn committed(&self) -> Option<u64> {
        self.progress
            .snapshot()
            .committed
            .map(|block| block.number.0)
    }

    pub(crate) async fn wait_committed(&self, number: u64) {
        self.wait_for(&format!("block {number}"), || {
            self.committed() >= Some(number)
        })
        .await;
    }

    /// Waits for a condition; fails when the indexer ends or takes too long.
    pub(crate) async fn wait_for(&self, what: &str, condition: impl Fn() -> bool) {
        let started = Instant::now();
        while !condition() {
            let snapshot = self.progress.snapshot();
            let (error, is_over) = (self.error.get(), self.task.is_finished());
            assert!(
                !is_over,
                "it ended while waiting for {what}: {error:?} {snapshot:?}"
            );
            assert!(
                started.elapsed() < PATIENCE,
                "still waiting for {what}: {snapshot:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops it in order.
    pub(crate) async fn stop(self) {
        self.cancellation.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("it does not stop");
        ended.unwrap().unwrap();
    }

    /// Ends it where it stands, and waits until its lease is given back.
    pub(crate) async fn abort(self, database: &Database) {
        self.task.abort();
        let started = Instant::now();
        let held = "SELECT max(beat) != 18446744073709551615 FROM leases WHERE epoch = (SELECT max(epoch) FROM leases)";
        while database.number(held).await == 1 {
            assert!(started.elapsed() < PATIENCE, "the lease is not given back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Indexes a chain from one node up to its visible head, and stops.
pub(crate) async fn index_to_head(setup: Setup, node: &ReplayNode) {
    let running = setup.start(&[node]).await;
    running.wait_committed(node.head()).await;
    running.stop().await;
}
