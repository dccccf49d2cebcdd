//! Who proposes, who votes, who seals: the validator set of each block as QBFT would have it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;

use crate::extra::Vote;
use crate::keys::Key;
use crate::options::{ChainOptions, ValidatorChange, ValidatorVote};
use crate::random::{Purpose, Random};

/// ceil(2n/3): how many distinct validators must seal.
pub fn quorum(n_validators: usize) -> usize {
    (2 * n_validators).div_ceil(3)
}

/// The validator set and its pending votes, block after block.
#[derive(Clone, Debug)]
pub(crate) struct VoteTally {
    validators: BTreeSet<Address>,
    /// Per subject: the proposers that voted to add it, and to remove it.
    votes_to_add: BTreeMap<Address, BTreeSet<Address>>,
    votes_to_remove: BTreeMap<Address, BTreeSet<Address>>,
}

impl VoteTally {
    pub(crate) fn new(validators: impl IntoIterator<Item = Address>) -> Self {
        Self {
            validators: validators.into_iter().collect(),
            votes_to_add: BTreeMap::new(),
            votes_to_remove: BTreeMap::new(),
        }
    }

    /// The set in force for the next block, sorted.
    pub(crate) fn validators(&self) -> Vec<Address> {
        self.validators.iter().copied().collect()
    }

    pub(crate) fn has_voted(&self, proposer: Address, vote: Vote) -> bool {
        let votes = if vote.add {
            &self.votes_to_add
        } else {
            &self.votes_to_remove
        };
        votes
            .get(&vote.subject)
            .is_some_and(|voters| voters.contains(&proposer))
    }

    pub(crate) fn is_pointless(&self, vote: Vote) -> bool {
        self.validators.contains(&vote.subject) == vote.add
    }

    /// What the block `number` by `proposer` with `vote` changes. At an epoch all pending votes are forgotten.
    pub(crate) fn apply_block(
        &mut self,
        number: u64,
        epoch_length: u64,
        proposer: Address,
        vote: Option<Vote>,
    ) {
        if number.is_multiple_of(epoch_length) {
            self.votes_to_add.clear();
            self.votes_to_remove.clear();
            return;
        }
        let Some(vote) = vote else { return };
        let (cast, withdrawn) = if vote.add {
            (&mut self.votes_to_add, &mut self.votes_to_remove)
        } else {
            (&mut self.votes_to_remove, &mut self.votes_to_add)
        };
        let voters = cast.entry(vote.subject).or_default();
        voters.insert(proposer);
        let has_majority = voters.len() > self.validators.len() / 2;
        if let Some(opposite) = withdrawn.get_mut(&vote.subject) {
            opposite.remove(&proposer);
        }
        if has_majority {
            self.change_set(vote);
        }
    }

    fn change_set(&mut self, vote: Vote) {
        self.votes_to_add.remove(&vote.subject);
        self.votes_to_remove.remove(&vote.subject);
        if vote.add {
            self.validators.insert(vote.subject);
        } else {
            self.validators.remove(&vote.subject);
            let all_votes = self
                .votes_to_add
                .values_mut()
                .chain(self.votes_to_remove.values_mut());
            for voters in all_votes {
                voters.remove(&vote.subject);
            }
        }
    }
}

/// Everything about a block that consensus decides.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) proposer: Address,
    pub(crate) validators: Vec<Address>,
    pub(crate) vote: Option<Vote>,
    pub(crate) round: u32,
    pub(crate) timestamp: u64,
    /// A quorum, in the order in which their commits arrived.
    pub(crate) sealers: Vec<Key>,
}

/// Consensus over the whole chain; blocks are to be asked for in order, from 1.
#[derive(Clone, Debug)]
pub(crate) struct Consensus {
    options: ChainOptions,
    /// Genesis validators in generation order, then candidates.
    keys: Vec<Key>,
    tally: VoteTally,
    last_proposer: Option<Address>,
    timestamp: u64,
}

impl Consensus {
    pub(crate) fn new(options: &ChainOptions, keys: Vec<Key>) -> Self {
        let n_validators = usize::try_from(options.n_validators).unwrap_or(usize::MAX);
        let tally = VoteTally::new(keys.iter().take(n_validators).map(|key| key.address));
        let timestamp = options.genesis_timestamp;
        Self {
            options: options.clone(),
            keys,
            tally,
            last_proposer: None,
            timestamp,
        }
    }

    pub(crate) fn propose(&mut self, number: u64) -> Proposal {
        let mut random = Random::for_block(self.options.seed, Purpose::Consensus, number);
        let validators = self.tally.validators();
        let late = random.per_mille(self.options.round_changes_per_mille);
        let round = u32::from(late);
        let proposer = self.next_proposer(&validators, late);
        let vote = self.vote_of(proposer, number);
        self.timestamp += self.options.block_period + if late { 2 } else { 0 };
        let sealers = self.choose_sealers(&validators, &mut random);
        self.tally
            .apply_block(number, self.options.epoch_length, proposer, vote);
        self.last_proposer = Some(proposer);
        Proposal {
            proposer,
            validators,
            vote,
            round,
            timestamp: self.timestamp,
            sealers,
        }
    }

    /// Round robin over the sorted set; a proposer that left hands over to the address after its own.
    fn next_proposer(&self, validators: &[Address], skip_one: bool) -> Address {
        let next = match self.last_proposer {
            Some(last) => validators.partition_point(|validator| *validator <= last),
            None => 0,
        };
        validators[(next + usize::from(skip_one)) % validators.len()]
    }

    fn vote_of(&self, proposer: Address, number: u64) -> Option<Vote> {
        if number.is_multiple_of(self.options.epoch_length) {
            return None;
        }
        let due = self
            .options
            .validator_changes
            .iter()
            .filter(|change| change.first_block <= number);
        let votes: Vec<Vote> = due.filter_map(|change| self.vote_for(change)).collect();
        let is_last_word = |place: usize| {
            votes[place + 1..]
                .iter()
                .all(|later| later.subject != votes[place].subject)
        };
        (0..votes.len())
            .filter(|place| is_last_word(*place))
            .map(|place| votes[place])
            .find(|vote| !self.tally.is_pointless(*vote) && !self.tally.has_voted(proposer, *vote))
    }

    fn vote_for(&self, change: &ValidatorChange) -> Option<Vote> {
        let (index, add) = match change.vote {
            ValidatorVote::Add(index) => (index, true),
            ValidatorVote::Remove(index) => (index, false),
        };
        let key = self.keys.get(usize::try_from(index).ok()?)?;
        Some(Vote {
            subject: key.address,
            add,
        })
    }

    fn choose_sealers(&self, validators: &[Address], random: &mut Random) -> Vec<Key> {
        let mut candidates: Vec<&Key> = self
            .keys
            .iter()
            .filter(|key| validators.contains(&key.address))
            .collect();
        let mut sealers = Vec::new();
        while sealers.len() < quorum(validators.len()) && !candidates.is_empty() {
            sealers.push(
                candidates
                    .swap_remove(random.index(candidates.len()))
                    .clone(),
            );
        }
        sealers
    }
}

/// The keys that `options` need: genesis validators and every candidate that is voted for.
pub(crate) fn validator_keys(options: &ChainOptions) -> Vec<Key> {
    let candidates = options
        .validator_changes
        .iter()
        .map(|change| match change.vote {
            ValidatorVote::Add(index) | ValidatorVote::Remove(index) => index + 1,
        });
    let n_keys = candidates.fold(options.n_validators, u32::max);
    (0..u64::from(n_keys))
        .map(|index| Key::derive(options.seed, "validator", index))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_two_thirds_rounded_up() {
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 7, 10].map(quorum),
            [1, 2, 2, 3, 4, 4, 5, 7]
        );
    }

    #[test]
    fn proposers_take_turns_and_round_one_skips_one() {
        let options = ChainOptions {
            round_changes_per_mille: 200,
            ..ChainOptions::small(200)
        };
        let mut consensus = Consensus::new(&options, validator_keys(&options));
        let mut last: Option<(usize, u64)> = None;
        for number in 1..=200 {
            let proposal = consensus.propose(number);
            let turn = proposal
                .validators
                .iter()
                .position(|validator| *validator == proposal.proposer);
            let turn = turn.unwrap_or(usize::MAX);
            let late = proposal.round == 1;
            if let Some((last_turn, last_timestamp)) = last {
                assert_eq!(turn, (last_turn + 1 + usize::from(late)) % 4);
                assert_eq!(
                    proposal.timestamp - last_timestamp,
                    if late { 3 } else { 1 }
                );
            }
            assert_eq!(proposal.sealers.len(), 3);
            last = Some((turn, proposal.timestamp));
        }
    }
}
