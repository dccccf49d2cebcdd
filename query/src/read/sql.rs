//! A statement under construction. Its text can only be static, so that no value of a user is ever spliced into it.

use alloy_primitives::{Address, B256, U256, hex};
use clickhouse::{Client, query::Query};

/// A statement and the values bound to its `{name:Type}` places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<(&'static str, Value)>,
}

#[derive(Clone, Debug)]
enum Value {
    One(String),
    Texts(Vec<String>),
    Numbers(Vec<u64>),
}

impl Sql {
    pub(crate) fn new(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    /// Appends text, after a space.
    pub(crate) fn and_then(mut self, text: &'static str) -> Self {
        self.push(text);
        self
    }

    pub(crate) fn push(&mut self, text: &'static str) {
        self.text.push(' ');
        self.text.push_str(text);
    }

    /// Appends `text` and binds its one value when there is one.
    pub(crate) fn filter<V: Bound>(
        self,
        text: &'static str,
        name: &'static str,
        value: Option<V>,
    ) -> Self {
        match value {
            Some(value) => self.and_then(text).bind(name, value),
            None => self,
        }
    }

    pub(crate) fn bind<V: Bound>(mut self, name: &'static str, value: V) -> Self {
        self.values.push((name, Value::One(value.text())));
        self
    }

    /// Binds an `Array(String)`.
    pub(crate) fn bind_all<V: Bound>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.text()).collect();
        self.values.push((name, Value::Texts(values)));
        self
    }

    /// Binds an `Array(UInt64)`.
    pub(crate) fn bind_numbers(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = u64>,
    ) -> Self {
        self.values
            .push((name, Value::Numbers(values.into_iter().collect())));
        self
    }

    pub(crate) fn into_query(self, client: &Client) -> Query {
        let mut query = client.query(&self.text);
        for (name, value) in self.values {
            query = match value {
                Value::One(value) => query.param(name, value),
                Value::Texts(values) => query.param(name, values),
                Value::Numbers(values) => query.param(name, values),
            };
        }
        query
    }
}

/// A value that a statement may carry. Addresses and hashes travel as hexadecimal digits: the statement says `unhex(…)`.
pub(crate) trait Bound {
    fn text(self) -> String;
}

impl Bound for u64 {
    fn text(self) -> String {
        self.to_string()
    }
}

impl Bound for u32 {
    fn text(self) -> String {
        self.to_string()
    }
}

impl Bound for U256 {
    fn text(self) -> String {
        self.to_string()
    }
}

impl Bound for Address {
    fn text(self) -> String {
        hex::encode(self)
    }
}

impl Bound for B256 {
    fn text(self) -> String {
        hex::encode(self)
    }
}

impl Bound for &str {
    fn text(self) -> String {
        self.to_owned()
    }
}
