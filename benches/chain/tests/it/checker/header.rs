//! The header from its JSON: its RLP, its hash, its seals.

use alloy_primitives::{Address, B256, hex, keccak256};
use secp256k1::{Message, SECP256K1, ecdsa};
use serde_json::Value;

use super::rlp;

/// extraData, taken apart.
pub(crate) struct Extra {
    pub(crate) vanity: Vec<u8>,
    pub(crate) validators: Vec<Address>,
    pub(crate) vote: Option<(Address, bool)>,
    pub(crate) round: Vec<u8>,
    pub(crate) seals: Vec<Vec<u8>>,
}

impl Extra {
    pub(crate) fn decode(encoded: &[u8]) -> Self {
        let items = rlp::items(encoded);
        assert_eq!(items.len(), 5);
        let vote = match rlp::payloads(items[2]).as_slice() {
            [] => None,
            [subject, kind] => Some((Address::from_slice(subject), *kind == [0xff])),
            other => panic!("a vote of {} items", other.len()),
        };
        Self {
            vanity: items[0].to_vec(),
            validators: rlp::payloads(items[1])
                .into_iter()
                .map(Address::from_slice)
                .collect(),
            vote,
            round: items[3].to_vec(),
            seals: rlp::payloads(items[4])
                .into_iter()
                .map(<[u8]>::to_vec)
                .collect(),
        }
    }

    fn encode_without_seals(&self, with_round: bool) -> Vec<u8> {
        let validators: Vec<_> = self
            .validators
            .iter()
            .map(|address| rlp::string(address.as_slice()))
            .collect();
        let vote = match self.vote {
            None => Vec::new(),
            Some((subject, add)) => {
                vec![
                    rlp::string(subject.as_slice()),
                    rlp::string(if add { &[0xff] } else { &[] }),
                ]
            }
        };
        let round = if with_round {
            self.round.as_slice()
        } else {
            &[]
        };
        rlp::list(&[
            rlp::string(&self.vanity),
            rlp::list(&validators),
            rlp::list(&vote),
            rlp::string(round),
            rlp::list(&[]),
        ])
    }
}

/// The block hash that follows from the fields.
pub(crate) fn hash(block: &Value) -> B256 {
    let extra = Extra::decode(&bytes(&block["extraData"]));
    keccak256(encode(block, &extra.encode_without_seals(false)))
}

/// Who made the seals; a seal that no key can have made is left out.
pub(crate) fn signers(block: &Value, extra: &Extra) -> Vec<Address> {
    let digest = keccak256(encode(block, &extra.encode_without_seals(true)));
    extra
        .seals
        .iter()
        .filter_map(|seal| recover(seal, digest))
        .collect()
}

/// `signature` is r || s || v with v in 0..=1.
pub(crate) fn recover(signature: &[u8], digest: B256) -> Option<Address> {
    let (v, compact) = signature.split_last()?;
    let id = ecdsa::RecoveryId::try_from(i32::from(*v)).ok()?;
    let signature = ecdsa::RecoverableSignature::from_compact(compact, id).ok()?;
    let public = SECP256K1
        .recover_ecdsa(Message::from_digest(digest.0), &signature)
        .ok()?;
    Some(Address::from_raw_public_key(
        &public.serialize_uncompressed()[1..],
    ))
}

fn encode(block: &Value, extra_data: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    for (field, is_number) in [
        ("parentHash", false),
        ("sha3Uncles", false),
        ("miner", false),
        ("stateRoot", false),
        ("transactionsRoot", false),
        ("receiptsRoot", false),
        ("logsBloom", false),
        ("difficulty", true),
        ("number", true),
        ("gasLimit", true),
        ("gasUsed", true),
        ("timestamp", true),
        ("extraData", false),
        ("mixHash", false),
        ("nonce", false),
        ("baseFeePerGas", true),
        ("withdrawalsRoot", false),
        ("blobGasUsed", true),
        ("excessBlobGas", true),
        ("parentBeaconBlockRoot", false),
        ("requestsHash", false),
    ] {
        match (field, is_number) {
            ("extraData", _) => fields.push(rlp::string(extra_data)),
            _ if block[field].is_null() => {}
            (_, true) => fields.push(rlp::number(&bytes(&block[field]))),
            (_, false) => fields.push(rlp::string(&bytes(&block[field]))),
        }
    }
    rlp::list(&fields)
}

/// Hex of any length, odd ones too; absent is empty.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let digits = value
        .as_str()
        .map_or("", |text| text.strip_prefix("0x").unwrap());
    let padding = if digits.len() % 2 == 1 { "0" } else { "" };
    hex::decode(format!("{padding}{digits}")).unwrap()
}

pub(crate) fn b256(value: &Value) -> B256 {
    B256::from_slice(&bytes(value))
}

pub(crate) fn address(value: &Value) -> Address {
    Address::from_slice(&bytes(value))
}

pub(crate) fn quantity(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}
