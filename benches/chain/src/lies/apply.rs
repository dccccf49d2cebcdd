//! Lies applied to the fields of a chain, and to what is served in the end.

use super::fields::{alter_header, alter_log, alter_receipt, alter_transaction};
use super::seals::{alter_seals, seal_by_minority};
use super::strangers::take_over;
use super::{Disguise, HeaderField, Lie, LieError, ReceiptField};
use crate::block::Block;
use crate::chain::Chain;
use crate::options::ChainOptions;
use crate::served::ServedChain;

pub(super) fn apply(honest: &Chain, lies: &[(u64, Lie)]) -> Result<ServedChain, LieError> {
    let mut chain = honest.clone();
    if lies.iter().any(|(_, lie)| *lie == Lie::OtherGenesis) {
        let genesis_timestamp = honest.options.genesis_timestamp + 1;
        let other = Chain::generate(&ChainOptions {
            genesis_timestamp,
            ..honest.options.clone()
        })?;
        chain.blocks = other.blocks;
    }
    for (number, lie) in lies {
        let place = usize::try_from(*number)
            .ok()
            .filter(|place| *place > 0 && *place < chain.blocks.len());
        let place = place.ok_or(LieError::NoSuchBlock { number: *number })?;
        if !alter_fields(&mut chain, place, lie)? {
            return Err(LieError::NothingToAlter {
                number: *number,
                lie: lie.clone(),
            });
        }
    }
    let mut served = ServedChain::render(&chain).blocks;
    for (number, lie) in lies {
        let place = usize::try_from(*number).unwrap_or(usize::MAX);
        match lie {
            Lie::AbsentBlock => served[place] = None,
            Lie::SkippedBlock => {
                served.remove(place);
            }
            Lie::ReceiptsOfAnotherBlock { relabelled: false } => {
                let other = another_with_receipts(&chain.blocks, place)
                    .and_then(|other| served[other].clone());
                if let (Some(block), Some(other)) = (&mut served[place], other) {
                    block.receipts = other.receipts;
                    block.receipt_spans = other.receipt_spans;
                }
            }
            _ => {}
        }
    }
    Ok(ServedChain::assemble(
        honest.options.chain_id,
        honest.genesis_json.clone(),
        served,
        honest.facts.clone(),
    ))
}

/// Gives whether there was anything to alter.
fn alter_fields(chain: &mut Chain, place: usize, lie: &Lie) -> Result<bool, LieError> {
    let block = &mut chain.blocks[place];
    let (altered, disguise) = match lie {
        Lie::MissingLog(disguise) => (remove_log(block), disguise),
        Lie::ExtraLog(disguise) => (repeat_log(block), disguise),
        Lie::AlteredLog(field, disguise) => (alter_log(block, *field), disguise),
        Lie::AlteredReceipt(field, disguise) => {
            let altered = alter_receipt(block, *field);
            if *field == ReceiptField::LogsBloom {
                disguise_stated_blooms(chain, place, *disguise);
                return Ok(altered);
            }
            (altered, disguise)
        }
        Lie::MissingReceipt(disguise) => (block.receipts.pop().is_some(), disguise),
        Lie::AlteredTransaction(field, disguise) => {
            (alter_transaction(block, *field, *disguise), disguise)
        }
        Lie::SwappedTransactions(disguise) => (swap_transactions(block), disguise),
        Lie::DuplicatedTransaction(disguise) => (duplicate_transaction(block), disguise),
        Lie::MissingTransaction(disguise) => {
            block.receipts.pop();
            (block.transactions.pop().is_some(), disguise)
        }
        Lie::AlteredWithdrawal(disguise) => (alter_withdrawal(block), disguise),
        Lie::AlteredHeader(field, disguise) => {
            return Ok(lie_in_header(chain, place, *field, *disguise));
        }
        Lie::Seals(seal_lie) => return Ok(alter_seals(chain, place, *seal_lie)),
        Lie::Strangers { history } => return take_over(chain, place, *history).map(|()| true),
        Lie::RemovedBlock => return Ok(remove_block(chain, place)),
        Lie::ReceiptsOfAnotherBlock { relabelled } => {
            return Ok(borrow_receipts(chain, place, *relabelled));
        }
        Lie::SkippedBlock | Lie::AbsentBlock | Lie::OtherGenesis => return Ok(true),
    };
    disguise_body(chain, place, *disguise);
    Ok(altered)
}

fn disguise_body(chain: &mut Chain, place: usize, disguise: Disguise) {
    if disguise >= Disguise::Blooms {
        chain.blocks[place].recompute_blooms();
    }
    disguise_stated_blooms(chain, place, disguise);
}

/// As [`disguise_body`], but the receipts' blooms stay as they are.
fn disguise_stated_blooms(chain: &mut Chain, place: usize, disguise: Disguise) {
    if disguise >= Disguise::Roots {
        chain.blocks[place].recompute_roots();
    }
    if disguise >= Disguise::Hash {
        chain.blocks[place].recompute_hash();
    }
    disguise_links(chain, place, disguise);
}

fn lie_in_header(chain: &mut Chain, place: usize, field: HeaderField, disguise: Disguise) -> bool {
    let stranger = super::seals::stranger(&chain.options, 0);
    let altered = alter_header(&mut chain.blocks[place], field, stranger.address);
    if disguise >= Disguise::Hash && field != HeaderField::Hash {
        chain.blocks[place].recompute_hash();
    }
    disguise_links(chain, place, disguise);
    altered
}

fn disguise_links(chain: &mut Chain, place: usize, disguise: Disguise) {
    if disguise >= Disguise::Linked {
        relink_after(chain, place);
    }
    if disguise >= Disguise::MinoritySealed {
        seal_by_minority(chain, place);
    }
}

/// Parent hashes and hashes of all blocks behind `place`.
fn relink_after(chain: &mut Chain, place: usize) {
    let mut parent_hash = chain.blocks[place].hash;
    for block in &mut chain.blocks[place + 1..] {
        block.header.parent_hash = parent_hash;
        block.recompute_hash();
        parent_hash = block.hash;
    }
}

fn remove_log(block: &mut Block) -> bool {
    block
        .receipts
        .iter_mut()
        .find_map(|receipt| receipt.logs.pop())
        .is_some()
}

fn repeat_log(block: &mut Block) -> bool {
    let Some(receipt) = block
        .receipts
        .iter_mut()
        .find(|receipt| !receipt.logs.is_empty())
    else {
        return false;
    };
    receipt.logs.push(receipt.logs[0].clone());
    true
}

fn swap_transactions(block: &mut Block) -> bool {
    if block.transactions.len() < 2 {
        return false;
    }
    block.transactions.swap(0, 1);
    block.receipts.swap(0, 1);
    // Gas adds up in the new order.
    block.receipts[1].cumulative_gas_used = block.receipts[0].gas_used + block.receipts[1].gas_used;
    block.receipts[0].cumulative_gas_used = block.receipts[0].gas_used;
    true
}

fn duplicate_transaction(block: &mut Block) -> bool {
    let (Some(transaction), Some(receipt)) = (block.transactions.last(), block.receipts.last())
    else {
        return false;
    };
    let mut receipt = receipt.clone();
    receipt.cumulative_gas_used += receipt.gas_used;
    block.transactions.push(transaction.clone());
    block.receipts.push(receipt);
    true
}

fn alter_withdrawal(block: &mut Block) -> bool {
    let first = block
        .withdrawals
        .as_mut()
        .and_then(|withdrawals| withdrawals.first_mut());
    first.map(|withdrawal| withdrawal.amount += 1).is_some()
}

fn remove_block(chain: &mut Chain, place: usize) -> bool {
    chain.blocks.remove(place);
    for block in &mut chain.blocks[place..] {
        block.header.number -= 1;
    }
    relink_after(chain, place - 1);
    place < chain.blocks.len()
}

/// Without new labels the borrowed text is put in place when everything is rendered.
fn borrow_receipts(chain: &mut Chain, place: usize, relabelled: bool) -> bool {
    let Some(other) = another_with_receipts(&chain.blocks, place) else {
        return false;
    };
    if relabelled {
        chain.blocks[place].receipts = chain.blocks[other].receipts.clone();
        let block = &mut chain.blocks[place];
        for (receipt, transaction) in block.receipts.iter_mut().zip(&block.transactions) {
            receipt.transaction_hash = transaction.hash;
        }
    }
    true
}

/// The nearest block, earlier ones first, with receipts other than this one's.
fn another_with_receipts(blocks: &[Block], place: usize) -> Option<usize> {
    let earlier = (0..place).rev();
    let later = place + 1..blocks.len();
    earlier.chain(later).find(|other| {
        let receipts = &blocks[*other].receipts;
        !receipts.is_empty() && *receipts != blocks[place].receipts
    })
}
