//! Traffic with everything in it: transaction types, creations, failures, ERC-721, ERC-1155, odd tokens and logs.

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{B256, Bytes, Log, U256};

use super::{Draft, Planner};
use crate::events::{
    APPROVAL, CALL_TRANSFER, Parties, TRANSFER, TRANSFER_BATCH, calldata, erc721_transfer,
    erc1155_batch, erc1155_single, log,
};
use crate::facts::{Moved, OddLog};
use crate::ledger::{Ledger, Movement};
use crate::options::Fork;
use crate::random::Random;
use crate::tokens::TokenKind;
use crate::transaction::{Transaction, TransactionType};

const N_ERC1155_IDS: u64 = 5;

/// Who owns which ERC-721 id, and how much of each ERC-1155 id.
#[derive(Debug)]
pub(super) struct Collections {
    deeds: Vec<(U256, u32)>,
    bonds: Vec<Ledger>,
}

impl Collections {
    pub(super) fn new(n_accounts: u32) -> Self {
        Self {
            deeds: Vec::new(),
            bonds: (0..N_ERC1155_IDS)
                .map(|_| Ledger::new(n_accounts))
                .collect(),
        }
    }
}

impl Planner {
    pub(super) fn mixed_transaction(&mut self, random: &mut Random) -> Draft {
        let mut draft = match random.below(100) {
            0..40 => self.any_erc20(random),
            40..48 => self.with_logs(TokenKind::Erc721, random, Self::deed_logs),
            48..56 => self.with_logs(TokenKind::Erc1155, random, Self::bond_single_logs),
            56..62 => self.with_logs(TokenKind::Erc1155, random, Self::bond_batch_logs),
            62..66 => self.with_logs(TokenKind::Malformed, random, Self::odd_logs),
            66..72 => self.several_transfers(random),
            72..78 => self.value_transfer(random),
            78..84 => self.creation(random),
            84..94 => self.failed_call(random),
            _ => self.with_logs(TokenKind::Erc20, random, Self::approval_logs),
        };
        self.dress(&mut draft, random);
        draft
    }

    /// Any kind of ERC-20, with zero amounts and self-transfers among them.
    fn any_erc20(&mut self, random: &mut Random) -> Draft {
        let tokens: Vec<usize> = (0..self.facts.tokens().len())
            .filter(|token| self.facts.tokens()[*token].kind.is_erc20())
            .collect();
        let token = tokens[random.index(tokens.len())];
        let mut movement = self.ledgers[token].random_movement(random);
        if self.facts.tokens()[token].kind == TokenKind::Erc20Overflowing {
            // Minted, never moved on: the contract does not care that it overflows.
            let to = self.ledgers[token].random_account(random);
            let mut draft = self.erc20_draft(
                token,
                Movement {
                    amount: U256::ZERO,
                    ..movement_to(to)
                },
                random,
            );
            draft.logs.push(self.book_erc20(
                token,
                self.address_or_zero(None),
                self.address(to),
                U256::MAX,
            ));
            return draft;
        }
        match random.below(20) {
            0 => movement.amount = U256::ZERO,
            1 => movement.to = movement.from.or(movement.to),
            _ => {}
        }
        self.erc20_draft(token, movement, random)
    }

    /// A call to the (first) contract of a kind by a random account, with the logs that `logs` makes.
    fn with_logs(
        &mut self,
        kind: TokenKind,
        random: &mut Random,
        logs: fn(&mut Self, usize, u32, &mut Random) -> Vec<Log>,
    ) -> Draft {
        let sender = self.ledgers[0].random_account(random);
        let token = self
            .facts
            .tokens()
            .iter()
            .position(|token| token.kind == kind)
            .unwrap_or(0);
        let logs = logs(self, token, sender, random);
        let n_bytes = random.index(300);
        let input = Bytes::from(random.bytes(n_bytes));
        let to = Some(self.facts.tokens()[token].address);
        let mut draft = self.call(sender, to, input, random);
        draft.logs = logs;
        draft
    }

    fn deed_logs(&mut self, token: usize, sender: u32, random: &mut Random) -> Vec<Log> {
        let to = self.ledgers[0].random_account(random);
        let n_deeds = self.collections.deeds.len();
        let (id, from, to) = if n_deeds == 0 || random.per_mille(400) {
            let id = random.amount(256);
            self.collections.deeds.push((id, to));
            (id, None, Some(to))
        } else if random.per_mille(150) {
            let (id, owner) = self.collections.deeds.swap_remove(random.index(n_deeds));
            (id, Some(owner), None)
        } else {
            // One in ten goes to the sender of the transaction, which may own it already.
            let to = if random.per_mille(100) { sender } else { to };
            let deed = &mut self.collections.deeds[random.index(n_deeds)];
            let from = std::mem::replace(&mut deed.1, to);
            (deed.0, Some(from), Some(to))
        };
        let (from, to) = (self.address_or_zero(from), self.address_or_zero(to));
        let token_index = u16::try_from(token).unwrap_or(u16::MAX);
        self.record(&[Moved {
            token_index,
            id,
            from,
            to,
            amount: U256::from(1),
            operator: None,
        }]);
        vec![erc721_transfer(
            self.facts.tokens()[token].address,
            from,
            to,
            id,
        )]
    }

    fn bond_single_logs(&mut self, token: usize, sender: u32, random: &mut Random) -> Vec<Log> {
        let id = random.below(N_ERC1155_IDS);
        let ledger = &mut self.collections.bonds[usize::try_from(id).unwrap_or(0)];
        let movement = ledger.random_movement(random);
        ledger.apply(&movement);
        let parties = self.parties(sender, &movement);
        let moved = moved_bond(token, parties, U256::from(id), movement.amount);
        self.record(&[moved]);
        vec![erc1155_single(
            self.facts.tokens()[token].address,
            parties,
            moved.id,
            moved.amount,
        )]
    }

    /// All ids move at once between the same two accounts; the list may also be empty, or name an id twice.
    fn bond_batch_logs(&mut self, token: usize, sender: u32, random: &mut Random) -> Vec<Log> {
        let to = self.ledgers[0].random_account(random);
        let parties = self.parties(sender, &movement_to(to));
        let n_ids = random.below(5);
        let mut moves = Vec::new();
        for _ in 0..n_ids {
            let id = random.below(N_ERC1155_IDS);
            let amount = random.amount(90);
            let ledger = &mut self.collections.bonds[usize::try_from(id).unwrap_or(0)];
            ledger.apply(&Movement {
                amount,
                ..movement_to(to)
            });
            moves.push(moved_bond(token, parties, U256::from(id), amount));
        }
        self.record(&moves);
        let ids: Vec<U256> = moves.iter().map(|moved| moved.id).collect();
        let amounts: Vec<U256> = moves.iter().map(|moved| moved.amount).collect();
        vec![erc1155_batch(
            self.facts.tokens()[token].address,
            parties,
            &ids,
            &amounts,
        )]
    }

    fn odd_logs(&mut self, token: usize, sender: u32, random: &mut Random) -> Vec<Log> {
        let contract = self.facts.tokens()[token].address;
        let word = self.address(sender).into_word();
        let number = |n: u64| U256::from(n).to_be_bytes::<32>();
        let (kind, odd) = match random.below(5) {
            0 => (
                OddLog::ShortAmount,
                log(contract, vec![TRANSFER, word, word], random.bytes(31)),
            ),
            1 => {
                let topics = vec![TRANSFER, word, word, random.hash()];
                (
                    OddLog::FourTopicsWithData,
                    log(contract, topics, number(7).to_vec()),
                )
            }
            2 => {
                let words = [64, 160, 2, 1, 2, 1, 5].map(number);
                (
                    OddLog::UnequalBatch,
                    log(
                        contract,
                        vec![TRANSFER_BATCH, word, word, word],
                        words.concat(),
                    ),
                )
            }
            3 => {
                let topics = vec![TRANSFER, B256::repeat_byte(0xfe), word];
                (
                    OddLog::DirtyAddress,
                    log(contract, topics, number(7).to_vec()),
                )
            }
            _ => (
                OddLog::NoTopics,
                log(contract, Vec::new(), random.bytes(40)),
            ),
        };
        self.record_odd_log(kind);
        vec![odd]
    }

    /// An event that is no transfer.
    fn approval_logs(&mut self, token: usize, sender: u32, random: &mut Random) -> Vec<Log> {
        self.record(&[]);
        let spender = self
            .address(self.ledgers[0].random_account(random))
            .into_word();
        let topics = vec![APPROVAL, self.address(sender).into_word(), spender];
        vec![log(
            self.facts.tokens()[token].address,
            topics,
            random.amount(256).to_be_bytes_vec(),
        )]
    }

    /// One transaction that moves several tokens, all ERC-20.
    fn several_transfers(&mut self, random: &mut Random) -> Draft {
        let mut draft = self.plain_transfer(random);
        for _ in 0..1 + random.below(6) {
            let token = random.index(usize::try_from(self.options.n_tokens).unwrap_or(1));
            let movement = self.ledgers[token].random_movement(random);
            let log = self.move_erc20(token, movement);
            draft.logs.push(log);
        }
        draft
    }

    fn value_transfer(&mut self, random: &mut Random) -> Draft {
        let sender = self.ledgers[0].random_account(random);
        let to = self.address(self.ledgers[0].random_account(random));
        let mut draft = self.call(sender, Some(to), Bytes::new(), random);
        draft.transaction.value = random.amount(80);
        draft
    }

    /// A new contract; one in four fails, and still names the address it would have had.
    fn creation(&mut self, random: &mut Random) -> Draft {
        let sender = self.ledgers[0].random_account(random);
        let n_bytes = 100 + random.index(3000);
        let mut draft = self.call(sender, None, Bytes::from(random.bytes(n_bytes)), random);
        if random.per_mille(250) {
            draft.outcome = self.failure(random);
        }
        draft
    }

    fn failed_call(&mut self, random: &mut Random) -> Draft {
        let sender = self.ledgers[0].random_account(random);
        let token = &self.facts.tokens()[random.index(self.facts.tokens().len())];
        let input = calldata(CALL_TRANSFER, self.address(sender), U256::MAX, &[]);
        let mut draft = self.call(sender, Some(token.address), input, random);
        draft.outcome = self.failure(random);
        draft
    }

    fn call(
        &mut self,
        sender: u32,
        to: Option<alloy_primitives::Address>,
        input: Bytes,
        random: &mut Random,
    ) -> Draft {
        let nonce = self.next_nonce(sender);
        let mut transaction = Transaction::legacy(self.options.chain_id, nonce, to, input);
        let gas_used = 21_000 + random.below(500_000);
        transaction.gas_limit = gas_used + random.below(100_000);
        let outcome = self.success(random);
        Draft {
            sender,
            transaction,
            authorities: Vec::new(),
            outcome,
            gas_used,
            logs: Vec::new(),
        }
    }

    /// Gives the transaction a random type of the fork, with prices, lists and blobs.
    fn dress(&mut self, draft: &mut Draft, random: &mut Random) {
        let creates = draft.transaction.to.is_none();
        let transaction = &mut draft.transaction;
        transaction.transaction_type = match random.below(5) {
            1 if self.options.fork >= Fork::Berlin => TransactionType::AccessList,
            2 if self.options.fork >= Fork::London => TransactionType::DynamicFee,
            3 if self.options.fork >= Fork::Cancun && !creates => TransactionType::Blob,
            4 if self.options.fork >= Fork::Prague && !creates => TransactionType::SetCode,
            _ => TransactionType::Legacy,
        };
        let price = if random.per_mille(500) {
            0
        } else {
            u128::from(random.below(1 << 36))
        };
        transaction.gas_price = price;
        if transaction.transaction_type.has_dynamic_fee() {
            // The base fee is zero, so that the tip is all that is paid.
            transaction.max_priority_fee_per_gas = price;
            transaction.max_fee_per_gas = price + u128::from(random.below(1 << 30));
        }
        if transaction.transaction_type == TransactionType::Legacy {
            if random.per_mille(300) {
                transaction.chain_id = None;
            }
        } else {
            transaction.access_list = random_access_list(random);
        }
        match transaction.transaction_type {
            TransactionType::Blob => {
                transaction.max_fee_per_blob_gas = u128::from(1 + random.below(1000));
                let n_blobs = 1 + random.below(2);
                transaction.blob_versioned_hashes =
                    (0..n_blobs).map(|_| versioned_hash(random)).collect();
            }
            TransactionType::SetCode => self.add_authorizations(draft, random),
            _ => {}
        }
    }

    /// Entries with an empty signature, which the signer fills in.
    fn add_authorizations(&mut self, draft: &mut Draft, random: &mut Random) {
        for _ in 0..1 + random.below(3) {
            let authority = self.ledgers[0].random_account(random);
            let chain_id = if random.per_mille(300) {
                0
            } else {
                self.options.chain_id
            };
            let address = self.facts.tokens()[random.index(self.facts.tokens().len())].address;
            let nonce = self.next_nonce(authority);
            let entry = Authorization {
                chain_id: U256::from(chain_id),
                address,
                nonce,
            };
            let unsigned = SignedAuthorization::new_unchecked(entry, 0, U256::ZERO, U256::ZERO);
            draft.transaction.authorization_list.push(unsigned);
            draft.authorities.push(authority);
        }
    }

    fn parties(&self, operator: u32, movement: &Movement) -> Parties {
        Parties {
            operator: self.address(operator),
            from: self.address_or_zero(movement.from),
            to: self.address_or_zero(movement.to),
        }
    }
}

fn movement_to(to: u32) -> Movement {
    Movement {
        from: None,
        to: Some(to),
        amount: U256::ZERO,
    }
}

fn moved_bond(token: usize, parties: Parties, id: U256, amount: U256) -> Moved {
    Moved {
        token_index: u16::try_from(token).unwrap_or(u16::MAX),
        id,
        from: parties.from,
        to: parties.to,
        amount,
        operator: Some(parties.operator),
    }
}

fn random_access_list(random: &mut Random) -> AccessList {
    let n_items = random.below(3);
    let items = (0..n_items).map(|_| {
        let n_keys = random.below(3);
        AccessListItem {
            address: alloy_primitives::Address::from_word(random.hash()),
            storage_keys: (0..n_keys).map(|_| random.hash()).collect(),
        }
    });
    AccessList(items.collect())
}

fn versioned_hash(random: &mut Random) -> B256 {
    let mut hash = random.hash();
    hash[0] = 1;
    hash
}
