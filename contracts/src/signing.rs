//! From a transaction to its signed bytes: types 0 (with EIP-155) and 1, the two that a Berlin network knows.

use std::fmt;

use alloy_consensus::{SignableTransaction, Signed, TxEip2930, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use lastro_schema::{ChainId, Gas};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};

/// A private key and its account. It prints its address, never the key.
#[derive(Clone)]
pub struct Account {
    key: SecretKey,
    address: Address,
}

/// The 32 bytes are no secp256k1 key: zero, or not below the order of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("private key is not in the range of secp256k1")]
pub struct InvalidKey;

/// What a transaction says before it is signed. It moves no ether: the networks' gas price is zero and tokens are contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedTransaction {
    pub chain_id: ChainId,
    pub nonce: u64,
    /// In wei.
    pub gas_price: u128,
    pub gas_limit: Gas,
    /// `Create` deploys `input`.
    pub to: TxKind,
    pub input: Bytes,
    /// `Some` makes it a type 1 transaction (EIP-2930), an empty list included.
    pub access_list: Option<AccessList>,
}

/// Signed bytes, ready to be broadcast any number of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    pub hash: B256,
    pub sender: Address,
    pub nonce: u64,
    /// EIP-2718 envelope, what `eth_sendRawTransaction` takes.
    pub raw: Bytes,
}

impl Account {
    /// # Errors
    /// [`InvalidKey`] for the few byte strings that are no key.
    pub fn from_key(bytes: [u8; 32]) -> Result<Self, InvalidKey> {
        let key = SecretKey::from_byte_array(bytes).map_err(|_| InvalidKey)?;
        let point = PublicKey::from_secret_key(SECP256K1, &key).serialize_uncompressed();
        let address = Address::from_slice(&keccak256(&point[1..])[12..]);
        Ok(Self { key, address })
    }

    pub fn address(&self) -> Address {
        self.address
    }

    pub fn sign(&self, transaction: UnsignedTransaction) -> SignedTransaction {
        let UnsignedTransaction {
            chain_id,
            nonce,
            gas_price,
            gas_limit,
            to,
            input,
            access_list,
        } = transaction;
        let (chain_id, gas_limit, value) = (chain_id.0, gas_limit.0, U256::ZERO);
        match access_list {
            None => self.seal(
                TxLegacy {
                    chain_id: Some(chain_id),
                    nonce,
                    gas_price,
                    gas_limit,
                    to,
                    value,
                    input,
                },
                nonce,
            ),
            Some(access_list) => self.seal(
                TxEip2930 {
                    chain_id,
                    nonce,
                    gas_price,
                    gas_limit,
                    to,
                    value,
                    access_list,
                    input,
                },
                nonce,
            ),
        }
    }

    fn seal<T: SignableTransaction<Signature>>(
        &self,
        transaction: T,
        nonce: u64,
    ) -> SignedTransaction
    where
        Signed<T>: Encodable2718,
    {
        let signature = self.sign_hash(transaction.signature_hash());
        let raw = Bytes::from(transaction.into_signed(signature).encoded_2718());
        // Both types hash their envelope as it is broadcast.
        SignedTransaction {
            hash: keccak256(&raw),
            sender: self.address,
            nonce,
            raw,
        }
    }

    fn sign_hash(&self, hash: B256) -> Signature {
        let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(hash.0), &self.key);
        let (recovery_id, bytes) = signature.serialize_compact();
        Signature::from_bytes_and_parity(&bytes, i32::from(recovery_id) & 1 == 1)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
