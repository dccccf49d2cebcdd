//! Pseudo-random numbers of our own (SplitMix64), so that a seed gives the same chain with any version of any library.

use alloy_primitives::{B256, U256};

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a stream of numbers is for: streams of different purposes never coincide.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Traffic,
    Consensus,
    Seals,
    Lies,
}

#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of one block, independent of how many numbers other blocks consumed.
    pub(crate) fn for_block(seed: u64, purpose: Purpose, block_number: u64) -> Self {
        let purpose = match purpose {
            Purpose::Traffic => 0x7472_6166,
            Purpose::Consensus => 0x636f_6e73,
            Purpose::Seals => 0x7365_616c,
            Purpose::Lies => 0x6c69_6573,
        };
        Self(mix(
            mix(seed ^ purpose).wrapping_add(GOLDEN_GAMMA) ^ block_number
        ))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN_GAMMA);
        mix(self.0)
    }

    /// In `0..limit`; `limit` must not be 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// An index into a collection of `length` elements; `length` must not be 0.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(limit)).unwrap_or(0)
    }

    pub(crate) fn per_mille(&mut self, chance: u32) -> bool {
        self.below(1000) < u64::from(chance)
    }

    pub(crate) fn hash(&mut self) -> B256 {
        let mut bytes = B256::ZERO;
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.number().to_be_bytes());
        }
        bytes
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 7);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.number().to_be_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    /// A number of up to `max_bits` bits, of random magnitude, at least 1; `max_bits` in `1..=256`.
    pub(crate) fn amount(&mut self, max_bits: u64) -> U256 {
        let n_bits = usize::try_from(1 + self.below(max_bits)).unwrap_or(1);
        let any = U256::from_be_bytes(self.hash().0) >> (256 - n_bits);
        any.max(U256::from(1))
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
