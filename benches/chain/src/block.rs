//! A block with everything a node says about it, and the three hashes: transaction and receipt roots, and its own.

use alloy_consensus::Header;
use alloy_consensus::proofs::{
    calculate_receipt_root, calculate_transaction_root, calculate_withdrawals_root,
};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{B256, Bloom};
use alloy_rlp::Encodable;

use crate::extra::{ExtraData, Form};
use crate::receipt::Receipt;
use crate::transaction::Transaction;

/// Honest blocks are consistent; a lie changes some of the fields and leaves others as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// `extra_data` is the encoding of `extra`.
    pub header: Header,
    pub extra: ExtraData,
    /// As the node states it.
    pub hash: B256,
    pub transactions: Vec<Transaction>,
    pub receipts: Vec<Receipt>,
    /// `None` before Shanghai.
    pub withdrawals: Option<Vec<Withdrawal>>,
}

impl Block {
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// keccak256 of the header without seals and round.
    pub fn computed_hash(&self) -> B256 {
        hash_with(&self.header, &self.extra, Form::ForHash)
    }

    /// What the commit seals sign: the hash of the header without seals.
    pub fn seal_digest(&self) -> B256 {
        hash_with(&self.header, &self.extra, Form::ForSeals)
    }

    /// Sets what the header says of transactions, receipts and withdrawals: bloom, gas used, roots. The receipts' blooms
    /// are taken as they are.
    pub(crate) fn recompute_roots(&mut self) {
        let roots = BodyRoots::of(&self.transactions, &self.receipts);
        self.header.logs_bloom = bloom_of(&self.receipts);
        self.header.gas_used = self
            .receipts
            .last()
            .map_or(0, |last| last.cumulative_gas_used);
        self.header.transactions_root = roots.transactions;
        self.header.receipts_root = roots.receipts;
        self.header.withdrawals_root = self
            .withdrawals
            .as_ref()
            .map(|withdrawals| calculate_withdrawals_root(withdrawals));
    }

    pub(crate) fn recompute_blooms(&mut self) {
        for receipt in &mut self.receipts {
            receipt.logs_bloom = receipt.bloom_of_logs();
        }
        self.header.logs_bloom = bloom_of(&self.receipts);
    }

    pub(crate) fn recompute_hash(&mut self) {
        self.header.extra_data = self.extra.encoded();
        self.hash = self.computed_hash();
    }

    pub(crate) fn set_seals(&mut self, seals: Vec<[u8; 65]>) {
        self.extra.seals = seals;
        self.header.extra_data = self.extra.encoded();
    }

    /// Length of the RLP of the whole block, which nodes call its size.
    pub(crate) fn rlp_size(&self) -> usize {
        let transactions: usize = self
            .transactions
            .iter()
            .map(|transaction| transaction.envelope().length())
            .sum();
        let withdrawals = self
            .withdrawals
            .as_ref()
            .map_or(0, alloy_rlp::Encodable::length);
        let no_ommers = 1;
        let payload = self.header.length() + list_length(transactions) + no_ommers + withdrawals;
        list_length(payload)
    }
}

/// The roots over the lists of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyRoots {
    pub(crate) transactions: B256,
    pub(crate) receipts: B256,
}

impl BodyRoots {
    pub(crate) fn of(transactions: &[Transaction], receipts: &[Receipt]) -> Self {
        let envelopes: Vec<_> = transactions.iter().map(Transaction::envelope).collect();
        let receipts: Vec<_> = receipts.iter().map(Receipt::envelope).collect();
        Self {
            transactions: calculate_transaction_root(&envelopes),
            receipts: calculate_receipt_root(&receipts),
        }
    }
}

pub(crate) fn bloom_of(receipts: &[Receipt]) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for receipt in receipts {
        bloom |= receipt.logs_bloom;
    }
    bloom
}

fn hash_with(header: &Header, extra: &ExtraData, form: Form) -> B256 {
    Header {
        extra_data: extra.encode(form),
        ..header.clone()
    }
    .hash_slow()
}

fn list_length(payload: usize) -> usize {
    payload + alloy_rlp::length_of_length(payload)
}
