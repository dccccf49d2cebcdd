//! The JSON-RPC methods of the scripted node.

use alloy_primitives::{hex, keccak256};
use serde_json::{Value, json};

use super::{Fault, Script};
use crate::chain::quantity;

impl Script {
    pub(super) fn take_fault(&mut self, method: &str) -> Option<Fault> {
        let (_, times, fault) = self
            .faults
            .iter_mut()
            .find(|(of, times, _)| *of == method && *times > 0)?;
        *times -= 1;
        Some(fault.clone())
    }

    pub(super) fn answer(&self, request: &Value) -> Value {
        let Some(batch) = request.as_array() else {
            return self.answer_one(request);
        };
        if batch.len() > self.max_batch {
            let message = "Number of requests exceeds max batch size";
            return json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32005, "message": message}});
        }
        let mut answers: Vec<_> = batch.iter().map(|one| self.answer_one(one)).collect();
        if self.reverse_batches {
            answers.reverse();
        }
        answers.into()
    }

    fn answer_one(&self, request: &Value) -> Value {
        let id = &request["id"];
        let params = &request["params"];
        match self.result(request["method"].as_str().unwrap(), params) {
            Some(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            None => {
                let error = json!({"code": -32601, "message": "Method not found"});
                json!({"jsonrpc": "2.0", "id": id, "error": error})
            }
        }
    }

    fn result(&self, method: &str, params: &Value) -> Option<Value> {
        let known = || {
            self.number(&params[0])
                .filter(|number| *number <= self.head)
        };
        Some(match method {
            "eth_chainId" => quantity(self.chain_id).into(),
            "web3_clientVersion" => "besu/v26.8.0/linux-x86_64/openjdk-java-25".into(),
            "eth_blockNumber" => quantity(self.head).into(),
            "eth_getBlockByNumber" => known().map_or(Value::Null, |number| self.block(number)),
            "eth_getTransactionReceipt" => self.chain.receipt(&params[0]),
            "eth_sendRawTransaction" => {
                let raw = hex::decode(params[0].as_str().unwrap()).unwrap();
                keccak256(raw).to_string().into()
            }
            offered if !self.offers.contains(&offered) => return None,
            "eth_getBlockReceipts" => {
                known().map_or(Value::Null, |number| self.chain.receipts(number))
            }
            "trace_block" => known().map_or(Value::Null, |_| json!([{"type": "create"}])),
            "debug_traceBlockByNumber" => {
                known().map_or(Value::Null, |_| json!([{"result": {"type": "CREATE"}}]))
            }
            _ => return None,
        })
    }

    fn block(&self, number: u64) -> Value {
        let mut block = self.chain.block(number);
        if let (0, Some(hash)) = (number, &self.genesis_hash) {
            block["hash"] = hash.as_str().into();
        }
        block
    }

    fn number(&self, param: &Value) -> Option<u64> {
        match param.as_str()? {
            "latest" => Some(self.head),
            text => u64::from_str_radix(text.strip_prefix("0x")?, 16).ok(),
        }
    }
}
