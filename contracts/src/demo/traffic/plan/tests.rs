use std::collections::{BTreeMap, BTreeSet};

use super::choice::N_DEEDS;
use alloy_primitives::{B256, Bytes, FixedBytes, U256};
use lastro_schema::{BlockNumber, BlockRef};

use super::*;
use crate::bindings::{DemoBond, DemoCurrency, DemoDeed};
use crate::demo::DemoAccounts;
use crate::demo::traffic::senders::Pending;
use crate::signing::SignedTransaction;

const MAX_PENDING: usize = 4;

/// A chain that takes pending transactions in any order of their senders and lets all of them succeed.
struct Chain {
    planner: Planner,
    ledger: Ledger,
    senders: Senders,
    random: Random,
    n_accounts: usize,
    calls: BTreeMap<(Address, FixedBytes<4>), u64>,
}

impl Chain {
    fn new(seed: u64) -> Self {
        let accounts = DemoAccounts::derive("plan", 6).unwrap();
        let address = Address::repeat_byte;
        let tokens = DemoTokens {
            currency: address(1),
            bond: address(2),
            deed: address(3),
            access_lists: true,
        };
        let addresses = accounts.faucet_addresses();
        Self {
            n_accounts: addresses.len(),
            planner: Planner::new(tokens, addresses, seed),
            ledger: Ledger::new(block(0)),
            senders: Senders::new(
                accounts.all().cloned().map(|a| (a, 0)).collect(),
                MAX_PENDING,
            ),
            random: Random::new(seed + 1),
            calls: BTreeMap::new(),
        }
    }

    fn submit(&mut self) -> bool {
        let Some(operation) = self.planner.plan(&self.ledger, &self.senders) else {
            return false;
        };
        assert!(self.senders.has_room(operation.sender));
        let selector = FixedBytes::from_slice(&operation.input[..4]);
        *self.calls.entry((operation.token, selector)).or_default() += 1;
        let nonce = self.senders.next_nonce(operation.sender);
        let sender = self.senders.account(operation.sender).address();
        let hash = B256::from(U256::from(self.random.next()));
        let transaction = SignedTransaction {
            hash,
            sender,
            nonce,
            raw: Bytes::new(),
        };
        self.senders.insert(
            operation.sender,
            Pending {
                transaction,
                effects: operation.effects,
                broadcast_at: None,
            },
        );
        true
    }

    fn mine(&mut self, number: u64) {
        let mut included = Vec::new();
        for _ in 0..self.random.below(12) {
            let sender = usize::try_from(self.random.below(7)).unwrap() % self.n_accounts;
            if let Some(transaction) = self.senders.pending_of(sender).first() {
                included.push((self.senders.take(transaction.hash).unwrap(), true));
            }
        }
        // Diverges where the plan relied on an order.
        self.ledger.settle(block(number), included).unwrap();
    }
}

fn block(number: u64) -> BlockRef {
    BlockRef {
        number: BlockNumber(number),
        hash: B256::from(U256::from(number)),
    }
}

#[test]
fn whatever_is_planned_succeeds_in_any_order_of_the_senders() {
    for seed in 0..4 {
        let mut chain = Chain::new(seed);
        for number in 1..400 {
            while chain.random.below(8) > 0 && chain.submit() {}
            chain.mine(number);
        }
        for id in 1..=N_DEEDS {
            let owners = chain
                .ledger
                .holders(chain.planner.calls.tokens.deed, U256::from(id));
            assert!(owners.count() <= 1, "a deed has one owner at most");
        }
    }
}

#[test]
fn every_kind_of_call_occurs() {
    use alloy_sol_types::SolCall;
    let mut chain = Chain::new(7);
    for number in 1..1_500 {
        while chain.submit() && chain.random.below(8) > 0 {}
        chain.mine(number);
    }
    let tokens = chain.planner.calls.tokens;
    let expected = BTreeSet::from([
        (tokens.currency, DemoCurrency::mintCall::SELECTOR),
        (tokens.currency, DemoCurrency::burnCall::SELECTOR),
        (tokens.currency, DemoCurrency::burnFromCall::SELECTOR),
        (tokens.currency, DemoCurrency::transferCall::SELECTOR),
        (tokens.currency, DemoCurrency::approveCall::SELECTOR),
        (tokens.currency, DemoCurrency::transferFromCall::SELECTOR),
        (tokens.bond, DemoBond::mintCall::SELECTOR),
        (tokens.bond, DemoBond::mintBatchCall::SELECTOR),
        (tokens.bond, DemoBond::burnCall::SELECTOR),
        (tokens.bond, DemoBond::burnBatchCall::SELECTOR),
        (tokens.bond, DemoBond::safeTransferFromCall::SELECTOR),
        (tokens.bond, DemoBond::safeBatchTransferFromCall::SELECTOR),
        (tokens.bond, DemoBond::setApprovalForAllCall::SELECTOR),
        (tokens.deed, DemoDeed::safeMintCall::SELECTOR),
        (tokens.deed, DemoDeed::burnCall::SELECTOR),
        (tokens.deed, DemoDeed::transferFromCall::SELECTOR),
        (tokens.deed, DemoDeed::safeTransferFrom_0Call::SELECTOR),
        (tokens.deed, DemoDeed::setApprovalForAllCall::SELECTOR),
    ])
    .into_iter()
    .map(|(token, selector)| (token, FixedBytes::from(selector)))
    .collect::<BTreeSet<_>>();
    assert_eq!(
        chain.calls.keys().copied().collect::<BTreeSet<_>>(),
        expected
    );
}

#[test]
fn the_same_seed_plans_the_same() {
    let plan = |seed| {
        let mut chain = Chain::new(seed);
        while chain.submit() {}
        chain.calls
    };
    assert_eq!(plan(3), plan(3));
}

#[test]
fn nobody_gets_more_than_its_share_of_pending_transactions() {
    let mut chain = Chain::new(11);
    let n_submitted = (0..1_000).filter(|_| chain.submit()).count();
    let pending: Vec<_> = (0..chain.n_accounts)
        .map(|sender| chain.senders.pending_of(sender).len())
        .collect();
    assert!(pending.iter().all(|n| *n <= MAX_PENDING), "{pending:?}");
    assert_eq!(pending.iter().sum::<usize>(), n_submitted);
}
