//! Which endpoint is asked next.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use lastro_schema::{BlockNumber, BlockRef};

use super::{
    health::Capabilities,
    node::Node,
    probe::{self, Network},
};
use crate::{
    endpoint::{EndpointId, EndpointName},
    error::RpcError,
};

/// How long a head is waited for after another endpoint gave its own.
const STRAGGLER_WAIT: Duration = Duration::from_millis(500);

/// All endpoints of one network.
pub(crate) struct Pool {
    nodes: Vec<Arc<Node>>,
    network: Network,
    /// The endpoint that said which network it is.
    witness: EndpointName,
}

/// What an endpoint must have to be asked.
#[derive(Default)]
pub(crate) struct Need<'a> {
    /// Its head is at this block or above.
    pub(crate) block: Option<BlockNumber>,
    /// Asked last.
    pub(crate) avoid: &'a [EndpointId],
    pub(crate) offer: Option<fn(&Capabilities) -> bool>,
}

/// The endpoints tried for one request, and how they failed.
#[derive(Default)]
pub(crate) struct Tries {
    /// Not to be asked again.
    closed: Vec<EndpointId>,
    reconnected: Vec<EndpointId>,
    errors: Vec<RpcError>,
}

impl Pool {
    /// Reaches every endpoint once. Those that are down stay in the pool and are probed again later.
    pub(crate) async fn connect(nodes: Vec<Arc<Node>>) -> Result<Self, RpcError> {
        let probes = join_all(nodes.iter().map(|node| probe::probe(node))).await;
        let mut found: Option<(Network, EndpointName)> = None;
        let mut errors = Vec::new();
        for (node, probed) in nodes.iter().zip(probes) {
            match probed {
                Ok((network, head)) => {
                    if let Some((first, name)) = &found {
                        first.must_equal(&network, name, &node.name)?;
                    }
                    found.get_or_insert_with(|| (network, node.name.clone()));
                    node.health().admit(head);
                }
                Err(error) => {
                    tracing::warn!(endpoint = %node.name, %error, "node endpoint is not usable at start");
                    node.failed(&error);
                    errors.push(error);
                }
            }
        }
        let Some((network, witness)) = found else {
            return Err(match errors.pop() {
                None => RpcError::NoEndpoint,
                Some(only) if errors.is_empty() => only,
                Some(last) => {
                    errors.push(last);
                    RpcError::NoHealthyEndpoint { errors }
                }
            });
        };
        Ok(Self {
            nodes,
            network,
            witness,
        })
    }

    pub(crate) fn network(&self) -> Network {
        self.network
    }

    pub(crate) fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    pub(crate) fn node(&self, id: EndpointId) -> Option<&Arc<Node>> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// Endpoints that answer, best first.
    pub(crate) fn candidates(&self, need: &Need<'_>) -> Vec<Arc<Node>> {
        let mut ranked: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| need.is_met_by(node))
            .map(|node| {
                let health = node.health();
                let unwanted = need.avoid.contains(&node.id) || health.distrusted.is_some();
                let rank = (
                    unwanted,
                    node.limiter.load_per_mille() / 250,
                    health.latency,
                );
                (rank, Arc::clone(node))
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, node)| node).collect()
    }

    /// The best endpoint not yet tried in vain. Asks all for their heads again before it gives up.
    pub(crate) async fn pick(
        &self,
        need: &Need<'_>,
        tries: &mut Tries,
    ) -> Result<Arc<Node>, RpcError> {
        if let Some(node) = self
            .candidates(need)
            .into_iter()
            .find(|node| tries.allows(node.id))
        {
            return Ok(node);
        }
        if !tries.errors.is_empty() {
            return Err(tries.give_up());
        }
        self.refresh().await;
        if let Some(node) = self.candidates(need).into_iter().next() {
            return Ok(node);
        }
        let heads = self.candidates(&Need::default());
        let head = heads
            .iter()
            .filter_map(|node| node.health().head)
            .map(|head| head.number)
            .max();
        match (need.block, head) {
            (Some(asked), Some(head)) if head < asked => Err(RpcError::BeyondHead {
                asked,
                head: Some(head),
            }),
            _ => {
                tries.errors.extend(
                    self.nodes
                        .iter()
                        .filter_map(|node| node.health().last_error.clone()),
                );
                Err(tries.give_up())
            }
        }
    }

    /// Heads of all endpoints that are not cooling down; probes those that are due. Waits for the slower ones only
    /// briefly once one has answered.
    pub(crate) async fn refresh(&self) -> Vec<(EndpointId, Result<BlockRef, RpcError>)> {
        let due = self.nodes.iter().filter(|node| !node.health().is_cooling());
        let mut asked: FuturesUnordered<_> = due
            .map(|node| async { (node.id, self.head_of(node).await) })
            .collect();
        let mut heads = Vec::new();
        while let Some(answer) = asked.next().await {
            let answered = answer.1.is_ok();
            heads.push(answer);
            if answered {
                break;
            }
        }
        let stragglers = async {
            while let Some(answer) = asked.next().await {
                heads.push(answer);
            }
        };
        // Who is late is asked again with the next request for heads.
        let _ = tokio::time::timeout(STRAGGLER_WAIT, stragglers).await;
        heads
    }

    /// The endpoint's latest block; admits the endpoint first where that is due.
    pub(crate) async fn head_of(&self, node: &Node) -> Result<BlockRef, RpcError> {
        if node.health().is_ready() {
            let head = probe::block_ref(node, "latest").await?;
            node.set_head(head);
            return Ok(head);
        }
        self.admit(node).await
    }

    async fn admit(&self, node: &Node) -> Result<BlockRef, RpcError> {
        let _one_at_a_time = node.admission.lock().await;
        let known = {
            let health = node.health();
            health.is_ready().then_some(health.head).flatten()
        };
        if let Some(head) = known {
            return Ok(head);
        }
        let probed = probe::probe(node).await.and_then(|(network, head)| {
            self.network
                .must_equal(&network, &self.witness, &node.name)?;
            Ok(head)
        });
        match &probed {
            Ok(head) => {
                tracing::info!(endpoint = %node.name, head = head.number.0, "node endpoint is back");
                node.health().admit(*head);
            }
            Err(error) => node.failed(error),
        }
        probed
    }
}

impl Need<'_> {
    fn is_met_by(&self, node: &Node) -> bool {
        let offered = self
            .offer
            .is_none_or(|offers| node.capabilities().is_some_and(|offered| offers(&offered)));
        let health = node.health();
        offered && health.is_ready() && self.block.is_none_or(|number| health.has(number))
    }
}

impl Tries {
    pub(crate) fn failed(&mut self, node: &Node, error: RpcError) {
        // A connection kept open may have been closed by the node while it was idle: once more, at once.
        if matches!(error, RpcError::ConnectionLost { .. }) && !self.reconnected.contains(&node.id)
        {
            self.reconnected.push(node.id);
        } else {
            self.closed.push(node.id);
        }
        self.errors.push(error);
    }

    fn allows(&self, id: EndpointId) -> bool {
        !self.closed.contains(&id)
    }

    fn give_up(&mut self) -> RpcError {
        let all_lack_it = self
            .errors
            .iter()
            .all(|error| matches!(error, RpcError::MethodNotFound { .. }));
        match self.errors.pop() {
            Some(last) if all_lack_it || self.errors.is_empty() => last,
            Some(last) => {
                self.errors.push(last);
                RpcError::NoHealthyEndpoint {
                    errors: std::mem::take(&mut self.errors),
                }
            }
            None => RpcError::NoHealthyEndpoint { errors: Vec::new() },
        }
    }
}
