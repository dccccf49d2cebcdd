//! The few calls that the write side makes, with the JSON of their answers: nothing else in this crate knows it.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use lastro_besu_rpc::{BesuClient, RpcError};
use lastro_schema::{BlockNumber, BlockRef, ChainId};
use serde::{Deserialize, Serialize};

use crate::signing::SignedTransaction;

/// A client, seen from the write side.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    rpc: BesuClient,
}

/// A block as far as a sender cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) block: BlockRef,
    pub(crate) parent_hash: B256,
    /// In wei; zero before London and on networks with a zero base fee.
    pub(crate) base_fee: u128,
    pub(crate) transactions: Vec<B256>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) block: BlockRef,
    pub(crate) succeeded: bool,
    pub(crate) contract_address: Option<Address>,
    /// Only nodes that were told to keep it give it.
    pub(crate) revert_reason: Option<Bytes>,
}

/// A call that is run again to ask for its revert reason.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) from: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Address>,
    /// Nodes older than the field `input` know only this name.
    #[serde(rename = "data")]
    pub(crate) input: Bytes,
}

/// What became of a broadcast.
#[derive(Debug)]
pub(crate) enum Broadcast {
    /// The node has it, now or from before.
    Known,
    /// The nonce is used up: by this very transaction, or by another one.
    NonceUsed,
}

impl Node {
    pub(crate) fn new(rpc: BesuClient) -> Self {
        Self { rpc }
    }

    pub(crate) fn chain_id(&self) -> ChainId {
        self.rpc.chain_id()
    }

    /// The newest block.
    pub(crate) async fn fetch_head(&self) -> Result<Option<Block>, RpcError> {
        let block: Option<WireBlock> = self
            .rpc
            .request("eth_getBlockByNumber", ("latest", false))
            .await?;
        Ok(block.map(Block::from))
    }

    /// `None` beyond the head.
    pub(crate) async fn fetch_block(&self, number: BlockNumber) -> Result<Option<Block>, RpcError> {
        let block: Option<WireBlock> = self
            .rpc
            .request("eth_getBlockByNumber", (U64::from(number.0), false))
            .await?;
        Ok(block.map(Block::from))
    }

    /// `None` while the transaction is in no block, or in one whose receipts the node has not stored yet.
    pub(crate) async fn fetch_receipt(
        &self,
        transaction: B256,
    ) -> Result<Option<Receipt>, RpcError> {
        let receipt: Option<WireReceipt> = self
            .rpc
            .request("eth_getTransactionReceipt", (transaction,))
            .await?;
        Ok(receipt.map(Receipt::from))
    }

    /// Nonce of the next transaction of `account`, after those that wait in the node's pool.
    pub(crate) async fn fetch_next_nonce(&self, account: Address) -> Result<u64, RpcError> {
        let count: U64 = self
            .rpc
            .request("eth_getTransactionCount", (account, "pending"))
            .await?;
        Ok(count.to())
    }

    /// Transactions of `account` up to and including `block`: the nonce of its next one. An unknown block is an error.
    pub(crate) async fn fetch_transaction_count(
        &self,
        account: Address,
        block: BlockRef,
    ) -> Result<u64, RpcError> {
        let at = BlockHash {
            block_hash: block.hash,
        };
        let count: U64 = self
            .rpc
            .request("eth_getTransactionCount", (account, at))
            .await?;
        Ok(count.to())
    }

    pub(crate) async fn fetch_code(
        &self,
        account: Address,
        block: BlockRef,
    ) -> Result<Bytes, RpcError> {
        self.rpc
            .request(
                "eth_getCode",
                (
                    account,
                    BlockHash {
                        block_hash: block.hash,
                    },
                ),
            )
            .await
    }

    /// What the call gives back; of a revert, the error has the reason.
    pub(crate) async fn call(&self, call: &Call, block: BlockNumber) -> Result<Bytes, RpcError> {
        self.rpc
            .request("eth_call", (call, U64::from(block.0)))
            .await
    }

    /// Broadcasts; doing it again changes nothing.
    ///
    /// # Errors
    /// What the node says when it does not take the transaction. Part of a cluster may have it all the same.
    pub(crate) async fn broadcast(
        &self,
        transaction: &SignedTransaction,
    ) -> Result<Broadcast, RpcError> {
        match self.rpc.send_raw_transaction(&transaction.raw).await {
            Ok(_) => Ok(Broadcast::Known),
            Err(RpcError::Server { ref error, .. }) if is_nonce_used(&error.message) => {
                Ok(Broadcast::NonceUsed)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a node looked at the transaction and does not want it, for a reason that time alone does not change.
pub(crate) fn is_refusal(error: &RpcError) -> bool {
    matches!(error, RpcError::Server { .. }) && !error.is_retryable()
}

/// Besu "Nonce too low", geth and anvil "nonce too low".
fn is_nonce_used(message: &str) -> bool {
    message.to_ascii_lowercase().contains("nonce too low")
}

/// EIP-1898: by hash, so that a reorganisation is an error instead of another block's answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockHash {
    block_hash: B256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBlock {
    number: U64,
    hash: B256,
    parent_hash: B256,
    base_fee_per_gas: Option<U256>,
    transactions: Vec<B256>,
}

impl From<WireBlock> for Block {
    fn from(wire: WireBlock) -> Self {
        Self {
            block: BlockRef {
                number: BlockNumber(wire.number.to()),
                hash: wire.hash,
            },
            parent_hash: wire.parent_hash,
            base_fee: wire.base_fee_per_gas.unwrap_or_default().saturating_to(),
            transactions: wire.transactions,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReceipt {
    block_number: U64,
    block_hash: B256,
    status: U64,
    contract_address: Option<Address>,
    revert_reason: Option<Bytes>,
}

impl From<WireReceipt> for Receipt {
    fn from(wire: WireReceipt) -> Self {
        Self {
            block: BlockRef {
                number: BlockNumber(wire.block_number.to()),
                hash: wire.block_hash,
            },
            succeeded: wire.status == U64::from(1),
            contract_address: wire.contract_address,
            revert_reason: wire.revert_reason,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn used_nonces_are_understood() {
        for message in ["Nonce too low", "nonce too low"] {
            assert!(is_nonce_used(message), "{message}");
        }
        assert!(!is_nonce_used(
            "Transaction nonce is too distant from current sender nonce"
        ));
    }

    #[test]
    fn berlin_blocks_have_no_base_fee() {
        let json = serde_json::json!({
            "number": "0x2a", "hash": B256::repeat_byte(1), "parentHash": B256::repeat_byte(2),
            "transactions": [B256::repeat_byte(3)], "gasUsed": "0x0",
        });
        let block = Block::from(serde_json::from_value::<WireBlock>(json.clone()).unwrap());
        assert_eq!(
            (block.block.number, block.base_fee, block.transactions.len()),
            (BlockNumber(42), 0, 1)
        );
        let mut london = json;
        london["baseFeePerGas"] = "0x3b9aca00".into();
        assert_eq!(
            Block::from(serde_json::from_value::<WireBlock>(london).unwrap()).base_fee,
            1_000_000_000
        );
    }
}
