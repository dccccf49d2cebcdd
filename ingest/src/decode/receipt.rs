//! Receipts and their logs.

use alloy_primitives::Bloom;
use lastro_besu_rpc::wire;

use super::{
    ContentError, FieldError, Place,
    error::At,
    hex::{append_bytes, fixed, quantity},
};
use crate::chain::{bloom::BloomBits, receipt};

/// A log at hand; reused from one to the next.
#[derive(Debug, Default)]
pub(super) struct LogBytes {
    pub(super) address: [u8; 20],
    pub(super) topics: Vec<[u8; 32]>,
    pub(super) data: Vec<u8>,
}

impl LogBytes {
    /// Gives the log's stated index in the block.
    pub(super) fn decode(&mut self, place: Place, log: &wire::Log<'_>) -> Result<u64, FieldError> {
        let at = At(place);
        self.address = at.field("address", fixed(log.address))?;
        self.topics.clear();
        for topic in log.topics.iter() {
            self.topics.push(at.field("topics", fixed(topic))?);
        }
        self.data.clear();
        at.field("data", append_bytes(log.data, &mut self.data))?;
        at.field("logIndex", quantity(log.log_index))
    }

    pub(super) fn write(&self, rlp: &mut Vec<u8>, bloom: &mut Bloom, bits: &mut BloomBits) {
        bits.add_address(bloom, &self.address);
        for topic in &self.topics {
            bits.add_topic(bloom, topic);
        }
        receipt::write_log(rlp, &self.address, &self.topics, &self.data);
    }
}

/// The fields of a receipt that are no logs.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiptFields {
    pub(super) outcome: receipt::Outcome,
    pub(super) cumulative_gas_used: u64,
}

pub(super) fn decode_fields(
    index: u32,
    wire: &wire::Receipt<'_>,
) -> Result<ReceiptFields, ContentError> {
    let at = At(Place::Receipt(index));
    let outcome = match (wire.status, wire.root) {
        (Some(status), _) => receipt::Outcome::Status(at.field("status", quantity(status))? == 1),
        (None, Some(root)) => receipt::Outcome::PostState(at.field("root", fixed(root))?),
        (None, None) => return Err(ContentError::NoOutcome { index }),
    };
    let cumulative_gas_used = at.field("cumulativeGasUsed", quantity(wire.cumulative_gas_used))?;
    Ok(ReceiptFields {
        outcome,
        cumulative_gas_used,
    })
}
