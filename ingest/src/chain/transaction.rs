//! Signed transactions of types 0 to 4: their EIP-2718 bytes and their sender.

use alloy_primitives::{Address, B256, keccak256};
use secp256k1::{
    Message, SECP256K1,
    ecdsa::{RecoverableSignature, RecoveryId},
};
use thiserror::Error;

use crate::rlp::{write_bytes, write_list, write_list_header, write_u64, write_word};

/// A 256-bit integer, most significant byte first.
pub(crate) type Word = [u8; 32];

/// Why a transaction has no sender.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SignatureError {
    #[error("v is {v}, which no transaction of type {transaction_type} has")]
    Parity { transaction_type: u8, v: u64 },
    #[error("the signature is not valid on secp256k1: {0}")]
    Curve(#[from] secp256k1::Error),
}

/// The fields that a transaction's type brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// Type 0.
    Legacy { gas_price: Word },
    /// Type 1, EIP-2930. Access lists are RLP.
    AccessList {
        gas_price: Word,
        access_list: &'a [u8],
    },
    /// Types 2 to 4.
    DynamicFee {
        max_priority_fee_per_gas: Word,
        max_fee_per_gas: Word,
        access_list: &'a [u8],
        extra: Extra<'a>,
    },
}

/// What types 3 and 4 add to type 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra<'a> {
    /// Type 2, EIP-1559.
    None,
    /// Type 3, EIP-4844.
    Blobs {
        max_fee_per_blob_gas: Word,
        versioned_hashes: &'a [[u8; 32]],
    },
    /// Type 4, EIP-7702: the list of authorizations as RLP.
    Authorizations(&'a [u8]),
}

/// A signed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transaction<'a> {
    pub kind: Kind<'a>,
    /// Absent for a legacy transaction without replay protection (EIP-155).
    pub chain_id: Option<u64>,
    pub nonce: u64,
    pub gas_limit: u64,
    pub to: Option<[u8; 20]>,
    pub value: Word,
    pub input: &'a [u8],
    /// `v` for legacy, the parity of y for the others.
    pub v: u64,
    pub r: Word,
    pub s: Word,
}

/// Buffers that are reused from transaction to transaction.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    fields: Vec<u8>,
    whole: Vec<u8>,
}

impl Transaction<'_> {
    pub(crate) fn transaction_type(&self) -> u8 {
        match self.kind {
            Kind::Legacy { .. } => 0,
            Kind::AccessList { .. } => 1,
            Kind::DynamicFee {
                extra: Extra::None, ..
            } => 2,
            Kind::DynamicFee {
                extra: Extra::Blobs { .. },
                ..
            } => 3,
            Kind::DynamicFee {
                extra: Extra::Authorizations(_),
                ..
            } => 4,
        }
    }

    /// Appends the EIP-2718 bytes to `out`; their Keccak-256 is the transaction's hash.
    pub(crate) fn write_signed(&self, out: &mut Vec<u8>, scratch: &mut Scratch) {
        scratch.fields.clear();
        self.write_fields(&mut scratch.fields);
        write_u64(&mut scratch.fields, self.v);
        write_word(&mut scratch.fields, &self.r);
        write_word(&mut scratch.fields, &self.s);
        self.write_envelope(out, &scratch.fields);
    }

    /// Recovers who signed.
    pub(crate) fn recover_sender(&self, scratch: &mut Scratch) -> Result<Address, SignatureError> {
        let parity = self.parity()?;
        let digest = self.signing_hash(scratch);
        let mut compact = [0; 64];
        compact[..32].copy_from_slice(&self.r);
        compact[32..].copy_from_slice(&self.s);
        let signature = RecoverableSignature::from_compact(&compact, parity)?;
        let key = SECP256K1.recover_ecdsa(Message::from_digest(digest.0), &signature)?;
        Ok(Address::from_raw_public_key(
            &key.serialize_uncompressed()[1..],
        ))
    }

    /// What the sender signed.
    fn signing_hash(&self, scratch: &mut Scratch) -> B256 {
        scratch.fields.clear();
        self.write_fields(&mut scratch.fields);
        if let (Kind::Legacy { .. }, Some(chain_id)) = (&self.kind, self.chain_id) {
            write_u64(&mut scratch.fields, chain_id);
            write_u64(&mut scratch.fields, 0);
            write_u64(&mut scratch.fields, 0);
        }
        scratch.whole.clear();
        self.write_envelope(&mut scratch.whole, &scratch.fields);
        keccak256(&scratch.whole)
    }

    fn parity(&self) -> Result<RecoveryId, SignatureError> {
        let unknown = || SignatureError::Parity {
            transaction_type: self.transaction_type(),
            v: self.v,
        };
        let odd = match (&self.kind, self.chain_id) {
            (Kind::Legacy { .. }, None) => self.v.checked_sub(27),
            (Kind::Legacy { .. }, Some(chain_id)) => chain_id
                .checked_mul(2)
                .and_then(|twice| self.v.checked_sub(twice)?.checked_sub(35)),
            _ => Some(self.v),
        };
        match odd {
            Some(0) => Ok(RecoveryId::Zero),
            Some(1) => Ok(RecoveryId::One),
            _ => Err(unknown()),
        }
    }

    fn write_envelope(&self, out: &mut Vec<u8>, fields: &[u8]) {
        match self.transaction_type() {
            0 => {}
            typed => out.push(typed),
        }
        write_list(out, fields);
    }

    /// All fields before the signature, in the order of the type.
    fn write_fields(&self, out: &mut Vec<u8>) {
        if !matches!(self.kind, Kind::Legacy { .. }) {
            write_u64(out, self.chain_id.unwrap_or_default());
        }
        write_u64(out, self.nonce);
        match &self.kind {
            Kind::Legacy { gas_price } | Kind::AccessList { gas_price, .. } => {
                write_word(out, gas_price)
            }
            Kind::DynamicFee {
                max_priority_fee_per_gas,
                max_fee_per_gas,
                ..
            } => {
                write_word(out, max_priority_fee_per_gas);
                write_word(out, max_fee_per_gas);
            }
        }
        write_u64(out, self.gas_limit);
        write_bytes(out, self.to.as_ref().map_or(&[], |to| to));
        write_word(out, &self.value);
        write_bytes(out, self.input);
        match &self.kind {
            Kind::Legacy { .. } => {}
            Kind::AccessList { access_list, .. } => out.extend_from_slice(access_list),
            Kind::DynamicFee {
                access_list, extra, ..
            } => {
                out.extend_from_slice(access_list);
                extra.write(out);
            }
        }
    }
}

impl Extra<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Blobs {
                max_fee_per_blob_gas,
                versioned_hashes,
            } => {
                write_word(out, max_fee_per_blob_gas);
                write_list_header(out, versioned_hashes.len() * 33);
                for hash in *versioned_hashes {
                    write_bytes(out, hash);
                }
            }
            Self::Authorizations(list) => out.extend_from_slice(list),
        }
    }
}

/// Address of the contract that a transaction of `sender` with `nonce` creates.
pub(crate) fn created_address(sender: &Address, nonce: u64) -> Address {
    sender.create(nonce)
}

#[cfg(test)]
mod tests;
