//! Transactions.

use lastro_besu_rpc::wire;

use super::{
    ContentError, FieldError, Place,
    error::At,
    hex::{append_bytes, fixed, quantity, word},
};
use crate::{
    chain::transaction::{Extra, Kind, Transaction, Word},
    rlp::{write_bytes, write_list, write_u64, write_word},
};

/// Byte strings of the transaction at hand; reused from one to the next.
#[derive(Debug, Default)]
pub(super) struct TransactionBytes {
    input: Vec<u8>,
    access_list: Vec<u8>,
    blob_hashes: Vec<[u8; 32]>,
    authorizations: Vec<u8>,
    payload: Vec<u8>,
    item: Vec<u8>,
}

impl TransactionBytes {
    /// Decodes a transaction; its byte strings live in this buffer.
    pub(super) fn decode(
        &mut self,
        index: u32,
        wire: &wire::Transaction<'_>,
    ) -> Result<Transaction<'_>, ContentError> {
        let at = At(Place::Transaction(index));
        let transaction_type = match wire.transaction_type {
            Some(text) => at.field("type", quantity(text))?,
            None => 0,
        };
        self.input.clear();
        at.field("input", append_bytes(wire.input, &mut self.input))?;
        let (v, chain_id) = self.signature_terms(at, transaction_type, wire)?;
        self.decode_lists(at, wire)?;
        let kind = self.kind(at, index, transaction_type, wire)?;
        Ok(Transaction {
            kind,
            chain_id,
            nonce: at.field("nonce", quantity(wire.nonce))?,
            gas_limit: at.field("gas", quantity(wire.gas_limit))?,
            to: wire.to.map(|to| at.field("to", fixed(to))).transpose()?,
            value: at.field("value", word(wire.value))?,
            input: &self.input,
            v,
            r: at.field("r", word(wire.r))?,
            s: at.field("s", word(wire.s))?,
        })
    }

    /// `v` (or the parity) and the chain id that the signature covers. A legacy transaction's chain id is what its `v` says
    /// (EIP-155); the field `chainId`, which nodes leave out at times, is not needed.
    fn signature_terms(
        &self,
        at: At,
        transaction_type: u64,
        wire: &wire::Transaction<'_>,
    ) -> Result<(u64, Option<u64>), FieldError> {
        if transaction_type == 0 {
            let v = at.field("v", at.present("v", wire.v).map(quantity)?)?;
            return Ok((v, v.checked_sub(35).map(|shifted| shifted / 2)));
        }
        let parity = at.present("yParity", wire.y_parity.or(wire.v))?;
        let chain_id = at.present("chainId", wire.chain_id)?;
        Ok((
            at.field("yParity", quantity(parity))?,
            Some(at.field("chainId", quantity(chain_id))?),
        ))
    }

    fn kind(
        &self,
        at: At,
        index: u32,
        transaction_type: u64,
        wire: &wire::Transaction<'_>,
    ) -> Result<Kind<'_>, ContentError> {
        let price = |field, text| -> Result<Word, FieldError> {
            at.field(field, at.present(field, text).map(word)?)
        };
        let access_list = &self.access_list;
        let extra = match transaction_type {
            0 => {
                return Ok(Kind::Legacy {
                    gas_price: price("gasPrice", wire.gas_price)?,
                });
            }
            1 => {
                return Ok(Kind::AccessList {
                    gas_price: price("gasPrice", wire.gas_price)?,
                    access_list,
                });
            }
            2 => Extra::None,
            3 => Extra::Blobs {
                max_fee_per_blob_gas: price("maxFeePerBlobGas", wire.max_fee_per_blob_gas)?,
                versioned_hashes: &self.blob_hashes,
            },
            4 => Extra::Authorizations(&self.authorizations),
            transaction_type => {
                return Err(ContentError::TransactionType {
                    index,
                    transaction_type,
                });
            }
        };
        Ok(Kind::DynamicFee {
            max_priority_fee_per_gas: price("maxPriorityFeePerGas", wire.max_priority_fee_per_gas)?,
            max_fee_per_gas: price("maxFeePerGas", wire.max_fee_per_gas)?,
            access_list,
            extra,
        })
    }

    fn decode_lists(&mut self, at: At, wire: &wire::Transaction<'_>) -> Result<(), FieldError> {
        self.access_list.clear();
        self.payload.clear();
        for entry in wire.access_list.iter().flatten() {
            let address = at.field("accessList", fixed::<20>(entry.address))?;
            let mut keys = Vec::with_capacity(entry.storage_keys.len() * 33);
            for key in &entry.storage_keys {
                write_bytes(&mut keys, &at.field("accessList", fixed::<32>(key))?);
            }
            self.item.clear();
            write_bytes(&mut self.item, &address);
            write_list(&mut self.item, &keys);
            write_list(&mut self.payload, &self.item);
        }
        write_list(&mut self.access_list, &self.payload);
        self.blob_hashes.clear();
        for hash in wire.blob_versioned_hashes.iter().flatten() {
            self.blob_hashes
                .push(at.field("blobVersionedHashes", fixed(hash))?);
        }
        self.decode_authorizations(at, wire.authorization_list.as_deref().unwrap_or_default())
    }

    fn decode_authorizations(
        &mut self,
        at: At,
        list: &[wire::Authorization<'_>],
    ) -> Result<(), FieldError> {
        const FIELD: &str = "authorizationList";
        self.authorizations.clear();
        self.payload.clear();
        for authorization in list {
            let parity = at.present(FIELD, authorization.y_parity.or(authorization.v))?;
            self.item.clear();
            write_word(
                &mut self.item,
                &at.field(FIELD, word(authorization.chain_id))?,
            );
            write_bytes(
                &mut self.item,
                &at.field(FIELD, fixed::<20>(authorization.address))?,
            );
            write_u64(
                &mut self.item,
                at.field(FIELD, quantity(authorization.nonce))?,
            );
            write_u64(&mut self.item, at.field(FIELD, quantity(parity))?);
            write_word(&mut self.item, &at.field(FIELD, word(authorization.r))?);
            write_word(&mut self.item, &at.field(FIELD, word(authorization.s))?);
            write_list(&mut self.payload, &self.item);
        }
        write_list(&mut self.authorizations, &self.payload);
        Ok(())
    }
}
