//! A small writer of JSON objects whose values are hex strings.

use alloy_primitives::{U256, hex};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[derive(Debug)]
pub(super) struct Json {
    bytes: Vec<u8>,
    /// Whether the next member or item needs a comma before it.
    needs_comma: bool,
}

impl Json {
    pub(super) fn with_capacity(n_bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(n_bytes),
            needs_comma: false,
        }
    }

    pub(super) fn into_bytes(self) -> Box<[u8]> {
        self.bytes.into_boxed_slice()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn open(&mut self, bracket: char) {
        self.raw(bracket.encode_utf8(&mut [0; 4]));
        self.needs_comma = false;
    }

    pub(super) fn close(&mut self, bracket: char) {
        self.raw(bracket.encode_utf8(&mut [0; 4]));
        self.needs_comma = true;
    }

    /// To be called before each item of a list.
    pub(super) fn item(&mut self) {
        if self.needs_comma {
            self.bytes.push(b',');
        }
        self.needs_comma = true;
    }

    pub(super) fn key(&mut self, key: &str) {
        self.item();
        self.bytes.push(b'"');
        self.raw(key);
        self.raw("\":");
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn hex(&mut self, key: &str, value: impl AsRef<[u8]>) {
        self.key(key);
        self.hex_value(value);
    }

    pub(super) fn hex_value(&mut self, value: impl AsRef<[u8]>) {
        self.raw("\"0x");
        let value = value.as_ref();
        let start = self.bytes.len();
        self.bytes.resize(start + 2 * value.len(), b'0');
        // The place has the right length, which is all that the encoder may complain of.
        let _ = hex::encode_to_slice(value, &mut self.bytes[start..]);
        self.bytes.push(b'"');
    }

    pub(super) fn hex_or_null(&mut self, key: &str, value: Option<impl AsRef<[u8]>>) {
        match value {
            Some(value) => self.hex(key, value),
            None => {
                self.key(key);
                self.raw("null");
            }
        }
    }

    pub(super) fn quantity(&mut self, key: &str, value: u64) {
        self.big_quantity(key, U256::from(value));
    }

    pub(super) fn big_quantity(&mut self, key: &str, value: U256) {
        self.key(key);
        self.raw("\"0x");
        let n_digits = value.bit_len().div_ceil(4).max(1);
        for place in (0..n_digits).rev() {
            let nibble = value.byte(place / 2) >> (4 * (place % 2)) & 15;
            self.bytes.push(DIGITS[usize::from(nibble)]);
        }
        self.bytes.push(b'"');
    }
}
