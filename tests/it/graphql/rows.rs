//! Rows of a block in every table, from what happened in it.

use alloy_primitives::{Address, B256, U256, keccak256};
use arrow_array::RecordBatch;
use lastro_schema::{
    BlockNumber, BlockRef, TableRows as _,
    tables::{
        BalanceChanges, BlockSeals, Blocks, Chain, Checkpoints, Events, Logs, TokenTransfers,
        Tokens, Transactions, Validators,
    },
};

/// A movement of a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    pub(crate) token: Address,
    pub(crate) standard: &'static str,
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) id: U256,
    pub(crate) amount: U256,
}

/// What a transaction did: its movements are logs, or the items of one batch.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) sender: Address,
    pub(crate) moved: Vec<Moved>,
    pub(crate) batch: bool,
}

/// Metadata of a token, written with its first transfer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenMeta {
    pub(crate) token: Address,
    pub(crate) standard: &'static str,
    pub(crate) symbol: Option<&'static str>,
    pub(crate) decimals: Option<u8>,
}

/// A set of validators from a block on.
#[derive(Clone, Debug)]
pub(crate) struct SetFrom {
    pub(crate) first_block: u64,
    pub(crate) decided_in_block: u64,
    pub(crate) reason: &'static str,
    pub(crate) members: Vec<Address>,
}

/// A block to store.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockRows {
    pub(crate) number: u64,
    /// Tells apart blocks of the same number on different branches.
    pub(crate) branch: u8,
    pub(crate) transactions: Vec<Done>,
    pub(crate) new_tokens: Vec<TokenMeta>,
    pub(crate) sets: Vec<SetFrom>,
    pub(crate) signers: Vec<Address>,
    pub(crate) proof: &'static str,
}

pub(crate) fn block_hash(number: u64, branch: u8) -> B256 {
    keccak256([number.to_be_bytes().as_slice(), &[branch]].concat())
}

pub(crate) fn transaction_hash(block: u64, index: u32) -> B256 {
    keccak256(
        [
            block.to_be_bytes().as_slice(),
            &index.to_be_bytes(),
            b"transaction",
        ]
        .concat(),
    )
}

pub(crate) fn timestamp(number: u64) -> u64 {
    1_700_000_000 + 2 * number
}

pub(crate) fn chain_row(chain_id: u64, consensus: &str) -> RecordBatch {
    let mut chain = Chain::default();
    chain.chain_id.push(chain_id);
    chain.genesis_hash.push_hash(&block_hash(0, 0));
    chain.consensus.push(consensus);
    chain.anchor.push("genesis_file");
    chain
        .anchor_terms
        .push(r#"{"epochLength":30000,"transitions":[]}"#);
    chain.finish()
}

impl BlockRows {
    pub(crate) fn block_ref(&self) -> BlockRef {
        BlockRef {
            number: BlockNumber(self.number),
            hash: block_hash(self.number, self.branch),
        }
    }
}

/// Rows of some blocks in every table.
#[derive(Default)]
pub(crate) struct Tables {
    blocks: Blocks,
    transactions: Transactions,
    logs: Logs,
    transfers: TokenTransfers,
    changes: BalanceChanges,
    events: Events,
    tokens: Tokens,
    seals: BlockSeals,
    validators: Validators,
    checkpoints: Checkpoints,
}

impl Tables {
    pub(crate) fn of(blocks: &[BlockRows]) -> Self {
        let mut tables = Self::default();
        for block in blocks {
            tables.push(block);
        }
        tables
    }

    /// By table, the checkpoints last.
    pub(crate) fn finish(self) -> Vec<(&'static str, RecordBatch)> {
        vec![
            ("blocks", self.blocks.finish()),
            ("transactions", self.transactions.finish()),
            ("logs", self.logs.finish()),
            ("token_transfers", self.transfers.finish()),
            ("balance_changes", self.changes.finish()),
            ("events", self.events.finish()),
            ("tokens", self.tokens.finish()),
            ("block_seals", self.seals.finish()),
            ("validators", self.validators.finish()),
            ("checkpoints", self.checkpoints.finish()),
        ]
    }

    fn push(&mut self, block: &BlockRows) {
        let mut n_logs = 0;
        for (index, done) in (0..).zip(&block.transactions) {
            let first_log = n_logs;
            self.push_moved(
                Place {
                    block: block.number,
                    transaction: index,
                },
                done,
                &mut n_logs,
            );
            push_transaction(
                &mut self.transactions,
                block.number,
                index,
                done,
                n_logs - first_log,
            );
        }
        self.push_block(block, n_logs);
        self.push_tokens(block);
        self.push_seals(block);
        self.push_sets(block);
        self.push_checkpoint(block);
    }

    fn push_block(&mut self, block: &BlockRows, n_logs: u32) {
        let (blocks, number) = (&mut self.blocks, block.number);
        let n_transactions = u32::try_from(block.transactions.len()).unwrap();
        let parent = number
            .checked_sub(1)
            .map_or(B256::ZERO, |parent| block_hash(parent, block.branch));
        blocks.number.push(number);
        blocks.hash.push_hash(&block_hash(number, block.branch));
        blocks.parent_hash.push_hash(&parent);
        blocks.ommers_hash.push_hash(&keccak256([0xc0]));
        blocks
            .beneficiary
            .push_address(&block.signers.first().copied().unwrap_or_default());
        blocks
            .state_root
            .push_hash(&keccak256(number.to_le_bytes()));
        blocks.transactions_root.push_hash(&keccak256([1]));
        blocks.receipts_root.push_hash(&keccak256([2]));
        blocks.difficulty.push(&U256::from(1));
        blocks.gas_limit.push(u64::MAX);
        blocks.gas_used.push(21_000 * u64::from(n_transactions));
        blocks.timestamp.push(timestamp(number));
        blocks.extra_data.push(&[0xf8, 0x01]);
        blocks.mix_hash.push_hash(&keccak256([3]));
        blocks.nonce.push(&[0; 8]);
        blocks.base_fee_per_gas.push(Some(&U256::from(7)));
        blocks.withdrawals_root.push(None);
        blocks.blob_gas_used.push(None);
        blocks.excess_blob_gas.push(None);
        blocks.parent_beacon_block_root.push(None);
        blocks.requests_hash.push(None);
        blocks.withdrawals.push(None);
        blocks.round.push(0);
        blocks.n_transactions.push(n_transactions);
        blocks.n_logs.push(n_logs);
        blocks.proof.push(block.proof);
        blocks.senders_recovered.push(1);
    }

    fn push_tokens(&mut self, block: &BlockRows) {
        for meta in &block.new_tokens {
            self.tokens.token.push_address(&meta.token);
            self.tokens.first_block.push(block.number);
            self.tokens.standard.push(meta.standard);
            self.tokens.name.push(meta.symbol);
            self.tokens.symbol.push(meta.symbol);
            self.tokens.decimals.push(meta.decimals);
            self.tokens
                .metadata_block
                .push(meta.symbol.map(|_| block.number));
        }
    }

    fn push_seals(&mut self, block: &BlockRows) {
        for (index, signer) in (0..).zip(&block.signers) {
            self.seals.block_number.push(block.number);
            self.seals.seal_index.push(index);
            self.seals.seal.push(&[0x5a; 65]);
            self.seals.signer.push(Some(&signer.0.0));
        }
    }

    fn push_sets(&mut self, block: &BlockRows) {
        for set in &block.sets {
            self.validators.first_block.push(set.first_block);
            self.validators.decided_in_block.push(set.decided_in_block);
            self.validators.reason.push(set.reason);
            let members = &mut self.validators.members;
            members.push_with(|members| {
                set.members
                    .iter()
                    .for_each(|member| members.push_address(member))
            });
        }
    }

    fn push_checkpoint(&mut self, block: &BlockRows) {
        let checkpoints = &mut self.checkpoints;
        checkpoints.first_block.push(block.number);
        checkpoints.last_block.push(block.number);
        checkpoints
            .last_hash
            .push_hash(&block_hash(block.number, block.branch));
        checkpoints.last_timestamp.push(timestamp(block.number));
        checkpoints.projection_version.push(1);
        checkpoints.generation.push(u32::from(block.branch));
        checkpoints.tables.push_with(|_| {});
        checkpoints.n_rows.push_with(|_| {});
        checkpoints.digests.push_with(|_| {});
        checkpoints.validator_state.push("");
        checkpoints
            .committed_at
            .push(1_000 * timestamp(block.number));
    }

    /// The logs of a transaction, the transfers in them, and the balances they change.
    fn push_moved(&mut self, place: Place, done: &Done, n_logs: &mut u32) {
        for (index, moved) in (0..).zip(&done.moved) {
            let batch_index = if done.batch { index } else { 0 };
            if batch_index == 0 {
                self.push_log(place, *n_logs, moved);
                *n_logs += 1;
            }
            self.push_transfer(place, (*n_logs - 1, batch_index), moved);
        }
    }

    fn push_log(&mut self, place: Place, log_index: u32, moved: &Moved) {
        let topic0 = keccak256(moved.standard);
        self.logs.block_number.push(place.block);
        self.logs.log_index.push(log_index);
        self.logs.transaction_index.push(place.transaction);
        self.logs.address.push_address(&moved.token);
        self.logs.topic0.push(Some(&topic0.0));
        self.logs.topic1.push(Some(&moved.from.into_word().0));
        self.logs.topic2.push(Some(&moved.to.into_word().0));
        self.logs.topic3.push(None);
        self.logs.data.push(&moved.amount.to_be_bytes::<32>());
        self.events.address.push_address(&moved.token);
        self.events.event.push("Moved");
        self.events.block_number.push(place.block);
        self.events.log_index.push(log_index);
        self.events.transaction_index.push(place.transaction);
        self.events.signature.push("Moved(address,uint256)");
        self.events.arguments.push(&format!(
            r#"{{"to":"{:#x}","amount":"{}"}}"#,
            moved.to, moved.amount
        ));
        self.events.abi.push_hash(&keccak256("abi"));
    }

    fn push_transfer(&mut self, place: Place, (log_index, batch_index): (u32, u32), moved: &Moved) {
        self.transfers.token.push_address(&moved.token);
        self.transfers.block_number.push(place.block);
        self.transfers.log_index.push(log_index);
        self.transfers.batch_index.push(batch_index);
        self.transfers.transaction_index.push(place.transaction);
        self.transfers.standard.push(moved.standard);
        self.transfers.operator.push(None);
        self.transfers.from_address.push_address(&moved.from);
        self.transfers.to_address.push_address(&moved.to);
        self.transfers.token_id.push(&moved.id);
        self.transfers.amount.push(&moved.amount);
        for (account, direction) in [(moved.from, 0), (moved.to, 1)] {
            if account != Address::ZERO {
                self.changes.account.push_address(&account);
                self.changes.token.push_address(&moved.token);
                self.changes.token_id.push(&moved.id);
                self.changes.block_number.push(place.block);
                self.changes.log_index.push(log_index);
                self.changes.batch_index.push(batch_index);
                self.changes.direction.push(direction);
                self.changes.amount.push(&moved.amount);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    block: u64,
    transaction: u32,
}

fn push_transaction(
    transactions: &mut Transactions,
    block: u64,
    index: u32,
    done: &Done,
    n_logs: u32,
) {
    transactions.block_number.push(block);
    transactions.transaction_index.push(index);
    transactions.hash.push_hash(&transaction_hash(block, index));
    transactions.transaction_type.push(2);
    transactions.chain_id.push(Some(1337));
    transactions.from_address.push_address(&done.sender);
    transactions
        .to_address
        .push(done.moved.first().map(|moved| &moved.token.0.0));
    transactions.nonce.push(u64::from(index));
    transactions.gas_limit.push(100_000);
    transactions.gas_price.push(None);
    transactions.max_fee_per_gas.push(Some(&U256::from(10)));
    transactions
        .max_priority_fee_per_gas
        .push(Some(&U256::ZERO));
    transactions.max_fee_per_blob_gas.push(None);
    transactions.value.push(&U256::ZERO);
    transactions.input.push(&[0xde, 0xad]);
    transactions.access_list.push(&[0xc0]);
    transactions.blob_versioned_hashes.push_with(|_| {});
    transactions.authorization_list.push(&[]);
    transactions.v.push(1);
    transactions.r.push_hash(&keccak256([4]));
    transactions.s.push_hash(&keccak256([5]));
    transactions.status.push(Some(1));
    transactions.post_state_root.push(None);
    transactions
        .cumulative_gas_used
        .push(21_000 * u64::from(index + 1));
    transactions.gas_used.push(21_000);
    transactions.effective_gas_price.push(&U256::from(7));
    transactions.contract_address.push(None);
    transactions.n_logs.push(n_logs);
    transactions.revert_reason.push(None);
}
