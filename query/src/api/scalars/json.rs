use async_graphql::{InputValueResult, Scalar, ScalarType, Value};

use crate::error::QueryError;

/// The scalar `JSON`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Value);

/// A JSON value.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

impl Json {
    /// From the text of a column; members keep their order.
    pub(crate) fn from_column(text: &str) -> Result<Self, QueryError> {
        serde_json::from_str(text).map(Self).map_err(|error| {
            QueryError::Inconsistent(format!("a stored JSON text is malformed: {error}"))
        })
    }
}
