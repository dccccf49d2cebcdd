//! Roots of the tries of a block: keys are the RLP of the position, values the encoded items.

use alloy_primitives::B256;
use alloy_rlp::BufMut;
use alloy_trie::root::ordered_trie_root_with_encoder;

/// Encoded items, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct EncodedItems {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl EncodedItems {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Appends an item by letting `write` extend the buffer; gives the item's bytes.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
        &self.bytes[start..]
    }

    /// Root of the trie of the items in their order.
    pub(crate) fn root(&self) -> B256 {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let items: Vec<&[u8]> = starts
            .zip(&self.ends)
            .map(|(start, end)| &self.bytes[start..*end])
            .collect();
        ordered_trie_root_with_encoder(&items, |item, out| out.put_slice(item))
    }
}

#[cfg(test)]
mod tests {
    use alloy_trie::EMPTY_ROOT_HASH;

    use super::*;

    #[test]
    fn no_items_give_the_empty_root() {
        assert_eq!(EncodedItems::default().root(), EMPTY_ROOT_HASH);
    }
}
