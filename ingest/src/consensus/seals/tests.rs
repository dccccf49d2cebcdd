use std::sync::Arc;

use super::*;
use crate::consensus::recorded::{Signer, twin};
use crate::consensus::{BftExtra, VotingRules};

fn set_of(signers: &[Signer]) -> ValidatorSet {
    let validators = signers.iter().map(|signer| signer.address).collect();
    let extra = BftExtra {
        validators,
        ..BftExtra::default()
    };
    ValidatorSet::from_genesis(Arc::new(VotingRules::default()), &extra).unwrap()
}

/// From one validator to many: exactly ceil(2n/3) seals are enough, and one fewer is not.
#[test]
fn the_quorum_is_two_thirds_rounded_up() {
    let digest = B256::repeat_byte(3);
    let signers = Signer::sorted(13);
    let needed = [1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9];
    for (n, needed) in (1..=13).zip(needed) {
        let set = set_of(&signers[..n]);
        let seals: Vec<_> = signers[..needed]
            .iter()
            .map(|signer| signer.seal(digest))
            .collect();
        assert_eq!(
            verify_quorum(&set, digest, &seals).unwrap().signers.len(),
            needed
        );
        assert_eq!(
            verify_quorum(&set, digest, &seals[1..]),
            Err(SealError::TooFew {
                found: needed - 1,
                needed,
                n_validators: n
            })
        );
    }
}

#[test]
fn a_seal_and_its_twin_recover_to_one_signer() {
    for n in 0..20 {
        let (signer, digest) = (Signer::new(n), keccak256([n, n]));
        let seal = signer.seal(digest);
        let recovered = recover_signer(digest, 0, &seal).unwrap();
        assert_eq!(
            recovered,
            Recovered {
                signer: signer.address,
                high_s: false
            }
        );
        let other = recover_signer(digest, 0, &twin(&seal)).unwrap();
        assert_eq!(
            other,
            Recovered {
                signer: signer.address,
                high_s: true
            }
        );
    }
}
