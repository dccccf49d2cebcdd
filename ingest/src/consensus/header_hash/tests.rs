use alloy_consensus::Header as ReferenceHeader;
use alloy_primitives::{Address, B64, Bloom, Bytes};
use lastro_schema::{Gas, UnixSeconds};
use proptest::prelude::*;

use super::*;
use crate::consensus::recorded::{Signer, header_at};
use crate::consensus::{Seal, Vote, VoteKind};

type Mutation<T> = fn(&mut T);

/// One change per header field, in RLP order.
fn mutations() -> Vec<(&'static str, Mutation<Header>)> {
    vec![
        ("parent_hash", |h| h.parent_hash.0[31] ^= 1),
        ("ommers_hash", |h| h.ommers_hash.0[31] ^= 1),
        ("beneficiary", |h| h.beneficiary.0[19] ^= 1),
        ("state_root", |h| h.state_root.0[0] ^= 1),
        ("transactions_root", |h| h.transactions_root.0[0] ^= 1),
        ("receipts_root", |h| h.receipts_root.0[0] ^= 1),
        ("logs_bloom", |h| h.logs_bloom.0[255] ^= 1),
        ("difficulty", |h| h.difficulty += U256::ONE),
        ("number", |h| h.number.0 += 1),
        ("gas_limit", |h| h.gas_limit.0 += 1),
        ("gas_used", |h| h.gas_used.0 += 1),
        ("timestamp", |h| h.timestamp.0 += 1),
        ("mix_hash", |h| h.mix_hash.0[31] ^= 1),
        ("nonce", |h| h.nonce.0[7] ^= 1),
        ("base_fee_per_gas", |h| {
            h.base_fee_per_gas = h.base_fee_per_gas.map(|fee| fee + U256::ONE)
        }),
        ("withdrawals_root", |h| {
            h.withdrawals_root = h.withdrawals_root.map(|root| !root)
        }),
        ("blob_gas_used", |h| {
            h.blob_gas_used = h.blob_gas_used.map(|gas| Gas(gas.0 + 1))
        }),
        ("excess_blob_gas", |h| {
            h.excess_blob_gas = h.excess_blob_gas.map(|gas| Gas(gas.0 + 1))
        }),
        ("parent_beacon_block_root", |h| {
            h.parent_beacon_block_root = h.parent_beacon_block_root.map(|root| !root)
        }),
        ("requests_hash", |h| {
            h.requests_hash = Some(h.requests_hash.map_or(B256::ZERO, |hash| !hash))
        }),
    ]
}

#[test]
fn each_field_changes_both_hashes() {
    let header = header_at("main", 20).header;
    let extra = BftExtra::of_header(BftProtocol::Qbft, &header).unwrap();
    let mut hasher = HeaderHasher::new();
    let mut both = |header: &Header| {
        let hash = hasher.bft_hash(BftProtocol::Qbft, header, &extra).unwrap();
        (
            hash,
            hasher.seal_hash(BftProtocol::Qbft, header, &extra).unwrap(),
        )
    };
    let (hash, digest) = both(&header);
    for (field, mutate) in mutations() {
        let mut mutated = header.clone();
        mutate(&mut mutated);
        assert_ne!(mutated, header, "{field}");
        let (other_hash, other_digest) = both(&mutated);
        assert!(other_hash != hash && other_digest != digest, "{field}");
    }
}

#[test]
fn each_part_of_extra_data_changes_what_covers_it() {
    let header = header_at("main", 320).header;
    let extra = BftExtra::of_header(BftProtocol::Qbft, &header).unwrap();
    assert!(extra.vote.is_some());
    let changed: [(&str, Mutation<BftExtra>, bool, bool); 6] = [
        ("vanity", |e| e.vanity.0[0] ^= 1, true, true),
        ("validators", |e| e.validators.swap(0, 1), true, true),
        (
            "vote's kind",
            |e| {
                e.vote = e.vote.map(|vote| Vote {
                    kind: VoteKind::Add,
                    ..vote
                })
            },
            true,
            true,
        ),
        ("vote", |e| e.vote = None, true, true),
        ("round", |e| e.round += 1, false, true),
        ("seals", |e| e.seals.clear(), false, false),
    ];
    let mut hasher = HeaderHasher::new();
    for protocol in [BftProtocol::Qbft, BftProtocol::Ibft2] {
        let hash = hasher.bft_hash(protocol, &header, &extra).unwrap();
        let digest = hasher.seal_hash(protocol, &header, &extra).unwrap();
        for (part, mutate, in_hash, in_digest) in changed {
            let mut other = extra.clone();
            mutate(&mut other);
            assert_eq!(
                hasher.bft_hash(protocol, &header, &other).unwrap() != hash,
                in_hash,
                "{part}"
            );
            assert_eq!(
                hasher.seal_hash(protocol, &header, &other).unwrap() != digest,
                in_digest,
                "{part}"
            );
        }
    }
}

/// No IBFT 2.0 block was recorded: this builds what Besu's sources describe, byte by byte, and compares.
#[test]
fn ibft2_hashes_cover_three_and_four_items() {
    let signer = Signer::new(1);
    let mut header = header_at("main", 20).header;
    let extra = BftExtra {
        vanity: B256::ZERO,
        validators: vec![signer.address],
        vote: Some(Vote {
            recipient: Address::repeat_byte(0xaa),
            kind: VoteKind::Remove,
        }),
        round: 3,
        seals: vec![Seal([7; 65])],
    };
    let mut three_items = vec![0xa0];
    three_items.extend([0; 32]);
    three_items.extend([0xd5, 0x94]);
    three_items.extend(signer.address.as_slice());
    three_items.extend([0xd6, 0x94]);
    three_items.extend([0xaa; 20]);
    three_items.push(0x00);
    let four_items = [three_items.as_slice(), &[0x84, 0, 0, 0, 3]].concat();
    let mut by_hand = |items: &[u8]| {
        let mut list = Vec::new();
        rlp::write_list(&mut list, items);
        header.extra_data = list.into();
        HeaderHasher::new().plain_hash(&header).unwrap()
    };
    let (hash, digest) = (by_hand(&three_items), by_hand(&four_items));
    let mut hasher = HeaderHasher::new();
    assert_eq!(
        hasher
            .bft_hash(BftProtocol::Ibft2, &header, &extra)
            .unwrap(),
        hash
    );
    assert_eq!(
        hasher
            .seal_hash(BftProtocol::Ibft2, &header, &extra)
            .unwrap(),
        digest
    );
}

/// Besu leaves block 0's extraData as it is, whatever round or seals it holds.
#[test]
fn block_0_is_hashed_as_it_is() {
    let mut header = header_at("main", 0).header;
    let mut extra = BftExtra::of_header(BftProtocol::Qbft, &header).unwrap();
    extra.round = 1;
    let mut encoded = Vec::new();
    extra.encode_sealed(BftProtocol::Qbft, &mut encoded);
    header.extra_data = encoded.into();
    let mut hasher = HeaderHasher::new();
    let plain = hasher.plain_hash(&header).unwrap();
    assert_eq!(
        hasher.bft_hash(BftProtocol::Qbft, &header, &extra).unwrap(),
        plain
    );
}

#[test]
fn a_gap_between_optional_fields_is_refused() {
    let mut header = header_at("main", 20).header;
    header.blob_gas_used = None;
    let refused = HeaderHasher::new().plain_hash(&header).unwrap_err();
    assert_eq!(
        refused,
        ConsensusError::FieldGap {
            block: BlockNumber(20),
            absent: "blobGasUsed",
            present: "excessBlobGas"
        }
    );
}

proptest! {
    /// All forks: the first `n_optional` of the fields that forks brought are present.
    #[test]
    fn headers_equal_the_reference(
        words in prop::array::uniform8(any::<[u8; 32]>()),
        numbers in prop::array::uniform6(prop_oneof![0_u64..300, any::<u64>()]),
        bloom in prop::collection::vec(any::<u8>(), 256),
        extra_data in prop::collection::vec(any::<u8>(), 0..300),
        n_optional in 0_usize..=6,
    ) {
        let has = |place: usize| n_optional > place;
        let header = Header {
            parent_hash: words[0].into(),
            ommers_hash: words[1].into(),
            beneficiary: Address::from_slice(&words[2][12..]),
            state_root: words[3].into(),
            transactions_root: words[4].into(),
            receipts_root: words[5].into(),
            logs_bloom: Bloom::from_slice(&bloom),
            difficulty: U256::from_be_bytes(words[6]) >> (numbers[0] % 256),
            number: BlockNumber(numbers[0]),
            gas_limit: Gas(numbers[1]),
            gas_used: Gas(numbers[2]),
            timestamp: UnixSeconds(numbers[3]),
            extra_data: Bytes::from(extra_data),
            mix_hash: words[7].into(),
            nonce: B64::from(numbers[4].to_be_bytes()),
            base_fee_per_gas: has(0).then(|| U256::from(numbers[5])),
            withdrawals_root: has(1).then(|| words[0].into()),
            blob_gas_used: has(2).then_some(Gas(numbers[4])),
            excess_blob_gas: has(3).then_some(Gas(numbers[3])),
            parent_beacon_block_root: has(4).then(|| words[1].into()),
            requests_hash: has(5).then(|| words[2].into()),
        };
        let reference = alloy_rlp::encode(reference(&header));
        let mut hasher = HeaderHasher::new();
        prop_assert_eq!(hasher.encode(&header).unwrap(), reference.as_slice());
        prop_assert_eq!(hasher.plain_hash(&header).unwrap(), keccak256(&reference));
    }
}

fn reference(header: &Header) -> ReferenceHeader {
    ReferenceHeader {
        parent_hash: header.parent_hash,
        ommers_hash: header.ommers_hash,
        beneficiary: header.beneficiary,
        state_root: header.state_root,
        transactions_root: header.transactions_root,
        receipts_root: header.receipts_root,
        logs_bloom: header.logs_bloom,
        difficulty: header.difficulty,
        number: header.number.0,
        gas_limit: header.gas_limit.0,
        gas_used: header.gas_used.0,
        timestamp: header.timestamp.0,
        extra_data: header.extra_data.clone(),
        mix_hash: header.mix_hash,
        nonce: header.nonce,
        base_fee_per_gas: header.base_fee_per_gas.map(|fee| fee.to()),
        withdrawals_root: header.withdrawals_root,
        blob_gas_used: header.blob_gas_used.map(|gas| gas.0),
        excess_blob_gas: header.excess_blob_gas.map(|gas| gas.0),
        parent_beacon_block_root: header.parent_beacon_block_root,
        requests_hash: header.requests_hash,
        ..ReferenceHeader::default()
    }
}
