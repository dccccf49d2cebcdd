//! What an indexer must find on the chain: transfers, balances, supplies, known from the making, not from decoding.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use alloy_primitives::{Address, U256};

use crate::tokens::{GENESIS_BALANCE, Token, TokenKind};

/// One movement of tokens; a batch log gives one per id. The zero address stands for mint and burn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTransfer {
    pub block_number: u32,
    /// Position of the log in its block.
    pub log_index: u32,
    /// Position within an ERC-1155 batch, else 0.
    pub batch_index: u16,
    token_index: u16,
    /// Zero for ERC-20.
    pub id: U256,
    pub from: Address,
    pub to: Address,
    /// 1 for ERC-721.
    pub amount: U256,
    /// ERC-1155 only.
    pub operator: Option<Address>,
}

/// Logs that look like transfers and must not be taken for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OddLog {
    /// ERC-20 `Transfer` with 31 bytes of data.
    ShortAmount,
    /// `Transfer` with four topics, as ERC-721, and an amount in the data as well.
    FourTopicsWithData,
    /// `TransferBatch` with fewer amounts than ids.
    UnequalBatch,
    /// `Transfer` with an indexed address that has bits above its 160.
    DirtyAddress,
    /// No topics at all.
    NoTopics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedOddLog {
    pub block_number: u32,
    pub log_index: u32,
    pub kind: OddLog,
}

#[derive(Debug, Default)]
pub struct Facts {
    tokens: Vec<Token>,
    accounts: Vec<Address>,
    transfers: Vec<ExpectedTransfer>,
    odd_logs: Vec<ExpectedOddLog>,
    by_account: OnceLock<HashMap<(u16, U256, Address), Vec<u32>>>,
    by_token_address: OnceLock<HashMap<Address, u16>>,
}

impl Facts {
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    pub fn token(&self, address: Address) -> Option<&Token> {
        self.tokens.get(usize::from(self.token_index(address)?))
    }

    /// The accounts that send transactions and hold tokens.
    pub fn accounts(&self) -> &[Address] {
        &self.accounts
    }

    /// In the order of the chain.
    pub fn transfers(&self) -> &[ExpectedTransfer] {
        &self.transfers
    }

    /// Logs of the [`TokenKind::Malformed`] contract.
    pub fn odd_logs(&self) -> &[ExpectedOddLog] {
        &self.odd_logs
    }

    pub fn token_of(&self, transfer: &ExpectedTransfer) -> &Token {
        &self.tokens[usize::from(transfer.token_index)]
    }

    /// Whether the sums over the token's transfers fit 256 bits.
    pub fn is_summable(&self, token: Address) -> bool {
        self.token(token)
            .is_some_and(|token| token.kind != TokenKind::Erc20Overflowing)
    }

    /// What `balanceOf` says after block `at`; `id` is zero for ERC-20. `None` where the sum does not fit or the token
    /// is unknown.
    pub fn balance(&self, token: Address, id: U256, account: Address, at: u64) -> Option<U256> {
        if !self.is_summable(token) {
            return None;
        }
        let index = self.token_index(token)?;
        let mut balance = self.genesis_balance(index, account);
        for transfer in self.transfers_of(index, id, account) {
            if u64::from(transfer.block_number) > at {
                break;
            }
            if transfer.to == account {
                balance += transfer.amount;
            }
            if transfer.from == account {
                balance -= transfer.amount;
            }
        }
        Some(balance)
    }

    /// How many transfers of the token (and id) the account has taken part in up to block `at`.
    pub fn n_transfers_of(&self, token: Address, id: U256, account: Address, at: u64) -> usize {
        let Some(index) = self.token_index(token) else {
            return 0;
        };
        self.transfers_of(index, id, account)
            .filter(|transfer| u64::from(transfer.block_number) <= at)
            .count()
    }

    /// All balances other than zero after block `at`, by account and id (zero for ERC-20), from transfers alone.
    /// Empty for a token whose sums do not fit.
    pub fn holders(&self, token: Address, at: u64) -> BTreeMap<(Address, U256), U256> {
        let mut balances = BTreeMap::new();
        let Some(index) = self.token_index(token).filter(|_| self.is_summable(token)) else {
            return balances;
        };
        for account in &self.accounts {
            balances.insert(
                (*account, U256::ZERO),
                self.genesis_balance(index, *account),
            );
        }
        for transfer in self
            .transfers_up_to(at)
            .filter(|transfer| transfer.token_index == index)
        {
            if !transfer.to.is_zero() {
                *balances.entry((transfer.to, transfer.id)).or_default() += transfer.amount;
            }
            if !transfer.from.is_zero() {
                *balances.entry((transfer.from, transfer.id)).or_default() -= transfer.amount;
            }
        }
        balances.retain(|_, balance| !balance.is_zero());
        balances
    }

    /// Mints less burns after block `at`, plus what genesis storage gave; `id` is zero for ERC-20.
    pub fn total_supply(&self, token: Address, id: U256, at: u64) -> Option<U256> {
        if !self.is_summable(token) {
            return None;
        }
        let index = self.token_index(token)?;
        let n_accounts = U256::from(self.accounts.len());
        let mut supply = self.genesis_balance(index, *self.accounts.first()?) * n_accounts;
        let of_token =
            |transfer: &&ExpectedTransfer| transfer.token_index == index && transfer.id == id;
        for transfer in self.transfers_up_to(at).filter(of_token) {
            if transfer.from.is_zero() {
                supply += transfer.amount;
            }
            if transfer.to.is_zero() {
                supply -= transfer.amount;
            }
        }
        Some(supply)
    }

    pub(crate) fn new(tokens: Vec<Token>, accounts: Vec<Address>) -> Self {
        Self {
            tokens,
            accounts,
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, transfer: ExpectedTransfer) {
        self.transfers.push(transfer);
    }

    pub(crate) fn push_odd_log(&mut self, odd_log: ExpectedOddLog) {
        self.odd_logs.push(odd_log);
    }

    fn token_index(&self, address: Address) -> Option<u16> {
        let index = self.by_token_address.get_or_init(|| {
            self.tokens
                .iter()
                .map(|token| token.address)
                .zip(0..)
                .collect()
        });
        index.get(&address).copied()
    }

    fn genesis_balance(&self, token: u16, account: Address) -> U256 {
        match self.tokens[usize::from(token)].kind {
            TokenKind::Erc20GenesisFunded if self.accounts.contains(&account) => GENESIS_BALANCE,
            _ => U256::ZERO,
        }
    }

    fn transfers_up_to(&self, at: u64) -> impl Iterator<Item = &ExpectedTransfer> {
        self.transfers
            .iter()
            .take_while(move |transfer| u64::from(transfer.block_number) <= at)
    }

    fn transfers_of(
        &self,
        token: u16,
        id: U256,
        account: Address,
    ) -> impl Iterator<Item = &ExpectedTransfer> {
        let places = self
            .by_account
            .get_or_init(|| self.index_accounts())
            .get(&(token, id, account));
        places
            .into_iter()
            .flatten()
            .filter_map(|place| self.transfers.get(usize::try_from(*place).ok()?))
    }

    fn index_accounts(&self) -> HashMap<(u16, U256, Address), Vec<u32>> {
        let mut places: HashMap<(u16, U256, Address), Vec<u32>> = HashMap::new();
        for (transfer, place) in self.transfers.iter().zip(0_u32..) {
            places
                .entry((transfer.token_index, transfer.id, transfer.from))
                .or_default()
                .push(place);
            if transfer.to != transfer.from {
                places
                    .entry((transfer.token_index, transfer.id, transfer.to))
                    .or_default()
                    .push(place);
            }
        }
        places
    }
}

/// A movement whose place on the chain is not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    pub(crate) token_index: u16,
    pub(crate) id: U256,
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) amount: U256,
    pub(crate) operator: Option<Address>,
}

impl Moved {
    pub(crate) fn at(
        self,
        block_number: u32,
        log_index: u32,
        batch_index: u16,
    ) -> ExpectedTransfer {
        ExpectedTransfer {
            block_number,
            log_index,
            batch_index,
            token_index: self.token_index,
            id: self.id,
            from: self.from,
            to: self.to,
            amount: self.amount,
            operator: self.operator,
        }
    }
}
