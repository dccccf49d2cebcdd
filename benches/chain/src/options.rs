//! What chain to make. The same options give the same bytes.

use thiserror::Error;

/// The rules in force from the genesis block on; decides which header fields and transaction types exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fork {
    /// Before Byzantium: receipts carry a state root instead of a status.
    SpuriousDragon,
    /// No base fee in the header; transaction types 0 and 1.
    Berlin,
    /// Base fee, zero from block 1 on; transaction type 2.
    London,
    /// Withdrawals.
    Shanghai,
    /// Blob gas and the beacon root; transaction type 3.
    Cancun,
    /// Requests hash; transaction type 4.
    Prague,
}

/// What the transactions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Traffic {
    /// Type 0, EIP-155 protected, one ERC-20 transfer, mint or burn each, with its one `Transfer` log.
    Erc20Transfers,
    /// Everything an indexer has to survive: all transaction types of the fork, creations, failures, plain value
    /// transfers, ERC-721, ERC-1155 single and batch, odd tokens, several or no logs per transaction, empty blocks,
    /// withdrawals.
    Mixed,
}

/// A change of the validator set, voted for by the proposers from `first_block` on until it has its majority. Of two
/// changes of one validator the later in the list replaces the earlier once it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValidatorChange {
    pub first_block: u64,
    pub vote: ValidatorVote,
}

/// Indices count the validator keys of the seed: `0..n_validators` are the genesis validators, higher ones candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValidatorVote {
    Add(u32),
    Remove(u32),
}

/// One block with very many logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HugeBlock {
    pub number: u64,
    pub n_logs: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChainOptions {
    pub seed: u64,
    pub chain_id: u64,
    /// Blocks after the genesis block: the head has this number.
    pub n_blocks: u64,
    /// 0 makes a chain of empty blocks.
    pub transactions_per_block: u32,
    pub n_accounts: u32,
    /// Plain ERC-20 tokens; `Traffic::Mixed` adds the others to them.
    pub n_tokens: u32,
    pub n_validators: u32,
    /// Seconds between blocks; 0 makes timestamps repeat.
    pub block_period: u64,
    pub genesis_timestamp: u64,
    /// Votes are forgotten at each multiple of it.
    pub epoch_length: u64,
    pub fork: Fork,
    pub traffic: Traffic,
    pub validator_changes: Vec<ValidatorChange>,
    pub huge_block: Option<HugeBlock>,
    /// How many of 1000 blocks are made in round 1, two seconds late, by the next proposer.
    pub round_changes_per_mille: u32,
    /// How many of 1000 transfers involve account 0 and token 0.
    pub hot_account_per_mille: u32,
}

impl ChainOptions {
    /// The chain of the benches: 10 transactions with one transfer each, 10 000 accounts, 50 tokens, four validators.
    pub fn bench(n_blocks: u64) -> Self {
        Self {
            seed: 1,
            chain_id: 648_629,
            n_blocks,
            transactions_per_block: 10,
            n_accounts: 10_000,
            n_tokens: 50,
            n_validators: 4,
            block_period: 1,
            genesis_timestamp: 1_700_000_000,
            epoch_length: 30_000,
            fork: Fork::Cancun,
            traffic: Traffic::Erc20Transfers,
            validator_changes: Vec::new(),
            huge_block: None,
            round_changes_per_mille: 4,
            hot_account_per_mille: 0,
        }
    }

    /// A quick chain for tests: few accounts and tokens, three transactions per block.
    pub fn small(n_blocks: u64) -> Self {
        Self {
            transactions_per_block: 3,
            n_accounts: 20,
            n_tokens: 3,
            ..Self::bench(n_blocks)
        }
    }

    /// A quick chain for tests with all that `fork` allows, and some blocks of round 1.
    pub fn mixed(n_blocks: u64, fork: Fork) -> Self {
        Self {
            transactions_per_block: 8,
            n_accounts: 30,
            n_tokens: 4,
            fork,
            traffic: Traffic::Mixed,
            round_changes_per_mille: 60,
            ..Self::bench(n_blocks)
        }
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let at_least_one = [
            ("n_accounts", self.n_accounts),
            ("n_tokens", self.n_tokens),
            ("n_validators", self.n_validators),
        ];
        for (option, value) in at_least_one {
            if value == 0 {
                return Err(OptionsError::Zero { option });
            }
        }
        if self.epoch_length == 0 {
            return Err(OptionsError::Zero {
                option: "epoch_length",
            });
        }
        if self.n_blocks > u64::from(u32::MAX) {
            return Err(OptionsError::TooManyBlocks {
                n_blocks: self.n_blocks,
            });
        }
        Ok(())
    }
}

#[derive(Debug, Error)]
pub enum OptionsError {
    #[error("chain option {option} must be at least 1")]
    Zero { option: &'static str },
    #[error(
        "a chain of {n_blocks} blocks is more than the {} that can be made",
        u32::MAX
    )]
    TooManyBlocks { n_blocks: u64 },
}
