//! Transactions with their receipts.

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    api::{
        block::Block,
        loaders::{LogsOfTransaction, TransactionKey, loader},
        log::{Log, block_of},
        pagination::{Connection, PageArgs},
        scalars::{Address, BigInt, BlockNumber, Bytes, Cursor, Hash, UInt64},
        scope::{ReadAt, Scope, store},
    },
    error::QueryError,
    limits::nested_page_cost,
    read::{logs, transactions::TransactionRow},
};

/// A transaction with its receipt.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Transaction {
    /// [proven] Block that includes the transaction.
    block_number: BlockNumber,
    /// [proven] Position in the block.
    transaction_index: u32,
    /// [computed] Keccak-256 of the signed transaction.
    hash: Hash,
    /// [proven] EIP-2718 type, 0 to 4; 0 is a legacy transaction.
    transaction_type: u8,
    /// [proven] Chain id that the signature covers; null for a legacy transaction without replay protection.
    chain_id: Option<UInt64>,
    /// [computed] Sender, recovered from the signature (see `Block.sendersRecovered`).
    from: Address,
    /// [proven] Callee; null for a contract creation.
    to: Option<Address>,
    /// [proven] Nonce of the sender.
    nonce: UInt64,
    /// [proven] Most gas the transaction may use.
    gas_limit: UInt64,
    /// [proven] Gas price in wei; null for types 2 to 4.
    gas_price: Option<BigInt>,
    /// [proven] Most wei per gas, base fee included; null for types 0 and 1.
    max_fee_per_gas: Option<BigInt>,
    /// [proven] Most wei per gas for the proposer; null for types 0 and 1.
    max_priority_fee_per_gas: Option<BigInt>,
    /// [proven] Most wei per gas of blobs; null but for type 3.
    max_fee_per_blob_gas: Option<BigInt>,
    /// [proven] Wei sent with the call.
    value: BigInt,
    /// [proven] Calldata, or the creation code.
    input: Bytes,
    /// [proven] RLP of the access list; empty for type 0.
    access_list: Bytes,
    /// [proven] Versioned hashes of the blobs; empty but for type 3.
    blob_versioned_hashes: Vec<Hash>,
    /// [proven] RLP of the list of authorizations (EIP-7702); empty but for type 4.
    authorization_list: Bytes,
    /// [proven] `v` of a legacy signature, the parity of `y` (0 or 1) for the other types.
    v: UInt64,
    /// [proven] `r` of the signature, most significant byte first.
    r: Hash,
    /// [proven] `s` of the signature, most significant byte first.
    s: Hash,
    /// [proven] 1 success, 0 failure; null before Byzantium.
    status: Option<u8>,
    /// [proven] State root after the transaction; null since Byzantium.
    post_state_root: Option<Hash>,
    /// [proven] Gas used by this and all earlier transactions of the block.
    cumulative_gas_used: UInt64,
    /// [computed] Gas used by this transaction.
    gas_used: UInt64,
    /// [computed] Wei paid per gas: the gas price, or base fee plus the tip that fits under the maximum.
    effective_gas_price: BigInt,
    /// [computed] Address of the contract that a creation made, also when it failed (see `status`); null for calls.
    contract_address: Option<Address>,
    /// [computed] Number of logs of the transaction.
    n_logs: u32,
    /// [stated] Raw revert data; null when the transaction succeeded or the node does not keep it.
    revert_reason: Option<Bytes>,
    #[graphql(skip)]
    scope: Scope,
}

#[ComplexObject]
impl Transaction {
    /// The block that includes the transaction.
    async fn block(&self, ctx: &Context<'_>) -> Result<Block, QueryError> {
        block_of(ctx, self.block_number, &self.scope).await
    }

    /// The logs of the transaction, in their order.
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
                from_block: Some(self.block_number.0),
                to_block: Some(self.block_number.0),
                transaction_index: Some(self.transaction_index),
                keyset: page.keyset.clone(),
                ..Default::default()
            };
            logs::list(store(ctx), &request, self.scope.number()).await?
        } else {
            let transaction = TransactionKey {
                block: self.block_number.0,
                index: self.transaction_index,
            };
            let key = LogsOfTransaction {
                transaction,
                limit: page.keyset.limit,
            };
            loader(ctx).load_one(key).await?.unwrap_or_default()
        };
        page.connection(rows, Log::new)
    }

    /// The block at which this was read.
    async fn read_at(&self) -> Result<ReadAt, QueryError> {
        self.scope.read_at()
    }
}

impl Transaction {
    pub(crate) fn new(row: TransactionRow, scope: Scope) -> Result<Self, QueryError> {
        Ok(Self {
            block_number: row.block_number.into(),
            transaction_index: row.transaction_index,
            hash: row.hash.into(),
            transaction_type: row.transaction_type,
            chain_id: row.chain_id.map(Into::into),
            from: row.from_address.into(),
            to: row.to_address.map(Into::into),
            nonce: row.nonce.into(),
            gas_limit: row.gas_limit.into(),
            gas_price: row.gas_price.map(Into::into),
            max_fee_per_gas: row.max_fee_per_gas.map(Into::into),
            max_priority_fee_per_gas: row.max_priority_fee_per_gas.map(Into::into),
            max_fee_per_blob_gas: row.max_fee_per_blob_gas.map(Into::into),
            value: row.value.into(),
            input: row.input.into(),
            access_list: row.access_list.into(),
            blob_versioned_hashes: row
                .blob_versioned_hashes
                .into_iter()
                .map(Into::into)
                .collect(),
            authorization_list: row.authorization_list.into(),
            v: row.v.into(),
            r: row.r.into(),
            s: row.s.into(),
            status: row.status,
            post_state_root: row.post_state_root.map(Into::into),
            cumulative_gas_used: row.cumulative_gas_used.into(),
            gas_used: row.gas_used.into(),
            effective_gas_price: row.effective_gas_price.into(),
            contract_address: row.contract_address.map(Into::into),
            n_logs: row.n_logs,
            revert_reason: row.revert_reason.map(Into::into),
            scope,
        })
    }
}
