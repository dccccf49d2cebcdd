//! Receipts as consensus hashes them (EIP-2718: type, then the RLP list).

use alloy_primitives::Bloom;

use crate::rlp::{string_length, write_bytes, write_list, write_list_header, write_u64};

/// First item of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Since Byzantium (EIP-658).
    Status(bool),
    /// Before Byzantium: the state root after the transaction.
    PostState([u8; 32]),
}

/// A receipt whose logs are already RLP items, one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt<'a> {
    pub transaction_type: u8,
    pub outcome: Outcome,
    pub cumulative_gas_used: u64,
    pub bloom: &'a Bloom,
    pub logs: &'a [u8],
}

impl Receipt<'_> {
    /// Appends the EIP-2718 bytes, the leaf of the receipts trie.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        if self.transaction_type != 0 {
            out.push(self.transaction_type);
        }
        let mut head = Vec::with_capacity(48);
        match &self.outcome {
            Outcome::Status(success) => write_u64(&mut head, u64::from(*success)),
            Outcome::PostState(root) => write_bytes(&mut head, root),
        }
        write_u64(&mut head, self.cumulative_gas_used);
        // A list header is as long as a string header.
        let logs_length = string_length(self.logs.len());
        write_list_header(out, head.len() + string_length(256) + logs_length);
        out.extend_from_slice(&head);
        write_bytes(out, self.bloom.as_slice());
        write_list(out, self.logs);
    }
}

/// Appends one log.
pub(crate) fn write_log(out: &mut Vec<u8>, address: &[u8; 20], topics: &[[u8; 32]], data: &[u8]) {
    let data_length = match data {
        [byte] if *byte < 0x80 => 1,
        _ => string_length(data.len()),
    };
    let topics_length = topics.len() * 33;
    write_list_header(out, 21 + string_length(topics_length) + data_length);
    write_bytes(out, address);
    write_list_header(out, topics_length);
    for topic in topics {
        write_bytes(out, topic);
    }
    write_bytes(out, data);
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{
        Eip658Value, Receipt as AlloyReceipt, ReceiptEnvelope, ReceiptWithBloom, TxReceipt,
    };
    use alloy_eips::eip2718::Encodable2718;
    use alloy_primitives::Log;
    use proptest::prelude::*;

    use super::*;
    use crate::chain::bloom::BloomBits;

    type DrawnLog = ([u8; 20], Vec<[u8; 32]>, Vec<u8>);

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            any::<bool>().prop_map(Outcome::Status),
            any::<[u8; 32]>().prop_map(Outcome::PostState)
        ]
    }

    fn logs() -> impl Strategy<Value = Vec<DrawnLog>> {
        let data = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3),
            prop::collection::vec(any::<u8>(), 50..70)
        ];
        prop::collection::vec(
            (
                any::<[u8; 20]>(),
                prop::collection::vec(any::<[u8; 32]>(), 0..5),
                data,
            ),
            0..5,
        )
    }

    proptest! {
        #[test]
        fn receipts_equal_the_reference(kind in 0_u8..5, outcome in outcome(), gas in any::<u64>(), logs in logs()) {
            let (mut bloom, mut cache, mut logs_rlp) = (Bloom::ZERO, BloomBits::default(), Vec::new());
            let mut reference_logs = Vec::new();
            for (address, topics, data) in &logs {
                cache.add_address(&mut bloom, address);
                topics.iter().for_each(|topic| cache.add_topic(&mut bloom, topic));
                write_log(&mut logs_rlp, address, topics, data);
                reference_logs.push(Log::new_unchecked(
                    address.into(), topics.iter().map(Into::into).collect(), data.clone().into(),
                ));
            }
            let status = match outcome {
                Outcome::Status(success) => Eip658Value::Eip658(success),
                Outcome::PostState(root) => Eip658Value::PostState(root.into()),
            };
            let reference = AlloyReceipt { status, cumulative_gas_used: gas, logs: reference_logs };
            let reference_bloom = reference.bloom();
            let with_bloom = ReceiptWithBloom { receipt: reference, logs_bloom: reference_bloom };
            let envelope = match kind {
                0 => ReceiptEnvelope::Legacy(with_bloom),
                1 => ReceiptEnvelope::Eip2930(with_bloom),
                2 => ReceiptEnvelope::Eip1559(with_bloom),
                3 => ReceiptEnvelope::Eip4844(with_bloom),
                _ => ReceiptEnvelope::Eip7702(with_bloom),
            };
            let mut ours = Vec::new();
            Receipt { transaction_type: kind, outcome, cumulative_gas_used: gas, bloom: &bloom, logs: &logs_rlp }
                .write(&mut ours);
            prop_assert_eq!(ours, envelope.encoded_2718());
        }
    }
}
