//! Stored rows back to what they were made of: headers, transactions, receipts' outcomes, withdrawals.

use alloy_primitives::{B64, B256, Bloom, U256};
use lastro_schema::{BlockNumber, Gas, Header, UnixSeconds};

use super::{
    cells::{CellError, Row},
    rebuild::RebuildError,
};
use crate::{
    chain::{
        receipt::Outcome,
        transaction::{Extra, Kind, Transaction, Word},
        trie::EncodedItems,
    },
    rlp::write_list,
};

/// The header but for the logs bloom, which the logs give; extra data as stored, without seals.
pub(super) fn read_header(row: &Row<'_>) -> Result<Header, CellError> {
    let hash = |column| row.fixed::<32>(column).map(B256::from);
    let optional_hash =
        |column| -> Result<_, CellError> { Ok(row.optional_fixed::<32>(column)?.map(B256::from)) };
    Ok(Header {
        parent_hash: hash("parent_hash")?,
        ommers_hash: hash("ommers_hash")?,
        beneficiary: row.fixed::<20>("beneficiary")?.into(),
        state_root: hash("state_root")?,
        transactions_root: hash("transactions_root")?,
        receipts_root: hash("receipts_root")?,
        logs_bloom: Bloom::ZERO,
        difficulty: U256::from_be_bytes(row.word("difficulty")?),
        number: BlockNumber(row.u64("number")?),
        gas_limit: Gas(row.u64("gas_limit")?),
        gas_used: Gas(row.u64("gas_used")?),
        timestamp: UnixSeconds(row.u64("timestamp")?),
        extra_data: row.bytes("extra_data")?.to_vec().into(),
        mix_hash: hash("mix_hash")?,
        nonce: B64::from(row.fixed::<8>("nonce")?),
        base_fee_per_gas: row
            .optional_word("base_fee_per_gas")?
            .map(U256::from_be_bytes),
        withdrawals_root: optional_hash("withdrawals_root")?,
        blob_gas_used: row.optional_u64("blob_gas_used")?.map(Gas),
        excess_blob_gas: row.optional_u64("excess_blob_gas")?.map(Gas),
        parent_beacon_block_root: optional_hash("parent_beacon_block_root")?,
        requests_hash: optional_hash("requests_hash")?,
    })
}

/// `blob_hashes` are those of the row, read before.
pub(super) fn read_transaction<'a>(
    row: &Row<'a>,
    index: u32,
    blob_hashes: &'a [Word],
) -> Result<Transaction<'a>, RebuildError> {
    let v = row.u64("v")?;
    let kind = read_kind(row, index, blob_hashes)?;
    // EIP-155: the chain id of a legacy transaction is in its v.
    let chain_id = match kind {
        Kind::Legacy { .. } => v.checked_sub(35).map(|shifted| shifted / 2),
        _ => Some(row.u64("chain_id")?),
    };
    Ok(Transaction {
        kind,
        chain_id,
        nonce: row.u64("nonce")?,
        gas_limit: row.u64("gas_limit")?,
        to: row.optional_fixed("to_address")?,
        value: row.word("value")?,
        input: row.bytes("input")?,
        v,
        r: row.fixed("r")?,
        s: row.fixed("s")?,
    })
}

fn read_kind<'a>(
    row: &Row<'a>,
    index: u32,
    versioned_hashes: &'a [Word],
) -> Result<Kind<'a>, RebuildError> {
    let extra = match row.u64("transaction_type")? {
        0 => {
            return Ok(Kind::Legacy {
                gas_price: row.word("gas_price")?,
            });
        }
        1 => {
            return Ok(Kind::AccessList {
                gas_price: row.word("gas_price")?,
                access_list: row.bytes("access_list")?,
            });
        }
        2 => Extra::None,
        3 => Extra::Blobs {
            max_fee_per_blob_gas: row.word("max_fee_per_blob_gas")?,
            versioned_hashes,
        },
        4 => Extra::Authorizations(row.bytes("authorization_list")?),
        transaction_type => {
            return Err(RebuildError::TransactionType {
                index,
                transaction_type,
            });
        }
    };
    Ok(Kind::DynamicFee {
        max_priority_fee_per_gas: row.word("max_priority_fee_per_gas")?,
        max_fee_per_gas: row.word("max_fee_per_gas")?,
        access_list: row.bytes("access_list")?,
        extra,
    })
}

pub(super) fn read_outcome(row: &Row<'_>, index: u32) -> Result<Outcome, RebuildError> {
    match (
        row.optional_u64("status")?,
        row.optional_fixed("post_state_root")?,
    ) {
        (Some(status), _) => Ok(Outcome::Status(status == 1)),
        (None, Some(root)) => Ok(Outcome::PostState(root)),
        (None, None) => Err(RebuildError::NoOutcome { index }),
    }
}

/// The RLP list written anew, and the root of its items.
pub(super) fn read_withdrawals(
    row: &Row<'_>,
    items: &mut EncodedItems,
) -> Result<Option<(Vec<u8>, B256)>, RebuildError> {
    let Some(mut stored) = row.optional_bytes("withdrawals")? else {
        return Ok(None);
    };
    let malformed = |_| RebuildError::Withdrawals;
    let mut rest = alloy_rlp::Header::decode_bytes(&mut stored, true).map_err(malformed)?;
    if !stored.is_empty() {
        return Err(RebuildError::Withdrawals);
    }
    let mut list = Vec::new();
    write_list(&mut list, rest);
    items.clear();
    while !rest.is_empty() {
        let payload = alloy_rlp::Header::decode_bytes(&mut rest, true).map_err(malformed)?;
        items.push_with(|out| write_list(out, payload));
    }
    Ok(Some((list, items.root())))
}
