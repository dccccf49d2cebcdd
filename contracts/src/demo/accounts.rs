//! Development keys from a phrase.

use alloy_primitives::{Address, Keccak256};

use crate::signing::{Account, InvalidKey};

/// An issuer and its holders. For development only: whoever knows the phrase has every key.
///
/// Key number `i` is keccak-256 of a prefix, `i` as eight big-endian bytes and the phrase. This is not BIP-39 on purpose:
/// no wallet's accounts can be hit by mistake.
#[derive(Clone, Debug)]
pub struct DemoAccounts {
    issuer: Account,
    holders: Vec<Account>,
}

impl DemoAccounts {
    /// # Errors
    /// [`InvalidKey`] where a hash is no key, which has a probability of 2⁻¹²⁸.
    pub fn derive(phrase: &str, n_holders: u32) -> Result<Self, InvalidKey> {
        let issuer = derive_account(phrase, 0)?;
        let holders = (1..=u64::from(n_holders))
            .map(|index| derive_account(phrase, index))
            .collect::<Result<_, _>>()?;
        Ok(Self { issuer, holders })
    }

    /// Deploys, mints and burns.
    pub fn issuer(&self) -> &Account {
        &self.issuer
    }

    pub fn holders(&self) -> &[Account] {
        &self.holders
    }

    /// Every account, the issuer first.
    pub fn all(&self) -> impl Iterator<Item = &Account> {
        std::iter::once(&self.issuer).chain(&self.holders)
    }

    /// What a genesis file endows with ether. Networks with a gas price of zero do not need it, development nodes with a
    /// base fee do.
    pub fn faucet_addresses(&self) -> Vec<Address> {
        self.all().map(Account::address).collect()
    }
}

fn derive_account(phrase: &str, index: u64) -> Result<Account, InvalidKey> {
    let mut hasher = Keccak256::new();
    hasher.update(b"lastro demo account");
    hasher.update(index.to_be_bytes());
    hasher.update(phrase.as_bytes());
    Account::from_key(hasher.finalize().0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn accounts_depend_on_phrase_and_index_alone() {
        let accounts = DemoAccounts::derive("phrase", 5).unwrap();
        let addresses = accounts.faucet_addresses();
        assert_eq!(
            addresses,
            DemoAccounts::derive("phrase", 5)
                .unwrap()
                .faucet_addresses()
        );
        assert_eq!(
            addresses[..3],
            DemoAccounts::derive("phrase", 2)
                .unwrap()
                .faucet_addresses()
        );
        assert_eq!(addresses[0], accounts.issuer().address());
        let others = DemoAccounts::derive("another", 5)
            .unwrap()
            .faucet_addresses();
        assert_eq!(
            addresses
                .iter()
                .chain(&others)
                .collect::<BTreeSet<_>>()
                .len(),
            12
        );
    }
}
