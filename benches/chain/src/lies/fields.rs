//! One field altered by as little as possible. Each function gives whether the block has the field.

use alloy_eips::eip2930::AccessListItem;
use alloy_primitives::{Address, B256, Bytes, LogData, Signature, U256};

use super::{Disguise, HeaderField, LogField, ReceiptField, TransactionField};
use crate::block::Block;
use crate::extra::Vote;
use crate::receipt::{Outcome, Receipt};
use crate::transaction::{Transaction, TransactionType};

pub(super) fn alter_header(block: &mut Block, field: HeaderField, stranger: Address) -> bool {
    let header = &mut block.header;
    let extra = &mut block.extra;
    match field {
        HeaderField::ParentHash => flip(&mut header.parent_hash),
        HeaderField::OmmersHash => flip(&mut header.ommers_hash),
        HeaderField::Miner => header.beneficiary = stranger,
        HeaderField::StateRoot => flip(&mut header.state_root),
        HeaderField::TransactionsRoot => flip(&mut header.transactions_root),
        HeaderField::ReceiptsRoot => flip(&mut header.receipts_root),
        HeaderField::LogsBloom => header.logs_bloom[0] ^= 1,
        HeaderField::Difficulty => header.difficulty += U256::from(1),
        HeaderField::Number => header.number += 1,
        HeaderField::GasLimit => header.gas_limit -= 1,
        HeaderField::GasUsed => header.gas_used += 1,
        HeaderField::Timestamp => header.timestamp += 1,
        HeaderField::Vanity => extra.vanity[0] ^= 1,
        HeaderField::Validators => {
            extra.validators.push(stranger);
            extra.validators.sort_unstable();
        }
        HeaderField::Vote => {
            extra.vote = if extra.vote.is_none() {
                Some(Vote {
                    subject: stranger,
                    add: true,
                })
            } else {
                None
            };
        }
        HeaderField::Round => extra.round += 1,
        HeaderField::MixHash => flip(&mut header.mix_hash),
        HeaderField::Nonce => header.nonce[7] ^= 1,
        HeaderField::Hash => flip(&mut block.hash),
        HeaderField::BaseFeePerGas => return add_one(&mut header.base_fee_per_gas),
        HeaderField::BlobGasUsed => return add_one(&mut header.blob_gas_used),
        HeaderField::ExcessBlobGas => return add_one(&mut header.excess_blob_gas),
        HeaderField::WithdrawalsRoot => return flip_if_any(&mut header.withdrawals_root),
        HeaderField::ParentBeaconBlockRoot => {
            return flip_if_any(&mut header.parent_beacon_block_root);
        }
        HeaderField::RequestsHash => return flip_if_any(&mut header.requests_hash),
    }
    block.header.extra_data = block.extra.encoded();
    true
}

pub(super) fn alter_log(block: &mut Block, field: LogField) -> bool {
    let mut logs = block
        .receipts
        .iter_mut()
        .flat_map(|receipt| &mut receipt.logs);
    match field {
        LogField::Address => logs.next().map(|log| log.address.0[19] ^= 1).is_some(),
        LogField::Topic(place) => logs
            .find_map(|log| {
                let mut topics = log.topics().to_vec();
                flip(topics.get_mut(usize::from(place))?);
                log.data = LogData::new_unchecked(topics, log.data.data.clone());
                Some(())
            })
            .is_some(),
        LogField::Data => logs
            .find_map(|log| {
                let mut data = log.data.data.to_vec();
                *data.last_mut()? ^= 1;
                log.data.data = Bytes::from(data);
                Some(())
            })
            .is_some(),
    }
}

pub(super) fn alter_receipt(block: &mut Block, field: ReceiptField) -> bool {
    // A contract address can only be altered where there is one.
    let has_field = |receipt: &&mut Receipt| match field {
        ReceiptField::ContractAddress => receipt.contract_address.is_some(),
        ReceiptField::To => receipt.to.is_some(),
        _ => true,
    };
    let Some(receipt) = block.receipts.iter_mut().find(has_field) else {
        return false;
    };
    match field {
        ReceiptField::Outcome => {
            receipt.outcome = match receipt.outcome {
                Outcome::Succeeded => Outcome::Failed,
                Outcome::Failed => Outcome::Succeeded,
                Outcome::PostState(mut root) => {
                    flip(&mut root);
                    Outcome::PostState(root)
                }
            }
        }
        ReceiptField::CumulativeGasUsed => receipt.cumulative_gas_used += 1,
        ReceiptField::LogsBloom => receipt.logs_bloom[255] ^= 1,
        ReceiptField::Type => {
            receipt.transaction_type = match receipt.transaction_type {
                TransactionType::Legacy => TransactionType::AccessList,
                _ => TransactionType::Legacy,
            }
        }
        ReceiptField::GasUsed => receipt.gas_used += 1,
        ReceiptField::EffectiveGasPrice => receipt.effective_gas_price += 1,
        ReceiptField::ContractAddress => receipt
            .contract_address
            .iter_mut()
            .for_each(|address| address[19] ^= 1),
        ReceiptField::From => receipt.from.0[19] ^= 1,
        ReceiptField::To => receipt.to.iter_mut().for_each(|address| address[19] ^= 1),
        ReceiptField::TransactionHash => flip(&mut receipt.transaction_hash),
    }
    true
}

/// From the disguise of roots on, what a node states about the transaction fits it again, and so does its receipt.
pub(super) fn alter_transaction(
    block: &mut Block,
    field: TransactionField,
    disguise: Disguise,
) -> bool {
    let altered = block
        .transactions
        .iter_mut()
        .zip(&mut block.receipts)
        .find_map(|(transaction, receipt)| {
            alter_one_transaction(transaction, field).then_some((transaction, receipt))
        });
    let Some((transaction, receipt)) = altered else {
        return false;
    };
    let is_signed = !matches!(field, TransactionField::From | TransactionField::Hash);
    if disguise >= Disguise::Roots && is_signed {
        transaction.hash = transaction.encoded_hash();
        transaction.from = transaction.recover_sender().unwrap_or(transaction.from);
        receipt.transaction_hash = transaction.hash;
        receipt.from = transaction.from;
        receipt.to = transaction.to;
        receipt.contract_address = transaction
            .to
            .is_none()
            .then(|| transaction.from.create(transaction.nonce));
        if !transaction.transaction_type.has_dynamic_fee() {
            receipt.effective_gas_price = transaction.gas_price;
        }
    }
    true
}

/// Gives whether the transaction has the field.
fn alter_one_transaction(transaction: &mut Transaction, field: TransactionField) -> bool {
    let kind = transaction.transaction_type;
    match field {
        TransactionField::ChainId => return add_one(&mut transaction.chain_id),
        TransactionField::Nonce => transaction.nonce += 1,
        TransactionField::GasLimit => transaction.gas_limit += 1,
        TransactionField::Value => transaction.value += U256::from(1),
        TransactionField::From => transaction.from.0[19] ^= 1,
        TransactionField::Hash => flip(&mut transaction.hash),
        TransactionField::GasPrice if !kind.has_dynamic_fee() => transaction.gas_price += 1,
        TransactionField::MaxFeePerGas if kind.has_dynamic_fee() => {
            transaction.max_fee_per_gas += 1
        }
        TransactionField::MaxPriorityFeePerGas if kind.has_dynamic_fee() => {
            transaction.max_priority_fee_per_gas += 1;
        }
        TransactionField::MaxFeePerBlobGas if kind == TransactionType::Blob => {
            transaction.max_fee_per_blob_gas += 1
        }
        TransactionField::AccessList if kind != TransactionType::Legacy => {
            let address = transaction.from;
            transaction.access_list.0.push(AccessListItem {
                address,
                storage_keys: Vec::new(),
            });
        }
        TransactionField::BlobVersionedHashes if kind == TransactionType::Blob => {
            transaction.blob_versioned_hashes.push(transaction.hash);
        }
        TransactionField::AuthorizationList => {
            return transaction.authorization_list.pop().is_some();
        }
        TransactionField::To => match &mut transaction.to {
            Some(to) => to[19] ^= 1,
            None => return false,
        },
        TransactionField::Input => {
            let mut input = transaction.input.to_vec();
            let Some(last) = input.last_mut() else {
                return false;
            };
            *last ^= 1;
            transaction.input = Bytes::from(input);
        }
        TransactionField::YParity | TransactionField::R | TransactionField::S => {
            let (r, s, parity) = (
                transaction.signature.r(),
                transaction.signature.s(),
                transaction.signature.v(),
            );
            let one = U256::from(1);
            transaction.signature = match field {
                TransactionField::R => Signature::new(r ^ one, s, parity),
                TransactionField::S => Signature::new(r, s ^ one, parity),
                _ => Signature::new(r, s, !parity),
            };
        }
        TransactionField::GasPrice
        | TransactionField::MaxFeePerGas
        | TransactionField::MaxPriorityFeePerGas
        | TransactionField::MaxFeePerBlobGas
        | TransactionField::AccessList
        | TransactionField::BlobVersionedHashes => return false,
    }
    true
}

fn flip(hash: &mut B256) {
    hash[31] ^= 1;
}

fn flip_if_any(hash: &mut Option<B256>) -> bool {
    hash.as_mut().map(flip).is_some()
}

fn add_one(number: &mut Option<u64>) -> bool {
    number.as_mut().map(|number| *number += 1).is_some()
}
