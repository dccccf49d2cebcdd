//! QBFT extraData: `[vanity, [validators], vote, round, [seals]]`, and the three encodings of it that matter.

use alloy_primitives::{Address, Bytes};
use alloy_rlp::{BufMut, Encodable, Header as RlpHeader};

/// A vote as the proposer of a block writes it into the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vote {
    pub subject: Address,
    /// Otherwise the vote is to remove.
    pub add: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraData {
    pub vanity: [u8; 32],
    /// The set in force for this block; sorted, except in the genesis block.
    pub validators: Vec<Address>,
    pub vote: Option<Vote>,
    pub round: u32,
    /// r || s || v each, with v in {0, 1}.
    pub seals: Vec<[u8; 65]>,
}

/// Which of its parts an encoding of extraData keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it stands in the header.
    Full,
    /// Seals emptied: what a commit seal signs.
    ForSeals,
    /// Seals emptied and round zero: what the block hash covers.
    ForHash,
}

impl ExtraData {
    pub fn encoded(&self) -> Bytes {
        self.encode(Form::Full)
    }

    pub(crate) fn encode(&self, form: Form) -> Bytes {
        let mut items = Vec::new();
        self.vanity.as_slice().encode(&mut items);
        put_list(&mut items, |list| {
            self.validators
                .iter()
                .for_each(|address| address.encode(list))
        });
        put_list(&mut items, |list| self.encode_vote(list));
        let round = if form == Form::ForHash { 0 } else { self.round };
        round.encode(&mut items);
        put_list(&mut items, |list| {
            if form == Form::Full {
                self.seals
                    .iter()
                    .for_each(|seal| seal.as_slice().encode(list));
            }
        });
        let mut encoded = Vec::with_capacity(items.len() + 4);
        RlpHeader {
            list: true,
            payload_length: items.len(),
        }
        .encode(&mut encoded);
        encoded.extend_from_slice(&items);
        Bytes::from(encoded)
    }

    fn encode_vote(&self, list: &mut Vec<u8>) {
        if let Some(vote) = &self.vote {
            vote.subject.encode(list);
            let kind: &[u8] = if vote.add { &[0xff] } else { &[] };
            kind.encode(list);
        }
    }
}

fn put_list(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut payload = Vec::new();
    fill(&mut payload);
    RlpHeader {
        list: true,
        payload_length: payload.len(),
    }
    .encode(out);
    out.put_slice(&payload);
}

/// "besu 26.8.0" at the right of 32 bytes.
pub(crate) fn besu_vanity() -> [u8; 32] {
    let mut vanity = [0; 32];
    vanity[21..].copy_from_slice(b"besu 26.8.0");
    vanity
}
