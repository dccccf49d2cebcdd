//! Keys and addresses derived from the seed, and the one place that signs.

use std::slice;

use alloy_primitives::{Address, B256, Signature, keccak256};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};

/// A key pair of the synthetic network: an account that sends transactions, a validator, a stranger.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) address: Address,
    secret: SecretKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.address)
    }
}

impl Key {
    /// The key number `index` of `role` under `seed`.
    pub(crate) fn derive(seed: u64, role: &str, index: u64) -> Self {
        let mut attempt =
            keccak256([&seed.to_be_bytes(), role.as_bytes(), &index.to_be_bytes()].concat());
        loop {
            // All but about one in 2^128 hashes are a valid secret key.
            if let Ok(secret) = SecretKey::from_byte_array(attempt.0) {
                let public =
                    PublicKey::from_secret_key(SECP256K1, &secret).serialize_uncompressed();
                let address = Address::from_raw_public_key(&public[1..]);
                return Self { address, secret };
            }
            attempt = keccak256(attempt);
        }
    }

    /// Deterministic (RFC 6979) signature over a digest, with s in the lower half.
    pub(crate) fn sign(&self, digest: B256) -> Signature {
        let message = Message::from_digest(digest.0);
        let (recovery_id, compact) = SECP256K1
            .sign_ecdsa_recoverable(message, &self.secret)
            .serialize_compact();
        Signature::from_bytes_and_parity(&compact, i32::from(recovery_id) & 1 == 1)
    }
}

/// An address that has no key: a token contract.
pub(crate) fn derive_address(seed: u64, role: &str, index: u64) -> Address {
    Address::from_word(keccak256(
        [&seed.to_be_bytes(), role.as_bytes(), &index.to_be_bytes()].concat(),
    ))
}

/// r || s || v with v in {0, 1}, as a commit seal is written.
pub(crate) fn seal_bytes(signature: &Signature) -> [u8; 65] {
    signature.as_rsy()
}

/// Where the signatures of one block come from: made now, or made by an earlier run of the same generator. Signing is
/// deterministic, so both give the same bytes, and it is nine tenths of the cost of a block.
#[derive(Debug)]
pub(crate) enum Signatures<'a> {
    Fresh(Vec<Signature>),
    Recorded(slice::Iter<'a, Signature>),
}

impl Signatures<'_> {
    /// `digest` is computed only when the signature has to be made.
    pub(crate) fn sign(&mut self, key: &Key, digest: impl FnOnce() -> B256) -> Signature {
        match self {
            Self::Fresh(made) => {
                let signature = key.sign(digest());
                made.push(signature);
                signature
            }
            Self::Recorded(recorded) => match recorded.next() {
                Some(signature) => *signature,
                None => key.sign(digest()),
            },
        }
    }

    /// The signatures that were made, in order; empty when they came from a record.
    pub(crate) fn into_fresh(self) -> Vec<Signature> {
        match self {
            Self::Fresh(made) => made,
            Self::Recorded(_) => Vec::new(),
        }
    }
}
