//! Blocks.

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    api::{
        labels::Proof,
        loaders::{LogsOfBlock, TransactionsOfBlock, loader},
        log::Log,
        pagination::{Connection, PageArgs},
        scalars::{Address, BigInt, BlockNumber, Bytes, Cursor, Hash, UInt64},
        scope::{ReadAt, Scope, store},
        transaction::Transaction,
        validators::{BlockSeals, ValidatorSet},
    },
    error::QueryError,
    limits::{nested_page_cost, read_cost},
    read::{blocks::BlockRow, logs, transactions, validators},
};

/// A block: every field of its header except the logs bloom and the commit seals (see `seals`).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Block {
    /// [proven] Number of the block; genesis is 0.
    number: BlockNumber,
    /// [computed] Hash of the header under the rules of the chain's consensus.
    hash: Hash,
    /// [proven] Hash of the block before.
    parent_hash: Hash,
    /// [proven] Hash of the list of ommers.
    ommers_hash: Hash,
    /// [proven] Under QBFT and IBFT 2.0 the proposer of the block, else the fee recipient.
    beneficiary: Address,
    /// [proven] Root of the state trie after the block.
    state_root: Hash,
    /// [proven] Root of the trie of the block's transactions, recomputed before storing.
    transactions_root: Hash,
    /// [proven] Root of the trie of the block's receipts, recomputed before storing.
    receipts_root: Hash,
    /// [proven] Difficulty; 1 under QBFT and IBFT 2.0.
    difficulty: BigInt,
    /// [proven] Most gas the block may use.
    gas_limit: UInt64,
    /// [proven] Gas used by all transactions of the block.
    gas_used: UInt64,
    /// [proven] Seconds since 1970-01-01T00:00:00Z.
    timestamp: UInt64,
    /// [proven] Extra data; under QBFT and IBFT 2.0 with an empty list of seals in the place of the node's.
    extra_data: Bytes,
    /// [proven] Mix hash; a fixed word under QBFT and IBFT 2.0.
    mix_hash: Hash,
    /// [proven] Nonce of the header.
    nonce: Bytes,
    /// [proven] Base fee in wei; null before London.
    base_fee_per_gas: Option<BigInt>,
    /// [proven] Root of the trie of withdrawals; null before Shanghai.
    withdrawals_root: Option<Hash>,
    /// [proven] Gas used by blobs; null before Cancun.
    blob_gas_used: Option<UInt64>,
    /// [proven] Running excess of blob gas; null before Cancun.
    excess_blob_gas: Option<UInt64>,
    /// [proven] Root of the parent beacon block; null before Cancun.
    parent_beacon_block_root: Option<Hash>,
    /// [proven] Hash of the execution requests; null before Prague. The requests themselves are not offered by nodes.
    requests_hash: Option<Hash>,
    /// [proven] RLP list of the withdrawals; null before Shanghai.
    withdrawals: Option<Bytes>,
    /// [proven] Consensus round in which the block was sealed; 0 without BFT consensus. Signed by the seals, not part of the hash.
    round: u32,
    /// [computed] Number of transactions.
    n_transactions: u32,
    /// [computed] Number of logs.
    n_logs: u32,
    /// [computed] How the block was proven when it was stored.
    proof: Proof,
    /// [computed] Whether the senders of its transactions were recovered from their signatures, or only stated by a node.
    senders_recovered: bool,
    #[graphql(skip)]
    scope: Scope,
}

#[ComplexObject]
impl Block {
    /// The block's transactions, in their order.
    #[graphql(complexity = "nested_page_cost(first, after.is_some(), child_complexity)")]
    async fn transactions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<Cursor>,
    ) -> Result<Connection<Transaction>, QueryError> {
        let page = PageArgs::nested(first, after).within(ctx, &self.scope, &transactions::KEY)?;
        let rows = if page.has_cursor() {
            let request = transactions::TransactionsRequest {
                from_block: Some(self.number.0),
                to_block: Some(self.number.0),
                keyset: page.keyset.clone(),
                ..Default::default()
            };
            transactions::list(store(ctx), &request, self.scope.number()).await?
        } else {
            let key = TransactionsOfBlock {
                block: self.number.0,
                limit: page.keyset.limit,
            };
            loader(ctx).load_one(key).await?.unwrap_or_default()
        };
        page.connection(rows, Transaction::new)
    }

    /// The block's logs, in their order.
    #[graphql(complexity = "nested_page_cost(first, after.is_some(), child_complexity)")]
    async fn logs(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<Cursor>,
    ) -> Result<Connection<Log>, QueryError> {
        let page = PageArgs::nested(first, after).within(ctx, &self.scope, &logs::KEY)?;
        let rows = if page.has_cursor() {
            let request = logs::LogsRequest {
                from_block: Some(self.number.0),
                to_block: Some(self.number.0),
                keyset: page.keyset.clone(),
                ..Default::default()
            };
            logs::list(store(ctx), &request, self.scope.number()).await?
        } else {
            let key = LogsOfBlock {
                block: self.number.0,
                limit: page.keyset.limit,
            };
            loader(ctx).load_one(key).await?.unwrap_or_default()
        };
        page.connection(rows, Log::new)
    }

    /// The block's commit seals.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn seals(&self, ctx: &Context<'_>) -> Result<BlockSeals, QueryError> {
        BlockSeals::read(ctx, lastro_schema::BlockNumber(self.number.0), &self.scope).await
    }

    /// The validator set that seals this block; null without BFT consensus.
    #[graphql(complexity = "read_cost(child_complexity)")]
    async fn validators(&self, ctx: &Context<'_>) -> Result<Option<ValidatorSet>, QueryError> {
        let row =
            validators::in_force(store(ctx), lastro_schema::BlockNumber(self.number.0)).await?;
        row.map(|row| ValidatorSet::new(row, &self.scope))
            .transpose()
    }

    /// The block at which this was read.
    async fn read_at(&self) -> Result<ReadAt, QueryError> {
        self.scope.read_at()
    }
}

impl Block {
    pub(crate) fn new(row: BlockRow, scope: Scope) -> Result<Self, QueryError> {
        Ok(Self {
            number: row.number.into(),
            hash: row.hash.into(),
            parent_hash: row.parent_hash.into(),
            ommers_hash: row.ommers_hash.into(),
            beneficiary: row.beneficiary.into(),
            state_root: row.state_root.into(),
            transactions_root: row.transactions_root.into(),
            receipts_root: row.receipts_root.into(),
            difficulty: row.difficulty.into(),
            gas_limit: row.gas_limit.into(),
            gas_used: row.gas_used.into(),
            timestamp: row.timestamp.into(),
            extra_data: row.extra_data.into(),
            mix_hash: row.mix_hash.into(),
            nonce: Bytes(row.nonce.to_vec().into()),
            base_fee_per_gas: row.base_fee_per_gas.map(Into::into),
            withdrawals_root: row.withdrawals_root.map(Into::into),
            blob_gas_used: row.blob_gas_used.map(Into::into),
            excess_blob_gas: row.excess_blob_gas.map(Into::into),
            parent_beacon_block_root: row.parent_beacon_block_root.map(Into::into),
            requests_hash: row.requests_hash.map(Into::into),
            withdrawals: row.withdrawals.map(Into::into),
            round: row.round,
            n_transactions: row.n_transactions,
            n_logs: row.n_logs,
            proof: Proof::from_label(&row.proof)?,
            senders_recovered: row.senders_recovered == 1,
            scope,
        })
    }
}
