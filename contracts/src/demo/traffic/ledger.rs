//! What balances and allowances must be, from nothing but the transactions that we sent and their receipts.
//!
//! Blocks are settled one after the other, each whole. The last [`RECENT_BLOCKS`] can be taken back, for development chains
//! that reorganise; their transactions are handed out again.

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::{Address, B256, U256};
use lastro_schema::BlockRef;

use super::senders::Pending;

/// How many blocks a reorganisation may take back.
pub(super) const RECENT_BLOCKS: usize = 256;

/// Whose balance of which token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalanceKey {
    pub token: Address,
    /// Token id of ERC-1155 and ERC-721; zero for ERC-20.
    pub id: U256,
    pub account: Address,
}

/// A number that a contract keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Balance(BalanceKey),
    /// What `spender` may still take from `owner` (ERC-20).
    Allowance {
        token: Address,
        owner: Address,
        spender: Address,
    },
    /// 1 where `operator` may move everything of `owner` (ERC-721, ERC-1155).
    Operator {
        token: Address,
        owner: Address,
        operator: Address,
    },
}

/// What a transaction does to one number if it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Credit(Key, U256),
    Debit(Key, U256),
    Set(Key, U256),
}

impl Effect {
    pub(super) fn key(&self) -> &Key {
        match self {
            Self::Credit(key, _) | Self::Debit(key, _) | Self::Set(key, _) => key,
        }
    }
}

/// A transaction succeeded on the chain that cannot have, by this ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Diverged {
    pub(super) transaction: B256,
}

#[derive(Debug)]
pub(super) struct Ledger {
    head: BlockRef,
    values: BTreeMap<Key, U256>,
    recent: VecDeque<SettledBlock>,
}

#[derive(Debug)]
struct SettledBlock {
    parent: BlockRef,
    /// What stood there before, in the order of the changes.
    before: Vec<(Key, Option<U256>)>,
    outcomes: Vec<(Pending, bool)>,
}

impl Ledger {
    /// Nothing stands in it; `head` is the last block before the first transaction.
    pub(super) fn new(head: BlockRef) -> Self {
        Self {
            head,
            values: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }

    /// The last settled block.
    pub(super) fn head(&self) -> BlockRef {
        self.head
    }

    pub(super) fn value(&self, key: &Key) -> U256 {
        self.values.get(key).copied().unwrap_or_default()
    }

    /// Balances of every account that was ever touched, zeros included.
    pub(super) fn balances(&self) -> BTreeMap<BalanceKey, U256> {
        let balance = |(key, value): (&Key, &U256)| match key {
            Key::Balance(key) => Some((*key, *value)),
            Key::Allowance { .. } | Key::Operator { .. } => None,
        };
        self.values.iter().filter_map(balance).collect()
    }

    /// Who holds some of `token` number `id`, and how much.
    pub(super) fn holders(
        &self,
        token: Address,
        id: U256,
    ) -> impl Iterator<Item = (BalanceKey, U256)> {
        let key = |account| Key::Balance(BalanceKey { token, id, account });
        let range = self
            .values
            .range(key(Address::ZERO)..=key(Address::repeat_byte(0xff)));
        range.filter_map(|(key, value)| match key {
            Key::Balance(key) if !value.is_zero() => Some((*key, *value)),
            _ => None,
        })
    }

    /// Takes a block over: our transactions in it, in its order, each with whether it succeeded.
    ///
    /// # Errors
    /// [`Diverged`], and then nothing has changed.
    pub(super) fn settle(
        &mut self,
        block: BlockRef,
        outcomes: Vec<(Pending, bool)>,
    ) -> Result<(), Diverged> {
        let mut before = Vec::new();
        for (pending, succeeded) in &outcomes {
            let effects = if *succeeded {
                &pending.effects[..]
            } else {
                &[]
            };
            for effect in effects {
                if !self.apply(*effect, &mut before) {
                    self.restore(before);
                    return Err(Diverged {
                        transaction: pending.transaction.hash,
                    });
                }
            }
        }
        self.recent.push_back(SettledBlock {
            parent: self.head,
            before,
            outcomes,
        });
        if self.recent.len() > RECENT_BLOCKS {
            self.recent.pop_front();
        }
        self.head = block;
        Ok(())
    }

    /// Takes the newest block back and hands out what `settle` was given; `None` where it is too old to be remembered.
    pub(super) fn unwind(&mut self) -> Option<Vec<(Pending, bool)>> {
        let SettledBlock {
            parent,
            before,
            outcomes,
        } = self.recent.pop_back()?;
        self.restore(before);
        self.head = parent;
        Some(outcomes)
    }

    fn apply(&mut self, effect: Effect, before: &mut Vec<(Key, Option<U256>)>) -> bool {
        let (key, after) = match effect {
            Effect::Credit(key, amount) => (key, self.value(&key).checked_add(amount)),
            Effect::Debit(key, amount) => (key, self.value(&key).checked_sub(amount)),
            Effect::Set(key, value) => (key, Some(value)),
        };
        let Some(after) = after else { return false };
        before.push((key, self.values.insert(key, after)));
        true
    }

    fn restore(&mut self, before: Vec<(Key, Option<U256>)>) {
        for (key, value) in before.into_iter().rev() {
            match value {
                Some(value) => self.values.insert(key, value),
                None => self.values.remove(&key),
            };
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloy_primitives::Bytes;
    use lastro_schema::BlockNumber;
    use proptest::prelude::*;

    use super::*;
    use crate::signing::SignedTransaction;

    fn block(number: u64) -> BlockRef {
        BlockRef {
            number: BlockNumber(number),
            hash: B256::from(U256::from(number)),
        }
    }

    fn balance(account: u8) -> Key {
        Key::Balance(BalanceKey {
            token: Address::ZERO,
            id: U256::ZERO,
            account: Address::repeat_byte(account),
        })
    }

    fn pending(nonce: u64, effects: Vec<Effect>) -> Pending {
        let hash = B256::from(U256::from(nonce + 1));
        let transaction = SignedTransaction {
            hash,
            sender: Address::ZERO,
            nonce,
            raw: Bytes::new(),
        };
        Pending {
            transaction,
            effects,
            broadcast_at: None,
        }
    }

    #[test]
    fn only_successful_transactions_count() {
        let mut ledger = Ledger::new(block(0));
        let mint =
            |nonce, amount| pending(nonce, vec![Effect::Credit(balance(1), U256::from(amount))]);
        ledger
            .settle(block(1), vec![(mint(0, 5), true), (mint(1, 7), false)])
            .unwrap();
        assert_eq!(ledger.value(&balance(1)), U256::from(5));
        assert_eq!(ledger.head(), block(1));
        assert_eq!(ledger.holders(Address::ZERO, U256::ZERO).count(), 1);
    }

    #[test]
    fn impossible_success_changes_nothing() {
        let mut ledger = Ledger::new(block(0));
        let effects = vec![
            Effect::Credit(balance(2), U256::ONE),
            Effect::Debit(balance(1), U256::ONE),
        ];
        let diverged = ledger
            .settle(block(1), vec![(pending(0, effects), true)])
            .unwrap_err();
        assert_eq!(diverged.transaction, B256::from(U256::ONE));
        assert_eq!(ledger.head(), block(0));
        assert!(ledger.balances().is_empty());
    }

    #[test]
    fn old_blocks_cannot_be_taken_back() {
        let mut ledger = Ledger::new(block(0));
        let n_blocks = u64::try_from(RECENT_BLOCKS).unwrap() + 10;
        for number in 1..=n_blocks {
            ledger.settle(block(number), Vec::new()).unwrap();
        }
        for _ in 0..RECENT_BLOCKS {
            ledger.unwind().unwrap();
        }
        assert_eq!(ledger.head(), block(10));
        assert!(ledger.unwind().is_none());
    }

    fn effect() -> impl Strategy<Value = Effect> {
        (0..3_u8, 1..4_u8, 0..50_u64).prop_map(|(kind, account, amount)| {
            let (key, amount) = (balance(account), U256::from(amount));
            match kind {
                0 => Effect::Debit(key, amount),
                1 => Effect::Credit(key, amount),
                _ => Effect::Set(key, amount),
            }
        })
    }

    proptest! {
        #[test]
        fn a_block_taken_back_never_happened(
            blocks in proptest::collection::vec(proptest::collection::vec(effect(), 0..6), 1..8),
        ) {
            let mut ledger = Ledger::new(block(0));
            let mut history = Vec::new();
            for (number, effects) in (1..).zip(blocks) {
                let snapshot = (ledger.head(), ledger.balances());
                if ledger.settle(block(number), vec![(pending(number, effects), true)]).is_ok() {
                    history.push(snapshot);
                } else {
                    prop_assert_eq!(snapshot, (ledger.head(), ledger.balances()));
                }
            }
            for snapshot in history.into_iter().rev() {
                prop_assert_eq!(ledger.unwind().unwrap().len(), 1);
                prop_assert_eq!(snapshot, (ledger.head(), ledger.balances()));
            }
        }
    }
}
