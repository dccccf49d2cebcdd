//! A chain as a node holds it ready: JSON text per block, in memory, with the places of its parts.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use alloy_primitives::map::B256HashMap;
use alloy_primitives::{Address, B256};

use crate::chain::{Chain, ChainError};
use crate::facts::Facts;
use crate::generate::make;
use crate::genesis::genesis_json;
use crate::options::ChainOptions;
use crate::record::SignatureRecord;
use crate::render::render;

/// Where a receipt stands in the text of its block's receipts.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptSpan {
    pub(crate) whole: Range<usize>,
    /// Its logs, with the commas between them and without the brackets.
    pub(crate) logs: Range<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct ServedBlock {
    pub(crate) hash: B256,
    /// The block with full transactions.
    pub(crate) json: Box<[u8]>,
    /// The transactions in `json`, without the brackets.
    pub(crate) transactions: Range<usize>,
    pub(crate) transaction_hashes: Box<[B256]>,
    pub(crate) receipts: Box<[u8]>,
    pub(crate) receipt_spans: Box<[ReceiptSpan]>,
    pub(crate) validators: Arc<[Address]>,
}

/// A chain that a [`ReplayNode`](crate::ReplayNode) serves. About 26 kB of memory per block of ten transfers.
#[derive(Debug)]
pub struct ServedChain {
    pub(crate) chain_id: u64,
    genesis_json: String,
    /// By number; `None` is a block that the node claims not to have.
    pub(crate) blocks: Vec<Option<ServedBlock>>,
    pub(crate) facts: Arc<Facts>,
    by_hash: B256HashMap<u32>,
    by_transaction: OnceLock<B256HashMap<(u32, u32)>>,
}

impl ServedChain {
    /// Makes (or finds in `cache_folder`) the signatures of a chain and renders it, without ever holding more of it than
    /// its JSON. `progress` hears the number of blocks done.
    pub fn make(
        options: &ChainOptions,
        cache_folder: Option<&Path>,
        progress: &dyn Fn(u64),
    ) -> Result<Self, ChainError> {
        let recorded = match cache_folder {
            Some(folder) => SignatureRecord::load(folder, options)?,
            None => None,
        };
        let (record, recorded_head) = recorded.unzip();
        let finish = |block| {
            let rendered = render(&block);
            // Only the first block is needed again, for the genesis file.
            (rendered, (block.number() == 0).then_some(block))
        };
        let made = make(options, record.as_ref(), finish, progress)?;
        match (cache_folder, recorded_head) {
            (Some(_), Some(head)) if head != made.head_hash => {
                return Err(ChainError::RecordOfOtherChain {
                    expected: made.head_hash,
                    found: head,
                });
            }
            (Some(folder), None) => made.signatures.store(folder, options, made.head_hash)?,
            _ => {}
        }
        let genesis = made
            .blocks
            .first()
            .and_then(|(_, genesis)| genesis.as_ref());
        let genesis_json = genesis
            .map(|genesis| genesis_json(options, genesis))
            .unwrap_or_default();
        let blocks = made
            .blocks
            .into_iter()
            .map(|(block, _)| Some(block))
            .collect();
        Ok(Self::assemble(
            options.chain_id,
            genesis_json,
            blocks,
            Arc::new(made.facts),
        ))
    }

    pub fn render(chain: &Chain) -> Self {
        let blocks = chain
            .blocks
            .iter()
            .map(|block| Some(render(block)))
            .collect();
        Self::assemble(
            chain.options.chain_id,
            chain.genesis_json.clone(),
            blocks,
            chain.facts.clone(),
        )
    }

    /// The number of the last block.
    pub fn head(&self) -> u64 {
        u64::try_from(self.blocks.len())
            .unwrap_or(u64::MAX)
            .saturating_sub(1)
    }

    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// A genesis file whose block 0 is the honest chain's.
    pub fn genesis_json(&self) -> &str {
        &self.genesis_json
    }

    pub fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    pub fn block_hash(&self, number: u64) -> Option<B256> {
        self.block(number).map(|block| block.hash)
    }

    /// As `eth_getBlockByNumber` with full transactions gives it.
    pub fn block_json(&self, number: u64) -> Option<&[u8]> {
        self.block(number).map(|block| block.json.as_ref())
    }

    /// As `eth_getBlockReceipts` gives them.
    pub fn receipts_json(&self, number: u64) -> Option<&[u8]> {
        self.block(number).map(|block| block.receipts.as_ref())
    }

    /// Bytes of JSON held for blocks and receipts.
    pub fn n_bytes(&self) -> usize {
        self.blocks
            .iter()
            .flatten()
            .map(|block| block.json.len() + block.receipts.len())
            .sum()
    }

    pub(crate) fn assemble(
        chain_id: u64,
        genesis_json: String,
        blocks: Vec<Option<ServedBlock>>,
        facts: Arc<Facts>,
    ) -> Self {
        let by_hash = (0_u32..)
            .zip(&blocks)
            .filter_map(|(place, block)| block.as_ref().map(|block| (block.hash, place)))
            .collect();
        Self {
            chain_id,
            genesis_json,
            blocks,
            facts,
            by_hash,
            by_transaction: OnceLock::new(),
        }
    }

    pub(crate) fn block(&self, number: u64) -> Option<&ServedBlock> {
        self.blocks.get(usize::try_from(number).ok()?)?.as_ref()
    }

    /// The number under which the block with this hash is served.
    pub(crate) fn number_of(&self, hash: B256) -> Option<u64> {
        self.by_hash.get(&hash).map(|place| u64::from(*place))
    }

    /// The number of the block that holds the transaction, and the place in it.
    pub(crate) fn place_of_transaction(&self, hash: B256) -> Option<(u64, usize)> {
        let index = self
            .by_transaction
            .get_or_init(|| self.index_transactions());
        let (number, place) = index.get(&hash)?;
        Some((u64::from(*number), usize::try_from(*place).ok()?))
    }

    fn index_transactions(&self) -> B256HashMap<(u32, u32)> {
        let mut index: B256HashMap<(u32, u32)> = HashMap::default();
        for (number, block) in (0_u32..).zip(&self.blocks) {
            let hashes = block
                .iter()
                .flat_map(|block| block.transaction_hashes.iter());
            index.extend(
                hashes
                    .zip(0_u32..)
                    .map(|(hash, place)| (*hash, (number, place))),
            );
        }
        index
    }
}
