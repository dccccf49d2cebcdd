use async_graphql::{InputValueResult, Scalar, ScalarType, Value};

use super::fixed_hex;

/// The scalar `Address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub alloy_primitives::Address);

/// Address of an account or contract: `0x` and 40 hexadecimal digits. Given back in lower case, without checksum.
#[Scalar(name = "Address")]
impl ScalarType for Address {
    fn parse(value: Value) -> InputValueResult<Self> {
        fixed_hex(&value).map(|bytes: [u8; 20]| Self(bytes.into()))
    }

    fn to_value(&self) -> Value {
        Value::String(alloy_primitives::hex::encode_prefixed(self.0))
    }
}

impl From<alloy_primitives::Address> for Address {
    fn from(address: alloy_primitives::Address) -> Self {
        Self(address)
    }
}
