use alloy_primitives::B256;
use async_graphql::{InputValueResult, Scalar, ScalarType, Value};

use super::fixed_hex;

/// The scalar `Hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(pub B256);

/// Hash or other 32-byte word: `0x` and 64 hexadecimal digits, given back in lower case.
#[Scalar(name = "Hash")]
impl ScalarType for Hash {
    fn parse(value: Value) -> InputValueResult<Self> {
        fixed_hex(&value).map(|bytes: [u8; 32]| Self(bytes.into()))
    }

    fn to_value(&self) -> Value {
        Value::String(alloy_primitives::hex::encode_prefixed(self.0))
    }
}

impl From<B256> for Hash {
    fn from(hash: B256) -> Self {
        Self(hash)
    }
}
