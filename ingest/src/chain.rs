//! What consensus hashes: transactions, receipts, tries. Both directions use it: blocks that arrive from a node and blocks
//! that are rebuilt from stored rows.

pub(crate) mod bloom;
pub(crate) mod receipt;
pub(crate) mod transaction;
pub(crate) mod trie;
