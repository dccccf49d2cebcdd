//! One block: from its JSON to rows, proven against its header.

use std::collections::HashMap;

use alloy_primitives::{Address, B256, Bloom, keccak256};
use lastro_besu_rpc::wire::{self, BlockWithReceipts};
use lastro_schema::{BlockNumber, BlockRef, Header};

use super::{
    ContentError, DecodeRules, FieldError, Place,
    error::At,
    header::decode_header,
    hex::{append_bytes, fixed, quantity},
    receipt::{LogBytes, decode_fields},
    transaction::TransactionBytes,
};
use crate::{
    chain::{
        bloom::BloomBits,
        receipt::{Outcome, Receipt},
        transaction::{Scratch, created_address},
        trie::EncodedItems,
    },
    consensus::{BftExtra, ConsensusError, HeaderHasher, Recovered, recover_signers},
    project::{
        SeenToken, Standard,
        transfers::{Log, LogPlace, project_log},
    },
    rlp::{write_bytes, write_list, write_u64},
    rows::{
        RangeRows,
        push::{
            BlockParts, ReceiptParts, push_block, push_contract, push_log, push_receipt,
            push_transaction,
        },
    },
};

/// A block whose content is proven against its own hash, and what the chain's rules still have to judge.
#[derive(Clone, Debug)]
pub struct CheckedBlock {
    pub reference: BlockRef,
    pub header: Header,
    /// What BFT consensus put into the header; `None` without it.
    pub sealed: Option<Sealed>,
    pub n_transactions: u32,
    pub n_logs: u32,
}

/// The BFT part of a header.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub extra: BftExtra,
    /// What the commit seals sign.
    pub seal_hash: B256,
    /// Who signed each seal, where all seals are recovered.
    pub signers: Option<Vec<Recovered>>,
}

/// Decodes block after block into the same rows, reusing its buffers.
#[derive(Debug)]
pub(crate) struct BlockDecoder {
    rules: DecodeRules,
    rows: RangeRows,
    hasher: HeaderHasher,
    seen_tokens: HashMap<Address, (Standard, BlockNumber)>,
    bloom_bits: BloomBits,
    items: EncodedItems,
    transaction: TransactionBytes,
    scratch: Scratch,
    log: LogBytes,
    logs_rlp: Vec<u8>,
}

/// What receipts need to know of their transactions.
struct Mined {
    transaction_type: u8,
    sender: Address,
    nonce: u64,
    creates: bool,
}

/// What the receipts of a block add up to.
#[derive(Default)]
struct Totals {
    gas_used: u64,
    n_logs: u32,
    bloom: Bloom,
}

impl BlockDecoder {
    pub(crate) fn new(rules: DecodeRules) -> Self {
        Self {
            rules,
            rows: RangeRows::default(),
            hasher: HeaderHasher::new(),
            seen_tokens: HashMap::new(),
            bloom_bits: BloomBits::default(),
            items: EncodedItems::default(),
            transaction: TransactionBytes::default(),
            scratch: Scratch::default(),
            log: LogBytes::default(),
            logs_rlp: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> (RangeRows, Vec<(SeenToken, BlockNumber)>) {
        let seen = |(token, (standard, first))| (SeenToken { token, standard }, first);
        let mut seen_tokens: Vec<_> = self.seen_tokens.into_iter().map(seen).collect();
        seen_tokens.sort_unstable_by_key(|(seen, first)| (*first, seen.token));
        (self.rows, seen_tokens)
    }

    pub(crate) fn decode(
        &mut self,
        number: BlockNumber,
        answer: &BlockWithReceipts<'_>,
    ) -> Result<CheckedBlock, ContentError> {
        let header = decode_header(&answer.block)?;
        if header.number != number {
            return Err(ContentError::OtherBlock {
                asked: number.0,
                got: header.number.0,
            });
        }
        let (hash, sealed) = self.check_hash(&header, &answer.block)?;
        let mined = self.decode_transactions(&header, &answer.block.transactions)?;
        let totals = self.decode_receipts(&header, &mined, &answer.receipts)?;
        let withdrawals = self.check_withdrawals(&header, answer.block.withdrawals.as_deref())?;
        let block = CheckedBlock {
            reference: BlockRef { number, hash },
            header,
            sealed,
            n_transactions: count(mined.len())?,
            n_logs: totals.n_logs,
        };
        self.push_block(&block, withdrawals.as_deref());
        Ok(block)
    }

    fn check_hash(
        &mut self,
        header: &Header,
        block: &wire::Block<'_>,
    ) -> Result<(B256, Option<Sealed>), ContentError> {
        let (computed, sealed) = match self.rules.consensus.bft() {
            None => (self.hasher.plain_hash(header)?, None),
            Some(protocol) => {
                let extra = BftExtra::of_header(protocol, header)?;
                // Block 0 is hashed as it is and carries no seals.
                let hash = match header.number.0 {
                    0 => self.hasher.plain_hash(header)?,
                    _ => self.hasher.bft_hash(protocol, header, &extra)?,
                };
                let seal_hash = self.hasher.seal_hash(protocol, header, &extra)?;
                (
                    hash,
                    Some(Sealed {
                        extra,
                        seal_hash,
                        signers: None,
                    }),
                )
            }
        };
        let stated = B256::from(At(Place::Header).field("hash", fixed::<32>(block.hash))?);
        if computed != stated {
            return Err(ContentError::HeaderHash { computed, stated });
        }
        Ok((computed, self.recover_seals(header, sealed)?))
    }

    fn recover_seals(
        &self,
        header: &Header,
        sealed: Option<Sealed>,
    ) -> Result<Option<Sealed>, ContentError> {
        let Some(mut sealed) = sealed else {
            return Ok(None);
        };
        if !self.rules.recover_all {
            return Ok(Some(sealed));
        }
        let signers = recover_signers(sealed.seal_hash, &sealed.extra.seals).map_err(|source| {
            ConsensusError::Seals {
                block: header.number,
                source,
            }
        })?;
        sealed.signers = Some(signers);
        Ok(Some(sealed))
    }

    fn decode_transactions(
        &mut self,
        header: &Header,
        transactions: &[wire::Transaction<'_>],
    ) -> Result<Vec<Mined>, ContentError> {
        self.items.clear();
        let mut mined = Vec::with_capacity(transactions.len());
        for (index, wire) in (0_u32..).zip(transactions) {
            let at = At(Place::Transaction(index));
            let transaction = self.transaction.decode(index, wire)?;
            let encoded = self
                .items
                .push_with(|out| transaction.write_signed(out, &mut self.scratch));
            let hash = keccak256(encoded);
            let stated = B256::from(at.field("hash", fixed::<32>(wire.hash))?);
            if hash != stated {
                return Err(ContentError::TransactionHash {
                    index,
                    computed: hash,
                    stated,
                });
            }
            let mut sender = Address::from(at.field("from", fixed::<20>(wire.from))?);
            if self.rules.recover_all {
                let recovered = transaction
                    .recover_sender(&mut self.scratch)
                    .map_err(|source| ContentError::Signature { index, source })?;
                if recovered != sender {
                    return Err(ContentError::Sender {
                        index,
                        recovered,
                        stated: sender,
                    });
                }
                sender = recovered;
            }
            push_transaction(&mut self.rows, header, index, &hash, &sender, &transaction);
            mined.push(Mined {
                transaction_type: transaction.transaction_type(),
                sender,
                nonce: transaction.nonce,
                creates: transaction.to.is_none(),
            });
        }
        let computed = self.items.root();
        if computed != header.transactions_root {
            return Err(ContentError::TransactionsRoot {
                computed,
                stated: header.transactions_root,
            });
        }
        Ok(mined)
    }

    fn decode_receipts(
        &mut self,
        header: &Header,
        mined: &[Mined],
        receipts: &[wire::Receipt<'_>],
    ) -> Result<Totals, ContentError> {
        self.items.clear();
        let mut totals = Totals::default();
        for ((index, mined), wire) in (0_u32..).zip(mined).zip(receipts) {
            self.decode_receipt(header, index, mined, wire, &mut totals)?;
        }
        if totals.gas_used != header.gas_used.0 {
            return Err(ContentError::GasUsed {
                receipts: totals.gas_used,
                header: header.gas_used.0,
            });
        }
        if totals.bloom != header.logs_bloom {
            return Err(ContentError::Bloom);
        }
        let computed = self.items.root();
        if computed != header.receipts_root {
            return Err(ContentError::ReceiptsRoot {
                computed,
                stated: header.receipts_root,
            });
        }
        Ok(totals)
    }

    fn decode_receipt(
        &mut self,
        header: &Header,
        index: u32,
        mined: &Mined,
        wire: &wire::Receipt<'_>,
        totals: &mut Totals,
    ) -> Result<(), ContentError> {
        let fields = decode_fields(index, wire)?;
        let cumulative_gas_used = fields.cumulative_gas_used;
        let gas_used = cumulative_gas_used
            .checked_sub(totals.gas_used)
            .ok_or(ContentError::CumulativeGas { index })?;
        totals.gas_used = cumulative_gas_used;
        let first_log = totals.n_logs;
        let mut bloom = Bloom::ZERO;
        self.logs_rlp.clear();
        for (position, log) in (0_u32..).zip(&wire.logs) {
            self.decode_log(header.number, index, position, log, totals.n_logs)?;
            self.log
                .write(&mut self.logs_rlp, &mut bloom, &mut self.bloom_bits);
            totals.n_logs += 1;
        }
        totals.bloom |= bloom;
        let receipt = Receipt {
            transaction_type: mined.transaction_type,
            outcome: fields.outcome,
            cumulative_gas_used,
            bloom: &bloom,
            logs: &self.logs_rlp,
        };
        self.items.push_with(|out| receipt.write(out));

        let contract = mined
            .creates
            .then(|| created_address(&mined.sender, mined.nonce));
        let succeeded = fields.outcome != Outcome::Status(false);
        if let (Some(contract), true) = (&contract, succeeded) {
            push_contract(
                &mut self.rows,
                header.number,
                index,
                contract,
                &mined.sender,
            );
        }
        let at = At(Place::Receipt(index));
        let mut reason = Vec::new();
        if let Some(text) = wire.revert_reason {
            at.field("revertReason", append_bytes(text, &mut reason))?;
        }
        let parts = ReceiptParts {
            outcome: fields.outcome,
            cumulative_gas_used,
            gas_used,
            contract,
            n_logs: totals.n_logs - first_log,
            revert_reason: wire.revert_reason.map(|_| reason.as_slice()),
        };
        push_receipt(&mut self.rows, &parts);
        Ok(())
    }

    /// Decodes a log into its row, its transfers and its balance changes.
    fn decode_log(
        &mut self,
        number: BlockNumber,
        transaction: u32,
        position: u32,
        wire: &wire::Log<'_>,
        expected: u32,
    ) -> Result<(), ContentError> {
        let stated = self.log.decode(
            Place::Log {
                transaction,
                position,
            },
            wire,
        )?;
        if stated != u64::from(expected) {
            return Err(ContentError::LogIndex {
                transaction,
                position,
                stated,
                expected,
            });
        }
        let log = Log {
            place: LogPlace {
                block_number: number.0,
                transaction_index: transaction,
                log_index: expected,
            },
            address: &self.log.address,
            topics: &self.log.topics,
            data: &self.log.data,
        };
        push_log(&mut self.rows, &log);
        let moved = project_log(
            &log,
            &mut self.rows.token_transfers,
            &mut self.rows.balance_changes,
        );
        if let Some(standard) = moved {
            self.seen_tokens
                .entry(Address::from(self.log.address))
                .or_insert((standard, number));
        }
        Ok(())
    }

    /// The RLP list of the withdrawals, whose root must be the header's.
    fn check_withdrawals(
        &mut self,
        header: &Header,
        withdrawals: Option<&[wire::Withdrawal<'_>]>,
    ) -> Result<Option<Vec<u8>>, ContentError> {
        let (stated, withdrawals) = match (header.withdrawals_root, withdrawals) {
            (None, None) => return Ok(None),
            (Some(root), Some(withdrawals)) => (root, withdrawals),
            _ => return Err(ContentError::WithdrawalsPresence),
        };
        self.items.clear();
        let mut payload = Vec::new();
        for (index, withdrawal) in (0_u32..).zip(withdrawals) {
            let fields = withdrawal_fields(At(Place::Withdrawal(index)), withdrawal)?;
            payload.extend_from_slice(self.items.push_with(|out| write_list(out, &fields)));
        }
        let computed = self.items.root();
        if computed != stated {
            return Err(ContentError::WithdrawalsRoot { computed, stated });
        }
        let mut list = Vec::new();
        write_list(&mut list, &payload);
        Ok(Some(list))
    }

    /// Everything but the columns that only the chain's rules decide.
    fn push_block(&mut self, block: &CheckedBlock, withdrawals: Option<&[u8]>) {
        let bft = self.rules.consensus.bft().zip(block.sealed.as_ref());
        let parts = BlockParts {
            hash: &block.reference.hash,
            header: &block.header,
            bft: bft.map(|(protocol, sealed)| (protocol, &sealed.extra)),
            withdrawals,
            n_transactions: block.n_transactions,
            n_logs: block.n_logs,
            senders_recovered: self.rules.recover_all,
        };
        push_block(&mut self.rows, &parts);
    }
}

fn count(length: usize) -> Result<u32, ContentError> {
    u32::try_from(length).map_err(|_| ContentError::TooManyItems { count: length })
}

fn withdrawal_fields(at: At, withdrawal: &wire::Withdrawal<'_>) -> Result<Vec<u8>, FieldError> {
    let mut fields = Vec::with_capacity(48);
    write_u64(&mut fields, at.field("index", quantity(withdrawal.index))?);
    write_u64(
        &mut fields,
        at.field("validatorIndex", quantity(withdrawal.validator_index))?,
    );
    write_bytes(
        &mut fields,
        &at.field("address", fixed::<20>(withdrawal.address))?,
    );
    write_u64(
        &mut fields,
        at.field("amount", quantity(withdrawal.amount))?,
    );
    Ok(fields)
}
