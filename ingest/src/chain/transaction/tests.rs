//! Against alloy's encoders, an independent implementation.
#![allow(clippy::unwrap_used)]

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Signature, TxKind, U256};
use alloy_rlp::Encodable;
use proptest::prelude::*;
use secp256k1::SecretKey;

use super::*;

/// Everything a transaction of any type may hold, drawn at random.
#[derive(Clone, Debug)]
struct Drawn {
    key: [u8; 32],
    chain_id: Option<u64>,
    nonce: u64,
    gas_limit: u64,
    prices: [u128; 3],
    to: Option<[u8; 20]>,
    value: [u64; 4],
    input: Vec<u8>,
    access_list: Vec<([u8; 20], Vec<[u8; 32]>)>,
    blobs: Vec<[u8; 32]>,
    authorizations: Vec<(u64, [u8; 20], u64, bool)>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let who = (
        any::<[u8; 32]>(),
        prop::option::of(1_u64..1 << 40),
        any::<u64>(),
        any::<u64>(),
    );
    let what = (
        any::<[u128; 3]>(),
        prop::option::of(any::<[u8; 20]>()),
        any::<[u64; 4]>(),
        prop::collection::vec(any::<u8>(), 0..300),
    );
    let lists = (
        prop::collection::vec(
            (
                any::<[u8; 20]>(),
                prop::collection::vec(any::<[u8; 32]>(), 0..3),
            ),
            0..3,
        ),
        prop::collection::vec(any::<[u8; 32]>(), 0..7),
        prop::collection::vec(
            (any::<u64>(), any::<[u8; 20]>(), any::<u64>(), any::<bool>()),
            0..4,
        ),
    );
    (who, what, lists).prop_map(
        |(
            (key, chain_id, nonce, gas_limit),
            (prices, to, value, input),
            (access_list, blobs, authorizations),
        )| Drawn {
            key,
            chain_id,
            nonce,
            gas_limit,
            prices,
            to,
            value,
            input,
            access_list,
            blobs,
            authorizations,
        },
    )
}

fn word(value: U256) -> Word {
    value.to_be_bytes()
}

fn price(value: u128) -> Word {
    let mut word = [0; 32];
    word[16..].copy_from_slice(&value.to_be_bytes());
    word
}

fn address(key: &[u8; 32]) -> Address {
    let key = SecretKey::from_byte_array(*key)
        .unwrap()
        .public_key(SECP256K1);
    Address::from_raw_public_key(&key.serialize_uncompressed()[1..])
}

fn sign(key: &[u8; 32], digest: B256) -> Option<Signature> {
    let key = SecretKey::from_byte_array(*key).ok()?;
    let (id, bytes) = SECP256K1
        .sign_ecdsa_recoverable(Message::from_digest(digest.0), &key)
        .serialize_compact();
    Some(Signature::from_bytes_and_parity(
        &bytes,
        id == RecoveryId::One,
    ))
}

fn check(signed: impl Encodable2718, drawn: &Drawn, signature: &Signature, kind: Kind<'_>, v: u64) {
    let transaction = Transaction {
        kind,
        chain_id: drawn.chain_id,
        nonce: drawn.nonce,
        gas_limit: drawn.gas_limit,
        to: drawn.to,
        value: word(U256::from_limbs(drawn.value)),
        input: &drawn.input,
        v,
        r: word(signature.r()),
        s: word(signature.s()),
    };
    let (mut ours, mut scratch) = (Vec::new(), Scratch::default());
    transaction.write_signed(&mut ours, &mut scratch);
    assert_eq!(ours, signed.encoded_2718());
    assert_eq!(
        transaction.recover_sender(&mut scratch).unwrap(),
        address(&drawn.key)
    );
}

impl Drawn {
    fn kind(&self) -> TxKind {
        self.to.map_or(TxKind::Create, |to| TxKind::Call(to.into()))
    }

    fn access_list(&self) -> (AccessList, Vec<u8>) {
        let item = |(address, keys): &([u8; 20], Vec<[u8; 32]>)| AccessListItem {
            address: address.into(),
            storage_keys: keys.iter().map(Into::into).collect(),
        };
        let list = AccessList(self.access_list.iter().map(item).collect());
        let mut rlp = Vec::new();
        list.encode(&mut rlp);
        (list, rlp)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn legacy(drawn in drawn()) {
        let unsigned = TxLegacy {
            chain_id: drawn.chain_id, nonce: drawn.nonce, gas_price: drawn.prices[0], gas_limit: drawn.gas_limit,
            to: drawn.kind(), value: U256::from_limbs(drawn.value), input: drawn.input.clone().into(),
        };
        let Some(signature) = sign(&drawn.key, unsigned.signature_hash()) else { return Ok(()) };
        let v = drawn.chain_id.map_or(27, |id| 35 + 2 * id) + u64::from(signature.v());
        let kind = Kind::Legacy { gas_price: price(drawn.prices[0]) };
        check(unsigned.into_signed(signature), &drawn, &signature, kind, v);
    }

    #[test]
    fn access_list(mut drawn in drawn()) {
        let chain_id = *drawn.chain_id.get_or_insert(1);
        let (list, rlp) = drawn.access_list();
        let unsigned = TxEip2930 {
            chain_id, nonce: drawn.nonce, gas_price: drawn.prices[0], gas_limit: drawn.gas_limit, to: drawn.kind(),
            value: U256::from_limbs(drawn.value), access_list: list, input: drawn.input.clone().into(),
        };
        let Some(signature) = sign(&drawn.key, unsigned.signature_hash()) else { return Ok(()) };
        let kind = Kind::AccessList { gas_price: price(drawn.prices[0]), access_list: &rlp };
        let v = u64::from(signature.v());
        check(unsigned.into_signed(signature), &drawn, &signature, kind, v);
    }

    #[test]
    fn dynamic_fee(mut drawn in drawn()) {
        let chain_id = *drawn.chain_id.get_or_insert(1);
        let (list, rlp) = drawn.access_list();
        let unsigned = TxEip1559 {
            chain_id, nonce: drawn.nonce, gas_limit: drawn.gas_limit, max_fee_per_gas: drawn.prices[0],
            max_priority_fee_per_gas: drawn.prices[1], to: drawn.kind(), value: U256::from_limbs(drawn.value),
            access_list: list, input: drawn.input.clone().into(),
        };
        let Some(signature) = sign(&drawn.key, unsigned.signature_hash()) else { return Ok(()) };
        let kind = Kind::DynamicFee {
            max_priority_fee_per_gas: price(drawn.prices[1]), max_fee_per_gas: price(drawn.prices[0]),
            access_list: &rlp, extra: Extra::None,
        };
        let v = u64::from(signature.v());
        check(unsigned.into_signed(signature), &drawn, &signature, kind, v);
    }

    #[test]
    fn blobs(mut drawn in drawn()) {
        let chain_id = *drawn.chain_id.get_or_insert(1);
        let to = *drawn.to.get_or_insert([7; 20]);
        let (list, rlp) = drawn.access_list();
        let unsigned = TxEip4844 {
            chain_id, nonce: drawn.nonce, gas_limit: drawn.gas_limit, max_fee_per_gas: drawn.prices[0],
            max_priority_fee_per_gas: drawn.prices[1], to: to.into(), value: U256::from_limbs(drawn.value),
            access_list: list, blob_versioned_hashes: drawn.blobs.iter().map(Into::into).collect(),
            max_fee_per_blob_gas: drawn.prices[2], input: drawn.input.clone().into(),
        };
        let Some(signature) = sign(&drawn.key, unsigned.signature_hash()) else { return Ok(()) };
        let kind = Kind::DynamicFee {
            max_priority_fee_per_gas: price(drawn.prices[1]), max_fee_per_gas: price(drawn.prices[0]), access_list: &rlp,
            extra: Extra::Blobs { max_fee_per_blob_gas: price(drawn.prices[2]), versioned_hashes: &drawn.blobs },
        };
        let v = u64::from(signature.v());
        check(unsigned.into_signed(signature), &drawn, &signature, kind, v);
    }

    #[test]
    fn authorizations(mut drawn in drawn()) {
        let chain_id = *drawn.chain_id.get_or_insert(1);
        let to = *drawn.to.get_or_insert([7; 20]);
        let (list, rlp) = drawn.access_list();
        let signed_authorization = |(chain, address, nonce, odd): &(u64, [u8; 20], u64, bool)| {
            let inner = Authorization { chain_id: U256::from(*chain), address: address.into(), nonce: *nonce };
            SignedAuthorization::new_unchecked(inner, u8::from(*odd), U256::from(*nonce), U256::from(*chain))
        };
        let authorizations: Vec<_> = drawn.authorizations.iter().map(signed_authorization).collect();
        let mut authorization_rlp = Vec::new();
        authorizations.encode(&mut authorization_rlp);
        let unsigned = TxEip7702 {
            chain_id, nonce: drawn.nonce, gas_limit: drawn.gas_limit, max_fee_per_gas: drawn.prices[0],
            max_priority_fee_per_gas: drawn.prices[1], to: to.into(), value: U256::from_limbs(drawn.value),
            access_list: list, authorization_list: authorizations, input: drawn.input.clone().into(),
        };
        let Some(signature) = sign(&drawn.key, unsigned.signature_hash()) else { return Ok(()) };
        let kind = Kind::DynamicFee {
            max_priority_fee_per_gas: price(drawn.prices[1]), max_fee_per_gas: price(drawn.prices[0]), access_list: &rlp,
            extra: Extra::Authorizations(&authorization_rlp),
        };
        let v = u64::from(signature.v());
        check(unsigned.into_signed(signature), &drawn, &signature, kind, v);
    }
}

#[test]
fn a_wrong_v_has_no_sender() {
    let legacy = Transaction {
        kind: Kind::Legacy { gas_price: [0; 32] },
        chain_id: Some(5),
        nonce: 0,
        gas_limit: 0,
        to: None,
        value: [0; 32],
        input: &[],
        v: 27,
        r: [1; 32],
        s: [1; 32],
    };
    let error = legacy.recover_sender(&mut Scratch::default());
    assert_eq!(
        error,
        Err(SignatureError::Parity {
            transaction_type: 0,
            v: 27
        })
    );
}
