//! Headers.

use alloy_primitives::{B64, Bloom, U256};
use lastro_besu_rpc::wire;
use lastro_schema::{BlockNumber, Gas, Header, UnixSeconds};

use super::{
    FieldError, Place,
    error::At,
    hex::{Malformed, append_bytes, fixed, quantity, word},
};

pub(crate) fn decode_header(block: &wire::Block<'_>) -> Result<Header, FieldError> {
    let at = At(Place::Header);
    let mut extra_data = Vec::with_capacity(block.extra_data.len() / 2);
    at.field("extraData", append_bytes(block.extra_data, &mut extra_data))?;
    Ok(Header {
        parent_hash: at.field("parentHash", fixed(block.parent_hash))?.into(),
        ommers_hash: at.field("sha3Uncles", fixed(block.ommers_hash))?.into(),
        beneficiary: at.field("miner", fixed::<20>(block.miner))?.into(),
        state_root: at.field("stateRoot", fixed(block.state_root))?.into(),
        transactions_root: at
            .field("transactionsRoot", fixed(block.transactions_root))?
            .into(),
        receipts_root: at.field("receiptsRoot", fixed(block.receipts_root))?.into(),
        logs_bloom: Bloom::from(at.field("logsBloom", fixed::<256>(block.logs_bloom))?),
        difficulty: U256::from_be_bytes(at.field("difficulty", word(block.difficulty))?),
        number: BlockNumber(at.field("number", quantity(block.number))?),
        gas_limit: Gas(at.field("gasLimit", quantity(block.gas_limit))?),
        gas_used: Gas(at.field("gasUsed", quantity(block.gas_used))?),
        timestamp: UnixSeconds(at.field("timestamp", quantity(block.timestamp))?),
        extra_data: extra_data.into(),
        mix_hash: at
            .field("mixHash", at.present("mixHash", block.mix_hash).map(fixed)?)?
            .into(),
        nonce: B64::from(at.field("nonce", at.present("nonce", block.nonce).map(quantity)?)?),
        base_fee_per_gas: optional(at, "baseFeePerGas", block.base_fee_per_gas, word)?
            .map(U256::from_be_bytes),
        withdrawals_root: optional(at, "withdrawalsRoot", block.withdrawals_root, fixed::<32>)?
            .map(Into::into),
        blob_gas_used: optional(at, "blobGasUsed", block.blob_gas_used, quantity)?.map(Gas),
        excess_blob_gas: optional(at, "excessBlobGas", block.excess_blob_gas, quantity)?.map(Gas),
        parent_beacon_block_root: optional(
            at,
            "parentBeaconBlockRoot",
            block.parent_beacon_block_root,
            fixed::<32>,
        )?
        .map(Into::into),
        requests_hash: optional(at, "requestsHash", block.requests_hash, fixed::<32>)?
            .map(Into::into),
    })
}

fn optional<T>(
    at: At,
    field: &'static str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Malformed>,
) -> Result<Option<T>, FieldError> {
    text.map(|text| at.field(field, parse(text))).transpose()
}
