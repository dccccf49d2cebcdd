//! Cursors: a place in a list and the block at which the list is read, opaque to clients.
//!
//! Bytes before base64url: version, list tag, chain id, pinned block's number and hash, then the parts of the sort key; all
//! numbers big-endian. A cursor carries no authority: whoever forges one reads another page of the same public list.

use alloy_primitives::{Address, B256, U256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lastro_schema::{BlockNumber, BlockRef};

use crate::{
    error::QueryError,
    read::keyset::{Key, KeyColumn, KeyDef, KeyPart},
};

const VERSION: u8 = 1;

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CursorPlace {
    pub chain_id: u64,
    /// Block at which the list is read.
    pub pinned: BlockRef,
    pub key: Key,
}

impl CursorPlace {
    pub(crate) fn encode(&self, list: &KeyDef) -> String {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend([VERSION, list.tag]);
        bytes.extend(self.chain_id.to_be_bytes());
        bytes.extend(self.pinned.number.0.to_be_bytes());
        bytes.extend(self.pinned.hash);
        for part in &self.key.0 {
            match part {
                KeyPart::Number(number) => bytes.extend(number.to_be_bytes()),
                KeyPart::Address(address) => bytes.extend(address.0),
                KeyPart::Amount(amount) => bytes.extend(amount.to_be_bytes::<32>()),
            }
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `argument` names the argument in errors.
    pub(crate) fn decode(
        text: &str,
        list: &KeyDef,
        argument: &'static str,
    ) -> Result<Self, QueryError> {
        let bad = |problem: &str| QueryError::bad_argument(argument, problem);
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| bad("this is not a cursor: pass one that this API gave"))?;
        let mut rest = bytes.as_slice();
        match take::<2>(&mut rest) {
            Some([VERSION, tag]) if tag == list.tag => {}
            Some([VERSION, _]) => return Err(bad("this cursor belongs to another list")),
            _ => return Err(bad("this is not a cursor of this version of the API")),
        }
        parse(&mut rest, list)
            .filter(|_| rest.is_empty())
            .ok_or_else(|| bad("this cursor has a wrong length"))
    }
}

fn parse(rest: &mut &[u8], list: &KeyDef) -> Option<CursorPlace> {
    let chain_id = u64::from_be_bytes(take(rest)?);
    let number = BlockNumber(u64::from_be_bytes(take(rest)?));
    let hash = B256::from(take::<32>(rest)?);
    let mut parts = Vec::with_capacity(list.columns.len());
    for column in list.columns {
        parts.push(match column {
            KeyColumn::Number => KeyPart::Number(u64::from_be_bytes(take(rest)?)),
            KeyColumn::Address => KeyPart::Address(Address::from(take::<20>(rest)?)),
            KeyColumn::Amount => KeyPart::Amount(U256::from_be_bytes(take::<32>(rest)?)),
        });
    }
    Some(CursorPlace {
        chain_id,
        pinned: BlockRef { number, hash },
        key: Key(parts),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read::keyset::key_def;

    const LIST: KeyDef = key_def!(7: "a" Number, "b" Address, "c" Amount);
    const OTHER: KeyDef = key_def!(8: "a" Number);

    prop_compose! {
        fn places()(chain_id: u64, number: u64, hash: [u8; 32], a: u64, b: [u8; 20], c: [u8; 32]) -> CursorPlace {
            let parts = vec![a.into(), Address::from(b).into(), U256::from_be_bytes(c).into()];
            let pinned = BlockRef { number: BlockNumber(number), hash: hash.into() };
            CursorPlace { chain_id, pinned, key: Key(parts) }
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(place in places()) {
            let text = place.encode(&LIST);
            prop_assert_eq!(CursorPlace::decode(&text, &LIST, "after").unwrap(), place);
        }

        #[test]
        fn a_cursor_fits_its_list_only(place in places()) {
            let error = CursorPlace::decode(&place.encode(&LIST), &OTHER, "after").unwrap_err();
            prop_assert!(error.to_string().contains("another list"));
        }

        #[test]
        fn no_text_is_mistaken_for_a_cursor(text in "[A-Za-z0-9_=/+-]{0,200}") {
            if let Ok(place) = CursorPlace::decode(&text, &LIST, "after") {
                prop_assert_eq!(place.encode(&LIST), text);
            }
        }

        #[test]
        fn a_cut_or_longer_cursor_is_refused(place in places(), cut in 1usize..100, more: u8) {
            let bytes = URL_SAFE_NO_PAD.decode(place.encode(&LIST)).unwrap();
            let short = URL_SAFE_NO_PAD.encode(&bytes[..bytes.len() - cut]);
            prop_assert!(CursorPlace::decode(&short, &LIST, "after").is_err());
            let long = URL_SAFE_NO_PAD.encode([bytes, vec![more]].concat());
            prop_assert!(CursorPlace::decode(&long, &LIST, "after").is_err());
        }
    }
}
