//! The making of a chain, in chunks: plan (in order) → bodies (parallel) → headers (in order) → seals (parallel).

use std::cell::OnceCell;

use alloy_consensus::Header;
use alloy_consensus::proofs::calculate_withdrawals_root;
use alloy_eips::eip4895::Withdrawal;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::{B256, Bloom, Signature};

use crate::block::{Block, BodyRoots, bloom_of};
use crate::consensus::{Consensus, Proposal, validator_keys};
use crate::extra::{ExtraData, besu_vanity};
use crate::facts::Facts;
use crate::genesis::{empty_header, genesis_block};
use crate::keys::{Key, Signatures, seal_bytes};
use crate::options::{ChainOptions, Fork, OptionsError};
use crate::parallel;
use crate::plan::{BlockPlan, Draft, Planner};
use crate::receipt::Receipt;
use crate::record::SignatureRecord;
use crate::transaction::{Transaction, TransactionType};

const BLOCKS_PER_CHUNK: u64 = 512;
const GAS_PER_BLOB: u64 = 131_072;
const TARGET_BLOB_GAS: u64 = 3 * GAS_PER_BLOB;

/// A chain in whatever form `finish` gave its blocks.
#[derive(Debug)]
pub(crate) struct Made<T> {
    /// The genesis block comes first.
    pub(crate) blocks: Vec<T>,
    pub(crate) facts: Facts,
    pub(crate) validators: Vec<Key>,
    /// What was signed; empty when everything came from a record.
    pub(crate) signatures: SignatureRecord,
    pub(crate) head_hash: B256,
}

/// Makes the chain. Signatures found in `recorded` are not made again. `finish` runs on all cores; `progress` hears the
/// number of blocks done.
pub(crate) fn make<T: Send>(
    options: &ChainOptions,
    recorded: Option<&SignatureRecord>,
    finish: impl Fn(Block) -> T + Sync,
    progress: &dyn Fn(u64),
) -> Result<Made<T>, OptionsError> {
    options.check()?;
    let indices: Vec<u64> = (0..u64::from(options.n_accounts)).collect();
    let accounts = parallel::map(indices, |index| Key::derive(options.seed, "account", index));
    let validators = validator_keys(options);
    let n_validators = usize::try_from(options.n_validators).unwrap_or(usize::MAX);
    let genesis = genesis_block(options, &validators[..n_validators]);
    let mut planner = Planner::new(options, &accounts);
    let mut linker = Linker {
        options,
        consensus: Consensus::new(options, validators.clone()),
        parent: genesis.header.clone(),
        parent_hash: genesis.hash,
    };
    let mut signatures = SignatureRecord::default();
    let mut blocks = vec![finish(genesis)];
    let mut next = 1;
    while next <= options.n_blocks {
        let last = options.n_blocks.min(next + BLOCKS_PER_CHUNK - 1);
        let plans: Vec<BlockPlan> = (next..=last)
            .map(|number| planner.plan_block(number))
            .collect();
        let bodies = parallel::map(plans, |plan| {
            let signatures =
                signatures_for(recorded.map(|record| record.of_transactions(plan.number)));
            Body::build(plan, &accounts, signatures)
        });
        let unsealed: Vec<Unsealed> = bodies.into_iter().map(|body| linker.link(body)).collect();
        let sealed = parallel::map(unsealed, |unsealed| {
            let seals = recorded.map(|record| record.of_seals(unsealed.block.number()));
            let (block, signatures) = unsealed.seal(signatures_for(seals));
            (finish(block), signatures)
        });
        for (block, (of_transactions, of_seals)) in sealed {
            blocks.push(block);
            signatures.push_block(&of_transactions, &of_seals);
        }
        progress(last);
        next = last + 1;
    }
    let head_hash = linker.parent_hash;
    Ok(Made {
        blocks,
        facts: planner.into_facts(),
        validators,
        signatures,
        head_hash,
    })
}

fn signatures_for(recorded: Option<&[Signature]>) -> Signatures<'_> {
    match recorded {
        Some(recorded) => Signatures::Recorded(recorded.iter()),
        None => Signatures::Fresh(Vec::new()),
    }
}

/// All of a block that does not depend on its parent.
struct Body {
    number: u64,
    transactions: Vec<Transaction>,
    receipts: Vec<Receipt>,
    withdrawals: Option<Vec<Withdrawal>>,
    withdrawals_root: Option<B256>,
    roots: BodyRoots,
    logs_bloom: Bloom,
    state_root: B256,
    blob_gas_used: u64,
    signatures: Vec<Signature>,
}

impl Body {
    fn build(plan: BlockPlan, accounts: &[Key], mut signatures: Signatures<'_>) -> Self {
        let mut transactions = Vec::with_capacity(plan.drafts.len());
        let mut receipts = Vec::with_capacity(plan.drafts.len());
        let mut cumulative_gas_used = 0;
        let mut blob_gas_used = 0;
        for draft in plan.drafts {
            cumulative_gas_used += draft.gas_used;
            let (transaction, receipt) =
                sign_draft(draft, cumulative_gas_used, accounts, &mut signatures);
            blob_gas_used += receipt.blob_gas_used.unwrap_or(0);
            transactions.push(transaction);
            receipts.push(receipt);
        }
        Self {
            number: plan.number,
            roots: BodyRoots::of(&transactions, &receipts),
            logs_bloom: bloom_of(&receipts),
            withdrawals_root: plan
                .withdrawals
                .as_ref()
                .map(|list| calculate_withdrawals_root(list)),
            transactions,
            receipts,
            withdrawals: plan.withdrawals,
            state_root: plan.state_root,
            blob_gas_used,
            signatures: signatures.into_fresh(),
        }
    }
}

fn sign_draft(
    draft: Draft,
    cumulative_gas_used: u64,
    accounts: &[Key],
    signatures: &mut Signatures<'_>,
) -> (Transaction, Receipt) {
    let key_of = |index: u32| &accounts[usize::try_from(index).unwrap_or(usize::MAX)];
    let mut transaction = draft.transaction;
    for (entry, authority) in transaction
        .authorization_list
        .iter_mut()
        .zip(draft.authorities)
    {
        let signature = signatures.sign(key_of(authority), || entry.inner().signature_hash());
        let parity = u8::from(signature.v());
        *entry = SignedAuthorization::new_unchecked(
            entry.inner().clone(),
            parity,
            signature.r(),
            signature.s(),
        );
    }
    transaction.sign(key_of(draft.sender), signatures);
    let n_blobs = u64::try_from(transaction.blob_versioned_hashes.len()).unwrap_or(0);
    let is_blob = transaction.transaction_type == TransactionType::Blob;
    let mut receipt = Receipt {
        transaction_type: transaction.transaction_type,
        outcome: draft.outcome,
        cumulative_gas_used,
        logs: draft.logs,
        logs_bloom: Bloom::ZERO,
        gas_used: draft.gas_used,
        effective_gas_price: transaction.gas_price,
        contract_address: transaction
            .to
            .is_none()
            .then(|| transaction.from.create(transaction.nonce)),
        from: transaction.from,
        to: transaction.to,
        transaction_hash: transaction.hash,
        blob_gas_used: is_blob.then_some(n_blobs * GAS_PER_BLOB),
    };
    receipt.logs_bloom = receipt.bloom_of_logs();
    (transaction, receipt)
}

struct Linker<'a> {
    options: &'a ChainOptions,
    consensus: Consensus,
    parent: Header,
    parent_hash: B256,
}

impl Linker<'_> {
    fn link(&mut self, body: Body) -> Unsealed {
        let proposal = self.consensus.propose(body.number);
        let header = self.header(&body, &proposal);
        let extra = ExtraData {
            vanity: besu_vanity(),
            validators: proposal.validators,
            vote: proposal.vote,
            round: proposal.round,
            seals: Vec::new(),
        };
        let mut block = Block {
            header,
            extra,
            hash: B256::ZERO,
            transactions: body.transactions,
            receipts: body.receipts,
            withdrawals: body.withdrawals,
        };
        block.recompute_hash();
        self.parent = block.header.clone();
        self.parent_hash = block.hash;
        Unsealed {
            block,
            sealers: proposal.sealers,
            signatures: body.signatures,
        }
    }

    fn header(&self, body: &Body, proposal: &Proposal) -> Header {
        let is_cancun = self.options.fork >= Fork::Cancun;
        let parent_blob_gas =
            self.parent.excess_blob_gas.unwrap_or(0) + self.parent.blob_gas_used.unwrap_or(0);
        Header {
            parent_hash: self.parent_hash,
            beneficiary: proposal.proposer,
            state_root: body.state_root,
            transactions_root: body.roots.transactions,
            receipts_root: body.roots.receipts,
            logs_bloom: body.logs_bloom,
            number: body.number,
            gas_used: body
                .receipts
                .last()
                .map_or(0, |last| last.cumulative_gas_used),
            timestamp: proposal.timestamp,
            withdrawals_root: body.withdrawals_root,
            blob_gas_used: is_cancun.then_some(body.blob_gas_used),
            excess_blob_gas: is_cancun.then(|| parent_blob_gas.saturating_sub(TARGET_BLOB_GAS)),
            ..empty_header(self.options.fork)
        }
    }
}

/// A block that lacks its seals, which its hash does not cover.
struct Unsealed {
    block: Block,
    sealers: Vec<Key>,
    signatures: Vec<Signature>,
}

impl Unsealed {
    fn seal(self, mut signatures: Signatures<'_>) -> (Block, (Vec<Signature>, Vec<Signature>)) {
        let Self {
            mut block,
            sealers,
            signatures: of_transactions,
        } = self;
        let digest = OnceCell::new();
        let digest = || *digest.get_or_init(|| block.seal_digest());
        let seals = sealers
            .iter()
            .map(|key| seal_bytes(&signatures.sign(key, digest)))
            .collect();
        block.set_seals(seals);
        (block, (of_transactions, signatures.into_fresh()))
    }
}
