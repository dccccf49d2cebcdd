//! What a lying node may send, and the error it earns. The lies are made from recorded blocks and from keys of our own.

use std::sync::Arc;

use super::*;
use crate::consensus::{
    BftExtra, BftProtocol, Consensus, ConsensusError, HeaderHasher, SealError, ValidatorSet, Vote,
    VoteKind, verify_quorum,
};

const QBFT: BftProtocol = BftProtocol::Qbft;

/// A recorded block with the set in force for it, and the digest that its seals sign.
struct Block {
    header: Header,
    extra: BftExtra,
    set: ValidatorSet,
    digest: B256,
}

fn honest() -> Block {
    let header = header_at("main", 20).header;
    let extra = BftExtra::of_header(QBFT, &header).unwrap();
    let set = ValidatorSet::from_genesis(Arc::default(), &extra).unwrap();
    let digest = HeaderHasher::new()
        .seal_hash(QBFT, &header, &extra)
        .unwrap();
    Block {
        header,
        extra,
        set,
        digest,
    }
}

#[test]
fn too_few_seals() {
    let Block {
        extra, set, digest, ..
    } = honest();
    verify_quorum(&set, digest, &extra.seals).unwrap();
    for n in 0..3 {
        assert_eq!(
            verify_quorum(&set, digest, &extra.seals[..n]),
            Err(SealError::TooFew {
                found: n,
                needed: 3,
                n_validators: 4
            })
        );
    }
}

#[test]
fn one_signers_seal_twice_as_it_is_and_as_its_twin() {
    let Block {
        extra, set, digest, ..
    } = honest();
    let signer = verify_quorum(&set, digest, &extra.seals).unwrap().signers[0];
    let duplicate = Err(SealError::Duplicate {
        index: 2,
        first: 0,
        signer,
    });
    let [first, second, _] = extra.seals[..] else {
        panic!("three seals")
    };
    assert_ne!(twin(&first), first);
    assert_eq!(
        verify_quorum(&set, digest, &[first, second, first]),
        duplicate
    );
    assert_eq!(
        verify_quorum(&set, digest, &[first, second, twin(&first)]),
        duplicate
    );
    // Also where the others are a quorum without it.
    let with_double = [extra.seals.clone(), vec![first]].concat();
    assert_eq!(
        verify_quorum(&set, digest, &with_double),
        Err(SealError::Duplicate {
            index: 3,
            first: 0,
            signer
        })
    );
}

/// A twin alone stands for its signer once: the block stays proven, and the oddity is reported.
#[test]
fn a_twin_in_the_place_of_its_seal() {
    let Block {
        extra, set, digest, ..
    } = honest();
    let honest = verify_quorum(&set, digest, &extra.seals).unwrap();
    let reworked = [extra.seals[0], twin(&extra.seals[1]), extra.seals[2]];
    let report = verify_quorum(&set, digest, &reworked).unwrap();
    assert_eq!((report.signers, report.high_s), (honest.signers, vec![1]));
}

#[test]
fn a_strangers_seal_even_beside_a_quorum() {
    let Block {
        extra, set, digest, ..
    } = honest();
    let stranger = Signer::new(7);
    let seals = [extra.seals.clone(), vec![stranger.seal(digest)]].concat();
    assert_eq!(
        verify_quorum(&set, digest, &seals),
        Err(SealError::Stranger {
            index: 3,
            signer: stranger.address
        })
    );
}

/// A seal that was taken from another block recovers to some address that nobody holds.
#[test]
fn seals_of_another_block() {
    let Block { set, digest, .. } = honest();
    let other = BftExtra::of_header(QBFT, &header_at("main", 21).header).unwrap();
    let error = verify_quorum(&set, digest, &other.seals).unwrap_err();
    assert!(
        matches!(error, SealError::Stranger { index: 0, .. }),
        "{error}"
    );
}

#[test]
fn malformed_seals() {
    let Block {
        extra, set, digest, ..
    } = honest();
    let with = |place: usize, byte: u8| {
        let mut seals = extra.seals.clone();
        if place == 64 {
            seals[1].0[64] = byte;
        } else {
            seals[1].0[place..place + 32].fill(byte);
        }
        verify_quorum(&set, digest, &seals).unwrap_err()
    };
    for (place, byte) in [
        (64, 2),
        (64, 27),
        (64, 28),
        (0, 0),
        (0, 0xff),
        (32, 0),
        (32, 0xff),
    ] {
        let error = with(place, byte);
        assert!(
            matches!(error, SealError::Malformed { index: 1, .. }),
            "{place} {byte}: {error}"
        );
    }
}

/// Strangers write themselves into the header's list and seal it: perfect in itself, but not the set in force.
#[test]
fn strangers_who_list_themselves() {
    let Block {
        mut header,
        mut extra,
        set,
        ..
    } = honest();
    let strangers = Signer::sorted(4);
    extra.validators = strangers.iter().map(|signer| signer.address).collect();
    header.beneficiary = strangers[0].address;
    let digest = HeaderHasher::new()
        .seal_hash(QBFT, &header, &extra)
        .unwrap();
    extra.seals = strangers
        .iter()
        .take(3)
        .map(|signer| signer.seal(digest))
        .collect();

    let claimed = ValidatorSet::from_genesis(Arc::default(), &extra).unwrap();
    verify_quorum(&claimed, digest, &extra.seals).unwrap();

    let at_20 = advance(set, 20);
    assert_eq!(
        at_20.expect_header(header.number, header.beneficiary, &extra.validators),
        Err(ConsensusError::UnexpectedValidators {
            block: header.number,
            expected: at_20.members().to_vec(),
            found: extra.validators.clone(),
        })
    );
    assert_eq!(
        verify_quorum(&at_20, digest, &extra.seals),
        Err(SealError::Stranger {
            index: 0,
            signer: strangers[0].address
        })
    );
}

/// The forger makes up blocks whose votes lead from the true set to his own. The lists then agree with the replay, so
/// only the rule that the last block under a set carries that set's quorum catches him, and it does at the first change.
#[test]
fn a_forged_vote_history() {
    let Block { header, set, .. } = honest();
    let true_members = set.members().to_vec();
    let strangers = Signer::sorted(4);
    let mut set = advance(set, 20);
    for (n, proposer) in true_members.iter().take(3).enumerate() {
        let vote = Some(Vote {
            recipient: strangers[0].address,
            kind: VoteKind::Add,
        });
        let forged = Header {
            number: BlockNumber(20 + u64::try_from(n).unwrap()),
            beneficiary: *proposer,
            ..header.clone()
        };
        let mut extra = BftExtra {
            validators: true_members.clone(),
            vote,
            ..BftExtra::of_header(QBFT, &header).unwrap()
        };
        let digest = HeaderHasher::new()
            .seal_hash(QBFT, &forged, &extra)
            .unwrap();
        extra.seals = strangers
            .iter()
            .take(3)
            .map(|signer| signer.seal(digest))
            .collect();

        set.expect_header(forged.number, forged.beneficiary, &extra.validators)
            .unwrap();
        let before = set.clone();
        let change = set.apply(forged.number, forged.beneficiary, vote).unwrap();
        assert_eq!(change.is_some(), n == 2, "three of four votes decide");
        // What the caller must ask for where the set changes, and may ask for everywhere.
        let refused = verify_quorum(&before, digest, &extra.seals);
        assert_eq!(
            refused,
            Err(SealError::Stranger {
                index: 0,
                signer: strangers[0].address
            })
        );
    }
}

#[test]
fn a_vote_by_a_stranger() {
    let Block { set, .. } = honest();
    let stranger = Signer::new(1).address;
    let mut set = advance(set, 20);
    let before = set.clone();
    let vote = Some(Vote {
        recipient: stranger,
        kind: VoteKind::Add,
    });
    let refused = ConsensusError::ForeignProposer {
        block: BlockNumber(20),
        proposer: stranger,
    };
    assert_eq!(set.apply(BlockNumber(20), stranger, vote), Err(refused));
    assert_eq!(set, before);
}

#[test]
fn a_validator_contracts_empty_list() {
    let Block { set, header, .. } = honest();
    let set = advance(set, 20);
    assert_eq!(
        set.expect_header(header.number, header.beneficiary, &[]),
        Err(ConsensusError::ValidatorContractMode {
            block: header.number
        })
    );
}

#[test]
fn a_rewritten_round_keeps_the_hash_but_loses_the_seals() {
    let Block {
        header,
        mut extra,
        set,
        ..
    } = honest();
    let mut hasher = HeaderHasher::new();
    let hash = hasher.bft_hash(QBFT, &header, &extra).unwrap();
    extra.round = 9;
    assert_eq!(hasher.bft_hash(QBFT, &header, &extra).unwrap(), hash);
    let digest = hasher.seal_hash(QBFT, &header, &extra).unwrap();
    assert!(matches!(
        verify_quorum(&set, digest, &extra.seals),
        Err(SealError::Stranger { .. })
    ));
}

#[test]
fn extra_data_that_is_no_rlp() {
    let mut header = honest().header;
    header.extra_data = Bytes::from_static(b"0123");
    let error = HeaderHasher::new()
        .block_hash(Consensus::Qbft, &header)
        .unwrap_err();
    assert!(matches!(
        error,
        ConsensusError::ExtraData {
            block: BlockNumber(20),
            ..
        }
    ));
}

/// The same set, in force for block `number`.
fn advance(mut set: ValidatorSet, number: u64) -> ValidatorSet {
    while set.next_block().0 < number {
        let anybody = set.members()[0];
        set.apply(set.next_block(), anybody, None).unwrap();
    }
    set
}
