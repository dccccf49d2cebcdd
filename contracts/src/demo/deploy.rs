//! Puts the three tokens on a chain.

use std::time::Duration;

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_sol_types::SolValue;
use lastro_besu_rpc::{BesuClient, RevertReason, RpcError};
use lastro_schema::{BlockRef, ChainId, Gas};
use tokio::time::Instant;

use super::DemoAccounts;
use crate::artifacts::{Artifact, DEMO_BOND, DEMO_CURRENCY, DEMO_DEED};
use crate::node::{Broadcast, Call, Node, Receipt, is_refusal};
use crate::revert::NamedRevert;
use crate::signing::{Account, SignedTransaction, UnsignedTransaction};

/// How long a deployment may take to be in a block: a network that lost its quorum needs a while to come back.
const INCLUSION_TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The tokens of a demonstration, on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoTokens {
    /// `DemoCurrency`, ERC-20.
    pub currency: Address,
    /// `DemoBond`, ERC-1155.
    pub bond: Address,
    /// `DemoDeed`, ERC-721.
    pub deed: Address,
    /// The chain takes transactions of type 1 (Berlin and later).
    pub access_lists: bool,
}

/// Why the tokens are not on the chain.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error("failed to {step} while deploying the demo tokens")]
    Rpc {
        step: &'static str,
        source: RpcError,
    },
    #[error("node has no block yet, wait until it has loaded its genesis block and try again")]
    NoHead,
    #[error("deployment of {contract} in transaction {transaction} failed: {reason}")]
    Reverted {
        contract: String,
        transaction: B256,
        reason: NamedRevert,
    },
    #[error(
        "deployment of {contract} in transaction {transaction} is in no block after {} s, check that the network makes blocks",
        waited.as_secs()
    )]
    NotIncluded {
        contract: String,
        transaction: B256,
        waited: Duration,
    },
    #[error(
        "nonce {nonce} of the deployer {sender} was used by another transaction than {transaction}, \
         stop whoever else uses this key and try again"
    )]
    NonceTaken {
        sender: Address,
        nonce: u64,
        transaction: B256,
    },
    #[error("code of {contract} at {address} differs from the compiled code")]
    CodeDiffers { contract: String, address: Address },
}

impl DeployError {
    /// Whether the same deployment may succeed later without anybody's help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rpc { source, .. } => source.is_retryable(),
            Self::NoHead | Self::NotIncluded { .. } => true,
            Self::Reverted { .. } | Self::NonceTaken { .. } | Self::CodeDiffers { .. } => false,
        }
    }
}

/// Deploys currency, bond and deed with the issuer as their admin, one after the other, and checks the code that then
/// stands on the chain. Every call makes new contracts.
///
/// # Errors
/// [`DeployError`]; transient errors of the node are retried for two minutes per contract.
pub async fn deploy(rpc: &BesuClient, accounts: &DemoAccounts) -> Result<DemoTokens, DeployError> {
    let node = Node::new(rpc.clone());
    let issuer = accounts.issuer();
    let head = fetch_head(&node).await?;
    let nonce = node
        .fetch_next_nonce(issuer.address())
        .await
        .map_err(rpc_error("read the nonce"))?;
    let deployer = Deployer {
        node: &node,
        issuer,
        chain_id: node.chain_id(),
        gas_price: gas_price(head.base_fee),
    };

    let currency = deployer.deploy(&DEMO_CURRENCY, nonce).await?;
    let bond = deployer.deploy(&DEMO_BOND, nonce + 1).await?;
    let (deed, access_lists) = deployer
        .deploy_with_access_list(&DEMO_DEED, nonce + 2)
        .await?;
    tracing::info!(%currency, %bond, %deed, access_lists, "deployed the demo tokens");
    Ok(DemoTokens {
        currency,
        bond,
        deed,
        access_lists,
    })
}

/// Zero where the network asks for nothing; else twice the base fee, which then may rise for six full blocks.
pub(super) fn gas_price(base_fee: u128) -> u128 {
    base_fee.saturating_mul(2)
}

struct Deployer<'a> {
    node: &'a Node,
    issuer: &'a Account,
    chain_id: ChainId,
    gas_price: u128,
}

impl Deployer<'_> {
    async fn deploy(&self, artifact: &Artifact, nonce: u64) -> Result<Address, DeployError> {
        let transaction = self.sign(artifact, nonce, None);
        self.include(artifact, &transaction).await
    }

    /// Tries a transaction of type 1 and falls back to a legacy one: how chains older than Berlin refuse it is not uniform,
    /// that they refuse it is.
    async fn deploy_with_access_list(
        &self,
        artifact: &Artifact,
        nonce: u64,
    ) -> Result<(Address, bool), DeployError> {
        let typed = self.sign(artifact, nonce, Some(AccessList::default()));
        match self.include(artifact, &typed).await {
            Ok(address) => Ok((address, true)),
            Err(DeployError::Rpc { source, .. }) if is_refusal(&source) => {
                tracing::info!(error = %source, "node takes no transactions of type 1, using legacy ones");
                Ok((self.deploy(artifact, nonce).await?, false))
            }
            Err(error) => Err(error),
        }
    }

    fn sign(
        &self,
        artifact: &Artifact,
        nonce: u64,
        access_list: Option<AccessList>,
    ) -> SignedTransaction {
        self.issuer.sign(UnsignedTransaction {
            chain_id: self.chain_id,
            nonce,
            gas_price: self.gas_price,
            gas_limit: creation_gas(artifact),
            to: TxKind::Create,
            input: self.creation_code(artifact),
            access_list,
        })
    }

    /// Every demo token takes its admin as the only argument.
    fn creation_code(&self, artifact: &Artifact) -> Bytes {
        let arguments = self.issuer.address().abi_encode();
        artifact.bytecode.iter().copied().chain(arguments).collect()
    }

    /// Broadcasts until the transaction is in a block, and checks what it left there.
    async fn include(
        &self,
        artifact: &Artifact,
        transaction: &SignedTransaction,
    ) -> Result<Address, DeployError> {
        let receipt = self.await_receipt(artifact, transaction).await?;
        if !receipt.succeeded {
            let reason = NamedRevert(self.fetch_revert_reason(artifact, &receipt).await);
            let contract = artifact.contract_name.clone();
            return Err(DeployError::Reverted {
                contract,
                transaction: transaction.hash,
                reason,
            });
        }
        let address = receipt
            .contract_address
            .unwrap_or_else(|| transaction.sender.create(transaction.nonce));
        self.check_code(artifact, address, receipt.block).await?;
        Ok(address)
    }

    async fn await_receipt(
        &self,
        artifact: &Artifact,
        transaction: &SignedTransaction,
    ) -> Result<Receipt, DeployError> {
        let started = Instant::now();
        let mut is_broadcast = false;
        loop {
            match self.attempt(transaction, &mut is_broadcast).await {
                Ok(Some(receipt)) => return Ok(receipt),
                Ok(None) => {}
                Err(error) if error.is_retryable() => {
                    tracing::warn!(%error, "deployment is delayed")
                }
                Err(error) => return Err(error),
            }
            let waited = started.elapsed();
            if waited > INCLUSION_TIMEOUT {
                let contract = artifact.contract_name.clone();
                return Err(DeployError::NotIncluded {
                    contract,
                    transaction: transaction.hash,
                    waited,
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn attempt(
        &self,
        transaction: &SignedTransaction,
        is_broadcast: &mut bool,
    ) -> Result<Option<Receipt>, DeployError> {
        let fetch = || self.node.fetch_receipt(transaction.hash);
        if *is_broadcast {
            return fetch().await.map_err(rpc_error("read a receipt"));
        }
        match self
            .node
            .broadcast(transaction)
            .await
            .map_err(rpc_error("broadcast"))?
        {
            Broadcast::Known => {
                *is_broadcast = true;
                Ok(None)
            }
            // An earlier attempt may have arrived without our hearing of it.
            Broadcast::NonceUsed => match fetch().await.map_err(rpc_error("read a receipt"))? {
                Some(receipt) => Ok(Some(receipt)),
                None => Err(DeployError::NonceTaken {
                    sender: transaction.sender,
                    nonce: transaction.nonce,
                    transaction: transaction.hash,
                }),
            },
        }
    }

    /// From the receipt where the node keeps it, else by running the creation again on the state before its block.
    async fn fetch_revert_reason(&self, artifact: &Artifact, receipt: &Receipt) -> RevertReason {
        if let Some(returned) = &receipt.revert_reason {
            return RevertReason::from_bytes(returned);
        }
        let call = Call {
            from: self.issuer.address(),
            to: None,
            input: self.creation_code(artifact),
        };
        let before = receipt
            .block
            .number
            .previous()
            .unwrap_or(receipt.block.number);
        let again = self.node.call(&call, before).await;
        again
            .err()
            .and_then(|error| error.revert_reason())
            .unwrap_or(RevertReason::Empty)
    }

    async fn check_code(
        &self,
        artifact: &Artifact,
        address: Address,
        block: BlockRef,
    ) -> Result<(), DeployError> {
        let code = self
            .node
            .fetch_code(address, block)
            .await
            .map_err(rpc_error("read the deployed code"))?;
        if code == artifact.deployed_bytecode {
            return Ok(());
        }
        Err(DeployError::CodeDiffers {
            contract: artifact.contract_name.clone(),
            address,
        })
    }
}

async fn fetch_head(node: &Node) -> Result<crate::node::Block, DeployError> {
    node.fetch_head()
        .await
        .map_err(rpc_error("read the head"))?
        .ok_or(DeployError::NoHead)
}

/// 200 gas per byte of code and at most 16 per byte of input, with room for the constructor's storage.
fn creation_gas(artifact: &Artifact) -> Gas {
    let n_bytes = u64::try_from(artifact.bytecode.len()).unwrap_or(u64::MAX);
    Gas(n_bytes.saturating_mul(220).saturating_add(800_000))
}

fn rpc_error(step: &'static str) -> impl FnOnce(RpcError) -> DeployError {
    move |source| DeployError::Rpc { step, source }
}
