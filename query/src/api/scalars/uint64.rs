use async_graphql::{InputValueResult, Scalar, ScalarType, Value};

use super::{integer, integer_value};

/// The scalar `UInt64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UInt64(pub u64);

/// Unsigned 64-bit integer. A JSON integer up to 2^53 - 1, above that a string of decimal digits; input may be either.
#[Scalar(name = "UInt64")]
impl ScalarType for UInt64 {
    fn parse(value: Value) -> InputValueResult<Self> {
        integer(&value).map(Self)
    }

    fn to_value(&self) -> Value {
        integer_value(self.0)
    }
}

impl From<u64> for UInt64 {
    fn from(number: u64) -> Self {
        Self(number)
    }
}
