use alloy_primitives::U256;
use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// The scalar `BigInt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BigInt(pub U256);

/// Unsigned 256-bit integer as a string of decimal digits. Input may also be a JSON integer; never a float.
#[Scalar(name = "BigInt")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        // U256's own parser also takes 0x, 0b and underscores: one notation is enough.
        let number = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            U256::from_str_radix(&text, 10).ok()
        } else {
            None
        };
        number.map(Self).ok_or_else(|| {
            InputValueError::custom("it must be a decimal integer from 0 to 2^256 - 1")
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<U256> for BigInt {
    fn from(number: U256) -> Self {
        Self(number)
    }
}
