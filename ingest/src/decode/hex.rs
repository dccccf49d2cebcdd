//! Hex text of the JSON-RPC wire to numbers and bytes.
//!
//! *Quantities* are integers (`0x1b4`, any number of digits); *data* are bytes (an even number of digits).

use thiserror::Error;

/// What is wrong with a field.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Malformed {
    #[error("missing")]
    Missing,
    #[error("no hex text with 0x in front: {0:?}")]
    NotHex(String),
    #[error("{found} hex digits long where {expected} are needed")]
    Length { expected: usize, found: usize },
    #[error("an odd number of hex digits long")]
    OddLength,
    #[error("larger than {bits} bits: {text:?}")]
    TooLarge { bits: u32, text: String },
}

const SHOWN: usize = 80;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn digits(text: &str) -> Result<&[u8], Malformed> {
    text.strip_prefix("0x")
        .map(str::as_bytes)
        .ok_or_else(|| Malformed::NotHex(shown(text)))
}

/// Data of exactly `N` bytes.
pub(crate) fn fixed<const N: usize>(text: &str) -> Result<[u8; N], Malformed> {
    let digits = digits(text)?;
    if digits.len() != 2 * N {
        return Err(Malformed::Length {
            expected: 2 * N,
            found: digits.len(),
        });
    }
    let mut bytes = [0; N];
    faster_hex::hex_decode(digits, &mut bytes).map_err(|_| Malformed::NotHex(shown(text)))?;
    Ok(bytes)
}

/// Data of any length, appended to `out`; on an error `out` is as before.
pub(crate) fn append_bytes(text: &str, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let digits = digits(text)?;
    if digits.len() % 2 == 1 {
        return Err(Malformed::OddLength);
    }
    let start = out.len();
    out.resize(start + digits.len() / 2, 0);
    if faster_hex::hex_decode(digits, &mut out[start..]).is_err() {
        out.truncate(start);
        return Err(Malformed::NotHex(shown(text)));
    }
    Ok(())
}

/// A quantity of at most 64 bits.
pub(crate) fn quantity(text: &str) -> Result<u64, Malformed> {
    let digits = digits(text)?;
    if digits.is_empty() {
        return Err(Malformed::NotHex(shown(text)));
    }
    let mut value = 0_u64;
    for digit in digits {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return Err(Malformed::NotHex(shown(text))),
        };
        if value >> 60 != 0 {
            return Err(Malformed::TooLarge {
                bits: 64,
                text: shown(text),
            });
        }
        value = value << 4 | u64::from(nibble);
    }
    Ok(value)
}

/// A quantity of at most 256 bits as a word, most significant byte first.
pub(crate) fn word(text: &str) -> Result<[u8; 32], Malformed> {
    let digits = digits(text)?;
    let mut padded = [b'0'; 64];
    match padded.len().checked_sub(digits.len()) {
        None => {
            return Err(Malformed::TooLarge {
                bits: 256,
                text: shown(text),
            });
        }
        Some(64) => return Err(Malformed::NotHex(shown(text))),
        Some(start) => padded[start..].copy_from_slice(digits),
    }
    let mut word = [0; 32];
    faster_hex::hex_decode(&padded, &mut word).map_err(|_| Malformed::NotHex(shown(text)))?;
    Ok(word)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloy_primitives::U256;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_hex_is_refused() {
        for text in ["", "0x", "12", "0xzz", "x12", "0x 1", "0x+1"] {
            assert!(quantity(text).is_err(), "{text}");
            assert!(word(text).is_err(), "{text}");
        }
        assert_eq!(
            append_bytes("0x123", &mut Vec::new()),
            Err(Malformed::OddLength)
        );
        assert!(fixed::<2>("0x12").is_err() && fixed::<2>("0x12345g").is_err());
        assert!(quantity("0x10000000000000000").is_err());
        assert!(word(&format!("0x1{}", "0".repeat(64))).is_err());
        let mut out = vec![1];
        assert!(append_bytes("0x12gg", &mut out).is_err());
        assert_eq!(out, [1]);
    }

    proptest! {
        #[test]
        fn numbers_survive(value in any::<u64>(), limbs in any::<[u64; 4]>()) {
            prop_assert_eq!(quantity(&format!("{value:#x}")).unwrap(), value);
            let wide = U256::from_limbs(limbs);
            prop_assert_eq!(word(&format!("{wide:#x}")).unwrap(), wide.to_be_bytes::<32>());
        }

        #[test]
        fn bytes_survive(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut out = Vec::new();
            append_bytes(&format!("0x{}", faster_hex::hex_string(&bytes)), &mut out).unwrap();
            prop_assert_eq!(out, bytes);
        }
    }
}
