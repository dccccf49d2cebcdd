//! The validators in force, replayed from the anchor by the votes in the headers.
//!
//! The rules are Besu's: a vote of the proposer counts from its own block on and changes the set of the next block;
//! more than half of the set must agree; a decided question drops all votes about its subject, and whoever is removed
//! loses the votes it had cast; at an epoch block all outstanding votes are dropped; `transitions` replace the set
//! whatever the votes say. Where GoQuorum differs, [`VoteDialect`] says which of the two is followed.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::sync::Arc;

use alloy_primitives::Address;
use lastro_schema::BlockNumber;
use serde::{Deserialize, Serialize};

use super::{BftExtra, ConsensusError, Vote, VoteDialect, VoteKind, VotingRules};

/// The set in force for one block, [`Self::next_block`], with the votes that are outstanding before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    rules: Arc<VotingRules>,
    next: BlockNumber,
    /// Sorted, distinct.
    members: Arc<[Address]>,
    /// At most one per voter and subject.
    votes: Vec<CastVote>,
}

/// The set for [`Self::first_block`] and after is another than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetChange {
    /// First block that the new set seals. The block before it must carry a quorum of the old set.
    pub first_block: BlockNumber,
    pub added: Vec<Address>,
    pub removed: Vec<Address>,
    pub cause: ChangeCause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeCause {
    /// A vote reached its majority.
    Vote,
    /// The configuration of the chain replaces the set here.
    Transition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CastVote {
    subject: Address,
    voter: Address,
    kind: VoteKind,
}

/// What [`ValidatorSet::to_bytes`] holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSet {
    rules: VotingRules,
    next_block: BlockNumber,
    members: Vec<Address>,
    votes: Vec<CastVote>,
}

impl ValidatorSet {
    /// The set for block 1, from block 0's extraData (whose list may be in any order, and whose vote does not count).
    ///
    /// Fails with [`ConsensusError::ValidatorContractMode`] when the list is empty.
    pub fn from_genesis(
        rules: Arc<VotingRules>,
        genesis: &BftExtra,
    ) -> Result<Self, ConsensusError> {
        let block = BlockNumber(0);
        if genesis.validators.is_empty() {
            return Err(ConsensusError::ValidatorContractMode { block });
        }
        let mut members = genesis.validators.clone();
        members.sort_unstable();
        members.dedup();
        let mut set = Self {
            rules,
            next: BlockNumber(1),
            members: members.into(),
            votes: Vec::new(),
        };
        set.replace_by_transition();
        Ok(set)
    }

    /// Who may propose and seal [`Self::next_block`], in ascending order.
    pub fn members(&self) -> &[Address] {
        &self.members
    }

    pub fn is_member(&self, address: Address) -> bool {
        self.members.binary_search(&address).is_ok()
    }

    /// How many distinct members must seal: two thirds, rounded up, and never none.
    pub fn quorum(&self) -> usize {
        (2 * self.members.len()).div_ceil(3).max(1)
    }

    /// The block that this set seals.
    pub fn next_block(&self) -> BlockNumber {
        self.next
    }

    pub fn rules(&self) -> &VotingRules {
        &self.rules
    }

    /// Demands that a header is of [`Self::next_block`], lists exactly the set in force in ascending order, and was
    /// proposed by a member (`proposer` is the header's beneficiary).
    pub fn expect_header(
        &self,
        number: BlockNumber,
        proposer: Address,
        validators: &[Address],
    ) -> Result<(), ConsensusError> {
        self.expect_number(number)?;
        if *validators != *self.members {
            return Err(if validators.is_empty() {
                ConsensusError::ValidatorContractMode { block: number }
            } else {
                ConsensusError::UnexpectedValidators {
                    block: number,
                    expected: self.members.to_vec(),
                    found: validators.to_vec(),
                }
            });
        }
        self.expect_proposer(number, proposer)
    }

    /// Whether the tally after [`Self::next_block`] depends on this vote in its header: it does not at an epoch block of
    /// Besu, nor when `proposer` has cast the same vote already.
    ///
    /// Fails as [`Self::apply`] does.
    pub fn counts(&self, proposer: Address, vote: Vote) -> Result<bool, ConsensusError> {
        let (mut with, mut without) = (self.clone(), self.clone());
        with.apply(self.next, proposer, Some(vote))?;
        without.apply(self.next, proposer, None)?;
        Ok(with != without)
    }

    /// Counts what block `number` says and moves on to the next block. Blocks are applied without gaps.
    ///
    /// `Some` when the set for block `number` + 1 is another: then block `number` itself must carry a quorum of the set
    /// before this call. After an error the set is as it was.
    pub fn apply(
        &mut self,
        number: BlockNumber,
        proposer: Address,
        vote: Option<Vote>,
    ) -> Result<Option<SetChange>, ConsensusError> {
        self.expect_number(number)?;
        self.expect_proposer(number, proposer)?;
        let before = Arc::clone(&self.members);
        self.next = BlockNumber(number.0.saturating_add(1));

        let mut cause = ChangeCause::Vote;
        if self.replace_by_transition() {
            cause = ChangeCause::Transition;
        }
        let at_epoch = self.rules.is_epoch_block(number);
        if at_epoch {
            self.votes.clear();
        }
        // Besu counts the vote even when a transition has just replaced the voter.
        if let Some(vote) = vote
            && !(at_epoch && self.rules.dialect() == VoteDialect::Besu)
        {
            self.count(CastVote {
                subject: vote.recipient,
                voter: proposer,
                kind: vote.kind,
            });
        }
        Ok(self.change_since(&before, cause))
    }

    /// The state for a checkpoint, voting rules included.
    pub fn to_bytes(&self) -> Vec<u8> {
        let stored = StoredSet {
            rules: self.rules.as_ref().clone(),
            next_block: self.next,
            members: self.members.to_vec(),
            votes: self.votes.clone(),
        };
        serde_json::to_vec(&stored).expect("numbers, addresses and names always have a JSON form")
    }

    /// Goes on from [`Self::to_bytes`] under the rules that the anchor gives now; other rules than those of the replay
    /// are refused with [`ConsensusError::RulesChanged`].
    pub fn from_bytes(rules: Arc<VotingRules>, bytes: &[u8]) -> Result<Self, ConsensusError> {
        let unreadable = |reason: String| ConsensusError::StoredSet { reason };
        let stored: StoredSet =
            serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
        if stored.rules != *rules {
            return Err(ConsensusError::RulesChanged);
        }
        if !stored.members.is_sorted_by(|a, b| a < b) {
            return Err(unreadable(
                "its members are not in ascending order".to_owned(),
            ));
        }
        Ok(Self {
            rules,
            next: stored.next_block,
            members: stored.members.into(),
            votes: stored.votes,
        })
    }

    fn expect_number(&self, number: BlockNumber) -> Result<(), ConsensusError> {
        if number == self.next {
            Ok(())
        } else {
            Err(ConsensusError::OutOfOrder {
                expected: self.next,
                found: number,
            })
        }
    }

    fn expect_proposer(
        &self,
        number: BlockNumber,
        proposer: Address,
    ) -> Result<(), ConsensusError> {
        if self.is_member(proposer) {
            Ok(())
        } else {
            Err(ConsensusError::ForeignProposer {
                block: number,
                proposer,
            })
        }
    }

    fn replace_by_transition(&mut self) -> bool {
        let Some(validators) = self.rules.overrides().get(&self.next) else {
            return false;
        };
        self.members = validators.as_slice().into();
        self.votes.clear();
        true
    }

    fn count(&mut self, vote: CastVote) {
        let CastVote {
            subject,
            voter,
            kind,
        } = vote;
        let changes_nothing = self.is_member(subject) == (kind == VoteKind::Add);
        if !self.votes.contains(&vote) {
            self.votes
                .retain(|known| (known.subject, known.voter) != (subject, voter));
            if !(changes_nothing && self.rules.dialect() == VoteDialect::Goquorum) {
                self.votes.push(vote);
            }
        }
        // Both kinds are looked at whatever this vote was: since they were cast the set may have shrunk, and with it
        // the majority that they need.
        let majority = self.members.len() / 2 + 1;
        let added = self.n_votes(subject, VoteKind::Add) >= majority;
        let removed = self.n_votes(subject, VoteKind::Remove) >= majority;
        if added || removed {
            self.votes.retain(|known| known.subject != subject);
            let others = self
                .members
                .iter()
                .copied()
                .filter(|member| *member != subject);
            let mut members: Vec<_> = others.chain((!removed).then_some(subject)).collect();
            members.sort_unstable();
            self.members = members.into();
        }
        if removed {
            self.votes.retain(|known| known.voter != subject);
        }
    }

    fn n_votes(&self, subject: Address, kind: VoteKind) -> usize {
        self.votes
            .iter()
            .filter(|vote| vote.subject == subject && vote.kind == kind)
            .count()
    }

    fn change_since(&self, before: &[Address], cause: ChangeCause) -> Option<SetChange> {
        if *before == *self.members {
            return None;
        }
        let missing_in = |set: &[Address], other: &[Address]| -> Vec<Address> {
            set.iter()
                .copied()
                .filter(|address| other.binary_search(address).is_err())
                .collect()
        };
        Some(SetChange {
            first_block: self.next,
            added: missing_in(&self.members, before),
            removed: missing_in(before, &self.members),
            cause,
        })
    }
}
