//! A whole chain with all its fields in memory: what tests look into and what lies are made from.

use std::sync::Arc;

use alloy_primitives::B256;
use thiserror::Error;

use crate::block::Block;
use crate::facts::Facts;
use crate::generate::make;
use crate::genesis::genesis_json;
use crate::keys::{Key, seal_bytes};
use crate::options::{ChainOptions, OptionsError};
use crate::random::{Purpose, Random};
use crate::record::RecordError;

#[derive(Clone, Debug)]
pub struct Chain {
    pub options: ChainOptions,
    /// A Besu genesis file whose block 0 is `blocks[0]`.
    pub genesis_json: String,
    /// By number.
    pub blocks: Vec<Block>,
    pub facts: Arc<Facts>,
    pub(crate) validators: Vec<Key>,
}

#[derive(Debug, Error)]
pub enum ChainError {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(
        "the cached signatures belong to a chain with head {found}, these options make {expected}; \
         empty the cache folder (and raise the generator's version)"
    )]
    RecordOfOtherChain { expected: B256, found: B256 },
}

impl Chain {
    pub fn generate(options: &ChainOptions) -> Result<Self, ChainError> {
        let made = make(options, None, |block| block, &|_| {})?;
        let genesis_json = made
            .blocks
            .first()
            .map(|genesis| genesis_json(options, genesis))
            .unwrap_or_default();
        Ok(Self {
            options: options.clone(),
            genesis_json,
            blocks: made.blocks,
            facts: Arc::new(made.facts),
            validators: made.validators,
        })
    }

    /// The same chain as another node has it: each node keeps the first quorum of seals that reached it. `node` picks one of
    /// many choices.
    pub fn as_seen_by(&self, node: u64) -> Self {
        let mut chain = self.clone();
        for block in &mut chain.blocks[1..] {
            let mut random = Random::for_block(
                self.options.seed.wrapping_add(node),
                Purpose::Seals,
                block.number(),
            );
            let digest = block.seal_digest();
            let in_force = |key: &&Key| block.extra.validators.contains(&key.address);
            let mut candidates: Vec<&Key> = self.validators.iter().filter(in_force).collect();
            let mut seals = Vec::new();
            while seals.len() < block.extra.seals.len() && !candidates.is_empty() {
                let key = candidates.swap_remove(random.index(candidates.len()));
                seals.push(seal_bytes(&key.sign(digest)));
            }
            block.set_seals(seals);
        }
        chain
    }

    pub fn head(&self) -> u64 {
        self.blocks.last().map_or(0, Block::number)
    }

    pub fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(number).ok()?)
    }
}
