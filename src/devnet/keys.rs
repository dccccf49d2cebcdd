//! Keys of the validators: derived from a seed, so that a network started again has the same validators.

use alloy_primitives::{Address, B256, hex, keccak256};
use secp256k1::{PublicKey, SecretKey};

/// Key of one node. Known to everybody who knows the seed: fit for nothing but tests.
#[derive(Clone, Debug)]
pub(super) struct NodeKey {
    secret: SecretKey,
    address: Address,
    /// The public key without its prefix byte, in hex: how devp2p names a node.
    node_id: String,
}

impl NodeKey {
    /// Key number `index` of the network with this `seed`.
    pub(super) fn derive(seed: u64, index: usize) -> Self {
        let mut digest = keccak256(format!("lastro devnet {seed} node {index}"));
        // One digest in 2^128 is no key; the next one is.
        let secret = loop {
            match SecretKey::from_byte_array(digest.0) {
                Ok(secret) => break secret,
                Err(_) => digest = keccak256(digest),
            }
        };
        let public = PublicKey::from_secret_key_global(&secret).serialize_uncompressed();
        let coordinates = &public[1..];
        Self {
            secret,
            address: Address::from_raw_public_key(coordinates),
            node_id: hex::encode(coordinates),
        }
    }

    pub(super) fn address(&self) -> Address {
        self.address
    }

    /// Content of the file `nodekey`.
    pub(super) fn secret_hex(&self) -> String {
        hex::encode(B256::from(self.secret.secret_bytes()))
    }

    pub(super) fn enode(&self, p2p_port: u16) -> String {
        format!("enode://{}@127.0.0.1:{p2p_port}?discport=0", self.node_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_depend_on_seed_and_index_only() {
        let key = NodeKey::derive(1, 0);
        assert_eq!(key.address(), NodeKey::derive(1, 0).address());
        assert_ne!(key.address(), NodeKey::derive(1, 1).address());
        assert_ne!(key.address(), NodeKey::derive(2, 0).address());
        assert_eq!(key.node_id.len(), 128);
        assert_eq!(key.secret_hex().len(), 64);
    }
}
