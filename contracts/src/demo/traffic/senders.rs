//! Nonces, and the transactions on their way.
//!
//! A signed transaction keeps its nonce: until a block has it, or another transaction has its nonce, the same bytes are
//! broadcast again. So no answer that got lost can lead to two transactions where the ledger knows of one.

use std::collections::{BTreeMap, HashMap};

use alloy_primitives::{B256, U256};
use tokio::time::{Duration, Instant};

use super::ledger::{Effect, Key};
use crate::signing::{Account, SignedTransaction};

/// A signed transaction that is in no settled block.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) transaction: SignedTransaction,
    /// If it succeeds.
    pub(super) effects: Vec<Effect>,
    /// When a node last answered to it; `None` before.
    pub(super) broadcast_at: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Senders {
    senders: Vec<Sender>,
    /// Sender and nonce of every pending transaction.
    by_hash: HashMap<B256, (usize, u64)>,
    max_pending: usize,
}

#[derive(Debug)]
struct Sender {
    account: Account,
    /// Every nonce below is used up on the chain.
    base_nonce: u64,
    pending: BTreeMap<u64, Pending>,
}

impl Senders {
    /// Accounts with the nonces of their next transactions.
    pub(super) fn new(accounts: Vec<(Account, u64)>, max_pending: usize) -> Self {
        let sender = |(account, base_nonce)| Sender {
            account,
            base_nonce,
            pending: BTreeMap::new(),
        };
        Self {
            senders: accounts.into_iter().map(sender).collect(),
            by_hash: HashMap::new(),
            max_pending,
        }
    }

    pub(super) fn account(&self, sender: usize) -> &Account {
        &self.senders[sender].account
    }

    pub(super) fn has_room(&self, sender: usize) -> bool {
        self.senders[sender].pending.len() < self.max_pending
    }

    /// The lowest nonce that nothing has: gaps are filled first, they hold up all that follows.
    pub(super) fn next_nonce(&self, sender: usize) -> u64 {
        let Sender {
            base_nonce,
            pending,
            ..
        } = &self.senders[sender];
        (*base_nonce..)
            .find(|nonce| !pending.contains_key(nonce))
            .unwrap_or(u64::MAX)
    }

    pub(super) fn insert(&mut self, sender: usize, pending: Pending) {
        let nonce = pending.transaction.nonce;
        self.by_hash
            .insert(pending.transaction.hash, (sender, nonce));
        self.senders[sender].pending.insert(nonce, pending);
    }

    pub(super) fn contains(&self, transaction: B256) -> bool {
        self.by_hash.contains_key(&transaction)
    }

    /// A block has the transaction: its nonce is used up.
    pub(super) fn take(&mut self, transaction: B256) -> Option<Pending> {
        let (sender, nonce) = self.by_hash.remove(&transaction)?;
        let sender = &mut self.senders[sender];
        sender.base_nonce = sender.base_nonce.max(nonce + 1);
        sender.pending.remove(&nonce)
    }

    /// Its block was taken back: it is on its way again.
    pub(super) fn put_back(&mut self, pending: Pending) {
        let address = pending.transaction.sender;
        let Some(sender) = self
            .senders
            .iter()
            .position(|s| s.account.address() == address)
        else {
            return;
        };
        self.senders[sender].base_nonce = self.senders[sender]
            .base_nonce
            .min(pending.transaction.nonce);
        self.insert(
            sender,
            Pending {
                broadcast_at: None,
                ..pending
            },
        );
    }

    /// Sets the nonce as the chain has it and gives up what another transaction took the nonce of.
    pub(super) fn rebase(&mut self, sender: usize, base_nonce: u64) -> Vec<Pending> {
        let sender = &mut self.senders[sender];
        sender.base_nonce = base_nonce;
        let kept = sender.pending.split_off(&base_nonce);
        let superseded: Vec<_> = std::mem::replace(&mut sender.pending, kept)
            .into_values()
            .collect();
        for pending in &superseded {
            self.by_hash.remove(&pending.transaction.hash);
        }
        superseded
    }

    /// Senders with a transaction that no node has answered to for `age`.
    pub(super) fn stale(&self, age: Duration) -> Vec<usize> {
        let is_stale = |p: &Pending| p.broadcast_at.is_none_or(|at| at.elapsed() >= age);
        let sender =
            |(index, s): (usize, &Sender)| s.pending.values().any(is_stale).then_some(index);
        self.senders.iter().enumerate().filter_map(sender).collect()
    }

    /// What `sender` has on its way, by nonce.
    pub(super) fn pending_of(&self, sender: usize) -> Vec<SignedTransaction> {
        self.senders[sender]
            .pending
            .values()
            .map(|p| p.transaction.clone())
            .collect()
    }

    pub(super) fn mark_broadcast(&mut self, transaction: B256) {
        let Some((sender, nonce)) = self.by_hash.get(&transaction) else {
            return;
        };
        if let Some(pending) = self.senders[*sender].pending.get_mut(nonce) {
            pending.broadcast_at = Some(Instant::now());
        }
    }

    /// What the transactions on their way take from `key`.
    pub(super) fn reserved(&self, key: &Key) -> U256 {
        let debit = |effect: &Effect| match effect {
            Effect::Debit(k, amount) if k == key => *amount,
            _ => U256::ZERO,
        };
        self.effects()
            .map(debit)
            .fold(U256::ZERO, U256::saturating_add)
    }

    /// Whether a transaction on its way changes a number that `of` picks.
    pub(super) fn change_any(&self, of: impl Fn(&Key) -> bool) -> bool {
        self.effects().any(|effect| of(effect.key()))
    }

    fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.senders
            .iter()
            .flat_map(|s| s.pending.values())
            .flat_map(|p| &p.effects)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloy_primitives::{Address, Bytes};

    use super::*;
    use crate::demo::traffic::ledger::BalanceKey;

    fn senders() -> Senders {
        Senders::new(vec![(Account::from_key([1; 32]).unwrap(), 5)], 3)
    }

    fn key() -> Key {
        Key::Balance(BalanceKey {
            token: Address::ZERO,
            id: U256::from(9),
            account: Address::ZERO,
        })
    }

    fn send(senders: &mut Senders) -> B256 {
        let nonce = senders.next_nonce(0);
        let hash = B256::from(U256::from(nonce));
        let sender = senders.account(0).address();
        let transaction = SignedTransaction {
            hash,
            sender,
            nonce,
            raw: Bytes::new(),
        };
        let effects = vec![Effect::Debit(key(), U256::from(10))];
        senders.insert(
            0,
            Pending {
                transaction,
                effects,
                broadcast_at: None,
            },
        );
        hash
    }

    #[test]
    fn nonces_are_consecutive_and_few_are_pending() {
        let mut senders = senders();
        let hashes = [send(&mut senders), send(&mut senders), send(&mut senders)];
        assert_eq!(
            hashes,
            [5_u64, 6, 7].map(|nonce| B256::from(U256::from(nonce)))
        );
        assert!(!senders.has_room(0));
        assert_eq!(senders.reserved(&key()), U256::from(30));
        assert!(senders.change_any(|k| *k == key()));
        senders.take(hashes[0]).unwrap();
        assert!(senders.has_room(0) && !senders.contains(hashes[0]));
        assert_eq!(senders.next_nonce(0), 8);
    }

    #[test]
    fn transaction_of_a_block_taken_back_is_sent_again_at_its_nonce() {
        let mut senders = senders();
        let (first, second) = (send(&mut senders), send(&mut senders));
        senders.mark_broadcast(first);
        senders.mark_broadcast(second);
        assert!(senders.stale(Duration::from_secs(60)).is_empty());
        let settled = senders.take(first).unwrap();
        senders.put_back(settled);
        assert_eq!(senders.stale(Duration::from_secs(60)), [0]);
        let nonces: Vec<_> = senders.pending_of(0).iter().map(|t| t.nonce).collect();
        assert_eq!(nonces, [5, 6]);
        assert_eq!(senders.next_nonce(0), 7);
    }

    #[test]
    fn nonce_of_the_chain_decides() {
        let mut senders = senders();
        let (first, second) = (send(&mut senders), send(&mut senders));
        let superseded = senders.rebase(0, 6);
        assert_eq!(superseded.len(), 1);
        assert!(!senders.contains(first) && senders.contains(second));
        senders.rebase(0, 4);
        assert_eq!(senders.next_nonce(0), 4, "a gap below is filled first");
    }
}
