use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// The scalar `Bytes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub alloy_primitives::Bytes);

/// Bytes of any length: `0x` and an even number of hexadecimal digits, given back in lower case.
#[Scalar(name = "Bytes")]
impl ScalarType for Bytes {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let digits = text
            .strip_prefix("0x")
            .ok_or_else(|| InputValueError::custom("it must begin with 0x"))?;
        let bytes = alloy_primitives::hex::decode(digits).map_err(|_| {
            InputValueError::custom("it must have an even number of hexadecimal digits")
        })?;
        Ok(Self(bytes.into()))
    }

    fn to_value(&self) -> Value {
        Value::String(alloy_primitives::hex::encode_prefixed(&self.0))
    }
}

impl From<alloy_primitives::Bytes> for Bytes {
    fn from(bytes: alloy_primitives::Bytes) -> Self {
        Self(bytes)
    }
}
