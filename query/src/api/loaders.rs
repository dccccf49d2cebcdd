//! Batches what the rows of one answer ask for below them, so that a page of rows costs one read per kind and not one per row.

use std::{collections::HashMap, hash::Hash};

use alloy_primitives::Address;
use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};
use lastro_schema::BlockNumber;

use crate::{
    error::QueryError,
    read::{
        blocks::{self, BlockRow},
        logs::{self, LogRow},
        tokens::{self, TokenRow},
        transactions::{self, TransactionRow},
    },
    store::Store,
};

/// Reads batches of keys. It keeps nothing: equal keys are joined within a batch only.
#[derive(Clone)]
pub(crate) struct Loaders {
    store: Store,
}

impl Loaders {
    pub(crate) fn batching(store: Store) -> DataLoader<Self> {
        DataLoader::new(Self { store }, tokio::spawn)
    }
}

pub(crate) fn loader<'a>(ctx: &Context<'a>) -> &'a DataLoader<Loaders> {
    ctx.data_unchecked::<DataLoader<Loaders>>()
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BlockKey(pub u64);

/// A transaction by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransactionKey {
    pub block: u64,
    pub index: u32,
}

/// A token, if it had a transfer up to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey {
    pub token: Address,
    pub at: BlockNumber,
}

/// The first transactions of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransactionsOfBlock {
    pub block: u64,
    pub limit: u64,
}

/// The first logs of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LogsOfBlock {
    pub block: u64,
    pub limit: u64,
}

/// The first logs of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LogsOfTransaction {
    pub transaction: TransactionKey,
    pub limit: u64,
}

impl Loader<BlockKey> for Loaders {
    type Value = BlockRow;
    type Error = QueryError;

    async fn load(&self, keys: &[BlockKey]) -> Result<HashMap<BlockKey, BlockRow>, QueryError> {
        let numbers: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = blocks::by_numbers(&self.store, &numbers).await?;
        Ok(rows
            .into_iter()
            .map(|row| (BlockKey(row.number), row))
            .collect())
    }
}

impl Loader<TransactionKey> for Loaders {
    type Value = TransactionRow;
    type Error = QueryError;

    async fn load(
        &self,
        keys: &[TransactionKey],
    ) -> Result<HashMap<TransactionKey, TransactionRow>, QueryError> {
        let places: Vec<_> = keys.iter().map(|key| (key.block, key.index)).collect();
        let rows = transactions::by_positions(&self.store, &places).await?;
        let keyed = |row: TransactionRow| {
            (
                TransactionKey {
                    block: row.block_number,
                    index: row.transaction_index,
                },
                row,
            )
        };
        Ok(rows.into_iter().map(keyed).collect())
    }
}

impl Loader<TokenKey> for Loaders {
    type Value = TokenRow;
    type Error = QueryError;

    async fn load(&self, keys: &[TokenKey]) -> Result<HashMap<TokenKey, TokenRow>, QueryError> {
        let mut loaded = HashMap::new();
        for (at, keys) in grouped(keys, |key| key.at) {
            let addresses: Vec<_> = keys.iter().map(|key| key.token).collect();
            let rows = tokens::by_addresses(&self.store, &addresses, at).await?;
            loaded.extend(rows.into_iter().map(|row| {
                (
                    TokenKey {
                        token: row.token,
                        at,
                    },
                    row,
                )
            }));
        }
        Ok(loaded)
    }
}

impl Loader<TransactionsOfBlock> for Loaders {
    type Value = Vec<TransactionRow>;
    type Error = QueryError;

    async fn load(
        &self,
        keys: &[TransactionsOfBlock],
    ) -> Result<HashMap<TransactionsOfBlock, Vec<TransactionRow>>, QueryError> {
        let mut loaded: HashMap<_, Vec<_>> = HashMap::new();
        for (limit, keys) in grouped(keys, |key| key.limit) {
            let numbers: Vec<_> = keys.iter().map(|key| key.block).collect();
            for row in transactions::first_of_blocks(&self.store, &numbers, limit).await? {
                loaded
                    .entry(TransactionsOfBlock {
                        block: row.block_number,
                        limit,
                    })
                    .or_default()
                    .push(row);
            }
        }
        Ok(loaded)
    }
}

impl Loader<LogsOfBlock> for Loaders {
    type Value = Vec<LogRow>;
    type Error = QueryError;

    async fn load(
        &self,
        keys: &[LogsOfBlock],
    ) -> Result<HashMap<LogsOfBlock, Vec<LogRow>>, QueryError> {
        let mut loaded: HashMap<_, Vec<_>> = HashMap::new();
        for (limit, keys) in grouped(keys, |key| key.limit) {
            let numbers: Vec<_> = keys.iter().map(|key| key.block).collect();
            for row in logs::first_of_blocks(&self.store, &numbers, limit).await? {
                loaded
                    .entry(LogsOfBlock {
                        block: row.block_number,
                        limit,
                    })
                    .or_default()
                    .push(row);
            }
        }
        Ok(loaded)
    }
}

impl Loader<LogsOfTransaction> for Loaders {
    type Value = Vec<LogRow>;
    type Error = QueryError;

    async fn load(
        &self,
        keys: &[LogsOfTransaction],
    ) -> Result<HashMap<LogsOfTransaction, Vec<LogRow>>, QueryError> {
        let mut loaded: HashMap<_, Vec<_>> = HashMap::new();
        for (limit, keys) in grouped(keys, |key| key.limit) {
            let places: Vec<_> = keys
                .iter()
                .map(|key| (key.transaction.block, key.transaction.index))
                .collect();
            for row in logs::first_of_transactions(&self.store, &places, limit).await? {
                let transaction = TransactionKey {
                    block: row.block_number,
                    index: row.transaction_index,
                };
                loaded
                    .entry(LogsOfTransaction { transaction, limit })
                    .or_default()
                    .push(row);
            }
        }
        Ok(loaded)
    }
}

/// Keys of one batch that can be read by one statement.
fn grouped<K: Copy, G: Eq + Hash>(keys: &[K], by: impl Fn(&K) -> G) -> HashMap<G, Vec<K>> {
    let mut groups: HashMap<G, Vec<K>> = HashMap::new();
    for key in keys {
        groups.entry(by(key)).or_default().push(*key);
    }
    groups
}
