//! The extraData of QBFT and IBFT 2.0 headers: an RLP list of vanity, validators, vote, round and commit seals.
//!
//! | item | QBFT | IBFT 2.0 |
//! |---|---|---|
//! | vanity | 32 bytes | 32 bytes |
//! | validators | list of addresses | list of addresses |
//! | vote | `[]` or `[address, 0xff or empty]` | empty string or `[address, 0xff or 0x00]` |
//! | round | integer | 4 bytes |
//! | seals | list of 65-byte strings | list of 65-byte strings |
//! | hashed for the block hash | round 0, no seals | the first three items |
//! | hashed for a commit seal | real round, no seals | the first four items |
//!
//! The QBFT column was checked against recorded blocks; the IBFT 2.0 column follows Besu's sources only.
//!
//! Decoding is strict: what is accepted encodes to the very same bytes again, because headers are rebuilt from the store.

mod items;
mod reader;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use alloy_primitives::{Address, B256};
use lastro_schema::Header;

use super::{BftProtocol, ConsensusError};
use crate::rlp;
use items::{decode_round, decode_vote, round_length, vote_length, write_round, write_vote};
use reader::Reader;

/// A commit seal as it stands in the header: r and s, big-endian, then the recovery id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seal(pub [u8; 65]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteKind {
    Add,
    Remove,
}

/// The proposer's vote on who should be a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vote {
    pub recipient: Address,
    pub kind: VoteKind,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BftExtra {
    pub vanity: B256,
    /// As listed: the header's claim, not necessarily the set in force.
    pub validators: Vec<Address>,
    pub vote: Option<Vote>,
    /// In which the block was agreed on; not part of the block hash.
    pub round: u32,
    /// Those of one node: another node may keep a different quorum for the same block.
    pub seals: Vec<Seal>,
}

/// Why bytes are not the extraData of a BFT header, or not in the one form that Besu writes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ExtraDataError {
    #[error("{item} is cut short")]
    Truncated { item: &'static str },
    #[error("{item} is not in the shortest RLP form")]
    NonCanonical { item: &'static str },
    #[error("{item} should be a {expected}")]
    WrongKind {
        item: &'static str,
        expected: &'static str,
    },
    #[error("{item} has {found} bytes instead of {expected}")]
    WrongLength {
        item: &'static str,
        expected: usize,
        found: usize,
    },
    #[error("{n_bytes} bytes follow the end of {item}")]
    TrailingBytes { item: &'static str, n_bytes: usize },
    #[error("the vote's kind 0x{kind} means neither add nor remove")]
    UnknownVote { kind: String },
}

/// Which items an encoding holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Sealed,
    Unsealed,
    ForSeal,
    ForHash,
}

impl BftExtra {
    /// Takes the extraData of `header` apart.
    pub fn of_header(protocol: BftProtocol, header: &Header) -> Result<Self, ConsensusError> {
        Self::decode(protocol, &header.extra_data).map_err(|source| ConsensusError::ExtraData {
            block: header.number,
            source,
        })
    }

    pub fn decode(protocol: BftProtocol, bytes: &[u8]) -> Result<Self, ExtraDataError> {
        let mut extra = Self::default();
        extra.decode_into(protocol, bytes)?;
        Ok(extra)
    }

    /// The protocol that writes block 0's extraData like this, or why it is neither of them (QBFT first).
    ///
    /// Each writes the absent vote and small rounds in its own way, so no extraData of a block 0 is valid as both.
    pub fn protocol_of(genesis: &[u8]) -> Result<BftProtocol, (ExtraDataError, ExtraDataError)> {
        let qbft = match Self::decode(BftProtocol::Qbft, genesis) {
            Ok(_) => return Ok(BftProtocol::Qbft),
            Err(error) => error,
        };
        match Self::decode(BftProtocol::Ibft2, genesis) {
            Ok(_) => Ok(BftProtocol::Ibft2),
            Err(ibft2) => Err((qbft, ibft2)),
        }
    }

    /// As [`Self::decode`], into vectors that are already there. After an error `self` holds parts of what was read.
    pub fn decode_into(
        &mut self,
        protocol: BftProtocol,
        bytes: &[u8],
    ) -> Result<(), ExtraDataError> {
        let mut outer = Reader::new(bytes);
        let mut items = outer.list("extraData")?;
        outer.end("extraData")?;

        self.vanity = items.fixed::<32>("vanity")?.into();
        self.validators.clear();
        let mut validators = items.list("validator list")?;
        while !validators.is_empty() {
            self.validators
                .push(validators.fixed::<20>("validator address")?.into());
        }
        self.vote = decode_vote(protocol, &mut items)?;
        self.round = decode_round(protocol, &mut items)?;
        self.seals.clear();
        let mut seals = items.list("seal list")?;
        while !seals.is_empty() {
            self.seals.push(Seal(seals.fixed::<65>("commit seal")?));
        }
        items.end("seal list")
    }

    /// Appends the form in the header on the wire.
    pub fn encode_sealed(&self, protocol: BftProtocol, out: &mut Vec<u8>) {
        self.encode(protocol, Form::Sealed, out);
    }

    /// Appends the wire form with an empty list of seals: the same on every node, and what the store keeps.
    pub fn encode_unsealed(&self, protocol: BftProtocol, out: &mut Vec<u8>) {
        self.encode(protocol, Form::Unsealed, out);
    }

    /// Appends the form under the block hash (of blocks from 1 on; block 0 is hashed as it is).
    pub fn encode_for_hash(&self, protocol: BftProtocol, out: &mut Vec<u8>) {
        self.encode(protocol, Form::ForHash, out);
    }

    /// Appends the form that commit seals sign.
    pub fn encode_for_seal(&self, protocol: BftProtocol, out: &mut Vec<u8>) {
        self.encode(protocol, Form::ForSeal, out);
    }

    fn encode(&self, protocol: BftProtocol, form: Form, out: &mut Vec<u8>) {
        let validators_length = self.validators.len() * rlp::string_length(20);
        let seals: &[Seal] = if form == Form::Sealed {
            &self.seals
        } else {
            &[]
        };
        let seals_length = seals.len() * rlp::string_length(65);
        let with_round = form != Form::ForHash || protocol == BftProtocol::Qbft;
        let with_seals =
            matches!(form, Form::Sealed | Form::Unsealed) || protocol == BftProtocol::Qbft;
        let round = if form == Form::ForHash { 0 } else { self.round };

        // A list takes as many bytes as a string of its length.
        let mut length = rlp::string_length(32)
            + rlp::string_length(validators_length)
            + vote_length(protocol, self.vote);
        length += if with_round {
            round_length(protocol, round)
        } else {
            0
        };
        length += if with_seals {
            rlp::string_length(seals_length)
        } else {
            0
        };

        rlp::write_list_header(out, length);
        rlp::write_bytes(out, self.vanity.as_slice());
        rlp::write_list_header(out, validators_length);
        for validator in &self.validators {
            rlp::write_bytes(out, validator.as_slice());
        }
        write_vote(protocol, self.vote, out);
        if with_round {
            write_round(protocol, round, out);
        }
        if with_seals {
            rlp::write_list_header(out, seals_length);
            for seal in seals {
                rlp::write_bytes(out, &seal.0);
            }
        }
    }
}

/// Puts the seals back that [`BftExtra::encode_unsealed`] left out: from two stored columns to the bytes on the wire.
pub fn reseal(
    protocol: BftProtocol,
    unsealed: &[u8],
    seals: Vec<Seal>,
) -> Result<Vec<u8>, ExtraDataError> {
    let mut extra = BftExtra::decode(protocol, unsealed)?;
    extra.seals = seals;
    let mut sealed =
        Vec::with_capacity(unsealed.len() + extra.seals.len() * rlp::string_length(65) + 8);
    extra.encode_sealed(protocol, &mut sealed);
    Ok(sealed)
}
