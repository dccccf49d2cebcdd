//! RLP, written out: an item is encoded bytes, a list is made of encoded items.

use alloy_rlp::{Encodable, Header};

pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    bytes.encode(&mut out);
    out
}

/// A quantity: big-endian without leading zeros.
pub(crate) fn number(bytes: &[u8]) -> Vec<u8> {
    let first = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len());
    string(&bytes[first..])
}

pub(crate) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let mut out = Vec::new();
    Header {
        list: true,
        payload_length: payload.len(),
    }
    .encode(&mut out);
    out.extend(payload);
    out
}

/// The payloads of the items of a list, strings and lists alike.
pub(crate) fn items(encoded: &[u8]) -> Vec<&[u8]> {
    let mut rest = encoded;
    let outer = Header::decode(&mut rest).unwrap();
    assert!(outer.list && outer.payload_length == rest.len());
    payloads(rest)
}

pub(crate) fn payloads(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut items = Vec::new();
    while !rest.is_empty() {
        let header = Header::decode(&mut rest).unwrap();
        let (payload, after) = rest.split_at(header.payload_length);
        items.push(payload);
        rest = after;
    }
    items
}
