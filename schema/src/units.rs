//! Newtypes that carry a unit or a meaning, so that swapping two numbers is a compile error.

use std::fmt;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// EIP-155 chain id.
    ChainId(u64)
);
number!(
    /// Number of a block; the genesis block is 0.
    BlockNumber(u64)
);
number!(
    /// Position of a transaction in its block, from 0.
    TransactionIndex(u32)
);
number!(
    /// Position of a log in its *block* (not in its transaction), from 0.
    LogIndex(u32)
);
number!(
    /// Amount of gas.
    Gas(u64)
);
number!(
    /// Seconds since 1970-01-01T00:00:00Z, as in a block header.
    UnixSeconds(u64)
);

impl BlockNumber {
    /// The block after this one; `None` at the end of the number space.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    /// The block before this one; `None` for genesis.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

/// A block whose identity matters, not only its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    pub number: BlockNumber,
    pub hash: B256,
}

impl fmt::Display for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.number, self.hash)
    }
}

/// Blocks `first..=last`; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRange {
    first: BlockNumber,
    last: BlockNumber,
}

impl BlockRange {
    /// `None` when `last` is below `first`.
    pub fn new(first: BlockNumber, last: BlockNumber) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    pub fn single(number: BlockNumber) -> Self {
        Self {
            first: number,
            last: number,
        }
    }

    pub fn first(&self) -> BlockNumber {
        self.first
    }

    pub fn last(&self) -> BlockNumber {
        self.last
    }

    /// Number of blocks, at least 1; saturates on the range of all 2^64 blocks.
    pub fn n_blocks(&self) -> u64 {
        (self.last.0 - self.first.0).saturating_add(1)
    }

    pub fn contains(&self, number: BlockNumber) -> bool {
        self.first <= number && number <= self.last
    }

    pub fn numbers(&self) -> impl DoubleEndedIterator<Item = BlockNumber> + use<> {
        (self.first.0..=self.last.0).map(BlockNumber)
    }

    /// Cuts the range into consecutive pieces of at most `n_blocks` blocks (at least 1 each).
    pub fn chunks(&self, n_blocks: u64) -> impl Iterator<Item = Self> + use<> {
        let step = n_blocks.max(1);
        let last = self.last.0;
        let mut next = Some(self.first.0);
        std::iter::from_fn(move || {
            let first = next?;
            let end = first.saturating_add(step - 1).min(last);
            next = (end < last).then(|| end + 1);
            Some(Self {
                first: BlockNumber(first),
                last: BlockNumber(end),
            })
        })
    }
}

impl fmt::Display for BlockRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.first, self.last)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_never_empty() {
        assert_eq!(BlockRange::new(BlockNumber(2), BlockNumber(1)), None);
        assert_eq!(
            BlockRange::new(BlockNumber(2), BlockNumber(2))
                .unwrap()
                .n_blocks(),
            1
        );
    }

    #[test]
    fn chunks_cover_the_range_once() {
        let range = BlockRange::new(BlockNumber(3), BlockNumber(12)).unwrap();
        let chunks: Vec<_> = range.chunks(4).map(|c| (c.first().0, c.last().0)).collect();
        assert_eq!(chunks, [(3, 6), (7, 10), (11, 12)]);
        let end = BlockRange::new(BlockNumber(u64::MAX - 1), BlockNumber(u64::MAX)).unwrap();
        assert_eq!(end.chunks(1).count(), 2);
    }
}
