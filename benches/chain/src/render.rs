//! JSON as Besu 26.8.0 writes it: the same fields, in the same order, with the same rules for what is left out.

mod hex;
mod receipts;
mod transactions;

use alloy_consensus::Header;

use crate::block::Block;
use crate::served::{ReceiptSpan, ServedBlock};
use hex::Json;

/// Renders a block with its transactions and receipts.
pub(crate) fn render(block: &Block) -> ServedBlock {
    let mut json = Json::with_capacity(2600 + 900 * block.transactions.len());
    let transactions = block_json(&mut json, block);
    let mut receipts = Json::with_capacity(2 + 1800 * block.receipts.len());
    let receipt_spans = receipts_json(&mut receipts, block);
    ServedBlock {
        hash: block.hash,
        json: json.into_bytes(),
        transactions,
        transaction_hashes: block
            .transactions
            .iter()
            .map(|transaction| transaction.hash)
            .collect(),
        receipts: receipts.into_bytes(),
        receipt_spans,
        validators: block.extra.validators.clone().into(),
    }
}

/// Gives the place of the transactions: what stands between the brackets.
fn block_json(json: &mut Json, block: &Block) -> std::ops::Range<usize> {
    let header = &block.header;
    json.open('{');
    json.quantity("number", header.number);
    json.hex("hash", block.hash);
    json.hex("mixHash", header.mix_hash);
    json.hex("parentHash", header.parent_hash);
    json.hex("nonce", header.nonce);
    json.hex("sha3Uncles", header.ommers_hash);
    json.hex("logsBloom", header.logs_bloom);
    json.hex("transactionsRoot", header.transactions_root);
    json.hex("stateRoot", header.state_root);
    json.hex("receiptsRoot", header.receipts_root);
    json.hex("miner", header.beneficiary);
    json.big_quantity("difficulty", header.difficulty);
    json.quantity("totalDifficulty", header.number + 1);
    json.hex("extraData", &header.extra_data);
    if let Some(base_fee) = header.base_fee_per_gas {
        json.quantity("baseFeePerGas", base_fee);
    }
    json.quantity("size", u64::try_from(block.rlp_size()).unwrap_or(u64::MAX));
    json.quantity("gasLimit", header.gas_limit);
    json.quantity("gasUsed", header.gas_used);
    json.quantity("timestamp", header.timestamp);
    json.key("uncles");
    json.raw("[]");
    json.key("transactions");
    json.open('[');
    let start = json.len();
    for (transaction, index) in block.transactions.iter().zip(0_u64..) {
        transactions::transaction_json(json, block, transaction, index);
    }
    let transactions = start..json.len();
    json.close(']');
    withdrawals_json(json, block);
    late_header_fields(json, header);
    json.close('}');
    transactions
}

fn withdrawals_json(json: &mut Json, block: &Block) {
    if let Some(root) = block.header.withdrawals_root {
        json.hex("withdrawalsRoot", root);
    }
    let Some(withdrawals) = &block.withdrawals else {
        return;
    };
    json.key("withdrawals");
    json.open('[');
    for withdrawal in withdrawals {
        json.item();
        json.open('{');
        json.quantity("index", withdrawal.index);
        json.quantity("validatorIndex", withdrawal.validator_index);
        json.hex("address", withdrawal.address);
        json.quantity("amount", withdrawal.amount);
        json.close('}');
    }
    json.close(']');
}

fn late_header_fields(json: &mut Json, header: &Header) {
    if let Some(gas) = header.blob_gas_used {
        json.quantity("blobGasUsed", gas);
    }
    if let Some(gas) = header.excess_blob_gas {
        json.quantity("excessBlobGas", gas);
    }
    if let Some(root) = header.parent_beacon_block_root {
        json.hex("parentBeaconBlockRoot", root);
    }
    if let Some(hash) = header.requests_hash {
        json.hex("requestsHash", hash);
    }
}

fn receipts_json(json: &mut Json, block: &Block) -> Box<[ReceiptSpan]> {
    let mut spans = Vec::with_capacity(block.receipts.len());
    let mut log_index = 0;
    json.open('[');
    for (receipt, index) in block.receipts.iter().zip(0_u64..) {
        json.item();
        spans.push(receipts::receipt_json(
            json,
            block,
            receipt,
            index,
            &mut log_index,
        ));
    }
    json.close(']');
    spans.into_boxed_slice()
}
