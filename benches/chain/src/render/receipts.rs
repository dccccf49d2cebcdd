//! A receipt within a block, with its logs.

use alloy_primitives::{Log, U256};

use super::hex::Json;
use crate::block::Block;
use crate::receipt::{Outcome, Receipt};
use crate::served::ReceiptSpan;

/// `log_index` counts on over the block.
pub(super) fn receipt_json(
    json: &mut Json,
    block: &Block,
    receipt: &Receipt,
    index: u64,
    log_index: &mut u64,
) -> ReceiptSpan {
    let start = json.len();
    json.open('{');
    json.hex("blockHash", block.hash);
    json.quantity("blockNumber", block.header.number);
    json.hex_or_null("contractAddress", receipt.contract_address);
    json.quantity("cumulativeGasUsed", receipt.cumulative_gas_used);
    json.hex("from", receipt.from);
    json.quantity("gasUsed", receipt.gas_used);
    json.big_quantity("effectiveGasPrice", U256::from(receipt.effective_gas_price));
    json.key("logs");
    json.open('[');
    let logs_start = json.len();
    for log in &receipt.logs {
        json.item();
        log_json(json, block, (receipt, log), index, *log_index);
        *log_index += 1;
    }
    let logs = logs_start..json.len();
    json.close(']');
    json.hex("logsBloom", receipt.logs_bloom);
    match receipt.outcome {
        Outcome::Succeeded => json.quantity("status", 1),
        Outcome::Failed => json.quantity("status", 0),
        Outcome::PostState(root) => json.hex("root", root),
    }
    json.hex_or_null("to", receipt.to);
    json.hex("transactionHash", receipt.transaction_hash);
    json.quantity("transactionIndex", index);
    json.quantity("type", u64::from(receipt.transaction_type.number()));
    if let Some(gas) = receipt.blob_gas_used {
        json.quantity("blobGasUsed", gas);
        // The least there is: the target was never exceeded for long.
        json.quantity("blobGasPrice", 1);
    }
    json.close('}');
    ReceiptSpan {
        whole: start..json.len(),
        logs,
    }
}

fn log_json(
    json: &mut Json,
    block: &Block,
    (receipt, log): (&Receipt, &Log),
    index: u64,
    log_index: u64,
) {
    json.open('{');
    json.hex("address", log.address);
    json.key("topics");
    json.open('[');
    for topic in log.topics() {
        json.item();
        json.hex_value(topic);
    }
    json.close(']');
    json.hex("data", &log.data.data);
    json.quantity("blockNumber", block.header.number);
    json.hex("transactionHash", receipt.transaction_hash);
    json.quantity("transactionIndex", index);
    json.hex("blockHash", block.hash);
    json.quantity("blockTimestamp", block.header.timestamp);
    json.quantity("logIndex", log_index);
    json.key("removed");
    json.raw("false");
    json.close('}');
}
