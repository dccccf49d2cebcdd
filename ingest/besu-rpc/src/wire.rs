//! The one module that knows the JSON of Besu and its relatives.
//!
//! Everything borrows from the body of the HTTP answer: no tree of values, no copy of a string. Values stay hex text as
//! the node sent it (`0x…`, quantities without leading zeros, data with an even number of digits); turning them into
//! numbers and bytes is the work of the caller, who can name the block, transaction and field that fails.
//!
//! A field is an `Option` where a fork or a node leaves it out or says `null`. Unknown fields are skipped. Hex text has
//! no JSON escapes; a string that has one cannot be borrowed and is a decode error.
//!
//! Reading order: this file (the shapes), `answers` (one batch answer taken apart by id), `decode` (blocks joined with
//! their receipts, counts and identities reconciled).

mod answers;
mod decode;
mod error;
mod topics;

use serde::Deserialize;

pub(crate) use answers::{SingleAnswer, transaction_hashes};
pub(crate) use decode::{ReceiptBatch, ReceiptBodies, decode_part, parse_quantity};
pub use error::WireError;
pub use topics::Topics;

/// A block and its receipts, in the order of its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockWithReceipts<'a> {
    pub block: Block<'a>,
    /// As many as `block.transactions`, in their order.
    pub receipts: Vec<Receipt<'a>>,
}

/// Answer of `eth_getBlockByNumber` with full transactions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block<'a> {
    pub number: &'a str,
    pub hash: &'a str,
    pub parent_hash: &'a str,
    #[serde(rename = "sha3Uncles")]
    pub ommers_hash: &'a str,
    /// The proposer under QBFT and IBFT 2.0.
    pub miner: &'a str,
    pub state_root: &'a str,
    pub transactions_root: &'a str,
    pub receipts_root: &'a str,
    pub logs_bloom: &'a str,
    pub difficulty: &'a str,
    pub gas_limit: &'a str,
    pub gas_used: &'a str,
    /// Unix seconds.
    pub timestamp: &'a str,
    /// Under QBFT and IBFT 2.0 with the commit seals that this node kept.
    pub extra_data: &'a str,
    pub mix_hash: Option<&'a str>,
    pub nonce: Option<&'a str>,
    /// London.
    pub base_fee_per_gas: Option<&'a str>,
    /// Shanghai.
    pub withdrawals_root: Option<&'a str>,
    /// Cancun.
    pub blob_gas_used: Option<&'a str>,
    /// Cancun.
    pub excess_blob_gas: Option<&'a str>,
    /// Cancun.
    pub parent_beacon_block_root: Option<&'a str>,
    /// Prague.
    pub requests_hash: Option<&'a str>,
    /// Bytes of the block's RLP, as the node counts them.
    pub size: Option<&'a str>,
    #[serde(default)]
    pub uncles: Vec<&'a str>,
    pub transactions: Vec<Transaction<'a>>,
    /// Shanghai.
    pub withdrawals: Option<Vec<Withdrawal<'a>>>,
}

/// A transaction of any type from 0 to 4.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction<'a> {
    pub hash: &'a str,
    /// Absent on old nodes for legacy transactions.
    #[serde(rename = "type")]
    pub transaction_type: Option<&'a str>,
    /// Absent for a legacy transaction without replay protection.
    pub chain_id: Option<&'a str>,
    pub nonce: &'a str,
    /// As the node recovered it.
    pub from: &'a str,
    /// `None` for a contract creation.
    pub to: Option<&'a str>,
    pub value: &'a str,
    #[serde(rename = "gas")]
    pub gas_limit: &'a str,
    /// For types 2 to 4 the price paid, once mined.
    pub gas_price: Option<&'a str>,
    pub max_fee_per_gas: Option<&'a str>,
    pub max_priority_fee_per_gas: Option<&'a str>,
    pub max_fee_per_blob_gas: Option<&'a str>,
    pub input: &'a str,
    pub access_list: Option<Vec<AccessListEntry<'a>>>,
    pub blob_versioned_hashes: Option<Vec<&'a str>>,
    pub authorization_list: Option<Vec<Authorization<'a>>>,
    /// Legacy: 27/28, or 35 + 2 · chain id + parity. Typed: the parity again, on nodes that repeat it here.
    pub v: Option<&'a str>,
    pub y_parity: Option<&'a str>,
    pub r: &'a str,
    pub s: &'a str,
}

/// EIP-2930.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessListEntry<'a> {
    pub address: &'a str,
    #[serde(default)]
    pub storage_keys: Vec<&'a str>,
}

/// EIP-7702.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization<'a> {
    pub chain_id: &'a str,
    pub address: &'a str,
    pub nonce: &'a str,
    /// Nodes give the parity under this name, under `v`, or under both.
    pub y_parity: Option<&'a str>,
    pub v: Option<&'a str>,
    pub r: &'a str,
    pub s: &'a str,
}

/// EIP-4895.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Withdrawal<'a> {
    pub index: &'a str,
    pub validator_index: &'a str,
    pub address: &'a str,
    /// In gwei.
    pub amount: &'a str,
}

/// An element of `eth_getBlockReceipts`, or the answer of `eth_getTransactionReceipt`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt<'a> {
    pub transaction_hash: &'a str,
    pub block_hash: &'a str,
    pub block_number: &'a str,
    #[serde(rename = "type")]
    pub transaction_type: Option<&'a str>,
    /// Byzantium and later; before that `root`.
    pub status: Option<&'a str>,
    pub root: Option<&'a str>,
    pub cumulative_gas_used: &'a str,
    pub gas_used: &'a str,
    pub effective_gas_price: Option<&'a str>,
    pub blob_gas_used: Option<&'a str>,
    pub blob_gas_price: Option<&'a str>,
    /// Besu gives it for a *failed* creation too: look at `status` first.
    pub contract_address: Option<&'a str>,
    pub logs_bloom: &'a str,
    pub logs: Vec<Log<'a>>,
    /// Raw bytes; only from a Besu that was started with `--revert-reason-enabled`.
    pub revert_reason: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log<'a> {
    pub address: &'a str,
    #[serde(borrow)]
    pub topics: Topics<'a>,
    pub data: &'a str,
    /// Position in the block, not in the transaction.
    pub log_index: &'a str,
}

#[cfg(test)]
mod tests;
