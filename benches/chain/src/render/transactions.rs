//! A transaction within a block.

use alloy_primitives::U256;

use super::hex::Json;
use crate::block::Block;
use crate::transaction::{Transaction, TransactionType};

pub(super) fn transaction_json(
    json: &mut Json,
    block: &Block,
    transaction: &Transaction,
    index: u64,
) {
    let transaction_type = transaction.transaction_type;
    json.item();
    json.open('{');
    if transaction_type != TransactionType::Legacy {
        access_list(json, transaction);
    }
    if transaction_type == TransactionType::SetCode {
        authorization_list(json, transaction);
    }
    json.hex("blockHash", block.hash);
    json.quantity("blockNumber", block.header.number);
    json.quantity("blockTimestamp", block.header.timestamp);
    if let Some(chain_id) = transaction.chain_id {
        json.quantity("chainId", chain_id);
    }
    json.hex("from", transaction.from);
    json.quantity("gas", transaction.gas_limit);
    json.big_quantity("gasPrice", U256::from(transaction.gas_price));
    if transaction_type.has_dynamic_fee() {
        json.big_quantity(
            "maxPriorityFeePerGas",
            U256::from(transaction.max_priority_fee_per_gas),
        );
        json.big_quantity("maxFeePerGas", U256::from(transaction.max_fee_per_gas));
    }
    if transaction_type == TransactionType::Blob {
        json.big_quantity(
            "maxFeePerBlobGas",
            U256::from(transaction.max_fee_per_blob_gas),
        );
    }
    json.hex("hash", transaction.hash);
    json.hex("input", &transaction.input);
    json.quantity("nonce", transaction.nonce);
    json.hex_or_null("to", transaction.to);
    json.quantity("transactionIndex", index);
    json.quantity("type", u64::from(transaction_type.number()));
    json.big_quantity("value", transaction.value);
    signature(json, transaction);
    if transaction_type == TransactionType::Blob {
        json.key("blobVersionedHashes");
        json.open('[');
        for hash in &transaction.blob_versioned_hashes {
            json.item();
            json.hex_value(hash);
        }
        json.close(']');
    }
    json.close('}');
}

fn signature(json: &mut Json, transaction: &Transaction) {
    let parity = u64::from(transaction.signature.v());
    if transaction.transaction_type == TransactionType::Legacy {
        let v = match transaction.chain_id {
            // EIP-155; the sum needs more than 64 bits for the largest chain ids.
            Some(chain_id) => U256::from(chain_id) * U256::from(2) + U256::from(35 + parity),
            None => U256::from(27 + parity),
        };
        json.big_quantity("v", v);
    } else {
        json.quantity("yParity", parity);
        json.quantity("v", parity);
    }
    json.big_quantity("r", transaction.signature.r());
    json.big_quantity("s", transaction.signature.s());
}

fn access_list(json: &mut Json, transaction: &Transaction) {
    json.key("accessList");
    json.open('[');
    for entry in &transaction.access_list.0 {
        json.item();
        json.open('{');
        json.hex("address", entry.address);
        json.key("storageKeys");
        json.open('[');
        for key in &entry.storage_keys {
            json.item();
            json.hex_value(key);
        }
        json.close(']');
        json.close('}');
    }
    json.close(']');
}

fn authorization_list(json: &mut Json, transaction: &Transaction) {
    json.key("authorizationList");
    json.open('[');
    for entry in &transaction.authorization_list {
        json.item();
        json.open('{');
        json.big_quantity("chainId", *entry.inner().chain_id());
        json.hex("address", entry.inner().address());
        json.quantity("nonce", entry.inner().nonce());
        json.quantity("yParity", u64::from(entry.y_parity()));
        json.big_quantity("r", entry.r());
        json.big_quantity("s", entry.s());
        json.close('}');
    }
    json.close(']');
}
