//! A JSON-RPC node over a chain in memory, on loopback: HTTP with keep-alive and batches, WebSocket subscriptions.
//!
//! It runs on a thread of its own (one, unless asked for more), so that its share of the machine can be told apart. The
//! visible head, the chain and the quirks can be changed while it runs.

mod answer;
mod call;
mod head;
mod http;
mod logs;
mod methods;
mod params;
mod rpc;
mod ws;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::served::ServedChain;
use head::Head;

/// How the node departs from a well-behaved Besu. All can be changed while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// `eth_getBlockReceipts` and the `qbft_` methods are unknown, as in GoQuorum.
    pub without_block_receipts: bool,
    /// More calls in one batch are refused with one object, not an array.
    pub max_batch: usize,
    /// `eth_getLogs` refuses when the last block is further than this from the first.
    pub max_logs_range: u64,
    /// Every HTTP answer waits for this long.
    pub latency: Duration,
    /// A block announced while the node runs is `null` for so many requests of each method, and so are its receipts.
    pub nulls_after_announcement: u32,
    /// Subscriptions are accepted and nothing ever comes.
    pub silent_websocket: bool,
    /// `safe` and `finalized` are the head instead of an error.
    pub knows_finalized: bool,
    /// New connections are closed at once, as are those that exist when they ask next.
    pub offline: bool,
    /// What `eth_syncing` says: still syncing.
    pub syncing: bool,
    pub client_version: &'static str,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            without_block_receipts: false,
            max_batch: 1024,
            max_logs_range: 5000,
            latency: Duration::ZERO,
            nulls_after_announcement: 0,
            silent_websocket: false,
            knows_finalized: false,
            offline: false,
            syncing: false,
            client_version: "besu/v26.8.0/linux-x86_64/openjdk-java-25",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// The head that is visible at first; the chain's own when `None`.
    pub head: Option<u64>,
    /// Threads that serve; 0 and 1 both mean one.
    pub n_threads: usize,
    /// Ports to listen on; 0 lets the system choose.
    pub http_port: u16,
    pub ws_port: u16,
    pub quirks: Quirks,
}

/// What the node has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls, those within batches counted one by one.
    pub calls: u64,
    /// HTTP requests with a body.
    pub http_requests: u64,
    /// Bytes of HTTP bodies and WebSocket frames sent.
    pub bytes_out: u64,
    pub notifications: u64,
}

#[derive(Debug, Error)]
pub enum NodeError {
    #[error("cannot listen on 127.0.0.1 port {port}: {source}")]
    Listen { port: u16, source: io::Error },
    #[error("cannot start the node's thread: {0}")]
    Thread(#[source] io::Error),
}

/// A running node; stops when dropped.
#[derive(Debug)]
pub struct ReplayNode {
    pub http_url: String,
    pub ws_url: String,
    shared: Arc<Shared>,
    runtime: Handle,
    advancing: Mutex<Option<tokio::task::AbortHandle>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl ReplayNode {
    pub fn start(
        chain: impl Into<Arc<ServedChain>>,
        options: ReplayOptions,
    ) -> Result<Self, NodeError> {
        let chain = chain.into();
        let (http, http_address) = listen(options.http_port)?;
        let (ws, ws_address) = listen(options.ws_port)?;
        let head = options.head.unwrap_or(u64::MAX).min(chain.head());
        let shared = Arc::new(Shared::new(chain, head, options.quirks));
        let (stop, stopped) = watch::channel(false);
        let runtime = match options.n_threads {
            0 | 1 => Builder::new_current_thread().enable_all().build(),
            n => Builder::new_multi_thread()
                .worker_threads(n)
                .enable_all()
                .build(),
        }
        .map_err(NodeError::Thread)?;
        let handle = runtime.handle().clone();
        let of_thread = shared.clone();
        let thread = thread::Builder::new()
            .name("replay-node".to_owned())
            .spawn(move || {
                runtime.block_on(serve(of_thread, http, ws, stopped));
                runtime.shutdown_background();
            })
            .map_err(NodeError::Thread)?;
        Ok(Self {
            http_url: format!("http://{http_address}"),
            ws_url: format!("ws://{ws_address}"),
            shared,
            runtime: handle,
            advancing: Mutex::default(),
            stop,
            thread: Some(thread),
        })
    }

    pub fn head(&self) -> u64 {
        self.shared.head.number()
    }

    /// Makes `number` the visible head (at most the chain's). Subscribers hear of every block on the way up, of none on
    /// the way down.
    pub fn set_head(&self, number: u64) {
        self.shared.head.set(number.min(self.shared.chain().head()));
    }

    /// Shows `n_blocks` more.
    pub fn advance(&self, n_blocks: u64) {
        self.set_head(self.head().saturating_add(n_blocks));
    }

    /// Shows one more block per `period` until the chain ends, or [`stop_advancing`](Self::stop_advancing).
    pub fn advance_every(&self, period: Duration) {
        let shared = self.shared.clone();
        let task = self.runtime.spawn(async move {
            let mut ticks = tokio::time::interval(period);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                let end = shared.chain().head();
                shared.head.set(end.min(shared.head.number() + 1));
            }
        });
        self.replace_advancing(Some(task.abort_handle()));
    }

    pub fn stop_advancing(&self) {
        self.replace_advancing(None);
    }

    /// When block `number` was last shown as part of the head's way up; `None` for those visible from the start.
    pub fn announced_at(&self, number: u64) -> Option<Instant> {
        self.shared.head.announced_at(number)
    }

    /// Changes quirks, for all answers from now on.
    pub fn set_quirks(&self, change: impl FnOnce(&mut Quirks)) {
        change(
            &mut self
                .shared
                .quirks
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Serves another chain from now on: the truth after a lie, or the other way round. The head stays where it is, or at
    /// the end of a shorter chain.
    pub fn set_chain(&self, chain: impl Into<Arc<ServedChain>>) {
        let chain = chain.into();
        let end = chain.head();
        *self
            .shared
            .chain
            .write()
            .unwrap_or_else(PoisonError::into_inner) = chain;
        if self.head() > end {
            self.shared.head.set(end);
        }
    }

    pub fn chain(&self) -> Arc<ServedChain> {
        self.shared.chain()
    }

    /// Closes every WebSocket connection without a word; new ones are welcome.
    pub fn drop_websockets(&self) {
        self.shared
            .websocket_generation
            .send_modify(|generation| *generation += 1);
    }

    pub fn counters(&self) -> Counters {
        self.shared.counters.read()
    }

    fn replace_advancing(&self, task: Option<tokio::task::AbortHandle>) {
        let mut advancing = self
            .advancing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(previous) = std::mem::replace(&mut *advancing, task) {
            previous.abort();
        }
    }
}

impl Drop for ReplayNode {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic of the node's thread has been printed already, and the node is gone either way.
            let _ = thread.join();
        }
    }
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    chain: RwLock<Arc<ServedChain>>,
    quirks: RwLock<Quirks>,
    head: Head,
    websocket_generation: watch::Sender<u64>,
    next_subscription: AtomicU64,
    counters: SharedCounters,
}

impl Shared {
    fn new(chain: Arc<ServedChain>, head: u64, quirks: Quirks) -> Self {
        Self {
            chain: RwLock::new(chain),
            quirks: RwLock::new(quirks),
            head: Head::new(head),
            websocket_generation: watch::Sender::new(0),
            next_subscription: AtomicU64::new(1),
            counters: SharedCounters::default(),
        }
    }

    fn chain(&self) -> Arc<ServedChain> {
        self.chain
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn quirks(&self) -> Quirks {
        self.quirks
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[derive(Debug, Default)]
struct SharedCounters {
    calls: AtomicU64,
    http_requests: AtomicU64,
    bytes_out: AtomicU64,
    notifications: AtomicU64,
}

impl SharedCounters {
    fn read(&self) -> Counters {
        Counters {
            calls: self.calls.load(Ordering::Relaxed),
            http_requests: self.http_requests.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            notifications: self.notifications.load(Ordering::Relaxed),
        }
    }

    fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

fn listen(port: u16) -> Result<(TcpListener, SocketAddr), NodeError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| NodeError::Listen { port, source })
}

async fn serve(
    shared: Arc<Shared>,
    http: TcpListener,
    ws: TcpListener,
    mut stopped: watch::Receiver<bool>,
) {
    let http = http::accept_all(shared.clone(), http);
    let ws = ws::accept_all(shared, ws);
    let served = tokio::select! {
        served = http => served,
        served = ws => served,
        _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
    };
    if let Err(error) = served {
        tracing::error!(%error, "the replay node stopped listening");
    }
}
