//! The methods, one small function each.

use alloy_primitives::hex;

use super::answer::{Answer, Piece};
use super::params::{Params, parse_hash};
use super::rpc::Failure;
use super::{Shared, call, logs};
use crate::served::{ServedBlock, ServedChain};

pub(super) type Outcome<'c> = Result<Answer<'c>, Failure>;

pub(super) fn call<'c>(
    shared: &Shared,
    chain: &'c ServedChain,
    method: &str,
    params: &Params,
) -> Outcome<'c> {
    let node = Node { shared, chain };
    let is_besu = !shared.quirks().without_block_receipts;
    match method {
        "eth_getBlockByNumber" => node.block_by_number(params),
        "eth_getBlockReceipts" if is_besu => node.block_receipts(params),
        "eth_getBlockByHash" => node.block_by_hash(params),
        "eth_getTransactionReceipt" => node.transaction_receipt(params),
        "eth_getTransactionByHash" => node.transaction_by_hash(params),
        "eth_getLogs" => logs::get_logs(shared, chain, params),
        "eth_call" => call::eth_call(shared, chain, params),
        "eth_blockNumber" => Ok(Answer::quantity(shared.head.number())),
        "eth_chainId" => Ok(Answer::quantity(chain.chain_id)),
        "net_version" => Ok(Answer::text(&chain.chain_id.to_string())),
        "web3_clientVersion" => Ok(Answer::text(shared.quirks().client_version)),
        "eth_syncing" => Ok(node.syncing()),
        "net_peerCount" => Ok(Answer::quantity(3)),
        "net_listening" => Ok(Answer::Made("true".to_owned())),
        "eth_gasPrice" | "eth_maxPriorityFeePerGas" => Ok(Answer::quantity(0)),
        "qbft_getValidatorsByBlockNumber" if is_besu => node.validators_by_number(params),
        _ => Err(Failure::METHOD_NOT_FOUND),
    }
}

struct Node<'s, 'c> {
    shared: &'s Shared,
    chain: &'c ServedChain,
}

impl<'c> Node<'_, 'c> {
    fn block_by_number(&self, params: &Params) -> Outcome<'c> {
        let number = params.block_number(0, self.shared)?;
        let full = params.flag(1)?;
        Ok(match self.visible_block(number, "eth_getBlockByNumber") {
            Some(block) => block_answer(block, full),
            None => Answer::null(),
        })
    }

    fn block_by_hash(&self, params: &Params) -> Outcome<'c> {
        let hash = params.hash(0)?;
        let full = params.flag(1)?;
        let number = self.chain.number_of(hash);
        Ok(
            match number.and_then(|number| self.visible_block(number, "eth_getBlockByHash")) {
                Some(block) => block_answer(block, full),
                None => Answer::null(),
            },
        )
    }

    fn block_receipts(&self, params: &Params) -> Outcome<'c> {
        let number = match params.get(0).and_then(parse_hash) {
            Some(hash) => self.chain.number_of(hash),
            None => Some(params.block_number(0, self.shared)?),
        };
        Ok(
            match number.and_then(|number| self.visible_block(number, "eth_getBlockReceipts")) {
                Some(block) => Answer::Pieces(vec![Piece::Chain(&block.receipts)]),
                None => Answer::null(),
            },
        )
    }

    fn transaction_receipt(&self, params: &Params) -> Outcome<'c> {
        let place = self.chain.place_of_transaction(params.hash(0)?);
        let found = place.and_then(|(number, place)| {
            let block = self.visible_block(number, "eth_getTransactionReceipt")?;
            let span = block.receipt_spans.get(place)?;
            block.receipts.get(span.whole.clone())
        });
        Ok(found.map_or_else(Answer::null, |json| {
            Answer::Pieces(vec![Piece::Chain(json)])
        }))
    }

    fn transaction_by_hash(&self, params: &Params) -> Outcome<'c> {
        let place = self.chain.place_of_transaction(params.hash(0)?);
        let found = place.and_then(|(number, place)| {
            let block = self.visible_block(number, "eth_getTransactionByHash")?;
            let block: serde_json::Value = serde_json::from_slice(&block.json).ok()?;
            Some(block["transactions"].get(place)?.to_string())
        });
        Ok(found.map_or_else(Answer::null, Answer::Made))
    }

    fn validators_by_number(&self, params: &Params) -> Outcome<'c> {
        let number = params.block_number(0, self.shared)?;
        let Some(block) = self.visible_block(number, "qbft_getValidatorsByBlockNumber") else {
            return Ok(Answer::null());
        };
        let mut validators = block.validators.to_vec();
        validators.sort_unstable();
        let quoted: Vec<String> = validators
            .iter()
            .map(|address| format!("\"{}\"", hex::encode_prefixed(address)))
            .collect();
        Ok(Answer::Made(format!("[{}]", quoted.join(","))))
    }

    fn syncing(&self) -> Answer<'static> {
        if !self.shared.quirks().syncing {
            return Answer::Made("false".to_owned());
        }
        let (current, highest) = (self.shared.head.number(), self.chain.head());
        Answer::Made(format!(
            r#"{{"startingBlock":"0x0","currentBlock":"{current:#x}","highestBlock":"{highest:#x}"}}"#
        ))
    }

    /// `None` beyond the head, and for a block that was announced too recently.
    fn visible_block(&self, number: u64, method: &'static str) -> Option<&'c ServedBlock> {
        let n_nulls = self.shared.quirks().nulls_after_announcement;
        if number > self.shared.head.number() || self.shared.head.deny(number, method, n_nulls) {
            return None;
        }
        self.chain.block(number)
    }
}

/// With full transactions, or with their hashes.
pub(super) fn block_answer(block: &ServedBlock, full: bool) -> Answer<'_> {
    if full {
        return Answer::Pieces(vec![Piece::Chain(&block.json)]);
    }
    let hashes: Vec<String> = block
        .transaction_hashes
        .iter()
        .map(|hash| format!("\"{}\"", hex::encode_prefixed(hash)))
        .collect();
    Answer::Pieces(vec![
        Piece::Chain(&block.json[..block.transactions.start]),
        Piece::Made(hashes.join(",")),
        Piece::Chain(&block.json[block.transactions.end..]),
    ])
}
