use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// The scalar `Cursor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A place in a list together with the block at which the list is read. Opaque: pass it back as it was given.
#[Scalar(name = "Cursor")]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}
