//! Proven parts of a block into the columns of its rows. Blocks that arrive from a node and blocks that are rebuilt from
//! stored rows go the same way, so that the ones can be compared with the others.

use alloy_primitives::{Address, B256, U256};
use lastro_schema::{BlockNumber, Header};

use crate::{
    chain::{
        receipt::Outcome,
        transaction::{Extra, Kind, Transaction},
    },
    consensus::{BftExtra, BftProtocol},
    project::transfers::Log,
    rows::RangeRows,
};

/// What a receipt adds to the row of its transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiptParts<'a> {
    pub outcome: Outcome,
    pub cumulative_gas_used: u64,
    pub gas_used: u64,
    /// Address that a creation computes, also when it failed.
    pub contract: Option<Address>,
    pub n_logs: u32,
    pub revert_reason: Option<&'a [u8]>,
}

/// What a block's row is made of, but for the columns that only the chain's rules decide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockParts<'a> {
    pub hash: &'a B256,
    pub header: &'a Header,
    pub bft: Option<(BftProtocol, &'a BftExtra)>,
    /// RLP list.
    pub withdrawals: Option<&'a [u8]>,
    pub n_transactions: u32,
    pub n_logs: u32,
    pub senders_recovered: bool,
}

/// Everything but `proof`.
pub(crate) fn push_block(rows: &mut RangeRows, parts: &BlockParts<'_>) {
    let (header, rows) = (parts.header, &mut rows.blocks);
    rows.number.push(header.number.0);
    rows.hash.push_hash(parts.hash);
    rows.parent_hash.push_hash(&header.parent_hash);
    rows.ommers_hash.push_hash(&header.ommers_hash);
    rows.beneficiary.push_address(&header.beneficiary);
    rows.state_root.push_hash(&header.state_root);
    rows.transactions_root.push_hash(&header.transactions_root);
    rows.receipts_root.push_hash(&header.receipts_root);
    rows.difficulty.push(&header.difficulty);
    rows.gas_limit.push(header.gas_limit.0);
    rows.gas_used.push(header.gas_used.0);
    rows.timestamp.push(header.timestamp.0);
    match parts.bft {
        Some((protocol, extra)) => rows
            .extra_data
            .push_with(|out| extra.encode_unsealed(protocol, out)),
        None => rows.extra_data.push(&header.extra_data),
    }
    rows.mix_hash.push_hash(&header.mix_hash);
    rows.nonce.push(&header.nonce.0);
    rows.base_fee_per_gas.push(header.base_fee_per_gas.as_ref());
    rows.withdrawals_root
        .push(header.withdrawals_root.as_ref().map(|root| &root.0));
    rows.blob_gas_used
        .push(header.blob_gas_used.map(|gas| gas.0));
    rows.excess_blob_gas
        .push(header.excess_blob_gas.map(|gas| gas.0));
    rows.parent_beacon_block_root
        .push(header.parent_beacon_block_root.as_ref().map(|root| &root.0));
    rows.requests_hash
        .push(header.requests_hash.as_ref().map(|hash| &hash.0));
    rows.withdrawals.push(parts.withdrawals);
    rows.round
        .push(parts.bft.map_or(0, |(_, extra)| extra.round));
    rows.n_transactions.push(parts.n_transactions);
    rows.n_logs.push(parts.n_logs);
    rows.senders_recovered
        .push(u8::from(parts.senders_recovered));
}

/// The columns that [`push_transaction`] leaves out.
pub(crate) fn push_receipt(rows: &mut RangeRows, parts: &ReceiptParts<'_>) {
    let rows = &mut rows.transactions;
    match &parts.outcome {
        Outcome::Status(success) => {
            rows.status.push(Some(u8::from(*success)));
            rows.post_state_root.push(None);
        }
        Outcome::PostState(root) => {
            rows.status.push(None);
            rows.post_state_root.push(Some(root));
        }
    }
    rows.cumulative_gas_used.push(parts.cumulative_gas_used);
    rows.gas_used.push(parts.gas_used);
    rows.contract_address
        .push(parts.contract.as_ref().map(|address| &address.0.0));
    rows.n_logs.push(parts.n_logs);
    rows.revert_reason.push(parts.revert_reason);
}

/// Everything but what the receipt says.
pub(crate) fn push_transaction(
    rows: &mut RangeRows,
    header: &Header,
    index: u32,
    hash: &B256,
    sender: &Address,
    transaction: &Transaction<'_>,
) {
    let rows = &mut rows.transactions;
    rows.block_number.push(header.number.0);
    rows.transaction_index.push(index);
    rows.hash.push_hash(hash);
    rows.transaction_type.push(transaction.transaction_type());
    rows.chain_id.push(transaction.chain_id);
    rows.from_address.push_address(sender);
    rows.to_address.push(transaction.to.as_ref());
    rows.nonce.push(transaction.nonce);
    rows.gas_limit.push(transaction.gas_limit);
    rows.value.push_be(&transaction.value);
    rows.input.push(transaction.input);
    rows.v.push(transaction.v);
    rows.r.push(&transaction.r);
    rows.s.push(&transaction.s);
    let (gas_price, max_fee, max_priority_fee, access_list, extra) = match &transaction.kind {
        Kind::Legacy { gas_price } => (Some(gas_price), None, None, &[][..], &Extra::None),
        Kind::AccessList {
            gas_price,
            access_list,
        } => (Some(gas_price), None, None, *access_list, &Extra::None),
        Kind::DynamicFee {
            max_priority_fee_per_gas,
            max_fee_per_gas,
            access_list,
            extra,
        } => (
            None,
            Some(max_fee_per_gas),
            Some(max_priority_fee_per_gas),
            *access_list,
            extra,
        ),
    };
    rows.gas_price.push_be(gas_price);
    rows.max_fee_per_gas.push_be(max_fee);
    rows.max_priority_fee_per_gas.push_be(max_priority_fee);
    rows.access_list.push(access_list);
    let (blob_fee, blob_hashes, authorizations) = match extra {
        Extra::None => (None, &[][..], &[][..]),
        Extra::Blobs {
            max_fee_per_blob_gas,
            versioned_hashes,
        } => (Some(max_fee_per_blob_gas), *versioned_hashes, &[][..]),
        Extra::Authorizations(list) => (None, &[][..], *list),
    };
    rows.max_fee_per_blob_gas.push_be(blob_fee);
    rows.blob_versioned_hashes
        .push_with(|hashes| blob_hashes.iter().for_each(|hash| hashes.push(hash)));
    rows.authorization_list.push(authorizations);
    rows.effective_gas_price
        .push(&effective_gas_price(header, &transaction.kind));
}

/// What a unit of gas cost (EIP-1559).
fn effective_gas_price(header: &Header, kind: &Kind<'_>) -> U256 {
    match kind {
        Kind::Legacy { gas_price } | Kind::AccessList { gas_price, .. } => {
            U256::from_be_bytes(*gas_price)
        }
        Kind::DynamicFee {
            max_priority_fee_per_gas,
            max_fee_per_gas,
            ..
        } => {
            let tip = U256::from_be_bytes(*max_priority_fee_per_gas);
            let price = header
                .base_fee_per_gas
                .unwrap_or_default()
                .saturating_add(tip);
            price.min(U256::from_be_bytes(*max_fee_per_gas))
        }
    }
}

pub(crate) fn push_contract(
    rows: &mut RangeRows,
    number: BlockNumber,
    index: u32,
    address: &Address,
    creator: &Address,
) {
    let rows = &mut rows.contracts;
    rows.address.push_address(address);
    rows.block_number.push(number.0);
    rows.transaction_index.push(index);
    rows.creator.push_address(creator);
    rows.source.push("transaction");
}

pub(crate) fn push_log(rows: &mut RangeRows, log: &Log<'_>) {
    let rows = &mut rows.logs;
    rows.block_number.push(log.place.block_number);
    rows.log_index.push(log.place.log_index);
    rows.transaction_index.push(log.place.transaction_index);
    rows.address.push(log.address);
    rows.topic0.push(log.topics.first());
    rows.topic1.push(log.topics.get(1));
    rows.topic2.push(log.topics.get(2));
    rows.topic3.push(log.topics.get(3));
    rows.data.push(log.data);
}
