//! Every lie is found by the verifier, and the best disguised ones only by the check that nobody can fool.

use std::collections::{BTreeMap, BTreeSet};

use lastro_bench_chain::{
    Chain, ChainOptions, Disguise, Fork, HeaderField, Lie, LieError, LogField, ReceiptField,
    SealLie, ServedChain, StrangersHistory, TransactionField,
};

use crate::checker::{Finding, check_chain};
use crate::consistency::pairs;

type Findings = BTreeMap<u64, BTreeSet<Finding>>;

fn findings(honest: &Chain, lying: &ServedChain) -> Findings {
    check_chain(
        &pairs(lying),
        honest.blocks[0].hash,
        honest.options.epoch_length,
    )
}

/// Tells the lie about the first block from 3 on that has what it alters.
fn tell(honest: &Chain, lie: &Lie) -> (u64, Findings) {
    for number in 3..honest.head() {
        match ServedChain::lying(honest, &[(number, lie.clone())]) {
            Ok(lying) => return (number, findings(honest, &lying)),
            Err(LieError::NothingToAlter { .. }) => {}
            Err(error) => panic!("{lie:?}: {error}"),
        }
    }
    panic!("no block has what {lie:?} alters");
}

fn is_of_strangers(lie: &Lie) -> bool {
    matches!(lie, Lie::Strangers { .. })
}

#[test]
fn every_lie_is_found() {
    let honest = Chain::generate(&ChainOptions::mixed(20, Fork::Prague)).unwrap();
    let lies = Lie::every();
    assert!(lies.len() > 400);
    for lie in lies.iter().filter(|lie| !is_of_strangers(lie)) {
        let (number, found) = tell(&honest, lie);
        assert!(
            !found.is_empty(),
            "{lie:?} about block {number} was believed"
        );
        let is_of_all = *lie == Lie::OtherGenesis;
        assert!(
            is_of_all || found.keys().all(|block| *block >= number),
            "{lie:?} {number} {found:?}"
        );
    }
}

#[test]
fn well_disguised_lies_fail_by_their_seals_alone() {
    let honest = Chain::generate(&ChainOptions::mixed(20, Fork::Prague)).unwrap();
    for disguise in [Disguise::Linked, Disguise::MinoritySealed] {
        for lie in [
            Lie::MissingLog(disguise),
            Lie::ExtraLog(disguise),
            Lie::AlteredLog(LogField::Data, disguise),
            Lie::AlteredLog(LogField::Topic(1), disguise),
            Lie::AlteredReceipt(ReceiptField::Outcome, disguise),
            Lie::SwappedTransactions(disguise),
            Lie::DuplicatedTransaction(disguise),
            Lie::MissingTransaction(disguise),
            Lie::AlteredTransaction(TransactionField::Value, disguise),
            Lie::AlteredTransaction(TransactionField::Input, disguise),
            Lie::AlteredWithdrawal(disguise),
            Lie::AlteredHeader(HeaderField::StateRoot, disguise),
            Lie::AlteredHeader(HeaderField::Timestamp, disguise),
            Lie::AlteredHeader(HeaderField::Nonce, disguise),
        ] {
            let (number, found) = tell(&honest, &lie);
            let expected: Findings = (number..=honest.head())
                .map(|block| (block, BTreeSet::from([Finding::Seals])))
                .collect();
            // A new timestamp is a new label in receipts and logs as well, which are rendered anew.
            assert_eq!(found, expected, "{lie:?}");
        }
    }
}

#[test]
fn each_disguise_leaves_less_to_find() {
    let honest = Chain::generate(&ChainOptions::small(12)).unwrap();
    let of = |disguise| {
        let lying = ServedChain::lying(&honest, &[(5, Lie::MissingLog(disguise))]).unwrap();
        findings(&honest, &lying)
    };
    use Finding::{Bloom, Hash, Parent, ReceiptsRoot, Seals};
    assert_eq!(
        of(Disguise::Bare),
        [(5, [Bloom, ReceiptsRoot].into())].into()
    );
    // With another bloom in the header its hash and its seals no longer fit.
    assert_eq!(of(Disguise::Blooms)[&5], [ReceiptsRoot, Hash, Seals].into());
    assert_eq!(of(Disguise::Roots)[&5], [Hash, Seals].into());
    assert_eq!(
        of(Disguise::Hash),
        [(5, [Seals].into()), (6, [Parent].into())].into()
    );
}

#[test]
fn tampered_seals_are_no_quorum() {
    let honest = Chain::generate(&ChainOptions::small(12)).unwrap();
    for lie in SealLie::ALL {
        let (number, found) = tell(&honest, &Lie::Seals(lie));
        assert_eq!(found, [(number, [Finding::Seals].into())].into(), "{lie:?}");
    }
}

#[test]
fn strangers_are_not_the_set_in_force() {
    let honest = Chain::generate(&ChainOptions::small(50)).unwrap();
    let told = |history| {
        let lie = Lie::Strangers { history };
        findings(&honest, &ServedChain::lying(&honest, &[(10, lie)]).unwrap())
    };
    let just_there = told(StrangersHistory::None);
    assert_eq!(just_there.len(), 41);
    assert!(
        just_there
            .values()
            .all(|found| *found == [Finding::ValidatorSet, Finding::Seals].into())
    );
    // The forged votes explain every list, and once the strangers are the set their seals are good: only the seals of
    // the blocks that change the set give them away.
    let voted = told(StrangersHistory::Votes);
    assert!(
        voted
            .values()
            .all(|found| *found == [Finding::Seals].into()),
        "{voted:?}"
    );
    assert_eq!(voted.keys().next(), Some(&10));
    assert!((20..40).contains(&voted.len()), "{}", voted.len());

    let short = Chain::generate(&ChainOptions::small(20)).unwrap();
    let lie = Lie::Strangers {
        history: StrangersHistory::Votes,
    };
    let error = ServedChain::lying(&short, &[(10, lie)]).unwrap_err();
    assert!(
        matches!(error, LieError::ChainTooShort { n_missing } if n_missing > 5),
        "{error}"
    );
}

#[test]
fn gaps_and_another_genesis() {
    let honest = Chain::generate(&ChainOptions::small(12)).unwrap();
    let told = |lie| findings(&honest, &ServedChain::lying(&honest, &[(5, lie)]).unwrap());
    assert_eq!(
        told(Lie::AbsentBlock),
        [(5, [Finding::Absent].into())].into()
    );
    let skipped = told(Lie::SkippedBlock);
    assert_eq!(
        skipped.keys().copied().collect::<Vec<_>>(),
        (5..12).collect::<Vec<_>>()
    );
    assert_eq!(skipped[&5], [Finding::Absent].into());
    let removed = told(Lie::RemovedBlock);
    assert_eq!(removed[&5], [Finding::Seals].into());
    let other = told(Lie::OtherGenesis);
    assert_eq!(other, [(0, [Finding::Genesis].into())].into());
    let broken = told(Lie::AlteredHeader(
        HeaderField::ParentHash,
        Disguise::Linked,
    ));
    assert!(broken[&5].contains(&Finding::Parent));
}

#[test]
fn several_lies_at_once_and_none_about_genesis() {
    let honest = Chain::generate(&ChainOptions::small(12)).unwrap();
    let lies = [
        (4, Lie::MissingLog(Disguise::Bare)),
        (8, Lie::Seals(SealLie::None)),
    ];
    let found = findings(&honest, &ServedChain::lying(&honest, &lies).unwrap());
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [4, 8]);
    for number in [0, 13] {
        let error = ServedChain::lying(&honest, &[(number, Lie::AbsentBlock)]).unwrap_err();
        assert!(matches!(error, LieError::NoSuchBlock { .. }));
    }
}

#[test]
fn a_lie_before_byzantium() {
    let honest = Chain::generate(&ChainOptions::mixed(12, Fork::SpuriousDragon)).unwrap();
    let (number, found) = tell(
        &honest,
        &Lie::AlteredReceipt(ReceiptField::Outcome, Disguise::Bare),
    );
    assert_eq!(found, [(number, [Finding::ReceiptsRoot].into())].into());
}
