//! What is done next: a weighted choice among all that the three standards allow, mostly such that it succeeds.
//!
//! What an account may spend is its settled balance less what is on its way out; what is on its way in does not count. So
//! transactions of different senders may enter blocks in any order. A few revert on purpose.

mod choice;

use alloy_primitives::Address;

use self::choice::Choice;
use super::ledger::Ledger;
use super::operation::{Calls, Operation};
use super::random::Random;
use super::senders::Senders;
use crate::demo::DemoTokens;

/// How often a choice that cannot be made now is replaced by another one.
const ATTEMPTS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    CurrencyMint,
    CurrencyTransfer,
    CurrencyTransferZero,
    CurrencyTransferToSelf,
    CurrencyOverdraw,
    CurrencyApprove,
    CurrencyTransferFrom,
    CurrencyBurn,
    CurrencyBurnFrom,
    BondMint,
    BondMintBatch,
    BondTransfer,
    BondTransferBatch,
    BondAuthorise,
    BondOperatorTransfer,
    BondBurn,
    BondBurnBatch,
    DeedMint,
    DeedTransfer,
    DeedSafeTransfer,
    DeedAuthorise,
    DeedOperatorTransfer,
    DeedBurn,
}

const WEIGHTS: [(Kind, u64); 23] = [
    (Kind::CurrencyMint, 10),
    (Kind::CurrencyTransfer, 30),
    (Kind::CurrencyTransferZero, 2),
    (Kind::CurrencyTransferToSelf, 2),
    (Kind::CurrencyOverdraw, 1),
    (Kind::CurrencyApprove, 5),
    (Kind::CurrencyTransferFrom, 5),
    (Kind::CurrencyBurn, 2),
    (Kind::CurrencyBurnFrom, 2),
    (Kind::BondMint, 4),
    (Kind::BondMintBatch, 2),
    (Kind::BondTransfer, 9),
    (Kind::BondTransferBatch, 6),
    (Kind::BondAuthorise, 1),
    (Kind::BondOperatorTransfer, 2),
    (Kind::BondBurn, 1),
    (Kind::BondBurnBatch, 1),
    (Kind::DeedMint, 6),
    (Kind::DeedTransfer, 3),
    (Kind::DeedSafeTransfer, 3),
    (Kind::DeedAuthorise, 1),
    (Kind::DeedOperatorTransfer, 2),
    (Kind::DeedBurn, 1),
];

#[derive(Debug)]
pub(super) struct Planner {
    calls: Calls,
    /// By index of the sender, the issuer first.
    accounts: Vec<Address>,
    random: Random,
}

impl Planner {
    /// `accounts` are those of the senders, in their order, the issuer first.
    pub(super) fn new(tokens: DemoTokens, accounts: Vec<Address>, seed: u64) -> Self {
        Self {
            calls: Calls { tokens },
            accounts,
            random: Random::new(seed),
        }
    }

    /// `None` when nobody has room for another transaction, or nothing could be found.
    pub(super) fn plan(&mut self, ledger: &Ledger, senders: &Senders) -> Option<Operation> {
        for _ in 0..ATTEMPTS {
            let kind = self.choose_kind();
            let Self {
                calls,
                accounts,
                random,
                ..
            } = self;
            let mut choice = Choice {
                calls: *calls,
                accounts,
                random,
                ledger,
                senders,
            };
            if let Some(operation) = choice.make(kind).filter(|o| senders.has_room(o.sender)) {
                return Some(operation);
            }
        }
        None
    }

    /// Whether the next transaction carries an access list, where the chain takes them.
    pub(super) fn wants_access_list(&mut self) -> bool {
        self.random.one_in(5)
    }

    fn choose_kind(&mut self) -> Kind {
        let total = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut at = self.random.below(total);
        for (kind, weight) in WEIGHTS {
            match at.checked_sub(weight) {
                Some(rest) => at = rest,
                None => return kind,
            }
        }
        Kind::CurrencyTransfer
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
