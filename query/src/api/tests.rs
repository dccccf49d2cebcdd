use std::collections::BTreeMap;

use lastro_schema::{
    TableDef, TableRows as _,
    tables::{BlockSeals, Blocks, Events, Logs, TokenTransfers, Tokens, Transactions, Validators},
};
use serde_json::Value;

use crate::{Limits, schema, sdl};

#[test]
fn the_committed_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let current = sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == current,
        "{path} is not what the types give: run UPDATE_SCHEMA=1 cargo test -p lastro-query"
    );
}

/// Fields of each type with their descriptions.
async fn described_types() -> BTreeMap<String, BTreeMap<String, String>> {
    let query = "{ __schema { types { name description fields { name description } } } }";
    let answer = schema(&Limits::default()).finish().execute(query).await;
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    let answer = answer.data.into_json().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fields = |value: &Value| {
        let fields = value["fields"].as_array().into_iter().flatten();
        fields
            .map(|field| (text(&field["name"]), text(&field["description"])))
            .collect()
    };
    let types = answer["__schema"]["types"].as_array().unwrap().iter();
    types
        .map(|kind| (text(&kind["name"]), fields(kind)))
        .collect()
}

/// `from_address` and `to_address` are called as in filters; the rest is the column's name in GraphQL's spelling.
fn field_name(column: &str) -> String {
    let column = match column {
        "from_address" | "to_address" => column.trim_end_matches("_address"),
        other => other,
    };
    let mut words = column.split('_');
    let mut name = words.next().unwrap().to_owned();
    for word in words {
        name.push_str(&word[..1].to_uppercase());
        name.push_str(&word[1..]);
    }
    name
}

/// Every column of a table behind a type is one of its fields, and states the mark that the table gives it.
#[tokio::test]
async fn fields_state_the_marks_of_their_columns() {
    let tables: [(&str, &TableDef); 8] = [
        ("Block", Blocks::def()),
        ("Transaction", Transactions::def()),
        ("Log", Logs::def()),
        ("Event", Events::def()),
        ("Token", Tokens::def()),
        ("Transfer", TokenTransfers::def()),
        ("ValidatorSet", Validators::def()),
        ("Seal", BlockSeals::def()),
    ];
    let types = described_types().await;
    for (kind, table) in tables {
        let fields = &types[kind];
        for column in &table.columns {
            let name = field_name(column.name);
            let description = fields
                .get(&name)
                .unwrap_or_else(|| panic!("{kind} lacks {name}"));
            let mark = format!("[{}] ", column.mark.name());
            assert!(
                description.starts_with(&mark),
                "{kind}.{name} should begin with {mark}: {description}"
            );
        }
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| field_name(column.name))
            .collect();
        for (name, description) in fields {
            let own = columns.contains(name) || (kind, name.as_str()) == ("ValidatorSet", "quorum");
            assert_eq!(
                description.starts_with('['),
                own,
                "{kind}.{name} is no column of {}",
                table.name
            );
        }
    }
}

#[tokio::test]
async fn every_type_and_field_is_described() {
    for (kind, fields) in described_types().await {
        for (field, description) in fields {
            assert!(
                kind.starts_with("__") || !description.is_empty(),
                "{kind}.{field} is not described"
            );
        }
    }
}

/// What GraphiQL and code generators ask first must pass the limits.
#[tokio::test]
async fn the_standard_introspection_query_is_within_the_limits() {
    let query = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } \
        types { ...FullType } directives { name description locations args { ...InputValue } } } } \
        fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description \
        args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields { ...InputValue } \
        interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } \
        possibleTypes { ...TypeRef } } \
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue } \
        fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
        ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
    let answer = schema(&Limits::default()).finish().execute(query).await;
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
}
