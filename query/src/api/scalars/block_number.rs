use async_graphql::{InputValueResult, Scalar, ScalarType, Value};

use super::{integer, integer_value};

/// The scalar `BlockNumber`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockNumber(pub u64);

/// Number of a block; genesis is 0. A JSON integer up to 2^53 - 1, above that a string of decimal digits; input may be either.
#[Scalar(name = "BlockNumber")]
impl ScalarType for BlockNumber {
    fn parse(value: Value) -> InputValueResult<Self> {
        integer(&value).map(Self)
    }

    fn to_value(&self) -> Value {
        integer_value(self.0)
    }
}

impl From<u64> for BlockNumber {
    fn from(number: u64) -> Self {
        Self(number)
    }
}
