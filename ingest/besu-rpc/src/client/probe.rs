//! First contact with an endpoint, and the check that lets one back in after failures: is it an Ethereum node, of which
//! network, up to which block, and what does it offer?

use alloy_primitives::B256;
use lastro_schema::{BlockNumber, BlockRef, ChainId};
use serde::{Deserialize, de::DeserializeOwned};

use super::{health::Capabilities, node::Node};
use crate::{endpoint::EndpointName, error::RpcError, wire::parse_quantity};

/// What makes a network: two chains may share a chain id, but not the genesis block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) chain_id: ChainId,
    pub(crate) genesis_hash: B256,
}

impl Network {
    /// `first` and `second` name the endpoints for the message.
    pub(crate) fn must_equal(
        &self,
        other: &Self,
        first: &EndpointName,
        second: &EndpointName,
    ) -> Result<(), RpcError> {
        let (first, second) = (first.clone(), second.clone());
        if self.chain_id != other.chain_id {
            let (first_chain, second_chain) = (self.chain_id, other.chain_id);
            return Err(RpcError::ChainMismatch {
                first,
                first_chain,
                second,
                second_chain,
            });
        }
        if self.genesis_hash != other.genesis_hash {
            let (first_genesis, second_genesis) = (self.genesis_hash, other.genesis_hash);
            return Err(RpcError::GenesisMismatch {
                first,
                first_genesis,
                second,
                second_genesis,
            });
        }
        Ok(())
    }
}

/// Asks the endpoint who it is; stores what it offers. Does not admit it: the caller compares the network first.
pub(crate) async fn probe(node: &Node) -> Result<(Network, BlockRef), RpcError> {
    let chain_id = chain_id(node).await?;
    let genesis = block_ref(node, "0x0").await?;
    let network = Network {
        chain_id,
        genesis_hash: genesis.hash,
    };
    let (head, client_version, block_receipts, trace_block, debug_trace) = futures::try_join!(
        block_ref(node, "latest"),
        client_version(node),
        offers(node, "eth_getBlockReceipts", ["0x0"]),
        offers(node, "trace_block", ["0x0"]),
        // A block that cannot be, so that nothing is traced: the parameters are wrong only for a method that exists.
        offers(node, "debug_traceBlockByNumber", ["0xffffffffffff"]),
    )?;
    let capabilities = Capabilities {
        client_version,
        block_receipts,
        trace_block,
        debug_trace,
    };
    tracing::debug!(endpoint = %node.name, ?capabilities, "node endpoint probed");
    node.set_capabilities(capabilities);
    Ok((network, head))
}

/// `latest` or a hex number; the block's number and hash.
pub(crate) async fn block_ref(node: &Node, block: &str) -> Result<BlockRef, RpcError> {
    const METHOD: &str = "eth_getBlockByNumber";
    let answer: Option<BlockId> = read(node, METHOD, (block, false)).await?;
    let answer = answer.ok_or_else(|| RpcError::Null {
        endpoint: node.name.clone(),
        method: METHOD,
    })?;
    answer
        .block_ref()
        .ok_or_else(|| node.malformed(METHOD, "a block whose number is no hex quantity"))
}

/// Number and hash, wherever a node sends a block.
#[derive(Deserialize)]
pub(crate) struct BlockId {
    number: String,
    hash: B256,
}

impl BlockId {
    pub(crate) fn hash(&self) -> B256 {
        self.hash
    }

    pub(crate) fn block_ref(&self) -> Option<BlockRef> {
        Some(BlockRef {
            number: BlockNumber(parse_quantity(&self.number)?),
            hash: self.hash,
        })
    }
}

pub(crate) async fn read<R: DeserializeOwned>(
    node: &Node,
    method: &'static str,
    params: impl serde::Serialize,
) -> Result<R, RpcError> {
    let raw = node.request_raw(method, params).await?;
    serde_json::from_slice(&raw).map_err(|error| node.malformed(method, error.to_string()))
}

async fn chain_id(node: &Node) -> Result<ChainId, RpcError> {
    const METHOD: &str = "eth_chainId";
    let answer = read::<String>(node, METHOD, ())
        .await
        .map_err(|error| match error {
            RpcError::MethodNotFound { endpoint, .. } | RpcError::Malformed { endpoint, .. } => {
                let found = format!("it gives no answer to {METHOD} that makes sense");
                RpcError::NotEthereumNode { endpoint, found }
            }
            other => other,
        })?;
    parse_quantity(&answer).map(ChainId).ok_or_else(|| {
        let found = format!("it gives no hex number in answer to {METHOD}");
        RpcError::NotEthereumNode {
            endpoint: node.name.clone(),
            found,
        }
    })
}

async fn client_version(node: &Node) -> Result<String, RpcError> {
    match read::<String>(node, "web3_clientVersion", ()).await {
        Ok(version) => Ok(version),
        Err(error) if is_no_offer(&error) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Any answer but "no such method" says that the method is there.
async fn offers<const N: usize>(
    node: &Node,
    method: &'static str,
    params: [&str; N],
) -> Result<bool, RpcError> {
    match node.request_raw(method, &params[..]).await {
        Ok(_) | Err(RpcError::Server { .. } | RpcError::RangeLimit { .. }) => Ok(true),
        Err(error) if is_no_offer(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gateways refuse single methods by HTTP status.
fn is_no_offer(error: &RpcError) -> bool {
    match error {
        RpcError::MethodNotFound { .. }
        | RpcError::NotEthereumNode { .. }
        | RpcError::Server { .. } => true,
        RpcError::HttpStatus { status, .. } => matches!(status, 401 | 403),
        _ => false,
    }
}
