//! Token movements out of logs.
//!
//! | event | topics | data | read as |
//! | --- | --- | --- | --- |
//! | `Transfer` | 3 | 32 bytes | ERC-20 (EIP-20) |
//! | `Transfer` | 4 | none | ERC-721 (EIP-721) |
//! | `Transfer` | 2 or 1 | 64 or 96 bytes | ERC-20 whose author left `indexed` out |
//! | `TransferSingle`, `TransferBatch` | 4 | ABI | ERC-1155 (EIP-1155) |
//!
//! Anything else under these topics is no token movement: it stays a plain log. So does an address word with bits above the
//! 160th, and a batch whose two lists differ in length.

use alloy_primitives::{U256, b256};
use lastro_schema::tables::{BalanceChanges, TokenTransfers};

use crate::{chain::transaction::Word, project::Standard};

/// `Transfer(address,address,uint256)`.
const TRANSFER: [u8; 32] =
    b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef").0;
/// `TransferSingle(address,address,address,uint256,uint256)`.
const TRANSFER_SINGLE: [u8; 32] =
    b256!("c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62").0;
/// `TransferBatch(address,address,address,uint256[],uint256[])`.
const TRANSFER_BATCH: [u8; 32] =
    b256!("4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb").0;

const ZERO_ADDRESS: [u8; 20] = [0; 20];
const ONE: Word = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};

/// Where a log stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogPlace {
    pub block_number: u64,
    pub transaction_index: u32,
    pub log_index: u32,
}

/// A log to be projected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log<'a> {
    pub place: LogPlace,
    pub address: &'a [u8; 20],
    pub topics: &'a [[u8; 32]],
    pub data: &'a [u8],
}

/// Appends the movements of a log; gives the token's standard when there are any.
pub(crate) fn project_log(
    log: &Log<'_>,
    transfers: &mut TokenTransfers,
    changes: &mut BalanceChanges,
) -> Option<Standard> {
    let parsed = parse(log)?;
    let standard = parsed.standard;
    let mut rows = Rows {
        log,
        parsed: &parsed,
        transfers,
        changes,
    };
    match parsed.items {
        Items::One { token_id, amount } => rows.push(0, &token_id, &amount),
        Items::Batch { ids, amounts } => {
            for (index, (token_id, amount)) in (0_u32..).zip(ids.iter().zip(amounts)) {
                rows.push(index, token_id, amount);
            }
        }
    }
    Some(standard)
}

struct Parsed<'a> {
    standard: Standard,
    operator: Option<[u8; 20]>,
    from: [u8; 20],
    to: [u8; 20],
    items: Items<'a>,
}

enum Items<'a> {
    One {
        token_id: Word,
        amount: Word,
    },
    Batch {
        ids: &'a [Word],
        amounts: &'a [Word],
    },
}

fn parse<'a>(log: &Log<'a>) -> Option<Parsed<'a>> {
    let (event, indexed) = log.topics.split_first()?;
    match *event {
        TRANSFER => parse_transfer(indexed, log.data),
        TRANSFER_SINGLE => parse_erc1155(indexed, parse_single(log.data)?),
        TRANSFER_BATCH => parse_erc1155(indexed, parse_batch(log.data)?),
        _ => None,
    }
}

fn parse_transfer<'a>(indexed: &[Word], data: &[u8]) -> Option<Parsed<'a>> {
    let unindexed = words(data)?;
    let standard = match (indexed.len(), unindexed.len()) {
        (3, 0) => Standard::Erc721,
        (2, 1) | (1, 2) | (0, 3) => Standard::Erc20,
        _ => return None,
    };
    let mut arguments = indexed.iter().chain(unindexed);
    let (from, to, value) = (
        address(arguments.next()?)?,
        address(arguments.next()?)?,
        *arguments.next()?,
    );
    let (token_id, amount) = match standard {
        Standard::Erc721 => (value, ONE),
        _ => ([0; 32], value),
    };
    Some(Parsed {
        standard,
        operator: None,
        from,
        to,
        items: Items::One { token_id, amount },
    })
}

fn parse_erc1155<'a>(indexed: &[Word], items: Items<'a>) -> Option<Parsed<'a>> {
    let [operator, from, to] = indexed else {
        return None;
    };
    let operator = Some(address(operator)?);
    Some(Parsed {
        standard: Standard::Erc1155,
        operator,
        from: address(from)?,
        to: address(to)?,
        items,
    })
}

fn parse_single<'a>(data: &[u8]) -> Option<Items<'a>> {
    let [token_id, amount] = words(data)? else {
        return None;
    };
    Some(Items::One {
        token_id: *token_id,
        amount: *amount,
    })
}

/// Two dynamic arrays; their offsets may come in any order and leave gaps.
fn parse_batch(data: &[u8]) -> Option<Items<'_>> {
    let words = words(data)?;
    let [ids_offset, amounts_offset, ..] = words else {
        return None;
    };
    let (ids, amounts) = (array(words, ids_offset)?, array(words, amounts_offset)?);
    (ids.len() == amounts.len()).then_some(Items::Batch { ids, amounts })
}

fn array<'a>(words: &'a [Word], offset: &Word) -> Option<&'a [Word]> {
    let offset = small(offset)?;
    let (length, items) = words.get(offset / 32..)?.split_first()?;
    (offset % 32 == 0)
        .then(|| items.get(..small(length)?))
        .flatten()
}

fn small(word: &Word) -> Option<usize> {
    usize::try_from(U256::from_be_bytes(*word)).ok()
}

fn words(data: &[u8]) -> Option<&[Word]> {
    let (words, rest) = data.as_chunks::<32>();
    rest.is_empty().then_some(words)
}

fn address(word: &Word) -> Option<[u8; 20]> {
    let (padding, address) = word.split_first_chunk::<12>()?;
    (*padding == [0; 12])
        .then(|| address.try_into().ok())
        .flatten()
}

struct Rows<'a> {
    log: &'a Log<'a>,
    parsed: &'a Parsed<'a>,
    transfers: &'a mut TokenTransfers,
    changes: &'a mut BalanceChanges,
}

impl Rows<'_> {
    fn push(&mut self, batch_index: u32, token_id: &Word, amount: &Word) {
        let (log, parsed) = (self.log, self.parsed);
        let rows = &mut *self.transfers;
        rows.token.push(log.address);
        rows.block_number.push(log.place.block_number);
        rows.log_index.push(log.place.log_index);
        rows.batch_index.push(batch_index);
        rows.transaction_index.push(log.place.transaction_index);
        rows.standard.push(parsed.standard.name());
        rows.operator.push(parsed.operator.as_ref());
        rows.from_address.push(&parsed.from);
        rows.to_address.push(&parsed.to);
        rows.token_id.push_be(token_id);
        rows.amount.push_be(amount);
        for (direction, account) in [(0, &parsed.from), (1, &parsed.to)] {
            if *account != ZERO_ADDRESS {
                self.push_change(account, direction, batch_index, token_id, amount);
            }
        }
    }

    fn push_change(
        &mut self,
        account: &[u8; 20],
        direction: u8,
        batch_index: u32,
        token_id: &Word,
        amount: &Word,
    ) {
        let rows = &mut *self.changes;
        rows.account.push(account);
        rows.token.push(self.log.address);
        rows.token_id.push_be(token_id);
        rows.block_number.push(self.log.place.block_number);
        rows.log_index.push(self.log.place.log_index);
        rows.batch_index.push(batch_index);
        rows.direction.push(direction);
        rows.amount.push_be(amount);
    }
}

#[cfg(test)]
mod tests;
