use std::collections::BTreeMap;
use std::num::NonZeroU64;

use VoteKind::{Add, Remove};

use super::*;

/// Validators are told apart by one byte here.
fn who(n: u8) -> Address {
    Address::repeat_byte(n)
}

fn rules(epoch_length: u64, overrides: &[(u64, &[u8])], dialect: VoteDialect) -> Arc<VotingRules> {
    let overrides: BTreeMap<_, _> = overrides
        .iter()
        .map(|(block, set)| (BlockNumber(*block), set.iter().map(|n| who(*n)).collect()))
        .collect();
    Arc::new(VotingRules::new(NonZeroU64::new(epoch_length).unwrap(), overrides, dialect).unwrap())
}

struct Chain(ValidatorSet);

impl Chain {
    fn new(rules: Arc<VotingRules>, members: &[u8]) -> Self {
        let extra = BftExtra {
            validators: members.iter().map(|n| who(*n)).collect(),
            ..BftExtra::default()
        };
        Self(ValidatorSet::from_genesis(rules, &extra).unwrap())
    }

    fn besu(members: &[u8]) -> Self {
        Self::new(rules(1000, &[], VoteDialect::Besu), members)
    }

    fn goquorum(members: &[u8]) -> Self {
        Self::new(rules(1000, &[], VoteDialect::Goquorum), members)
    }

    /// The next block, by `proposer`, with a vote; gives the change.
    fn vote(&mut self, proposer: u8, kind: VoteKind, subject: u8) -> Option<SetChange> {
        let vote = Some(Vote {
            recipient: who(subject),
            kind,
        });
        self.0
            .apply(self.0.next_block(), who(proposer), vote)
            .unwrap()
    }

    /// Blocks without votes until `number` is the next.
    fn reach(&mut self, number: u64) -> &mut Self {
        while self.0.next_block().0 < number {
            let anybody = self.0.members()[0];
            self.0.apply(self.0.next_block(), anybody, None).unwrap();
        }
        self
    }

    fn members(&self) -> Vec<u8> {
        self.0
            .members()
            .iter()
            .map(|address| address.0[0])
            .collect()
    }
}

#[test]
fn the_genesis_list_may_be_unsorted_and_may_not_be_empty() {
    assert_eq!(Chain::besu(&[4, 2, 9, 2]).members(), [2, 4, 9]);
    let refused = ValidatorSet::from_genesis(Arc::default(), &BftExtra::default());
    assert_eq!(
        refused,
        Err(ConsensusError::ValidatorContractMode {
            block: BlockNumber(0)
        })
    );
}

#[test]
fn more_than_half_decides_for_the_next_block() {
    for dialect in [VoteDialect::Besu, VoteDialect::Goquorum] {
        let mut chain = Chain::new(rules(1000, &[], dialect), &[1, 2, 3, 4]);
        assert_eq!(chain.vote(1, Add, 5), None);
        assert_eq!(chain.vote(2, Add, 5), None);
        let change = chain.vote(3, Add, 5).unwrap();
        assert_eq!(
            (change.first_block, change.cause),
            (BlockNumber(4), ChangeCause::Vote)
        );
        assert_eq!((change.added, change.removed), (vec![who(5)], vec![]));
        assert_eq!(chain.members(), [1, 2, 3, 4, 5]);

        // Five members: again three.
        assert_eq!(chain.vote(5, Remove, 1), None);
        assert_eq!(chain.vote(4, Remove, 1), None);
        assert_eq!(chain.vote(3, Remove, 1).unwrap().removed, [who(1)]);
        assert_eq!(chain.members(), [2, 3, 4, 5]);
    }
}

#[test]
fn a_voter_counts_once_and_may_change_its_mind() {
    let mut chain = Chain::besu(&[1, 2, 3]);
    for _ in 0..5 {
        assert_eq!(chain.vote(1, Add, 9), None);
    }
    assert_eq!(chain.vote(1, Remove, 9), None);
    assert_eq!(chain.vote(2, Add, 9), None);
    assert!(chain.vote(1, Add, 9).is_some());
}

#[test]
fn the_removed_lose_the_votes_they_cast() {
    for make in [Chain::besu, Chain::goquorum] {
        let mut chain = make(&[1, 2, 3, 4]);
        chain.vote(4, Add, 9);
        chain.vote(4, Remove, 1);
        for voter in [1, 2, 3] {
            chain.vote(voter, Remove, 4);
        }
        assert_eq!(chain.members(), [1, 2, 3]);
        assert_eq!(
            chain.vote(1, Add, 9),
            None,
            "two of three are needed, and 4's vote is gone"
        );
        assert!(chain.vote(2, Add, 9).is_some());
    }
}

#[test]
fn a_decided_question_starts_anew() {
    let mut chain = Chain::besu(&[1, 2, 3]);
    chain.vote(1, Add, 9);
    chain.vote(2, Add, 9);
    assert_eq!(chain.members(), [1, 2, 3, 9]);
    chain.vote(1, Remove, 9);
    chain.vote(2, Remove, 9);
    assert_eq!(chain.members(), [1, 2, 3, 9]);
    chain.vote(3, Remove, 9);
    assert_eq!(chain.members(), [1, 2, 3]);
    assert_eq!(
        chain.vote(3, Add, 9),
        None,
        "the two votes that brought it in are spent"
    );
}

/// Besu looks at both kinds after any vote about a subject, so a majority that shrank is noticed by the next vote on it.
#[test]
fn a_smaller_set_needs_a_smaller_majority() {
    let mut chain = Chain::besu(&[1, 2, 3, 4, 5]);
    chain.vote(1, Remove, 9);
    chain.vote(1, Remove, 5);
    chain.vote(2, Remove, 5);
    for voter in [1, 2, 3] {
        chain.vote(voter, Remove, 4);
    }
    assert_eq!(
        chain.members(),
        [1, 2, 3, 5],
        "two of four are not enough against 5"
    );
    for voter in [1, 2, 5] {
        chain.vote(voter, Remove, 3);
    }
    assert_eq!(
        chain.members(),
        [1, 2, 5],
        "two of three would be, but nobody looked"
    );
    assert_eq!(chain.vote(5, Add, 5).unwrap().removed, [who(5)]);
}

#[test]
fn votes_end_at_the_epoch() {
    let mut chain = Chain::new(rules(10, &[], VoteDialect::Besu), &[1, 2, 3]);
    chain.reach(9).vote(1, Add, 9);
    assert_eq!(
        chain.vote(2, Add, 9),
        None,
        "block 10 drops the votes, and its own does not count"
    );
    assert_eq!(chain.vote(2, Add, 9), None);
    assert!(chain.vote(3, Add, 9).is_some());

    let mut chain = Chain::new(rules(10, &[], VoteDialect::Goquorum), &[1, 2, 3]);
    chain.reach(9).vote(1, Add, 9);
    assert_eq!(
        chain.vote(2, Add, 9),
        None,
        "block 10 drops the votes before its own is counted"
    );
    assert!(chain.vote(3, Add, 9).is_some());
}

/// Besu keeps a vote that would change nothing, and counts it once it would; GoQuorum never counts it.
#[test]
fn pointless_votes() {
    let cast = |mut chain: Chain| {
        chain.vote(1, Remove, 9);
        chain.vote(2, Add, 9);
        chain.vote(3, Add, 9);
        chain.members()
    };
    assert_eq!(cast(Chain::besu(&[1, 2, 3])), [1, 2, 3, 9]);
    assert_eq!(cast(Chain::goquorum(&[1, 2, 3])), [1, 2, 3, 9]);

    // Two of three against a stranger decide the question in Besu, and so drop the vote for it.
    let cast = |mut chain: Chain| {
        chain.vote(1, Add, 9);
        assert_eq!(chain.vote(2, Remove, 9), None);
        assert_eq!(chain.vote(3, Remove, 9), None);
        chain.vote(2, Add, 9);
        chain.members()
    };
    assert_eq!(cast(Chain::besu(&[1, 2, 3])), [1, 2, 3]);
    assert_eq!(cast(Chain::goquorum(&[1, 2, 3])), [1, 2, 3, 9]);
}

#[test]
fn votes_without_effect_are_told_from_those_that_count() {
    let counts = |chain: &Chain, voter, kind, subject| {
        chain
            .0
            .counts(
                who(voter),
                Vote {
                    recipient: who(subject),
                    kind,
                },
            )
            .unwrap()
    };
    for (dialect, pointless) in [(VoteDialect::Besu, true), (VoteDialect::Goquorum, false)] {
        let mut chain = Chain::new(rules(10, &[], dialect), &[1, 2, 3]);
        assert!(counts(&chain, 1, Add, 9));
        assert_eq!(counts(&chain, 1, Remove, 9), pointless);
        chain.vote(1, Add, 9);
        assert!(!counts(&chain, 1, Add, 9), "cast already");
        assert!(counts(&chain, 1, Remove, 9), "takes the first vote back");
        assert!(counts(&chain, 2, Add, 9), "decides");
        chain.reach(10);
        assert_eq!(
            counts(&chain, 2, Add, 9),
            dialect == VoteDialect::Goquorum,
            "at an epoch block"
        );
        assert!(
            chain
                .0
                .counts(
                    who(9),
                    Vote {
                        recipient: who(8),
                        kind: Add
                    }
                )
                .is_err()
        );
    }
}

#[test]
fn transitions_replace_the_set() {
    let overrides: &[(u64, &[u8])] = &[(1, &[3, 1, 2]), (5, &[7, 8, 9])];
    let mut chain = Chain::new(rules(1000, overrides, VoteDialect::Besu), &[1]);
    assert_eq!(
        chain.members(),
        [1, 2, 3],
        "at block 1 before any block is applied"
    );
    chain.vote(1, Add, 5);
    chain.reach(4);
    let change = chain.vote(2, Add, 5).unwrap();
    assert_eq!(
        (change.first_block, change.cause),
        (BlockNumber(5), ChangeCause::Transition)
    );
    assert_eq!(
        (change.added, change.removed),
        (vec![who(7), who(8), who(9)], vec![who(1), who(2), who(3)])
    );
    // 1's vote is gone, but Besu still counts the vote in block 4 itself: one more of the new set is enough.
    assert!(chain.vote(7, Add, 5).is_some());
}

#[test]
fn the_last_validator_may_remove_itself() {
    let mut chain = Chain::besu(&[1]);
    assert_eq!(chain.vote(1, Remove, 1).unwrap().removed, [who(1)]);
    assert_eq!((chain.members().len(), chain.0.quorum()), (0, 1));
    let refused = chain.0.expect_header(BlockNumber(2), who(1), &[]);
    assert_eq!(
        refused,
        Err(ConsensusError::ForeignProposer {
            block: BlockNumber(2),
            proposer: who(1)
        })
    );
}

#[test]
fn headers_must_agree_with_the_set_in_force() {
    let mut chain = Chain::besu(&[1, 2, 3]);
    chain.reach(6);
    let set = &chain.0;
    let (six, members) = (BlockNumber(6), set.members());
    assert_eq!(set.expect_header(six, who(2), members), Ok(()));
    assert_eq!(
        set.expect_header(BlockNumber(7), who(2), members),
        Err(ConsensusError::OutOfOrder {
            expected: six,
            found: BlockNumber(7)
        })
    );
    assert_eq!(
        set.expect_header(six, who(4), members),
        Err(ConsensusError::ForeignProposer {
            block: six,
            proposer: who(4)
        })
    );
    for list in [
        vec![who(2), who(1), who(3)],
        vec![who(1), who(2)],
        vec![who(1), who(2), who(3), who(3)],
    ] {
        let refused = set.expect_header(six, who(2), &list);
        let expected = members.to_vec();
        assert_eq!(
            refused,
            Err(ConsensusError::UnexpectedValidators {
                block: six,
                expected,
                found: list
            })
        );
    }
}

#[test]
fn a_checkpoint_goes_on_where_it_was() {
    let overrides: &[(u64, &[u8])] = &[(50, &[7])];
    let rules = rules(100, overrides, VoteDialect::Besu);
    let mut chain = Chain::new(Arc::clone(&rules), &[1, 2, 3]);
    chain.vote(1, Add, 9);
    let resumed = ValidatorSet::from_bytes(Arc::clone(&rules), &chain.0.to_bytes()).unwrap();
    assert_eq!(resumed, chain.0);
    assert!(Chain(resumed).vote(2, Add, 9).is_some());
}

#[test]
fn a_checkpoint_of_other_rules_or_of_nonsense_is_refused() {
    let bytes = Chain::besu(&[1, 2, 3]).0.to_bytes();
    let other = rules(999, &[], VoteDialect::Besu);
    assert_eq!(
        ValidatorSet::from_bytes(other, &bytes),
        Err(ConsensusError::RulesChanged)
    );

    let same = rules(1000, &[], VoteDialect::Besu);
    let (one, two) = (format!("{:?}", who(1)), format!("{:?}", who(2)));
    let swapped = String::from_utf8(bytes)
        .unwrap()
        .replace(&one, "?")
        .replace(&two, &one)
        .replace('?', &two);
    for nonsense in [swapped.as_bytes(), b"{}", b""] {
        let refused = ValidatorSet::from_bytes(Arc::clone(&same), nonsense).unwrap_err();
        assert!(
            matches!(refused, ConsensusError::StoredSet { .. }),
            "{refused}"
        );
    }
}
