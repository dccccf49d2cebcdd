//! Checks of a request's text that must come before the library's own, because its rules walk a fragment again wherever it is
//! used: a small text can make them walk for ever.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Request, Value as ConstValue, Variables,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};

use super::Limits;
use crate::error::QueryError;

impl Limits {
    /// Refuses text that grows beyond its limit once fragments are put in their places, fragments that contain themselves, and
    /// page sizes above the limit wherever they stand.
    pub(crate) fn check_document(&self, request: &mut Request) -> Result<(), QueryError> {
        let variables = std::mem::take(&mut request.variables);
        let checked = match request.parsed_query() {
            Ok(document) => Walk {
                document,
                variables: &variables,
                limits: self,
                fragments: HashMap::new(),
            }
            .check(),
            // The library reports what is wrong with the text.
            Err(_) => Ok(()),
        };
        request.variables = variables;
        checked
    }
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    limits: &'a Limits,
    /// Fields of each fragment walked so far; `None` while it is being walked.
    fragments: HashMap<&'a Name, Option<u64>>,
}

impl<'a> Walk<'a> {
    fn check(mut self) -> Result<(), QueryError> {
        let document = self.document;
        let limit = self.limits.max_selections;
        let mut actual: u64 = 0;
        for (_, operation) in document.operations.iter() {
            actual = actual.saturating_add(self.selections(&operation.node.selection_set)?);
        }
        // Also those that no operation uses: the library's rules walk them too.
        for name in document.fragments.keys() {
            actual = actual.max(self.fragment(name)?);
        }
        if actual > limit {
            return Err(QueryError::LimitExceeded {
                what: "the number of selected fields",
                actual,
                limit,
            });
        }
        Ok(())
    }

    /// Number of fields, fragments put in their places.
    fn selections(&mut self, set: &'a Positioned<SelectionSet>) -> Result<u64, QueryError> {
        let mut n_fields: u64 = 0;
        for selection in &set.node.items {
            let more = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(fragment) => {
                    self.selections(&fragment.node.selection_set)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node)?
                }
            };
            n_fields = n_fields.saturating_add(more);
        }
        // An empty fragment costs a walk too.
        Ok(n_fields.max(1))
    }

    fn fragment(&mut self, name: &'a Name) -> Result<u64, QueryError> {
        match self.fragments.get(name) {
            Some(Some(n_fields)) => return Ok(*n_fields),
            Some(None) => {
                return Err(QueryError::BadDocument {
                    fragment: name.to_string(),
                });
            }
            None => {}
        }
        // The library reports a fragment that is not defined.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(1);
        };
        self.fragments.insert(name, None);
        let n_fields = self.selections(&fragment.node.selection_set)?;
        self.fragments.insert(name, Some(n_fields));
        Ok(n_fields)
    }

    fn field(&mut self, field: &'a Field) -> Result<u64, QueryError> {
        for (name, value) in &field.arguments {
            if matches!(name.node.as_str(), "first" | "last") {
                let literal = value.node.clone().into_const_with(|name| {
                    self.variable(&name)?;
                    Ok::<_, QueryError>(ConstValue::Null)
                })?;
                // The library refuses what is no integer.
                self.page_size(number(&literal))?;
            }
        }
        if field.selection_set.node.items.is_empty() {
            return Ok(1);
        }
        Ok(self.selections(&field.selection_set)?.saturating_add(1))
    }

    /// The value given, else every default that an operation of the document has for the name.
    fn variable(&self, name: &Name) -> Result<(), QueryError> {
        if let Some(value) = self.variables.get(name) {
            return self.page_size(number(value));
        }
        for (_, operation) in self.document.operations.iter() {
            for variable in operation
                .node
                .variable_definitions
                .iter()
                .filter(|it| it.node.name.node == *name)
            {
                self.page_size(
                    variable
                        .node
                        .default_value
                        .as_ref()
                        .and_then(|value| number(&value.node)),
                )?;
            }
        }
        Ok(())
    }

    fn page_size(&self, size: Option<u64>) -> Result<(), QueryError> {
        let limit = self.limits.max_page_size.into();
        match size {
            Some(actual) if actual > limit => Err(QueryError::LimitExceeded {
                what: "the page size",
                actual,
                limit,
            }),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use async_graphql::Variables;
    use serde_json::json;

    use super::*;

    fn check(text: &str, variables: serde_json::Value) -> Result<(), QueryError> {
        let mut request = Request::new(text).variables(Variables::from_json(variables));
        Limits::default().check_document(&mut request)
    }

    #[test]
    fn page_sizes_are_found_wherever_they_stand() {
        check("{ blocks(first: 500) { nodes { number } } }", json!({})).unwrap();
        check("{ blocks(first: 501) { nodes { number } } }", json!({})).unwrap_err();
        check("{ blocks(last: 501) { nodes { number } } }", json!({})).unwrap_err();
        check(
            "query ($n: Int) { blocks(first: $n) { nodes { number } } }",
            json!({ "n": 501 }),
        )
        .unwrap_err();
        check(
            "query ($n: Int = 501) { blocks(first: $n) { nodes { number } } }",
            json!({}),
        )
        .unwrap_err();
        check(
            "{ ... on Query { blocks(first: 501) { nodes { number } } } }",
            json!({}),
        )
        .unwrap_err();
        check(
            "{ ...F } fragment F on Query { blocks(first: 501) { nodes { number } } }",
            json!({}),
        )
        .unwrap_err();
        check(
            "{ blocks { nodes { transactions(first: 501) { nodes { hash } } } } }",
            json!({}),
        )
        .unwrap_err();
    }

    #[test]
    fn fragments_cannot_multiply_the_text() {
        // Each of 30 fragments takes in the next one twice: 2^30 fields in 1 kB of text.
        let mut text = "{ ...F0 }".to_owned();
        for index in 0..30 {
            text.push_str(&format!(
                " fragment F{index} on Query {{ ...F{} ...F{} }}",
                index + 1,
                index + 1
            ));
        }
        text.push_str(" fragment F30 on Query { status { chainId } }");
        let error = check(&text, json!({})).unwrap_err();
        assert!(
            matches!(
                error,
                QueryError::LimitExceeded {
                    what: "the number of selected fields",
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn a_fragment_cycle_is_refused() {
        for text in [
            "{ ...F } fragment F on Query { ...F ...F }",
            "{ ...F } fragment F on Query { ...G } fragment G on Query { ... on Query { ...F } }",
        ] {
            let error = check(text, json!({})).unwrap_err();
            assert!(matches!(error, QueryError::BadDocument { .. }), "{error}");
        }
    }

    /// The library's parser and ours must both survive what fits into the largest request.
    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = Limits::default().max_request_bytes / 2;
        for (open, close) in [("[", "]"), ("{a:", "}"), ("{", "}")] {
            let text = format!(
                "{{ blocks(filter: {}{}) {{ nodes {{ number }} }} }}",
                open.repeat(deep / 2),
                close.repeat(deep / 2)
            );
            check(&text, json!({})).unwrap();
        }
        check(
            &format!(
                "{{ status{}{}",
                "{ head ".repeat(deep / 8),
                "}".repeat(deep / 8)
            ),
            json!({}),
        )
        .unwrap();
    }

    #[test]
    fn a_long_chain_of_fragments_is_walked() {
        let mut text = "{ ...F0 }".to_owned();
        for index in 0..2_000 {
            text.push_str(&format!(
                " fragment F{index} on Query {{ ...F{} }}",
                index + 1
            ));
        }
        text.push_str(" fragment F2000 on Query { status { chainId } }");
        check(&text, json!({})).unwrap();
    }
}
