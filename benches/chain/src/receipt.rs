//! A receipt as a flat set of fields that a lie can change one by one; encoding is alloy's.

use alloy_consensus::{
    Eip658Value, Receipt as ConsensusReceipt, ReceiptEnvelope, ReceiptWithBloom,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bloom, Log};

use crate::transaction::TransactionType;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub transaction_type: TransactionType,
    pub outcome: Outcome,
    pub cumulative_gas_used: u64,
    pub logs: Vec<Log>,
    /// As the node states it; of an honest block the bloom of the logs.
    pub logs_bloom: Bloom,
    // What follows is stated by the node and not covered by the receipts root.
    pub gas_used: u64,
    pub effective_gas_price: u128,
    /// Present on every creation, failed ones too.
    pub contract_address: Option<Address>,
    pub from: Address,
    pub to: Option<Address>,
    pub transaction_hash: B256,
    pub blob_gas_used: Option<u64>,
}

/// What the receipt says about success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Failed,
    /// Before Byzantium: the state root after the transaction, whether it succeeded or not.
    PostState(B256),
}

impl Receipt {
    /// The bytes that enter the receipts trie.
    pub fn encoded(&self) -> Vec<u8> {
        self.envelope().encoded_2718()
    }

    pub(crate) fn bloom_of_logs(&self) -> Bloom {
        self.logs.iter().collect()
    }

    pub(crate) fn envelope(&self) -> ReceiptEnvelope {
        let status = match self.outcome {
            Outcome::Succeeded => Eip658Value::Eip658(true),
            Outcome::Failed => Eip658Value::Eip658(false),
            Outcome::PostState(root) => Eip658Value::PostState(root),
        };
        let receipt = ConsensusReceipt {
            status,
            cumulative_gas_used: self.cumulative_gas_used,
            logs: self.logs.clone(),
        };
        let with_bloom = ReceiptWithBloom {
            receipt,
            logs_bloom: self.logs_bloom,
        };
        match self.transaction_type {
            TransactionType::Legacy => ReceiptEnvelope::Legacy(with_bloom),
            TransactionType::AccessList => ReceiptEnvelope::Eip2930(with_bloom),
            TransactionType::DynamicFee => ReceiptEnvelope::Eip1559(with_bloom),
            TransactionType::Blob => ReceiptEnvelope::Eip4844(with_bloom),
            TransactionType::SetCode => ReceiptEnvelope::Eip7702(with_bloom),
        }
    }
}
