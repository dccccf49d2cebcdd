//! One block out of its stored rows: its hash, and all rows that follow from what it was made of.

use alloy_primitives::{Address, B256, Bloom, keccak256};
use lastro_schema::{BlockNumber, BlockRef, Header};
use thiserror::Error;

use super::{
    cells::{CellError, Row},
    transaction::{read_header, read_outcome, read_transaction, read_withdrawals},
};
use crate::{
    chain::{
        bloom::BloomBits,
        receipt::{Receipt, write_log},
        transaction::{Scratch, SignatureError, created_address},
        trie::EncodedItems,
    },
    consensus::{BftExtra, Consensus, ConsensusError, HeaderHasher, Seal, recover_signers},
    decode::{CheckedBlock, Sealed},
    project::{
        Standard,
        transfers::{Log, LogPlace, project_log},
    },
    rows::{
        RangeRows,
        push::{
            BlockParts, ReceiptParts, push_block, push_contract, push_log, push_receipt,
            push_transaction,
        },
    },
};

/// Why rows are not those of any block.
#[derive(Debug, Error)]
pub(super) enum RebuildError {
    #[error(transparent)]
    Cell(#[from] CellError),
    #[error("transaction {index} has the unknown type {transaction_type}")]
    TransactionType { index: u32, transaction_type: u64 },
    #[error("transaction {index} has no valid signature: {source}")]
    Signature { index: u32, source: SignatureError },
    #[error("transaction {index} has neither a status nor a state root")]
    NoOutcome { index: u32 },
    #[error("transaction {index} uses less cumulative gas than the one before")]
    CumulativeGas { index: u32 },
    #[error("the withdrawals are no RLP list of lists")]
    Withdrawals,
    #[error("its header or seals cannot be: {}", super::report::with_causes(.0))]
    Consensus(#[from] ConsensusError),
}

/// The rows that a block is rebuilt from, in their order.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredBlock<'r, 'a> {
    pub block: &'r Row<'a>,
    pub transactions: &'r [Row<'a>],
    pub logs: &'r [Row<'a>],
    pub seals: &'r [Row<'a>],
}

/// What follows from the rows of a block.
#[derive(Debug)]
pub(super) struct Rebuilt {
    pub block: CheckedBlock,
    /// Rows of the block but for those that linking adds, and without `blocks.proof`.
    pub rows: RangeRows,
    /// Token contracts with a transfer event, in the order of the events.
    pub tokens: Vec<(Address, Standard)>,
    /// A chain id that transactions of the block are signed for.
    pub chain_ids: Vec<u64>,
}

/// Rebuilds block after block, reusing its buffers.
#[derive(Debug)]
pub(super) struct Rebuilder {
    consensus: Consensus,
    hasher: HeaderHasher,
    bloom_bits: BloomBits,
    items: EncodedItems,
    scratch: Scratch,
    logs_rlp: Vec<u8>,
}

/// What a receipt needs to know of its transaction.
struct Mined {
    transaction_type: u8,
    sender: Address,
    nonce: u64,
    creates: bool,
}

#[derive(Default)]
struct Totals {
    gas_used: u64,
    n_logs: u32,
    bloom: Bloom,
}

impl Rebuilder {
    pub(super) fn new(consensus: Consensus) -> Self {
        Self {
            consensus,
            hasher: HeaderHasher::new(),
            bloom_bits: BloomBits::default(),
            items: EncodedItems::default(),
            scratch: Scratch::default(),
            logs_rlp: Vec::new(),
        }
    }

    pub(super) fn rebuild(
        &mut self,
        stored: &StoredBlock<'_, '_>,
    ) -> Result<Rebuilt, RebuildError> {
        let mut header = read_header(stored.block)?;
        let mut made = Made::default();
        let (mined, transactions_root) =
            self.rebuild_transactions(&header, stored.transactions, &mut made)?;
        let (totals, receipts_root) =
            self.rebuild_receipts(header.number, &mined, stored, &mut made)?;
        header.logs_bloom = totals.bloom;
        let withdrawals = read_withdrawals(stored.block, &mut self.items)?;
        let recovered_at_storing = stored.block.u64("senders_recovered")? == 1;
        let (hash, sealed) = self.rebuild_consensus(&header, stored, recovered_at_storing)?;
        let block = CheckedBlock {
            reference: BlockRef {
                number: header.number,
                hash,
            },
            header,
            sealed,
            n_transactions: u32::try_from(mined.len()).unwrap_or(u32::MAX),
            n_logs: totals.n_logs,
        };

        // The hash is of the header as it is stored; its row must hold what the body gives.
        let mut expected = block.header.clone();
        expected.transactions_root = transactions_root;
        expected.receipts_root = receipts_root;
        expected.gas_used.0 = totals.gas_used;
        expected.withdrawals_root = withdrawals.as_ref().map(|(_, root)| *root);
        let bft = self.consensus.bft().zip(block.sealed.as_ref());
        let parts = BlockParts {
            hash: &hash,
            header: &expected,
            bft: bft.map(|(protocol, sealed)| (protocol, &sealed.extra)),
            withdrawals: withdrawals.as_ref().map(|(list, _)| list.as_slice()),
            n_transactions: block.n_transactions,
            n_logs: block.n_logs,
            senders_recovered: recovered_at_storing,
        };
        push_block(&mut made.rows, &parts);
        Ok(Rebuilt {
            block,
            rows: made.rows,
            tokens: made.tokens,
            chain_ids: made.chain_ids,
        })
    }

    fn rebuild_consensus(
        &mut self,
        header: &Header,
        stored: &StoredBlock<'_, '_>,
        recover_all: bool,
    ) -> Result<(B256, Option<Sealed>), RebuildError> {
        let Some(protocol) = self.consensus.bft() else {
            return Ok((self.hasher.plain_hash(header)?, None));
        };
        let mut extra = BftExtra::of_header(protocol, header)?;
        let seal = |row: &Row<'_>| row.fixed("seal").map(Seal);
        extra.seals = stored.seals.iter().map(seal).collect::<Result<_, _>>()?;
        let hash = self.hasher.bft_hash(protocol, header, &extra)?;
        let seal_hash = self.hasher.seal_hash(protocol, header, &extra)?;
        let signers = match recover_all {
            true => Some(recover_signers(seal_hash, &extra.seals).map_err(|source| {
                ConsensusError::Seals {
                    block: header.number,
                    source,
                }
            })?),
            false => None,
        };
        Ok((
            hash,
            Some(Sealed {
                extra,
                seal_hash,
                signers,
            }),
        ))
    }

    fn rebuild_transactions(
        &mut self,
        header: &Header,
        stored: &[Row<'_>],
        made: &mut Made,
    ) -> Result<(Vec<Mined>, B256), RebuildError> {
        self.items.clear();
        let mut mined = Vec::with_capacity(stored.len());
        for (index, row) in (0_u32..).zip(stored) {
            let blob_hashes = row.words("blob_versioned_hashes")?;
            let transaction = read_transaction(row, index, &blob_hashes)?;
            let encoded = self
                .items
                .push_with(|out| transaction.write_signed(out, &mut self.scratch));
            let hash = keccak256(encoded);
            let sender = transaction
                .recover_sender(&mut self.scratch)
                .map_err(|source| RebuildError::Signature { index, source })?;
            push_transaction(&mut made.rows, header, index, &hash, &sender, &transaction);
            made.chain_ids.extend(transaction.chain_id);
            mined.push(Mined {
                transaction_type: transaction.transaction_type(),
                sender,
                nonce: transaction.nonce,
                creates: transaction.to.is_none(),
            });
        }
        made.chain_ids.sort_unstable();
        made.chain_ids.dedup();
        Ok((mined, self.items.root()))
    }

    fn rebuild_receipts(
        &mut self,
        number: BlockNumber,
        mined: &[Mined],
        stored: &StoredBlock<'_, '_>,
        made: &mut Made,
    ) -> Result<(Totals, B256), RebuildError> {
        self.items.clear();
        let mut totals = Totals::default();
        let mut logs = stored.logs;
        for ((index, mined), row) in (0_u32..).zip(mined).zip(stored.transactions) {
            let mut n_logs = 0;
            while let Some(log) = logs.get(n_logs) {
                if log.u64("transaction_index")? != u64::from(index) {
                    break;
                }
                n_logs += 1;
            }
            let (of_transaction, rest) = logs.split_at(n_logs);
            logs = rest;
            let place = Place { number, index };
            self.rebuild_receipt(place, mined, (row, of_transaction), &mut totals, made)?;
        }
        Ok((totals, self.items.root()))
    }

    fn rebuild_receipt(
        &mut self,
        Place { number, index }: Place,
        mined: &Mined,
        (row, logs): (&Row<'_>, &[Row<'_>]),
        totals: &mut Totals,
        made: &mut Made,
    ) -> Result<(), RebuildError> {
        let outcome = read_outcome(row, index)?;
        let cumulative_gas_used = row.u64("cumulative_gas_used")?;
        let gas_used = cumulative_gas_used
            .checked_sub(totals.gas_used)
            .ok_or(RebuildError::CumulativeGas { index })?;
        totals.gas_used = cumulative_gas_used;
        let first_log = totals.n_logs;
        let mut bloom = Bloom::ZERO;
        self.logs_rlp.clear();
        for log in logs {
            let place = LogPlace {
                block_number: number.0,
                transaction_index: index,
                log_index: totals.n_logs,
            };
            self.rebuild_log(log, place, &mut bloom, made)?;
            totals.n_logs += 1;
        }
        totals.bloom |= bloom;
        let receipt = Receipt {
            transaction_type: mined.transaction_type,
            outcome,
            cumulative_gas_used,
            bloom: &bloom,
            logs: &self.logs_rlp,
        };
        self.items.push_with(|out| receipt.write(out));
        let contract = mined
            .creates
            .then(|| created_address(&mined.sender, mined.nonce));
        if let (Some(contract), true) = (
            &contract,
            outcome != crate::chain::receipt::Outcome::Status(false),
        ) {
            push_contract(&mut made.rows, number, index, contract, &mined.sender);
        }
        let parts = ReceiptParts {
            outcome,
            cumulative_gas_used,
            gas_used,
            contract,
            n_logs: totals.n_logs - first_log,
            revert_reason: None,
        };
        push_receipt(&mut made.rows, &parts);
        Ok(())
    }

    fn rebuild_log(
        &mut self,
        row: &Row<'_>,
        place: LogPlace,
        bloom: &mut Bloom,
        made: &mut Made,
    ) -> Result<(), RebuildError> {
        let address = row.fixed::<20>("address")?;
        let mut topics = Vec::with_capacity(4);
        for column in ["topic0", "topic1", "topic2", "topic3"] {
            match row.optional_fixed::<32>(column)? {
                Some(topic) => topics.push(topic),
                None => break,
            }
        }
        let log = Log {
            place,
            address: &address,
            topics: &topics,
            data: row.bytes("data")?,
        };
        self.bloom_bits.add_address(bloom, &address);
        for topic in &topics {
            self.bloom_bits.add_topic(bloom, topic);
        }
        write_log(&mut self.logs_rlp, &address, &topics, log.data);
        push_log(&mut made.rows, &log);
        let moved = project_log(
            &log,
            &mut made.rows.token_transfers,
            &mut made.rows.balance_changes,
        );
        made.tokens
            .extend(moved.map(|standard| (Address::from(address), standard)));
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Place {
    number: BlockNumber,
    index: u32,
}

#[derive(Default)]
struct Made {
    rows: RangeRows,
    tokens: Vec<(Address, Standard)>,
    chain_ids: Vec<u64>,
}
