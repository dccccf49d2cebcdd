//! Block hashes and the digests that commit seals sign: keccak-256 over the RLP of the header, where BFT protocols put a
//! reduced extraData in place of the one on the wire.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use alloy_primitives::{B256, U256, keccak256};
use lastro_schema::{BlockNumber, Header};

use super::{BftExtra, BftProtocol, Consensus, ConsensusError};
use crate::rlp;

/// Hashes headers in buffers that are kept from one header to the next.
#[derive(Debug, Default)]
pub struct HeaderHasher {
    extra_data: Vec<u8>,
    payload: Vec<u8>,
    header: Vec<u8>,
}

impl HeaderHasher {
    pub fn new() -> Self {
        Self::default()
    }

    /// The block hash under the rules of `consensus`, taking the extraData apart where they need it.
    pub fn block_hash(
        &mut self,
        consensus: Consensus,
        header: &Header,
    ) -> Result<B256, ConsensusError> {
        match consensus.bft() {
            None => self.plain_hash(header),
            Some(protocol) => {
                let extra = BftExtra::of_header(protocol, header)?;
                self.bft_hash(protocol, header, &extra)
            }
        }
    }

    /// The hash over the header exactly as it is.
    pub fn plain_hash(&mut self, header: &Header) -> Result<B256, ConsensusError> {
        Ok(keccak256(self.encode(header)?))
    }

    /// The block hash under QBFT or IBFT 2.0; `extra` is what the header's extraData holds, with or without seals.
    ///
    /// Besu hashes block 0 as it is, and so does this.
    pub fn bft_hash(
        &mut self,
        protocol: BftProtocol,
        header: &Header,
        extra: &BftExtra,
    ) -> Result<B256, ConsensusError> {
        if header.number == BlockNumber(0) {
            return self.plain_hash(header);
        }
        self.extra_data.clear();
        extra.encode_for_hash(protocol, &mut self.extra_data);
        self.hash_with_extra_data(header)
    }

    /// What each commit seal of the block signs: the header with the real round and without seals.
    pub fn seal_hash(
        &mut self,
        protocol: BftProtocol,
        header: &Header,
        extra: &BftExtra,
    ) -> Result<B256, ConsensusError> {
        self.extra_data.clear();
        extra.encode_for_seal(protocol, &mut self.extra_data);
        self.hash_with_extra_data(header)
    }

    /// The header's RLP as on the wire, valid until the next call. Its length is the header's share of the block size.
    pub fn encode(&mut self, header: &Header) -> Result<&[u8], ConsensusError> {
        self.payload.clear();
        write_fields(header, &header.extra_data, &mut self.payload)?;
        Ok(self.wrap())
    }

    fn hash_with_extra_data(&mut self, header: &Header) -> Result<B256, ConsensusError> {
        self.payload.clear();
        write_fields(header, &self.extra_data, &mut self.payload)?;
        Ok(keccak256(self.wrap()))
    }

    fn wrap(&mut self) -> &[u8] {
        self.header.clear();
        rlp::write_list(&mut self.header, &self.payload);
        &self.header
    }
}

fn write_fields(
    header: &Header,
    extra_data: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), ConsensusError> {
    refuse_field_gap(header)?;
    rlp::write_bytes(out, header.parent_hash.as_slice());
    rlp::write_bytes(out, header.ommers_hash.as_slice());
    rlp::write_bytes(out, header.beneficiary.as_slice());
    rlp::write_bytes(out, header.state_root.as_slice());
    rlp::write_bytes(out, header.transactions_root.as_slice());
    rlp::write_bytes(out, header.receipts_root.as_slice());
    rlp::write_bytes(out, header.logs_bloom.as_slice());
    write_integer(out, header.difficulty);
    rlp::write_u64(out, header.number.0);
    rlp::write_u64(out, header.gas_limit.0);
    rlp::write_u64(out, header.gas_used.0);
    rlp::write_u64(out, header.timestamp.0);
    rlp::write_bytes(out, extra_data);
    rlp::write_bytes(out, header.mix_hash.as_slice());
    rlp::write_bytes(out, header.nonce.as_slice());
    if let Some(base_fee) = header.base_fee_per_gas {
        write_integer(out, base_fee);
    }
    if let Some(root) = header.withdrawals_root {
        rlp::write_bytes(out, root.as_slice());
    }
    if let Some(gas) = header.blob_gas_used {
        rlp::write_u64(out, gas.0);
    }
    if let Some(gas) = header.excess_blob_gas {
        rlp::write_u64(out, gas.0);
    }
    if let Some(root) = header.parent_beacon_block_root {
        rlp::write_bytes(out, root.as_slice());
    }
    if let Some(hash) = header.requests_hash {
        rlp::write_bytes(out, hash.as_slice());
    }
    Ok(())
}

/// Fields are told apart by their place alone, so one may be present only if all before it are.
fn refuse_field_gap(header: &Header) -> Result<(), ConsensusError> {
    let fields = [
        ("baseFeePerGas", header.base_fee_per_gas.is_some()),
        ("withdrawalsRoot", header.withdrawals_root.is_some()),
        ("blobGasUsed", header.blob_gas_used.is_some()),
        ("excessBlobGas", header.excess_blob_gas.is_some()),
        (
            "parentBeaconBlockRoot",
            header.parent_beacon_block_root.is_some(),
        ),
        ("requestsHash", header.requests_hash.is_some()),
    ];
    for pair in fields.windows(2) {
        if let [(absent, false), (present, true)] = *pair {
            return Err(ConsensusError::FieldGap {
                block: header.number,
                absent,
                present,
            });
        }
    }
    Ok(())
}

fn write_integer(out: &mut Vec<u8>, value: U256) {
    rlp::write_word(out, &value.to_be_bytes::<32>());
}
