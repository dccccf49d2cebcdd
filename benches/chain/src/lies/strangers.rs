//! A chain that strangers run from some block on, with everything in it fitting but the seals of those it was taken from.

use alloy_primitives::Address;

use super::seals::stranger;
use super::{LieError, StrangersHistory};
use crate::chain::Chain;
use crate::consensus::{VoteTally, quorum};
use crate::extra::Vote;
use crate::keys::{Key, seal_bytes};

pub(super) fn take_over(
    chain: &mut Chain,
    place: usize,
    history: StrangersHistory,
) -> Result<(), LieError> {
    let n_validators = chain.blocks[place].extra.validators.len();
    // While both sets are in the lists there are twice as many to outnumber.
    let keys: Vec<Key> = (0_u64..)
        .take(2 * n_validators)
        .map(|index| stranger(&chain.options, index))
        .collect();
    let mut strangers: Vec<Address> = keys
        .iter()
        .take(n_validators)
        .map(|key| key.address)
        .collect();
    strangers.sort_unstable();
    let mut tally = match history {
        StrangersHistory::None => VoteTally::new(strangers.iter().copied()),
        StrangersHistory::Votes => replay(chain, place),
    };
    for place in place..chain.blocks.len() {
        let validators = tally.validators();
        let number = chain.blocks[place].number();
        let is_epoch = number.is_multiple_of(chain.options.epoch_length);
        let vote = next_vote(&validators, &strangers).filter(|_| !is_epoch);
        let proposer = match vote {
            Some(vote) => validators
                .iter()
                .copied()
                .find(|validator| !tally.has_voted(*validator, vote)),
            None => place
                .checked_rem(validators.len())
                .and_then(|turn| validators.get(turn).copied()),
        };
        let proposer = proposer.unwrap_or_default();
        tally.apply_block(number, chain.options.epoch_length, proposer, vote);

        let parent_hash = chain.blocks[place - 1].hash;
        let block = &mut chain.blocks[place];
        block.header.parent_hash = parent_hash;
        block.header.beneficiary = proposer;
        block.extra.vote = vote;
        block.extra.round = 0;
        block.extra.validators = validators;
        block.recompute_hash();
        let digest = block.seal_digest();
        let sealers = keys.iter().take(quorum(block.extra.validators.len()));
        block.set_seals(sealers.map(|key| seal_bytes(&key.sign(digest))).collect());
    }
    match next_vote(&tally.validators(), &strangers) {
        None => Ok(()),
        Some(_) => Err(LieError::ChainTooShort {
            n_missing: n_votes_missing(tally, &strangers),
        }),
    }
}

/// The true state before the block at `place`.
fn replay(chain: &Chain, place: usize) -> VoteTally {
    let mut tally = VoteTally::new(chain.blocks[0].extra.validators.iter().copied());
    for block in &chain.blocks[1..place] {
        let proposer = block.header.beneficiary;
        tally.apply_block(
            block.number(),
            chain.options.epoch_length,
            proposer,
            block.extra.vote,
        );
    }
    tally
}

/// First all strangers in, then all others out.
fn next_vote(validators: &[Address], strangers: &[Address]) -> Option<Vote> {
    let to_add = strangers
        .iter()
        .find(|stranger| !validators.contains(stranger));
    let to_remove = validators
        .iter()
        .find(|validator| !strangers.contains(validator));
    let add = to_add.map(|subject| Vote {
        subject: *subject,
        add: true,
    });
    add.or(to_remove.map(|subject| Vote {
        subject: *subject,
        add: false,
    }))
}

fn n_votes_missing(mut tally: VoteTally, strangers: &[Address]) -> usize {
    let mut n = 0;
    while let Some(vote) = next_vote(&tally.validators(), strangers) {
        let proposer = tally
            .validators()
            .into_iter()
            .find(|validator| !tally.has_voted(*validator, vote));
        // No epoch comes in between: block 1 of an endless one.
        tally.apply_block(1, u64::MAX, proposer.unwrap_or_default(), Some(vote));
        n += 1;
    }
    n
}
