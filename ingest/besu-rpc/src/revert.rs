//! Revert data of a call: the two forms that Solidity makes itself, anything else as bytes.

use std::fmt;

use alloy_primitives::{Bytes, U256, hex};

/// `keccak256("Error(string)")[..4]`
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// `keccak256("Panic(uint256)")[..4]`
const PANIC_SELECTOR: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
const WORD: usize = 32;

/// Why a call reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevertReason {
    /// `revert()` or a fallback that is not there.
    Empty,
    /// `require(…, "message")`, `revert("message")`.
    Message(String),
    /// `assert`, overflow, division by zero …: the code of Solidity's `Panic(uint256)`.
    Panic(U256),
    /// An error of the contract's own, selector included.
    Custom(Bytes),
}

impl RevertReason {
    /// `None` when the text is not hex.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).ok().map(|bytes| Self::from_bytes(&bytes))
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        let custom = || Self::Custom(Bytes::copy_from_slice(bytes));
        match bytes.split_first_chunk::<4>() {
            None if bytes.is_empty() => Self::Empty,
            Some((&ERROR_SELECTOR, arguments)) => {
                decode_string(arguments).map_or_else(custom, Self::Message)
            }
            Some((&PANIC_SELECTOR, code)) if code.len() == WORD => {
                Self::Panic(U256::from_be_slice(code))
            }
            _ => custom(),
        }
    }
}

impl fmt::Display for RevertReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("reverted without a reason"),
            Self::Message(message) => write!(f, "reverted: {message}"),
            Self::Panic(code) => write!(f, "reverted with panic code {code:#x}"),
            Self::Custom(bytes) => write!(f, "reverted with {bytes}"),
        }
    }
}

/// ABI: offset, length, text.
fn decode_string(arguments: &[u8]) -> Option<String> {
    let offset = word(arguments, 0)?;
    let length = word(arguments, offset)?;
    let start = offset.checked_add(WORD)?;
    let text = arguments.get(start..start.checked_add(length)?)?;
    String::from_utf8(text.to_vec()).ok()
}

fn word(arguments: &[u8], at: usize) -> Option<usize> {
    let bytes = arguments.get(at..at.checked_add(WORD)?)?;
    usize::try_from(U256::from_be_slice(bytes)).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(hex: &str, expected: RevertReason) {
        assert_eq!(RevertReason::from_hex(hex), Some(expected));
    }

    #[test]
    fn solidity_forms_are_decoded() {
        check(
            "0x08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000\
             0000000000000000000000000000001a6d6f7469766f3a2073616c646f20696e737566696369656e7465000000000000",
            RevertReason::Message("motivo: saldo insuficiente".to_owned()),
        );
        check(
            "0x4e487b710000000000000000000000000000000000000000000000000000000000000012",
            RevertReason::Panic(U256::from(0x12)),
        );
        check("0x", RevertReason::Empty);
    }

    #[test]
    fn anything_else_stays_bytes() {
        let custom = |hex: &str| RevertReason::Custom(hex::decode(hex).unwrap().into());
        for hex in ["0x01", "0x4fc8e71f", "0x08c379a0", "0x4e487b7100"] {
            check(hex, custom(hex));
        }
        // An offset and a length that point far outside.
        let far = format!("0x08c379a0{}{}", "f".repeat(64), "f".repeat(64));
        check(&far, custom(&far));
        assert_eq!(RevertReason::from_hex("0xzz"), None);
    }
}
