//! Scalars: the one place that knows how values look in GraphQL. One file each.

mod address;
mod big_int;
mod block_number;
mod bytes;
mod cursor;
mod hash;
mod json;
mod uint64;

pub use address::Address;
pub use big_int::BigInt;
pub use block_number::BlockNumber;
pub use bytes::Bytes;
pub use cursor::Cursor;
pub use hash::Hash;
pub use json::Json;
pub use uint64::UInt64;

use async_graphql::{InputType, InputValueError, Value};

/// Exactly `N` bytes from `0x` and hexadecimal digits of either case.
fn fixed_hex<S: InputType, const N: usize>(value: &Value) -> Result<[u8; N], InputValueError<S>> {
    let Value::String(text) = value else {
        return Err(InputValueError::expected_type(value.clone()));
    };
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| InputValueError::custom("it must begin with 0x"))?;
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        let problem = format!(
            "it must have {} hexadecimal digits after 0x, not {}",
            2 * N,
            digits.len()
        );
        return Err(InputValueError::custom(problem));
    }
    alloy_primitives::hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| InputValueError::custom("it must be hexadecimal"))?;
    Ok(bytes)
}

/// An unsigned 64-bit integer from a JSON integer or a string of decimal digits.
fn integer<S: InputType>(value: &Value) -> Result<u64, InputValueError<S>> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text)
            if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            text.parse().ok()
        }
        Value::String(_) => None,
        _ => return Err(InputValueError::expected_type(value.clone())),
    };
    number.ok_or_else(|| {
        InputValueError::custom("it must be an integer from 0 to 18446744073709551615")
    })
}

/// Largest integer that every JSON reader keeps exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A JSON number while every reader keeps it exactly, else a string of decimal digits.
fn integer_value(number: u64) -> Value {
    if number <= MAX_SAFE_INTEGER {
        Value::from(number)
    } else {
        Value::String(number.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
