//! Balances while the traffic is made up: transfers never spend what the sender does not have.

use alloy_primitives::U256;

use crate::random::Random;

/// Balances of one fungible token (or one id of an ERC-1155), by account index.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    balances: Vec<U256>,
    holders: Vec<u32>,
    /// Place of the account in `holders`.
    places: Vec<Option<u32>>,
}

/// `None` stands for the zero address: a mint has no `from`, a burn no `to`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Movement {
    pub(crate) from: Option<u32>,
    pub(crate) to: Option<u32>,
    pub(crate) amount: U256,
}

impl Ledger {
    pub(crate) fn new(n_accounts: u32) -> Self {
        let n = usize::try_from(n_accounts).unwrap_or(usize::MAX);
        Self {
            balances: vec![U256::ZERO; n],
            holders: Vec::new(),
            places: vec![None; n],
        }
    }

    /// Nineteen in twenty move a random part of a holder's balance, the others are mints or burns.
    pub(crate) fn random_movement(&self, random: &mut Random) -> Movement {
        let to = self.random_account(random);
        if self.holders.is_empty() || random.per_mille(40) {
            return Movement {
                from: None,
                to: Some(to),
                amount: random.amount(100),
            };
        }
        let from = self.holders[random.index(self.holders.len())];
        let amount = self.part_of_balance(from, random);
        let to = (!random.per_mille(10)).then_some(to);
        Movement {
            from: Some(from),
            to,
            amount,
        }
    }

    /// A movement into or out of `account`, whatever it holds.
    pub(crate) fn movement_of(&self, account: u32, random: &mut Random) -> Movement {
        let other = self.random_account(random);
        if self.balance(account).is_zero() || random.per_mille(500) {
            if self.balance(other).is_zero() || other == account {
                return Movement {
                    from: None,
                    to: Some(account),
                    amount: random.amount(100),
                };
            }
            let amount = self.part_of_balance(other, random);
            return Movement {
                from: Some(other),
                to: Some(account),
                amount,
            };
        }
        Movement {
            from: Some(account),
            to: Some(other),
            amount: self.part_of_balance(account, random),
        }
    }

    pub(crate) fn random_account(&self, random: &mut Random) -> u32 {
        u32::try_from(random.index(self.balances.len())).unwrap_or(0)
    }

    pub(crate) fn fund_all(&mut self, amount: U256) {
        for account in (0_u32..).take(self.balances.len()) {
            self.set(account, amount);
        }
    }

    /// # Panics
    /// When `from` holds less than the amount: the generator asked for a transfer that cannot be.
    pub(crate) fn apply(&mut self, movement: &Movement) {
        if let Some(from) = movement.from {
            let balance = self.balance(from);
            assert!(
                balance >= movement.amount,
                "account {from} holds {balance}, not {}",
                movement.amount
            );
            self.set(from, balance - movement.amount);
        }
        if let Some(to) = movement.to {
            self.set(to, self.balance(to) + movement.amount);
        }
    }

    fn balance(&self, account: u32) -> U256 {
        self.balances[index(account)]
    }

    fn part_of_balance(&self, account: u32, random: &mut Random) -> U256 {
        let balance = self.balance(account);
        let part: U256 = (balance >> 8) * U256::from(1 + random.below(255));
        if part.is_zero() { balance } else { part }
    }

    fn set(&mut self, account: u32, balance: U256) {
        self.balances[index(account)] = balance;
        match (balance.is_zero(), self.places[index(account)]) {
            (false, None) => {
                self.places[index(account)] = u32::try_from(self.holders.len()).ok();
                self.holders.push(account);
            }
            (true, Some(place)) => {
                self.holders.swap_remove(index(place));
                self.places[index(account)] = None;
                if let Some(moved) = self.holders.get(index(place)) {
                    self.places[index(*moved)] = Some(place);
                }
            }
            (false, Some(_)) | (true, None) => {}
        }
    }
}

fn index(account: u32) -> usize {
    usize::try_from(account).unwrap_or(usize::MAX)
}
