//! A transaction as a flat set of fields that a lie can change one by one; encoding and hashing are alloy's.

use alloy_consensus::{
    EthereumTxEnvelope, Signed, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::AccessList;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use secp256k1::{Message, SECP256K1, ecdsa};

use crate::keys::{Key, Signatures};

pub(crate) type Envelope = EthereumTxEnvelope<TxEip4844>;

/// Fields that the type does not have are ignored by the encoding and not rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub transaction_type: TransactionType,
    /// `None` for an unprotected legacy transaction.
    pub chain_id: Option<u64>,
    pub nonce: u64,
    /// Types 0 and 1: as signed. Other types: what was paid per gas once mined, which is not signed.
    pub gas_price: u128,
    pub max_fee_per_gas: u128,
    pub max_priority_fee_per_gas: u128,
    pub max_fee_per_blob_gas: u128,
    pub gas_limit: u64,
    /// `None` creates a contract.
    pub to: Option<Address>,
    pub value: U256,
    pub input: Bytes,
    pub access_list: AccessList,
    pub blob_versioned_hashes: Vec<B256>,
    pub authorization_list: Vec<SignedAuthorization>,
    pub signature: Signature,
    /// As the node states it; of an honest block the hash of the encoded transaction.
    pub hash: B256,
    /// As the node states it; of an honest block the signer.
    pub from: Address,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransactionType {
    Legacy = 0,
    AccessList = 1,
    DynamicFee = 2,
    Blob = 3,
    SetCode = 4,
}

impl TransactionType {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Legacy => 0,
            Self::AccessList => 1,
            Self::DynamicFee => 2,
            Self::Blob => 3,
            Self::SetCode => 4,
        }
    }

    pub(crate) fn has_dynamic_fee(self) -> bool {
        self >= Self::DynamicFee
    }
}

impl Transaction {
    /// A protected legacy transaction without price, value and signature.
    pub(crate) fn legacy(chain_id: u64, nonce: u64, to: Option<Address>, input: Bytes) -> Self {
        Self {
            transaction_type: TransactionType::Legacy,
            chain_id: Some(chain_id),
            nonce,
            gas_price: 0,
            max_fee_per_gas: 0,
            max_priority_fee_per_gas: 0,
            max_fee_per_blob_gas: 0,
            gas_limit: 0,
            to,
            value: U256::ZERO,
            input,
            access_list: AccessList::default(),
            blob_versioned_hashes: Vec::new(),
            authorization_list: Vec::new(),
            signature: Signature::new(U256::ZERO, U256::ZERO, false),
            hash: B256::ZERO,
            from: Address::ZERO,
        }
    }

    /// Signs, and sets hash and sender accordingly.
    pub(crate) fn sign(&mut self, key: &Key, signatures: &mut Signatures<'_>) {
        self.signature = signatures.sign(key, || self.envelope().signature_hash());
        self.from = key.address;
        self.hash = self.encoded_hash();
    }

    /// The bytes that enter the transactions trie.
    pub fn encoded(&self) -> Vec<u8> {
        self.envelope().encoded_2718()
    }

    pub(crate) fn encoded_hash(&self) -> B256 {
        keccak256(self.encoded())
    }

    /// The address that the signature belongs to; `None` when it belongs to none.
    pub fn recover_sender(&self) -> Option<Address> {
        recover(&self.signature, self.envelope().signature_hash())
    }

    pub(crate) fn envelope(&self) -> Envelope {
        let signature = self.signature;
        match self.transaction_type {
            TransactionType::Legacy => {
                Envelope::Legacy(Signed::new_unhashed(self.as_legacy(), signature))
            }
            TransactionType::AccessList => {
                Envelope::Eip2930(Signed::new_unhashed(self.as_access_list(), signature))
            }
            TransactionType::DynamicFee => {
                Envelope::Eip1559(Signed::new_unhashed(self.as_dynamic_fee(), signature))
            }
            TransactionType::Blob => {
                Envelope::Eip4844(Signed::new_unhashed(self.as_blob(), signature))
            }
            TransactionType::SetCode => {
                Envelope::Eip7702(Signed::new_unhashed(self.as_set_code(), signature))
            }
        }
    }

    fn kind(&self) -> TxKind {
        self.to.map_or(TxKind::Create, TxKind::Call)
    }

    fn as_legacy(&self) -> TxLegacy {
        TxLegacy {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_price: self.gas_price,
            gas_limit: self.gas_limit,
            to: self.kind(),
            value: self.value,
            input: self.input.clone(),
        }
    }

    fn as_access_list(&self) -> TxEip2930 {
        TxEip2930 {
            chain_id: self.chain_id.unwrap_or_default(),
            nonce: self.nonce,
            gas_price: self.gas_price,
            gas_limit: self.gas_limit,
            to: self.kind(),
            value: self.value,
            access_list: self.access_list.clone(),
            input: self.input.clone(),
        }
    }

    fn as_dynamic_fee(&self) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.chain_id.unwrap_or_default(),
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee_per_gas,
            max_priority_fee_per_gas: self.max_priority_fee_per_gas,
            to: self.kind(),
            value: self.value,
            access_list: self.access_list.clone(),
            input: self.input.clone(),
        }
    }

    fn as_blob(&self) -> TxEip4844 {
        TxEip4844 {
            chain_id: self.chain_id.unwrap_or_default(),
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee_per_gas,
            max_priority_fee_per_gas: self.max_priority_fee_per_gas,
            to: self.to.unwrap_or_default(),
            value: self.value,
            access_list: self.access_list.clone(),
            blob_versioned_hashes: self.blob_versioned_hashes.clone(),
            max_fee_per_blob_gas: self.max_fee_per_blob_gas,
            input: self.input.clone(),
        }
    }

    fn as_set_code(&self) -> TxEip7702 {
        TxEip7702 {
            chain_id: self.chain_id.unwrap_or_default(),
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee_per_gas,
            max_priority_fee_per_gas: self.max_priority_fee_per_gas,
            to: self.to.unwrap_or_default(),
            value: self.value,
            access_list: self.access_list.clone(),
            authorization_list: self.authorization_list.clone(),
            input: self.input.clone(),
        }
    }
}

/// The address whose key made `signature` over `digest`.
pub(crate) fn recover(signature: &Signature, digest: B256) -> Option<Address> {
    let bytes = signature.as_rsy();
    let id = ecdsa::RecoveryId::try_from(i32::from(bytes[64])).ok()?;
    let signature = ecdsa::RecoverableSignature::from_compact(&bytes[..64], id).ok()?;
    let public = SECP256K1
        .recover_ecdsa(Message::from_digest(digest.0), &signature)
        .ok()?;
    Some(Address::from_raw_public_key(
        &public.serialize_uncompressed()[1..],
    ))
}
