//! The client: requests, ranges and sends, spread over the endpoints of one network.
//!
//! Reading order: `probe` (who is it), `node` (one endpoint at work), `pool` (which one is asked), `fetch` (a range of
//! blocks); `health`, `limiter` and `sizer` are what a node remembers.

mod fetch;
mod health;
mod limiter;
mod node;
mod pool;
mod probe;
mod sizer;

use std::sync::Arc;

use alloy_primitives::{B256, hex, keccak256};
use bytes::Bytes;
use lastro_schema::{BlockNumber, BlockRange, BlockRef, ChainId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

use crate::{
    endpoint::{EndpointId, EndpointUrls},
    error::RpcError,
    fetched::FetchedRange,
    heads::HeadWatch,
    options::{ClientOptions, Endpoint},
    tls,
    wire::WireError,
};
pub(crate) use health::jittered;
pub use health::{Capabilities, EndpointHealth};
use node::Node;
use pool::{Need, Tries};
pub(crate) use {node::Node as EndpointNode, pool::Pool, probe::BlockId};

/// A client of one network through one or several endpoints. Cheap to clone.
#[derive(Clone)]
pub struct BesuClient {
    pool: Arc<Pool>,
    options: Arc<ClientOptions>,
    tls: Arc<rustls::ClientConfig>,
}

impl std::fmt::Debug for BesuClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.pool.nodes().iter().map(|node| node.name.as_str());
        f.debug_list().entries(names).finish()
    }
}

impl BesuClient {
    /// Reaches every endpoint once. One that is down is kept and probed again later; it is an error if none answers, or
    /// if two belong to different networks.
    pub async fn connect(
        endpoints: Vec<Endpoint>,
        options: ClientOptions,
    ) -> Result<Self, RpcError> {
        let urls = (1..)
            .zip(&endpoints)
            .map(|(position, endpoint)| EndpointUrls::parse(endpoint, position));
        let urls = urls.collect::<Result<Vec<_>, _>>()?;
        let tls = tls::client_config(&urls)?;
        let nodes = (0u16..).zip(urls).map(|(id, urls)| {
            Ok(Arc::new(Node::new(
                EndpointId(id),
                urls,
                &options,
                tls.clone(),
            )?))
        });
        let nodes = nodes.collect::<Result<Vec<_>, RpcError>>()?;
        let pool = Arc::new(Pool::connect(nodes).await?);
        Ok(Self {
            pool,
            options: Arc::new(options),
            tls: Arc::new(tls),
        })
    }

    pub fn chain_id(&self) -> ChainId {
        self.pool.network().chain_id
    }

    pub fn genesis_hash(&self) -> B256 {
        self.pool.network().genesis_hash
    }

    /// One request. A method that only reads is asked of the next endpoint when one fails. `()` stands for no
    /// parameters; a `null` result needs `R = Option<…>`.
    pub async fn request<P, R>(&self, method: &'static str, params: P) -> Result<R, RpcError>
    where
        P: Serialize + Send + Sync,
        R: DeserializeOwned,
    {
        let (node, raw) = self.ask(method, &params, &Need::default()).await?;
        decode_result(&node, method, &raw)
    }

    /// Like [`request`](Self::request); the JSON text of the result, `null` included.
    pub async fn request_raw<P>(&self, method: &'static str, params: P) -> Result<Bytes, RpcError>
    where
        P: Serialize + Send + Sync,
    {
        Ok(self.ask(method, &params, &Need::default()).await?.1)
    }

    /// Asks this endpoint and no other: for what each node answers for itself, such as its peers.
    pub async fn request_of<P, R>(
        &self,
        endpoint: EndpointId,
        method: &'static str,
        params: P,
    ) -> Result<R, RpcError>
    where
        P: Serialize + Send + Sync,
        R: DeserializeOwned,
    {
        let node = self.pool.node(endpoint).ok_or(RpcError::NoEndpoint)?;
        let raw = node.request_raw(method, &params).await?;
        decode_result(node, method, &raw)
    }

    /// Sends a signed transaction and returns its hash. Another endpoint is tried only where nothing can have been
    /// sent, so a failure has a certain [`outcome`](RpcError::outcome). A node that knows the transaction already is a
    /// success; "nonce too low" is not, but may mean that this very transaction was mined: look it up by its hash.
    pub async fn send_raw_transaction(&self, raw: &[u8]) -> Result<B256, RpcError> {
        const METHOD: &str = "eth_sendRawTransaction";
        let hash = keccak256(raw);
        // With its blobs attached (EIP-4844) a transaction is longer than what is hashed.
        let is_hashed_whole = raw.first() != Some(&3);
        let mut tries = Tries::default();
        loop {
            let node = self.pool.pick(&Need::default(), &mut tries).await?;
            match node.request_raw(METHOD, [hex::encode_prefixed(raw)]).await {
                Ok(answer) => {
                    let answered: B256 = decode_result(&node, METHOD, &answer)?;
                    if is_hashed_whole && answered != hash {
                        let cause =
                            format!("transaction {hash} was sent, the node answered {answered}");
                        return Err(node.malformed(METHOD, cause));
                    }
                    return Ok(answered);
                }
                Err(RpcError::Server { error, .. })
                    if error.is_known_transaction() && is_hashed_whole =>
                {
                    return Ok(hash);
                }
                Err(error @ RpcError::Unreachable { .. }) => tries.failed(&node, error),
                Err(error) => return Err(error),
            }
        }
    }

    /// The highest head among the endpoints that answer; those not believed count only when no other answers.
    pub async fn head(&self) -> Result<BlockRef, RpcError> {
        let heads = self.pool.refresh().await;
        let rank = |id| {
            self.pool
                .node(id)
                .is_some_and(|node| node.health().distrusted.is_none())
        };
        let answered = heads.iter().filter_map(|(id, head)| {
            head.as_ref()
                .ok()
                .map(|head| (rank(*id), head.number, head))
        });
        if let Some((_, _, head)) =
            answered.max_by_key(|(believed, number, _)| (*believed, *number))
        {
            return Ok(*head);
        }
        let mut errors: Vec<_> = heads
            .into_iter()
            .filter_map(|(_, head)| head.err())
            .collect();
        if errors.is_empty() {
            errors.extend(
                self.pool
                    .nodes()
                    .iter()
                    .filter_map(|node| node.health().last_error.clone()),
            );
        }
        Err(RpcError::NoHealthyEndpoint { errors })
    }

    /// Blocks with receipts, all from one endpoint whose head is at the end of the range or above.
    pub async fn fetch_range(&self, range: BlockRange) -> Result<FetchedRange, RpcError> {
        self.fetch_range_avoiding(range, &[]).await
    }

    /// Like [`fetch_range`](Self::fetch_range); the endpoints in `avoid` are asked only when no other is left.
    pub async fn fetch_range_avoiding(
        &self,
        range: BlockRange,
        avoid: &[EndpointId],
    ) -> Result<FetchedRange, RpcError> {
        let need = Need {
            block: Some(range.last()),
            avoid,
            ..Need::default()
        };
        let mut tries = Tries::default();
        loop {
            let node = self.pool.pick(&need, &mut tries).await?;
            match fetch::fetch_range(&node, range).await {
                Ok(parts) => {
                    return Ok(FetchedRange {
                        endpoint: node.id,
                        range,
                        parts,
                    });
                }
                Err(error) if error.is_endpoint_fault() => tries.failed(&node, error),
                Err(error) => return Err(error),
            }
        }
    }

    /// How many blocks are best asked for at once, by the size of recent answers and the limits of the nodes.
    pub fn preferred_blocks(&self) -> u64 {
        let n_blocks = self
            .pool
            .nodes()
            .iter()
            .filter(|node| node.health().is_ready());
        let n_blocks = n_blocks
            .map(|node| node.sizer().blocks_per_range())
            .min()
            .unwrap_or(1);
        u64::try_from(n_blocks).unwrap_or(u64::MAX)
    }

    /// Raw result of `trace_block`; `None` when no endpoint offers it.
    pub async fn trace_block(&self, number: BlockNumber) -> Result<Option<Bytes>, RpcError> {
        let need = Need {
            block: Some(number),
            offer: Some(|offered| offered.trace_block),
            ..Need::default()
        };
        self.trace("trace_block", &[format!("{:#x}", number.0)], &need)
            .await
    }

    /// Raw result of `debug_traceBlockByNumber` with `callTracer`; `None` when no endpoint offers it. Besu up to 25
    /// ignores the tracer; that is noticed and counts as not offered.
    pub async fn call_traces(&self, number: BlockNumber) -> Result<Option<Bytes>, RpcError> {
        let need = Need {
            block: Some(number),
            offer: Some(|offered| offered.debug_trace),
            ..Need::default()
        };
        let tracer = serde_json::json!({
            "tracer": "callTracer", "disableStorage": true, "disableMemory": true, "disableStack": true,
        });
        self.trace(
            "debug_traceBlockByNumber",
            &(format!("{:#x}", number.0), tracer),
            &need,
        )
        .await
    }

    /// Health of every endpoint, in the order given to `connect`.
    pub fn endpoints(&self) -> Vec<EndpointHealth> {
        self.pool.nodes().iter().map(|node| node.status()).collect()
    }

    /// The caller proved an answer of this endpoint wrong: others are asked first from now on.
    pub fn mark_lying(&self, endpoint: EndpointId, reason: impl Into<String>) {
        if let Some(node) = self.pool.node(endpoint) {
            let reason = reason.into();
            tracing::error!(endpoint = %node.name, reason, "node endpoint gave an answer that was proven wrong");
            node.health().distrusted = Some(reason);
        }
    }

    /// Decoding an answer failed: lets the client learn from it (a head that was too high, a range that was too large)
    /// before the range is fetched again.
    pub fn report(&self, fetched: &FetchedRange, error: &WireError) {
        let Some(node) = self.pool.node(fetched.endpoint) else {
            return;
        };
        if error.is_absent() {
            node.health().head = None;
        } else if error.asks_for_less() {
            node.sizer()
                .too_much(usize::try_from(fetched.range.n_blocks()).unwrap_or(usize::MAX));
        } else if let WireError::Server {
            method: "eth_getBlockReceipts",
            error,
            ..
        } = error
            && error.is_method_not_found()
            && let Some(offered) = node.capabilities()
        {
            node.set_capabilities(Capabilities {
                block_receipts: false,
                ..offered
            });
        } else if let WireError::Json { what, cause, .. }
        | WireError::JsonOfBlock { what, cause, .. } = error
        {
            node.failed(&node.malformed("a batch", format!("{what}: {cause}")));
        }
    }

    /// Follows the head of the chain until `cancel` fires or the watch is dropped.
    pub fn watch_heads(&self, cancel: CancellationToken) -> HeadWatch {
        HeadWatch::start(Arc::clone(&self.pool), &self.options, &self.tls, cancel)
    }

    async fn ask<P: Serialize>(
        &self,
        method: &'static str,
        params: &P,
        need: &Need<'_>,
    ) -> Result<(Arc<Node>, Bytes), RpcError> {
        let mut tries = Tries::default();
        loop {
            let node = self.pool.pick(need, &mut tries).await?;
            match node.request_raw(method, params).await {
                Ok(raw) => return Ok((node, raw)),
                Err(error @ RpcError::MethodNotFound { .. }) => tries.failed(&node, error),
                Err(error) if error.is_endpoint_fault() && is_read(method) => {
                    tries.failed(&node, error)
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn trace<P: Serialize>(
        &self,
        method: &'static str,
        params: &P,
        need: &Need<'_>,
    ) -> Result<Option<Bytes>, RpcError> {
        loop {
            let offer = need.offer.unwrap_or(|_| true);
            let offered = self
                .pool
                .nodes()
                .iter()
                .filter_map(|node| node.capabilities());
            if !offered.into_iter().any(|offered| offer(&offered)) {
                return Ok(None);
            }
            let (node, raw) = self.ask(method, params, need).await?;
            if raw.as_ref() == b"null" {
                return Err(RpcError::Null {
                    endpoint: node.name.clone(),
                    method,
                });
            }
            match node.capabilities() {
                Some(offered) if has_struct_logs(&raw) => {
                    node.set_capabilities(Capabilities {
                        debug_trace: false,
                        ..offered
                    });
                }
                _ => return Ok(Some(raw)),
            }
        }
    }
}

fn decode_result<R: DeserializeOwned>(
    node: &Node,
    method: &'static str,
    raw: &Bytes,
) -> Result<R, RpcError> {
    serde_json::from_slice(raw).map_err(|error| node.malformed(method, error.to_string()))
}

/// Methods that change nothing, so that asking twice is safe.
fn is_read(method: &str) -> bool {
    const READS: [&str; 18] = [
        "eth_get",
        "eth_call",
        "eth_block",
        "eth_chainId",
        "eth_estimateGas",
        "eth_fee",
        "eth_gasPrice",
        "eth_max",
        "eth_syncing",
        "net_",
        "web3_",
        "trace_",
        "debug_trace",
        "debug_get",
        "txpool_",
        "qbft_get",
        "ibft_get",
        "istanbul_get",
    ];
    READS.iter().any(|prefix| method.starts_with(prefix))
}

/// A node that ignored `callTracer` answers with one entry per instruction.
fn has_struct_logs(raw: &Bytes) -> bool {
    #[derive(Deserialize)]
    struct Traced {
        result: Option<Instructions>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Instructions {
        struct_logs: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Vec<Traced>>(raw).is_ok_and(|traced| {
        traced
            .iter()
            .any(|one| one.result.as_ref().is_some_and(|r| r.struct_logs.is_some()))
    })
}
