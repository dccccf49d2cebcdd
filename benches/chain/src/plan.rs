//! Makes up the traffic, block after block: who sends what, with which logs. Nothing is signed or hashed here, so this
//! part, which needs the state left by earlier blocks, is quick; the rest of the work runs in parallel.

mod mixed;
mod transfers;

use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, Log};

use crate::facts::{ExpectedOddLog, Facts, Moved, OddLog};
use crate::keys::Key;
use crate::ledger::Ledger;
use crate::options::{ChainOptions, Fork, Traffic};
use crate::random::{Purpose, Random};
use crate::receipt::Outcome;
use crate::tokens::{GENESIS_BALANCE, TokenKind, all_tokens};
use crate::transaction::Transaction;
use mixed::Collections;

/// A transaction before signing, and what it did.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Index of the sender.
    pub(crate) sender: u32,
    pub(crate) transaction: Transaction,
    /// Account index of the authority of each entry of the authorization list, which is still to be signed.
    pub(crate) authorities: Vec<u32>,
    pub(crate) outcome: Outcome,
    pub(crate) gas_used: u64,
    pub(crate) logs: Vec<Log>,
}

#[derive(Debug)]
pub(crate) struct BlockPlan {
    pub(crate) number: u64,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) withdrawals: Option<Vec<Withdrawal>>,
    /// Stands in for the state root, which nobody can recompute here.
    pub(crate) state_root: alloy_primitives::B256,
}

#[derive(Debug)]
pub(crate) struct Planner {
    options: ChainOptions,
    addresses: Vec<Address>,
    nonces: Vec<u64>,
    /// One per token; unused for those that are not ERC-20.
    ledgers: Vec<Ledger>,
    collections: Collections,
    facts: Facts,
    next_withdrawal: u64,
    // Of the block being planned:
    block_number: u32,
    next_log_index: u32,
}

impl Planner {
    pub(crate) fn new(options: &ChainOptions, accounts: &[Key]) -> Self {
        let addresses: Vec<Address> = accounts.iter().map(|key| key.address).collect();
        let tokens = all_tokens(options);
        let mut ledgers: Vec<Ledger> = tokens
            .iter()
            .map(|_| Ledger::new(options.n_accounts))
            .collect();
        for (token, ledger) in tokens.iter().zip(&mut ledgers) {
            if token.kind == TokenKind::Erc20GenesisFunded {
                ledger.fund_all(GENESIS_BALANCE);
            }
        }
        Self {
            options: options.clone(),
            nonces: vec![0; addresses.len()],
            ledgers,
            collections: Collections::new(options.n_accounts),
            facts: Facts::new(tokens, addresses.clone()),
            addresses,
            next_withdrawal: 0,
            block_number: 0,
            next_log_index: 0,
        }
    }

    pub(crate) fn into_facts(self) -> Facts {
        self.facts
    }

    pub(crate) fn plan_block(&mut self, number: u64) -> BlockPlan {
        let mut random = Random::for_block(self.options.seed, Purpose::Traffic, number);
        self.block_number = u32::try_from(number).unwrap_or(u32::MAX);
        self.next_log_index = 0;
        let state_root = random.hash();
        let drafts = match self.options.huge_block {
            Some(huge) if huge.number == number => self.plan_huge_block(huge.n_logs, &mut random),
            _ => self.plan_drafts(&mut random),
        };
        let withdrawals =
            (self.options.fork >= Fork::Shanghai).then(|| self.plan_withdrawals(&mut random));
        BlockPlan {
            number,
            drafts,
            withdrawals,
            state_root,
        }
    }

    fn plan_drafts(&mut self, random: &mut Random) -> Vec<Draft> {
        let n = self.options.transactions_per_block;
        match self.options.traffic {
            Traffic::Erc20Transfers => (0..n).map(|_| self.plain_transfer(random)).collect(),
            // One block in ten is empty, the others vary in size.
            Traffic::Mixed if n == 0 || random.per_mille(100) => Vec::new(),
            Traffic::Mixed => {
                let n = 1 + random.below(u64::from(n) * 2 - 1);
                (0..n).map(|_| self.mixed_transaction(random)).collect()
            }
        }
    }

    /// QBFT networks have no withdrawals, but a header may carry the list, and the root must be proven.
    fn plan_withdrawals(&mut self, random: &mut Random) -> Vec<Withdrawal> {
        if self.options.traffic == Traffic::Erc20Transfers || !random.per_mille(400) {
            return Vec::new();
        }
        let n = 1 + random.below(4);
        (0..n)
            .map(|_| {
                let index = self.next_withdrawal;
                self.next_withdrawal += 1;
                Withdrawal {
                    index,
                    validator_index: random.below(1000),
                    address: self.addresses[random.index(self.addresses.len())],
                    amount: random.below(1 << 40),
                }
            })
            .collect()
    }

    fn next_nonce(&mut self, sender: u32) -> u64 {
        let nonce = &mut self.nonces[usize::try_from(sender).unwrap_or(usize::MAX)];
        *nonce += 1;
        *nonce - 1
    }

    fn address(&self, account: u32) -> Address {
        self.addresses[usize::try_from(account).unwrap_or(usize::MAX)]
    }

    fn address_or_zero(&self, account: Option<u32>) -> Address {
        account.map_or(Address::ZERO, |account| self.address(account))
    }

    /// Takes the next log index of the block.
    fn claim_log_index(&mut self) -> u32 {
        self.next_log_index += 1;
        self.next_log_index - 1
    }

    /// Records what one log moved.
    fn record(&mut self, moves: &[Moved]) {
        let log_index = self.claim_log_index();
        for (moved, batch_index) in moves.iter().zip(0_u16..) {
            self.facts
                .push(moved.at(self.block_number, log_index, batch_index));
        }
    }

    fn record_odd_log(&mut self, kind: OddLog) {
        let log_index = self.claim_log_index();
        self.facts.push_odd_log(ExpectedOddLog {
            block_number: self.block_number,
            log_index,
            kind,
        });
    }
}
