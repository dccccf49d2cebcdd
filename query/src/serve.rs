//! Wiring: the store, the head feed, the schema and the transport become one running server.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use prometheus::Registry;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::{JoinError, JoinSet},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::{loaders::Loaders, status::NodeHead},
    execute::{RequestParts, Requests},
    head::{HeadFeed, HeadFollower},
    limits::Limits,
    metrics::Metrics,
    store::{ReadLimits, Store, StoreConfig},
    transport::{ReadinessChecks, Shared, routes},
};

/// Where to listen when nothing is configured.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8600);

/// Time that open connections get to end after a shutdown was asked for.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Where to listen and how much to allow.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    pub listen: SocketAddr,
    pub limits: Limits,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            limits: Limits::default(),
        }
    }
}

/// What the server reads and what it tells about the rest of the process.
pub struct Sources {
    pub store: StoreConfig,
    pub feed: HeadFeed,
    /// Newest block that the node has announced, where this process knows it.
    pub node_head: Option<NodeHead>,
    pub readiness: ReadinessChecks,
    pub registry: Registry,
}

/// Why the server does not run (any more).
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("port {} of {} is taken: stop what listens there, or choose another port for the API", .0.port(), .0.ip())]
    PortTaken(SocketAddr),
    #[error("failed to listen on {listen}")]
    Listen {
        listen: SocketAddr,
        source: io::Error,
    },
    #[error("failed to register the API's metrics: a registry serves one API")]
    Metrics(#[source] prometheus::Error),
    #[error("the API's server stopped")]
    Io(#[source] io::Error),
    #[error("a task of the API failed")]
    Task(#[source] JoinError),
}

/// A server that runs until its token is cancelled.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    tasks: JoinSet<Result<(), ServeError>>,
    shutdown: CancellationToken,
}

impl RunningServer {
    /// The bound address, its port chosen by the system where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end: of the token, or of the first task that fails (which ends the others).
    pub async fn join(mut self) -> Result<(), ServeError> {
        let mut result = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let ended = ended.map_err(ServeError::Task).and_then(|ended| ended);
            if ended.is_err() {
                self.shutdown.cancel();
            }
            result = result.and(ended);
        }
        result
    }
}

/// The parts behind the routes.
pub struct Api {
    shared: Shared,
    follower: HeadFollower,
}

impl Api {
    /// Opens no connection yet.
    pub fn new(
        limits: &Limits,
        sources: Sources,
        shutdown: CancellationToken,
    ) -> Result<Self, ServeError> {
        let metrics = Metrics::new(&sources.registry).map_err(ServeError::Metrics)?;
        let reads = ReadLimits {
            time: limits.request_timeout,
            max_concurrent: limits.max_concurrent_reads,
        };
        let store = Store::new(&sources.store, reads);
        let (publisher, heads) = watch::channel(None);
        let mut builder = crate::schema(limits)
            .data(store.clone())
            .data(limits.clone())
            .data(heads.clone())
            .data(metrics.clone())
            .data(Loaders::batching(store.clone()));
        if let Some(node_head) = sources.node_head {
            builder = builder.data::<NodeHead>(node_head);
        }
        let requests = Requests::new(RequestParts {
            schema: builder.finish(),
            store: store.clone(),
            heads: heads.clone(),
            limits: limits.clone(),
            metrics: metrics.clone(),
        });
        let shared = Shared {
            requests,
            store,
            heads,
            readiness: sources.readiness,
            registry: sources.registry,
            shutdown,
            connections: TaskTracker::new(),
            connection_places: Arc::new(Semaphore::new(limits.max_connections)),
        };
        // Its own places: the head must not wait behind requests.
        let store = Store::new(&sources.store, reads);
        Ok(Self {
            shared,
            follower: HeadFollower {
                store,
                feed: sources.feed,
                heads: publisher,
                metrics,
            },
        })
    }
}

/// The routes alone, without the task that follows the head.
pub fn router(api: &Api) -> Router {
    routes(api.shared.clone())
}

/// Binds, then serves until `shutdown` is cancelled. An error here means that nothing was started.
pub async fn serve(
    config: ServeConfig,
    sources: Sources,
    shutdown: CancellationToken,
) -> Result<RunningServer, ServeError> {
    let listen = config.listen;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortTaken(listen),
            _ => ServeError::Listen { listen, source },
        })?;
    let address = listener
        .local_addr()
        .map_err(|source| ServeError::Listen { listen, source })?;
    // A child token: what fails here ends this server, not the whole process.
    let shutdown = shutdown.child_token();
    let api = Api::new(&config.limits, sources, shutdown.clone())?;
    let (router, connections) = (router(&api), api.shared.connections.clone());
    let mut tasks = JoinSet::new();
    let (follower, stop) = (api.follower, shutdown.clone());
    tasks.spawn(async move {
        follower.run(stop).await;
        Ok(())
    });
    tasks.spawn(listen_until(
        listener,
        router,
        connections,
        shutdown.clone(),
    ));
    Ok(RunningServer {
        address,
        tasks,
        shutdown,
    })
}

/// Requests under way are answered and subscribers told before it returns, within [`SHUTDOWN_GRACE`].
async fn listen_until(
    listener: TcpListener,
    router: Router,
    connections: TaskTracker,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let stop = shutdown.clone();
    let server =
        axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    let server = async {
        server.await.map_err(ServeError::Io)?;
        connections.close();
        connections.wait().await;
        Ok(())
    };
    let grace = async {
        shutdown.cancelled().await;
        tokio::time::sleep(SHUTDOWN_GRACE).await;
    };
    tokio::select! {
        ended = server => ended,
        () = grace => {
            tracing::warn!("connections were still open when the API stopped");
            Ok(())
        }
    }
}
