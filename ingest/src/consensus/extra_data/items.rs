//! The two items that QBFT and IBFT 2.0 write differently: the vote and the round.

use super::reader::Reader;
use super::{BftProtocol, ExtraDataError, Vote, VoteKind};
use crate::rlp;

const ADD: u8 = 0xff;

pub(super) fn decode_vote(
    protocol: BftProtocol,
    items: &mut Reader<'_>,
) -> Result<Option<Vote>, ExtraDataError> {
    const ITEM: &str = "vote";
    if protocol == BftProtocol::Ibft2 && !items.next_is_list() {
        let none = items.string(ITEM)?;
        return if none.is_empty() {
            Ok(None)
        } else {
            Err(ExtraDataError::WrongLength {
                item: ITEM,
                expected: 0,
                found: none.len(),
            })
        };
    }
    let mut vote = items.list(ITEM)?;
    if vote.is_empty() {
        // The empty list is QBFT's way to say that there is no vote; IBFT 2.0 has another.
        return match protocol {
            BftProtocol::Qbft => Ok(None),
            BftProtocol::Ibft2 => Err(ExtraDataError::Truncated { item: ITEM }),
        };
    }
    let recipient = vote.fixed::<20>("vote's recipient")?.into();
    let kind = match (protocol, vote.string("vote's kind")?) {
        (_, [ADD]) => VoteKind::Add,
        (BftProtocol::Qbft, []) | (BftProtocol::Ibft2, [0]) => VoteKind::Remove,
        (_, other) => {
            return Err(ExtraDataError::UnknownVote {
                kind: alloy_primitives::hex::encode(other),
            });
        }
    };
    vote.end(ITEM)?;
    Ok(Some(Vote { recipient, kind }))
}

pub(super) fn decode_round(
    protocol: BftProtocol,
    items: &mut Reader<'_>,
) -> Result<u32, ExtraDataError> {
    const ITEM: &str = "round";
    match protocol {
        BftProtocol::Ibft2 => Ok(u32::from_be_bytes(items.fixed::<4>(ITEM)?)),
        BftProtocol::Qbft => {
            let digits = items.string(ITEM)?;
            if digits.first() == Some(&0) {
                return Err(ExtraDataError::NonCanonical { item: ITEM });
            }
            let mut word = [0; 4];
            let start =
                word.len()
                    .checked_sub(digits.len())
                    .ok_or(ExtraDataError::WrongLength {
                        item: ITEM,
                        expected: 4,
                        found: digits.len(),
                    })?;
            word[start..].copy_from_slice(digits);
            Ok(u32::from_be_bytes(word))
        }
    }
}

pub(super) fn write_vote(protocol: BftProtocol, vote: Option<Vote>, out: &mut Vec<u8>) {
    let Some(vote) = vote else {
        return match protocol {
            BftProtocol::Qbft => rlp::write_list_header(out, 0),
            BftProtocol::Ibft2 => rlp::write_bytes(out, &[]),
        };
    };
    let kind = vote_kind_bytes(protocol, vote.kind);
    rlp::write_list_header(out, rlp::string_length(20) + kind_length(kind));
    rlp::write_bytes(out, vote.recipient.as_slice());
    rlp::write_bytes(out, kind);
}

pub(super) fn vote_length(protocol: BftProtocol, vote: Option<Vote>) -> usize {
    vote.map_or(1, |vote| {
        rlp::string_length(
            rlp::string_length(20) + kind_length(vote_kind_bytes(protocol, vote.kind)),
        )
    })
}

fn vote_kind_bytes(protocol: BftProtocol, kind: VoteKind) -> &'static [u8] {
    match (kind, protocol) {
        (VoteKind::Add, _) => &[ADD],
        (VoteKind::Remove, BftProtocol::Qbft) => &[],
        (VoteKind::Remove, BftProtocol::Ibft2) => &[0],
    }
}

fn kind_length(kind: &[u8]) -> usize {
    // Only 0xff needs a length byte of its own.
    if kind == [ADD] { 2 } else { 1 }
}

pub(super) fn write_round(protocol: BftProtocol, round: u32, out: &mut Vec<u8>) {
    match protocol {
        BftProtocol::Qbft => rlp::write_u64(out, u64::from(round)),
        BftProtocol::Ibft2 => rlp::write_bytes(out, &round.to_be_bytes()),
    }
}

pub(super) fn round_length(protocol: BftProtocol, round: u32) -> usize {
    match (protocol, round) {
        (BftProtocol::Ibft2, _) => rlp::string_length(4),
        (BftProtocol::Qbft, 0..=0x7f) => 1,
        (BftProtocol::Qbft, 0x80..=0xff) => 2,
        (BftProtocol::Qbft, 0x100..=0xffff) => 3,
        (BftProtocol::Qbft, 0x1_0000..=0xff_ffff) => 4,
        (BftProtocol::Qbft, _) => 5,
    }
}
