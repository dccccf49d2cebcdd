//! Limits, and those that are checked on a request's text before anything of it runs. Depth and complexity are checked by
//! the GraphQL library's validation, with the numbers given here.

use std::time::Duration;

use async_graphql::{
    Name, Positioned, Request, Value as ConstValue, Variables,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};

use crate::error::QueryError;

/// What one request, one connection and all of them together may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels of nested fields.
    pub max_depth: usize,
    /// Fields that an answer may hold, lists counted at their page size.
    pub max_complexity: usize,
    /// Rows of one page.
    pub max_page_size: u32,
    /// Bytes of a request: text and variables.
    pub max_request_bytes: usize,
    /// Time for one request, waiting for its turn included.
    pub request_timeout: Duration,
    /// Requests that run at once; more wait.
    pub max_concurrent_requests: usize,
    /// Open WebSocket connections.
    pub max_connections: usize,
    /// Running subscriptions of one connection.
    pub max_subscriptions_per_connection: usize,
    /// Running subscriptions of all connections.
    pub max_subscriptions: usize,
    /// Time in which a subscriber must take a message; a slower one is disconnected and may resume by cursor.
    pub send_timeout: Duration,
}

/// Rows of a page when none are asked for.
pub const DEFAULT_PAGE_SIZE: u32 = 50;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 16,
            max_complexity: 50_000,
            max_page_size: 500,
            max_request_bytes: 64 * 1024,
            request_timeout: Duration::from_secs(10),
            max_concurrent_requests: 64,
            max_connections: 1_000,
            max_subscriptions_per_connection: 20,
            max_subscriptions: 2_000,
            send_timeout: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Refuses page sizes above the limit wherever they stand in the document, before execution.
    pub(crate) fn check_page_sizes(&self, request: &mut Request) -> Result<(), QueryError> {
        let variables = std::mem::take(&mut request.variables);
        let checked = match request.parsed_query() {
            Ok(document) => Pages { document, variables: &variables, limit: self.max_page_size.into() }.check(),
            // The library reports what is wrong with the text.
            Err(_) => Ok(()),
        };
        request.variables = variables;
        checked
    }
}

struct Pages<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    limit: u64,
}

impl Pages<'_> {
    /// Fragments are walked where they are defined, so that cycles (refused later) cannot trap this.
    fn check(&self) -> Result<(), QueryError> {
        for (_, operation) in self.document.operations.iter() {
            self.selections(&operation.node.selection_set)?;
        }
        for fragment in self.document.fragments.values() {
            self.selections(&fragment.node.selection_set)?;
        }
        Ok(())
    }

    fn selections(&self, set: &Positioned<SelectionSet>) -> Result<(), QueryError> {
        for selection in &set.node.items {
            match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(fragment) => self.selections(&fragment.node.selection_set)?,
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }

    fn field(&self, field: &Field) -> Result<(), QueryError> {
        for (name, value) in &field.arguments {
            if matches!(name.node.as_str(), "first" | "last") {
                let literal = value.node.clone().into_const_with(|name| {
                    self.variable(&name)?;
                    Ok::<_, QueryError>(ConstValue::Null)
                })?;
                // The library refuses what is no integer.
                self.size(number(&literal))?;
            }
        }
        self.selections(&field.selection_set)
    }

    /// The value given, else every default that an operation of the document has for the name.
    fn variable(&self, name: &Name) -> Result<(), QueryError> {
        if let Some(value) = self.variables.get(name) {
            return self.size(number(value));
        }
        for (_, operation) in self.document.operations.iter() {
            for variable in operation.node.variable_definitions.iter().filter(|it| it.node.name.node == *name) {
                self.size(variable.node.default_value.as_ref().and_then(|value| number(&value.node)))?;
            }
        }
        Ok(())
    }

    fn size(&self, size: Option<u64>) -> Result<(), QueryError> {
        match size {
            Some(actual) if actual > self.limit => {
                Err(QueryError::LimitExceeded { what: "the page size", actual, limit: self.limit })
            }
            _ => Ok(()),
        }
    }
}

fn number(value: &ConstValue) -> Option<u64> {
    match value {
        ConstValue::Number(number) => number.as_u64(),
        _ => None,
    }
}

/// Cost of a list: its own field and a page of what is asked of each row.
pub(crate) fn page_cost(first: Option<u32>, last: Option<u32>, per_row: usize) -> usize {
    let rows = first.or(last).unwrap_or(DEFAULT_PAGE_SIZE);
    usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(per_row).saturating_add(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use async_graphql::Variables;
    use serde_json::json;

    use super::*;

    fn check(text: &str, variables: serde_json::Value) -> Result<(), QueryError> {
        let mut request = Request::new(text).variables(Variables::from_json(variables));
        let checked = Limits::default().check_page_sizes(&mut request);
        assert!(checked.as_ref().err().is_none_or(|error| error.code() == crate::error::ErrorCode::LimitExceeded));
        checked
    }

    #[test]
    fn page_sizes_are_found_wherever_they_stand() {
        check("{ blocks(first: 500) { nodes { number } } }", json!({})).unwrap();
        check("{ blocks(first: 501) { nodes { number } } }", json!({})).unwrap_err();
        check("{ blocks(last: 501) { nodes { number } } }", json!({})).unwrap_err();
        check("query ($n: Int) { blocks(first: $n) { nodes { number } } }", json!({ "n": 501 })).unwrap_err();
        check("query ($n: Int = 501) { blocks(first: $n) { nodes { number } } }", json!({})).unwrap_err();
        check("{ ... on Query { blocks(first: 501) { nodes { number } } } }", json!({})).unwrap_err();
        check("{ ...F } fragment F on Query { blocks(first: 501) { nodes { number } } }", json!({})).unwrap_err();
        check("{ blocks { nodes { transactions(first: 501) { nodes { hash } } } } }", json!({})).unwrap_err();
    }

    #[test]
    fn a_fragment_cycle_does_not_trap() {
        check("{ ...F } fragment F on Query { ...F }", json!({})).unwrap();
    }
}
