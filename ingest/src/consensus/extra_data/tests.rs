use alloy_primitives::hex;
use proptest::prelude::*;

use super::*;

const PROTOCOLS: [BftProtocol; 2] = [BftProtocol::Qbft, BftProtocol::Ibft2];

fn extras() -> impl Strategy<Value = BftExtra> {
    let vote = (any::<[u8; 20]>(), any::<bool>()).prop_map(|(recipient, add)| Vote {
        recipient: recipient.into(),
        kind: if add { VoteKind::Add } else { VoteKind::Remove },
    });
    let seal =
        prop::collection::vec(any::<u8>(), 65).prop_map(|bytes| Seal(bytes.try_into().unwrap()));
    (
        any::<[u8; 32]>(),
        prop::collection::vec(any::<[u8; 20]>(), 0..30),
        prop::option::of(vote),
        prop_oneof![
            0_u32..300,
            any::<u32>(),
            Just(0x7f),
            Just(0x80),
            Just(0xffff),
            Just(0x1_0000)
        ],
        prop::collection::vec(seal, 0..8),
    )
        .prop_map(|(vanity, validators, vote, round, seals)| BftExtra {
            vanity: vanity.into(),
            validators: validators.into_iter().map(Address::from).collect(),
            vote,
            round,
            seals,
        })
}

fn encoded(
    extra: &BftExtra,
    encode: fn(&BftExtra, BftProtocol, &mut Vec<u8>),
    protocol: BftProtocol,
) -> Vec<u8> {
    let mut out = Vec::new();
    encode(extra, protocol, &mut out);
    out
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(extra in extras()) {
        for protocol in PROTOCOLS {
            let wire = encoded(&extra, BftExtra::encode_sealed, protocol);
            prop_assert_eq!(BftExtra::decode(protocol, &wire), Ok(extra.clone()));

            let unsealed = encoded(&extra, BftExtra::encode_unsealed, protocol);
            prop_assert_eq!(
                BftExtra::decode(protocol, &unsealed),
                Ok(BftExtra { seals: Vec::new(), ..extra.clone() })
            );
            prop_assert_eq!(reseal(protocol, &unsealed, extra.seals.clone()), Ok(wire));
        }
    }

    /// Whatever single byte is changed, cut or added: either refused, or it encodes to the very same bytes.
    #[test]
    fn what_is_decoded_encodes_to_the_same_bytes(extra in extras(), place in any::<prop::sample::Index>(), byte: u8) {
        for protocol in PROTOCOLS {
            let wire = encoded(&extra, BftExtra::encode_sealed, protocol);
            let at = place.index(wire.len());
            let mut changed = wire.clone();
            changed[at] = byte;
            let mut longer = wire.clone();
            longer.insert(at, byte);
            let mut shorter = wire.clone();
            shorter.remove(at);
            for bytes in [changed, longer, shorter] {
                for other in PROTOCOLS {
                    if let Ok(decoded) = BftExtra::decode(other, &bytes) {
                        prop_assert_eq!(encoded(&decoded, BftExtra::encode_sealed, other), bytes.clone());
                    }
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for protocol in PROTOCOLS {
            if let Ok(decoded) = BftExtra::decode(protocol, &bytes) {
                prop_assert_eq!(encoded(&decoded, BftExtra::encode_sealed, protocol), bytes.clone());
            }
        }
    }

    #[test]
    fn old_contents_do_not_survive(first in extras(), second in extras()) {
        let wire = encoded(&second, BftExtra::encode_sealed, BftProtocol::Qbft);
        let mut reused = first;
        reused.decode_into(BftProtocol::Qbft, &wire).unwrap();
        prop_assert_eq!(reused, second);
    }
}

/// The forms of one small example, written out.
#[test]
fn forms() {
    let extra = BftExtra {
        vanity: B256::ZERO,
        validators: vec![Address::repeat_byte(0x11)],
        vote: Some(Vote {
            recipient: Address::repeat_byte(0x22),
            kind: VoteKind::Remove,
        }),
        round: 5,
        seals: vec![Seal([0x33; 65])],
    };
    let add = BftExtra {
        vote: extra.vote.map(|vote| Vote {
            kind: VoteKind::Add,
            ..vote
        }),
        ..extra.clone()
    };
    let none = BftExtra {
        vote: None,
        ..extra.clone()
    };
    let text = |extra: &BftExtra, encode, protocol| hex::encode(encoded(extra, encode, protocol));
    let vanity = format!("a0{}", "00".repeat(32));
    let validators = format!("d594{}", "11".repeat(20));
    let [head, recipient] = [vanity + &validators, "94".to_owned() + &"22".repeat(20)];
    let seals = format!("f843b841{}", "33".repeat(65));

    let qbft = BftProtocol::Qbft;
    assert_eq!(
        text(&extra, BftExtra::encode_sealed, qbft),
        format!("f894{head}d6{recipient}8005{seals}")
    );
    assert_eq!(
        text(&extra, BftExtra::encode_unsealed, qbft),
        format!("f850{head}d6{recipient}8005c0")
    );
    assert_eq!(
        text(&extra, BftExtra::encode_for_seal, qbft),
        format!("f850{head}d6{recipient}8005c0")
    );
    assert_eq!(
        text(&extra, BftExtra::encode_for_hash, qbft),
        format!("f850{head}d6{recipient}8080c0")
    );
    assert_eq!(
        text(&add, BftExtra::encode_for_hash, qbft),
        format!("f851{head}d7{recipient}81ff80c0")
    );
    assert_eq!(
        text(&none, BftExtra::encode_for_hash, qbft),
        format!("f83a{head}c080c0")
    );

    let ibft2 = BftProtocol::Ibft2;
    let round = "8400000005";
    assert_eq!(
        text(&extra, BftExtra::encode_sealed, ibft2),
        format!("f898{head}d6{recipient}00{round}{seals}")
    );
    assert_eq!(
        text(&extra, BftExtra::encode_unsealed, ibft2),
        format!("f854{head}d6{recipient}00{round}c0")
    );
    assert_eq!(
        text(&extra, BftExtra::encode_for_seal, ibft2),
        format!("f853{head}d6{recipient}00{round}")
    );
    assert_eq!(
        text(&extra, BftExtra::encode_for_hash, ibft2),
        format!("f84e{head}d6{recipient}00")
    );
    assert_eq!(
        text(&add, BftExtra::encode_for_hash, ibft2),
        format!("f84f{head}d7{recipient}81ff")
    );
    assert_eq!(
        text(&none, BftExtra::encode_for_hash, ibft2),
        format!("f838{head}80")
    );
}

#[test]
fn each_fault_has_its_error() {
    let vanity = format!("a0{}", "00".repeat(32));
    let refused = |protocol, items: String| {
        let items = hex::decode(items).unwrap();
        let mut bytes = Vec::new();
        rlp::write_list(&mut bytes, &items);
        BftExtra::decode(protocol, &bytes).unwrap_err()
    };
    let qbft = |items: &str| refused(BftProtocol::Qbft, format!("{vanity}{items}"));
    let ibft2 = |items: &str| refused(BftProtocol::Ibft2, format!("{vanity}{items}"));
    let voted = |kind: &str, length: u8| format!("c0{length:02x}94{}{kind}", "22".repeat(20));

    use ExtraDataError::*;
    assert_eq!(
        BftExtra::decode(BftProtocol::Qbft, &[]),
        Err(Truncated { item: "extraData" })
    );
    assert_eq!(
        refused(BftProtocol::Qbft, "80".into()),
        WrongLength {
            item: "vanity",
            expected: 32,
            found: 0
        }
    );
    assert_eq!(
        qbft("80"),
        WrongKind {
            item: "validator list",
            expected: "list"
        }
    );
    assert_eq!(
        qbft("c101"),
        WrongLength {
            item: "validator address",
            expected: 20,
            found: 1
        }
    );
    assert_eq!(qbft("c0"), Truncated { item: "vote" });
    assert_eq!(
        qbft("c080"),
        WrongKind {
            item: "vote",
            expected: "list"
        }
    );
    assert_eq!(ibft2("c0c0"), Truncated { item: "vote" });
    assert_eq!(
        ibft2("c001"),
        WrongLength {
            item: "vote",
            expected: 0,
            found: 1
        }
    );
    assert_eq!(qbft(&voted("00", 0xd6)), UnknownVote { kind: "00".into() });
    assert_eq!(
        ibft2(&voted("80", 0xd6)),
        UnknownVote {
            kind: String::new()
        }
    );
    assert_eq!(
        qbft(&voted("81ff80", 0xd8)),
        TrailingBytes {
            item: "vote",
            n_bytes: 1
        }
    );
    assert_eq!(qbft("c0c000"), NonCanonical { item: "round" });
    assert_eq!(qbft("c0c08105"), NonCanonical { item: "round" });
    assert_eq!(
        qbft("c0c0850102030405"),
        WrongLength {
            item: "round",
            expected: 4,
            found: 5
        }
    );
    assert_eq!(
        ibft2("c08005"),
        WrongLength {
            item: "round",
            expected: 4,
            found: 1
        }
    );
    assert_eq!(qbft("c0c080"), Truncated { item: "seal list" });
    assert_eq!(
        qbft("c0c080c101"),
        WrongLength {
            item: "commit seal",
            expected: 65,
            found: 1
        }
    );
    assert_eq!(
        qbft("c0c080c000"),
        TrailingBytes {
            item: "seal list",
            n_bytes: 1
        }
    );
    assert_eq!(qbft("c0c080f800"), NonCanonical { item: "seal list" });
}
