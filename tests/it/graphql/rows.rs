//! Rows of a block in every table, from what happened in it.

use alloy_primitives::{Address, B256, U256, keccak256};
use arrow_array::RecordBatch;
use lastro_schema::{
    BlockNumber, BlockRef, TableRows as _,
    tables::{
        BalanceChanges, BlockSeals, Blocks, Chain, Checkpoints, Events, Logs, TokenTransfers, Tokens, Transactions,
        Validators,
    },
};

/// A movement of a token.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub token: Address,
    pub standard: &'static str,
    pub from: Address,
    pub to: Address,
    pub id: U256,
    pub amount: U256,
}

/// What a transaction did: its movements are logs, or the items of one batch.
#[derive(Clone, Debug)]
pub struct Done {
    pub sender: Address,
    pub moved: Vec<Moved>,
    pub batch: bool,
}

/// Metadata of a token, written with its first transfer.
#[derive(Clone, Copy, Debug)]
pub struct TokenMeta {
    pub token: Address,
    pub standard: &'static str,
    pub symbol: Option<&'static str>,
    pub decimals: Option<u8>,
}

/// A set of validators from a block on.
#[derive(Clone, Debug)]
pub struct SetFrom {
    pub first_block: u64,
    pub decided_in_block: u64,
    pub reason: &'static str,
    pub members: Vec<Address>,
}

/// A block to store.
#[derive(Clone, Debug, Default)]
pub struct BlockRows {
    pub number: u64,
    /// Tells apart blocks of the same number on different branches.
    pub branch: u8,
    pub transactions: Vec<Done>,
    pub new_tokens: Vec<TokenMeta>,
    pub sets: Vec<SetFrom>,
    pub signers: Vec<Address>,
    pub proof: &'static str,
}

pub fn block_hash(number: u64, branch: u8) -> B256 {
    keccak256([number.to_be_bytes().as_slice(), &[branch]].concat())
}

pub fn transaction_hash(block: u64, index: u32) -> B256 {
    keccak256([block.to_be_bytes().as_slice(), &index.to_be_bytes(), b"transaction"].concat())
}

pub fn timestamp(number: u64) -> u64 {
    1_700_000_000 + 2 * number
}

pub fn chain_row(chain_id: u64, consensus: &str) -> RecordBatch {
    let mut chain = Chain::default();
    chain.chain_id.push(chain_id);
    chain.genesis_hash.push_hash(&block_hash(0, 0));
    chain.consensus.push(consensus);
    chain.anchor.push("genesis_file");
    chain.anchor_terms.push(r#"{"epochLength":30000,"transitions":[]}"#);
    chain.finish()
}

impl BlockRows {
    pub fn block_ref(&self) -> BlockRef {
        BlockRef { number: BlockNumber(self.number), hash: block_hash(self.number, self.branch) }
    }

    /// The rows by table, the checkpoint last.
    pub fn batches(&self) -> Vec<(&'static str, RecordBatch)> {
        let mut logs = LogTables::default();
        let mut transactions = Transactions::default();
        for (index, done) in (0..).zip(&self.transactions) {
            let first_log = logs.n_logs;
            logs.push(self.number, index, done);
            push_transaction(&mut transactions, self.number, index, done, logs.n_logs - first_log);
        }
        vec![
            ("blocks", self.block(u32::try_from(self.transactions.len()).unwrap(), logs.n_logs)),
            ("transactions", transactions.finish()),
            ("logs", logs.logs.finish()),
            ("token_transfers", logs.transfers.finish()),
            ("balance_changes", logs.changes.finish()),
            ("events", logs.events.finish()),
            ("tokens", self.tokens()),
            ("block_seals", self.seals()),
            ("validators", self.validators()),
            ("checkpoints", self.checkpoint()),
        ]
    }

    fn block(&self, n_transactions: u32, n_logs: u32) -> RecordBatch {
        let mut blocks = Blocks::default();
        let parent = self.number.checked_sub(1).map_or(B256::ZERO, |parent| block_hash(parent, self.branch));
        blocks.number.push(self.number);
        blocks.hash.push_hash(&block_hash(self.number, self.branch));
        blocks.parent_hash.push_hash(&parent);
        blocks.ommers_hash.push_hash(&keccak256([0xc0]));
        blocks.beneficiary.push_address(&self.signers.first().copied().unwrap_or_default());
        blocks.state_root.push_hash(&keccak256(self.number.to_le_bytes()));
        blocks.transactions_root.push_hash(&keccak256([1]));
        blocks.receipts_root.push_hash(&keccak256([2]));
        blocks.difficulty.push(&U256::from(1));
        blocks.gas_limit.push(u64::MAX);
        blocks.gas_used.push(21_000 * u64::from(n_transactions));
        blocks.timestamp.push(timestamp(self.number));
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
        blocks.proof.push(self.proof);
        blocks.senders_recovered.push(1);
        blocks.finish()
    }

    fn tokens(&self) -> RecordBatch {
        let mut tokens = Tokens::default();
        for meta in &self.new_tokens {
            tokens.token.push_address(&meta.token);
            tokens.first_block.push(self.number);
            tokens.standard.push(meta.standard);
            tokens.name.push(meta.symbol);
            tokens.symbol.push(meta.symbol);
            tokens.decimals.push(meta.decimals);
            tokens.metadata_block.push(meta.symbol.map(|_| self.number));
        }
        tokens.finish()
    }

    fn seals(&self) -> RecordBatch {
        let mut seals = BlockSeals::default();
        for (index, signer) in (0..).zip(&self.signers) {
            seals.block_number.push(self.number);
            seals.seal_index.push(index);
            seals.seal.push(&[0x5a; 65]);
            seals.signer.push(Some(&signer.0.0));
        }
        seals.finish()
    }

    fn validators(&self) -> RecordBatch {
        let mut validators = Validators::default();
        for set in &self.sets {
            validators.first_block.push(set.first_block);
            validators.decided_in_block.push(set.decided_in_block);
            validators.reason.push(set.reason);
            validators.members.push_with(|members| set.members.iter().for_each(|member| members.push_address(member)));
        }
        validators.finish()
    }

    fn checkpoint(&self) -> RecordBatch {
        let mut checkpoints = Checkpoints::default();
        checkpoints.first_block.push(self.number);
        checkpoints.last_block.push(self.number);
        checkpoints.last_hash.push_hash(&block_hash(self.number, self.branch));
        checkpoints.last_timestamp.push(timestamp(self.number));
        checkpoints.projection_version.push(1);
        checkpoints.generation.push(u32::from(self.branch));
        checkpoints.tables.push_with(|_| {});
        checkpoints.n_rows.push_with(|_| {});
        checkpoints.digests.push_with(|_| {});
        checkpoints.validator_state.push("");
        checkpoints.committed_at.push(1_000 * timestamp(self.number));
        checkpoints.finish()
    }
}

#[derive(Default)]
struct LogTables {
    n_logs: u32,
    logs: Logs,
    transfers: TokenTransfers,
    changes: BalanceChanges,
    events: Events,
}

impl LogTables {
    fn push(&mut self, block: u64, transaction: u32, done: &Done) {
        for (index, moved) in (0..).zip(&done.moved) {
            let batch_index = if done.batch { index } else { 0 };
            if batch_index == 0 {
                self.push_log(block, transaction, moved);
            }
            self.push_transfer(block, transaction, batch_index, moved);
        }
    }

    fn push_log(&mut self, block: u64, transaction: u32, moved: &Moved) {
        let topic0 = keccak256(moved.standard);
        self.logs.block_number.push(block);
        self.logs.log_index.push(self.n_logs);
        self.logs.transaction_index.push(transaction);
        self.logs.address.push_address(&moved.token);
        self.logs.topic0.push(Some(&topic0.0));
        self.logs.topic1.push(Some(&moved.from.into_word().0));
        self.logs.topic2.push(Some(&moved.to.into_word().0));
        self.logs.topic3.push(None);
        self.logs.data.push(&moved.amount.to_be_bytes::<32>());
        self.events.address.push_address(&moved.token);
        self.events.event.push("Moved");
        self.events.block_number.push(block);
        self.events.log_index.push(self.n_logs);
        self.events.transaction_index.push(transaction);
        self.events.signature.push("Moved(address,uint256)");
        self.events.arguments.push(&format!(r#"{{"to":"{:#x}","amount":"{}"}}"#, moved.to, moved.amount));
        self.events.abi.push_hash(&keccak256("abi"));
        self.n_logs += 1;
    }

    fn push_transfer(&mut self, block: u64, transaction: u32, batch_index: u32, moved: &Moved) {
        let log_index = self.n_logs - 1;
        self.transfers.token.push_address(&moved.token);
        self.transfers.block_number.push(block);
        self.transfers.log_index.push(log_index);
        self.transfers.batch_index.push(batch_index);
        self.transfers.transaction_index.push(transaction);
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
                self.changes.block_number.push(block);
                self.changes.log_index.push(log_index);
                self.changes.batch_index.push(batch_index);
                self.changes.direction.push(direction);
                self.changes.amount.push(&moved.amount);
            }
        }
    }
}

fn push_transaction(transactions: &mut Transactions, block: u64, index: u32, done: &Done, n_logs: u32) {
    transactions.block_number.push(block);
    transactions.transaction_index.push(index);
    transactions.hash.push_hash(&transaction_hash(block, index));
    transactions.transaction_type.push(2);
    transactions.chain_id.push(Some(1337));
    transactions.from_address.push_address(&done.sender);
    transactions.to_address.push(done.moved.first().map(|moved| &moved.token.0.0));
    transactions.nonce.push(u64::from(index));
    transactions.gas_limit.push(100_000);
    transactions.gas_price.push(None);
    transactions.max_fee_per_gas.push(Some(&U256::from(10)));
    transactions.max_priority_fee_per_gas.push(Some(&U256::ZERO));
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
    transactions.cumulative_gas_used.push(21_000 * u64::from(index + 1));
    transactions.gas_used.push(21_000);
    transactions.effective_gas_price.push(&U256::from(7));
    transactions.contract_address.push(None);
    transactions.n_logs.push(n_logs);
    transactions.revert_reason.push(None);
}
