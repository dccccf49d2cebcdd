//! The logs bloom of a receipt and of a block (yellow paper, section 4.3.1).

use std::collections::HashMap;

use alloy_primitives::{Bloom, keccak256};

/// Three bits of the 2 048, as byte and mask.
type Bits = [(u8, u8); 3];

/// Entries kept before the cache starts anew: a few megabytes.
const MAX_ENTRIES: usize = 1 << 16;

/// Remembers the bits of addresses and topics, because a chain's logs use few of them over and over.
#[derive(Debug, Default)]
pub(crate) struct BloomBits {
    addresses: HashMap<[u8; 20], Bits>,
    topics: HashMap<[u8; 32], Bits>,
}

impl BloomBits {
    pub(crate) fn add_address(&mut self, bloom: &mut Bloom, address: &[u8; 20]) {
        set(bloom, cached(&mut self.addresses, address));
    }

    pub(crate) fn add_topic(&mut self, bloom: &mut Bloom, topic: &[u8; 32]) {
        set(bloom, cached(&mut self.topics, topic));
    }
}

fn cached<const N: usize>(cache: &mut HashMap<[u8; N], Bits>, input: &[u8; N]) -> Bits {
    if let Some(bits) = cache.get(input) {
        return *bits;
    }
    if cache.len() == MAX_ENTRIES {
        cache.clear();
    }
    let bits = bits(input);
    cache.insert(*input, bits);
    bits
}

/// The low 11 bits of the first three pairs of bytes of the hash; bit 0 is the last bit of the last byte.
fn bits(input: &[u8]) -> Bits {
    let hash = keccak256(input);
    [0, 2, 4].map(|at| {
        let bit = u16::from_be_bytes([hash[at], hash[at + 1]]) & 0x7ff;
        // A bit number of 11 bits: the byte number fits into 8.
        (u8::try_from(bit / 8).unwrap_or(u8::MAX), 1 << (bit % 8))
    })
}

fn set(bloom: &mut Bloom, bits: Bits) {
    for (byte, mask) in bits {
        bloom.0[255 - usize::from(byte)] |= mask;
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bloom, BloomInput};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blooms_equal_the_reference(address in any::<[u8; 20]>(), topics in prop::collection::vec(any::<[u8; 32]>(), 0..4)) {
            let (mut ours, mut reference) = (Bloom::ZERO, Bloom::ZERO);
            let mut cache = BloomBits::default();
            for _ in 0..2 {
                cache.add_address(&mut ours, &address);
                reference.accrue(BloomInput::Raw(&address));
                for topic in &topics {
                    cache.add_topic(&mut ours, topic);
                    reference.accrue(BloomInput::Raw(topic));
                }
            }
            prop_assert_eq!(ours, reference);
        }
    }
}
