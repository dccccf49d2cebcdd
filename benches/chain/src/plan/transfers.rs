//! ERC-20 transfers, mints and burns, as the benches have them, and the block with very many logs.

use alloy_primitives::{Address, Log, U256};

use super::{Draft, Planner};
use crate::events::{
    CALL_BURN, CALL_MINT, CALL_TRANSFER, calldata, erc20_transfer, erc20_transfer_partly_indexed,
    erc20_transfer_unindexed,
};
use crate::facts::Moved;
use crate::ledger::Movement;
use crate::options::Fork;
use crate::random::Random;
use crate::receipt::Outcome;
use crate::tokens::TokenKind;
use crate::transaction::Transaction;

impl Planner {
    /// A legacy transaction that calls a token and moves it once.
    pub(super) fn plain_transfer(&mut self, random: &mut Random) -> Draft {
        let (token, movement) = if random.per_mille(self.options.hot_account_per_mille) {
            (0, self.ledgers[0].movement_of(0, random))
        } else {
            let n_tokens = usize::try_from(self.options.n_tokens).unwrap_or(usize::MAX);
            let token = random.index(n_tokens);
            (token, self.ledgers[token].random_movement(random))
        };
        self.erc20_draft(token, movement, random)
    }

    /// A transaction of the account that spends, or of a minter, whose one log is the movement.
    pub(super) fn erc20_draft(
        &mut self,
        token: usize,
        movement: Movement,
        random: &mut Random,
    ) -> Draft {
        let sender = movement
            .from
            .unwrap_or_else(|| self.ledgers[token].random_account(random));
        let memo_length = random.index(33);
        let memo = random.bytes(memo_length);
        let input = match (movement.from, movement.to) {
            (None, Some(to)) => calldata(CALL_MINT, self.address(to), movement.amount, &memo),
            (_, Some(to)) => calldata(CALL_TRANSFER, self.address(to), movement.amount, &memo),
            (_, None) => calldata(CALL_BURN, self.address(sender), movement.amount, &memo),
        };
        let contract = self.facts.tokens()[token].address;
        let log = self.move_erc20(token, movement);
        let nonce = self.next_nonce(sender);
        let mut transaction =
            Transaction::legacy(self.options.chain_id, nonce, Some(contract), input);
        let gas_used = 29_000 + random.below(30_000);
        transaction.gas_limit = gas_used + random.below(100_000);
        let outcome = self.success(random);
        Draft {
            sender,
            transaction,
            authorities: Vec::new(),
            outcome,
            gas_used,
            logs: vec![log],
        }
    }

    /// Books the movement and gives the log that the token's kind writes for it.
    pub(super) fn move_erc20(&mut self, token: usize, movement: Movement) -> Log {
        self.ledgers[token].apply(&movement);
        let from = self.address_or_zero(movement.from);
        let to = self.address_or_zero(movement.to);
        self.book_erc20(token, from, to, movement.amount)
    }

    pub(super) fn book_erc20(
        &mut self,
        token: usize,
        from: Address,
        to: Address,
        amount: U256,
    ) -> Log {
        let token_index = u16::try_from(token).unwrap_or(u16::MAX);
        self.record(&[Moved {
            token_index,
            id: U256::ZERO,
            from,
            to,
            amount,
            operator: None,
        }]);
        let contract = &self.facts.tokens()[token];
        match contract.kind {
            TokenKind::Erc20Unindexed => {
                erc20_transfer_unindexed(contract.address, from, to, amount)
            }
            TokenKind::Erc20PartlyIndexed => {
                erc20_transfer_partly_indexed(contract.address, from, to, amount)
            }
            _ => erc20_transfer(contract.address, from, to, amount),
        }
    }

    /// Transactions of up to a thousand transfers each, until `n_logs` are written.
    pub(super) fn plan_huge_block(&mut self, n_logs: u32, random: &mut Random) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let mut left = n_logs;
        while left > 0 {
            let n = left.min(1000);
            left -= n;
            let mut draft = self.plain_transfer(random);
            for _ in 1..n {
                let movement = self.ledgers[0].random_movement(random);
                let log = self.move_erc20(0, movement);
                draft.logs.push(log);
            }
            draft.gas_used += 30_000 * u64::from(n);
            draft.transaction.gas_limit += 30_000 * u64::from(n);
            drafts.push(draft);
        }
        drafts
    }

    pub(super) fn success(&self, random: &mut Random) -> Outcome {
        if self.options.fork == Fork::SpuriousDragon {
            Outcome::PostState(random.hash())
        } else {
            Outcome::Succeeded
        }
    }

    pub(super) fn failure(&self, random: &mut Random) -> Outcome {
        if self.options.fork == Fork::SpuriousDragon {
            Outcome::PostState(random.hash())
        } else {
            Outcome::Failed
        }
    }
}
