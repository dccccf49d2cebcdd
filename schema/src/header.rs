//! A block header as consensus sees it: every field that enters the RLP of any fork from Frontier to Osaka.

use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256};

use crate::{BlockNumber, Gas, UnixSeconds};

/// Fields in the order of their RLP list. An optional field is absent before the fork that brought it, and once one is
/// absent all that follow are absent too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub parent_hash: B256,
    pub ommers_hash: B256,
    pub beneficiary: Address,
    pub state_root: B256,
    pub transactions_root: B256,
    pub receipts_root: B256,
    pub logs_bloom: Bloom,
    pub difficulty: U256,
    pub number: BlockNumber,
    pub gas_limit: Gas,
    pub gas_used: Gas,
    pub timestamp: UnixSeconds,
    /// As the node gave it: under QBFT and IBFT 2.0 with that node's commit seals.
    pub extra_data: Bytes,
    pub mix_hash: B256,
    pub nonce: B64,
    /// London (EIP-1559), in wei.
    pub base_fee_per_gas: Option<U256>,
    /// Shanghai (EIP-4895).
    pub withdrawals_root: Option<B256>,
    /// Cancun (EIP-4844).
    pub blob_gas_used: Option<Gas>,
    /// Cancun (EIP-4844).
    pub excess_blob_gas: Option<Gas>,
    /// Cancun (EIP-4788).
    pub parent_beacon_block_root: Option<B256>,
    /// Prague (EIP-7685).
    pub requests_hash: Option<B256>,
}
