//! The state root of the accounts that a genesis file allocates.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{HashBuilder, Nibbles};

use super::GenesisError;
use super::fields::{Fields, parse_address, parse_padded};
use crate::rlp;

pub(super) fn read(root: &Fields<'_>) -> Result<B256, GenesisError> {
    let Some(alloc) = root.object("alloc")? else {
        return Ok(alloy_trie::EMPTY_ROOT_HASH);
    };
    let mut accounts = BTreeMap::new();
    for (key, account) in alloc.entries() {
        let address: Address = parse_address(key)
            .ok_or_else(|| alloc.malformed(key, "keyed by an address", account))?;
        let account = Fields::of(account, alloc.path(key))?;
        if accounts
            .insert(keccak256(address), encode_account(&account)?)
            .is_some()
        {
            return Err(GenesisError::Ambiguous {
                path: alloc.path(key),
            });
        }
    }
    Ok(trie_root(&accounts))
}

/// An account as the state trie holds it. One without balance, nonce and code stays, as in Besu and GoQuorum.
fn encode_account(account: &Fields<'_>) -> Result<Vec<u8>, GenesisError> {
    let nonce = account.hex_quantity("nonce")?.unwrap_or_default();
    let balance = account.quantity("balance")?.unwrap_or_default();
    let code_hash = keccak256(account.bytes("code")?.unwrap_or_default());
    let mut payload = Vec::with_capacity(110);
    rlp::write_word(&mut payload, &nonce.to_be_bytes::<32>());
    rlp::write_word(&mut payload, &balance.to_be_bytes::<32>());
    rlp::write_bytes(&mut payload, storage_root(account)?.as_slice());
    rlp::write_bytes(&mut payload, code_hash.as_slice());
    let mut encoded = Vec::with_capacity(payload.len() + 3);
    rlp::write_list(&mut encoded, &payload);
    Ok(encoded)
}

fn storage_root(account: &Fields<'_>) -> Result<B256, GenesisError> {
    let mut slots = BTreeMap::new();
    let Some(storage) = account.object("storage")? else {
        return Ok(alloy_trie::EMPTY_ROOT_HASH);
    };
    for (key, value) in storage.entries() {
        const EXPECTED: &str = "up to 32 bytes in hexadecimal, as its key";
        let slot =
            parse_padded::<32>(key).ok_or_else(|| storage.malformed(key, EXPECTED, value))?;
        let word = value
            .as_str()
            .and_then(parse_padded::<32>)
            .ok_or_else(|| storage.malformed(key, EXPECTED, value))?;
        let mut encoded = Vec::with_capacity(33);
        rlp::write_word(&mut encoded, &word);
        if slots.insert(keccak256(slot), (word, encoded)).is_some() {
            return Err(GenesisError::Ambiguous {
                path: storage.path(key),
            });
        }
    }
    // A slot that holds zero does not exist.
    let written = slots
        .into_iter()
        .filter(|(_, (word, _))| U256::from_be_bytes(*word) != U256::ZERO);
    Ok(trie_root(
        &written
            .map(|(slot, (_, encoded))| (slot, encoded))
            .collect(),
    ))
}

fn trie_root(leaves: &BTreeMap<B256, Vec<u8>>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root()
}
