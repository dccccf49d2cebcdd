use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_eips::eip2930::AccessListItem;
use alloy_primitives::{address, b256, hex};
use proptest::prelude::*;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

use super::*;

fn transaction(access_list: Option<AccessList>) -> UnsignedTransaction {
    UnsignedTransaction {
        chain_id: ChainId(1337),
        nonce: 7,
        gas_price: 0,
        gas_limit: Gas(200_000),
        to: TxKind::Call(address!("0x3535353535353535353535353535353535353535")),
        input: Bytes::from_static(&[0xa9, 0x05, 0x9c, 0xbb]),
        access_list,
    }
}

/// Sender as a node finds it: by recovery from the decoded envelope.
fn recovered_sender(envelope: &TxEnvelope) -> Address {
    let (hash, signature) = (envelope.signature_hash(), envelope.signature());
    let mut compact = [0; 64];
    compact[..32].copy_from_slice(&signature.r().to_be_bytes::<32>());
    compact[32..].copy_from_slice(&signature.s().to_be_bytes::<32>());
    let id = RecoveryId::try_from(i32::from(signature.v())).unwrap();
    let signature = RecoverableSignature::from_compact(&compact, id).unwrap();
    let key = SECP256K1
        .recover_ecdsa(Message::from_digest(hash.0), &signature)
        .unwrap();
    Address::from_slice(&keccak256(&key.serialize_uncompressed()[1..])[12..])
}

#[test]
fn address_follows_from_the_key() {
    // The key of EIP-155's example.
    let account = Account::from_key([0x46; 32]).unwrap();
    assert_eq!(
        account.address(),
        address!("0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F")
    );
    assert_eq!(
        format!("{account:?}"),
        "Account { address: 0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f, .. }"
    );
}

#[test]
fn bytes_out_of_range_are_no_key() {
    assert_eq!(Account::from_key([0; 32]).unwrap_err(), InvalidKey);
    assert_eq!(Account::from_key([0xff; 32]).unwrap_err(), InvalidKey);
}

#[test]
fn signature_is_that_of_the_eip_155_example() {
    // https://eips.ethereum.org/EIPS/eip-155: nonce 9, 20 gwei, 21000 gas, 1 ether, chain 1. Value is not ours to set, so
    // the signature alone is compared.
    let account = Account::from_key([0x46; 32]).unwrap();
    let signature = account.sign_hash(b256!(
        "0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"
    ));
    assert_eq!(
        signature.r().to_be_bytes::<32>(),
        hex!("28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276")
    );
    assert_eq!(
        signature.s().to_be_bytes::<32>(),
        hex!("67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83")
    );
    assert!(!signature.v());
}

#[test]
fn legacy_transaction_decodes_to_what_was_signed() {
    let account = Account::from_key([0x11; 32]).unwrap();
    let signed = account.sign(transaction(None));
    let envelope = TxEnvelope::decode_2718_exact(&signed.raw).unwrap();
    assert!(envelope.is_legacy());
    assert_eq!(envelope.chain_id(), Some(1337), "protected by EIP-155");
    assert_eq!(
        (envelope.nonce(), envelope.gas_limit(), envelope.gas_price()),
        (7, 200_000, Some(0))
    );
    assert_eq!(envelope.value(), U256::ZERO);
    assert_eq!(*envelope.tx_hash(), signed.hash);
    assert_eq!(recovered_sender(&envelope), signed.sender);
    assert_eq!(signed.sender, account.address());
}

#[test]
fn access_list_makes_a_type_1_transaction() {
    let account = Account::from_key([0x11; 32]).unwrap();
    let list = AccessList(vec![AccessListItem {
        address: Address::repeat_byte(9),
        storage_keys: vec![B256::ZERO],
    }]);
    let signed = account.sign(transaction(Some(list.clone())));
    assert_eq!(signed.raw[0], 1);
    let envelope = TxEnvelope::decode_2718_exact(&signed.raw).unwrap();
    assert_eq!(envelope.access_list(), Some(&list));
    assert_eq!(*envelope.tx_hash(), signed.hash);
    assert_eq!(recovered_sender(&envelope), account.address());
}

proptest! {
    #[test]
    fn any_transaction_decodes_to_its_sender(
        key in any::<[u8; 32]>(),
        nonce in any::<u64>(),
        gas_price in any::<u128>(),
        input in proptest::collection::vec(any::<u8>(), 0..300),
        create in any::<bool>(),
        typed in any::<bool>(),
    ) {
        let account = Account::from_key(key);
        prop_assume!(account.is_ok());
        let account = account.unwrap();
        let to = if create { TxKind::Create } else { TxKind::Call(Address::repeat_byte(1)) };
        let signed = account.sign(UnsignedTransaction {
            nonce,
            gas_price,
            to,
            input: input.clone().into(),
            ..transaction(typed.then(AccessList::default))
        });
        let envelope = TxEnvelope::decode_2718_exact(&signed.raw).unwrap();
        prop_assert_eq!(envelope.nonce(), nonce);
        prop_assert_eq!(envelope.gas_price(), Some(gas_price));
        prop_assert_eq!(envelope.kind(), to);
        prop_assert_eq!(&envelope.input()[..], &input[..]);
        prop_assert_eq!(envelope.is_eip2930(), typed);
        prop_assert_eq!(*envelope.tx_hash(), signed.hash);
        prop_assert_eq!(recovered_sender(&envelope), account.address());
    }
}
