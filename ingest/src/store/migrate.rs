//! Tables: created, brought up to date, compared.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use clickhouse::Client;
use lastro_schema::{MIGRATIONS, TableDef, tables, tables::all_tables};
use serde::Deserialize;

use super::{Store, StoreConfig, StoreError};

/// Oldest server whose deduplication tokens and Arrow formats were tried.
const OLDEST_SERVER: (u32, u32) = (24, 8);
const OLDEST_SERVER_TEXT: &str = "24.8";

pub(super) async fn check_server(server: &Client, config: &StoreConfig) -> Result<(), StoreError> {
    let error = |error| StoreError::from_client(error, &config.url);
    let mut answer = server
        .query("SELECT version()")
        .fetch_bytes("TSVRaw")
        .map_err(error)?;
    let answer = answer.collect().await.map_err(error)?;
    let found = String::from_utf8_lossy(&answer).trim().to_owned();
    let mut numbers = found
        .split('.')
        .map(|number| number.parse::<u32>().unwrap_or_default());
    let version = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    if version < OLDEST_SERVER {
        return Err(StoreError::TooOld {
            found,
            needed: OLDEST_SERVER_TEXT,
        });
    }
    Ok(())
}

pub(super) async fn create_database(server: &Client, database: &str) -> Result<(), StoreError> {
    let query = server
        .query("CREATE DATABASE IF NOT EXISTS {name:Identifier}")
        .param("name", database);
    query
        .execute()
        .await
        .map_err(|error| StoreError::from_client(error, database))
}

/// Applies the migrations that the database does not have yet. Each statement may run twice, so a crash in between does no
/// harm.
pub(super) async fn apply(store: &Store) -> Result<(), StoreError> {
    let applied = applied_version(store).await?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if applied > known {
        let database = store.config.database.clone();
        return Err(StoreError::FutureSchema {
            database,
            found: applied,
            known,
        });
    }
    for migration in MIGRATIONS
        .iter()
        .filter(|migration| migration.version > applied)
    {
        tracing::info!(
            version = migration.version,
            name = migration.name,
            "migrating the database"
        );
        for statement in migration.statements() {
            store.execute(statement).await?;
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut rows = tables::Migrations::default();
        rows.version.push(migration.version);
        rows.name.push(migration.name);
        rows.applied_at.push(now.as_secs());
        store
            .insert_rows(rows, &format!("migration-{}", migration.version))
            .await?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

async fn applied_version(store: &Store) -> Result<u32, StoreError> {
    let exists: Vec<Version> = store
        .rows("SELECT 1 AS version FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations'")
        .await?;
    if exists.is_empty() {
        return Ok(0);
    }
    let version: Vec<Version> = store
        .rows("SELECT max(version) AS version FROM schema_migrations")
        .await?;
    Ok(version.first().map_or(0, |row| row.version))
}

#[derive(Deserialize)]
struct LiveColumn {
    table: String,
    name: String,
    #[serde(rename = "type")]
    clickhouse_type: String,
    sorting_key: String,
}

/// Refuses a database whose tables differ in a column, a type, the order of the sorting key, or in being there at all.
pub(super) async fn compare_tables(store: &Store) -> Result<(), StoreError> {
    let live: Vec<LiveColumn> = store
        .rows(
            "SELECT c.table AS table, c.name AS name, c.type AS type, t.sorting_key AS sorting_key \
             FROM system.columns AS c INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table \
             WHERE c.database = currentDatabase()",
        )
        .await?;
    let mut tables: BTreeMap<&str, Vec<&LiveColumn>> = BTreeMap::new();
    for column in &live {
        tables.entry(&column.table).or_default().push(column);
    }
    let differences: Vec<String> = all_tables()
        .iter()
        .flat_map(|table| {
            compare_table(
                table,
                tables
                    .get(table.name)
                    .map(Vec::as_slice)
                    .unwrap_or_default(),
            )
        })
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(StoreError::SchemaMismatch {
        database: store.config.database.clone(),
        differences: differences.join("\n"),
    })
}

fn compare_table(expected: &TableDef, live: &[&LiveColumn]) -> Vec<String> {
    let name = expected.name;
    let Some(first) = live.first() else {
        return vec![format!("- table {name} is missing")];
    };
    let mut differences = Vec::new();
    if first.sorting_key != expected.sorting_key.join(", ") {
        let (found, wanted) = (&first.sorting_key, expected.sorting_key.join(", "));
        differences.push(format!(
            "- table {name} is sorted by ({found}), not by ({wanted})"
        ));
    }
    for column in &expected.columns {
        match live.iter().find(|found| found.name == column.name) {
            None => differences.push(format!("- table {name} lacks column {}", column.name)),
            Some(found) if found.clickhouse_type != column.clickhouse_type => {
                differences.push(format!(
                    "- column {name}.{} is {}, not {}",
                    column.name, found.clickhouse_type, column.clickhouse_type
                ))
            }
            Some(_) => {}
        }
    }
    let unknown = live
        .iter()
        .filter(|found| expected.column(&found.name).is_none());
    differences.extend(
        unknown.map(|found| format!("- table {name} has the unknown column {}", found.name)),
    );
    differences
}

#[cfg(test)]
mod tests {
    use lastro_schema::TableRows;

    use super::*;

    fn live(table: &TableDef) -> Vec<LiveColumn> {
        let column = |column: &lastro_schema::ColumnDef| LiveColumn {
            table: table.name.to_owned(),
            name: column.name.to_owned(),
            clickhouse_type: column.clickhouse_type.clone(),
            sorting_key: table.sorting_key.join(", "),
        };
        table.columns.iter().map(column).collect()
    }

    fn differences(change: impl FnOnce(&mut Vec<LiveColumn>)) -> Vec<String> {
        let table = tables::Logs::def();
        let mut columns = live(table);
        change(&mut columns);
        compare_table(table, &columns.iter().collect::<Vec<_>>())
    }

    #[test]
    fn each_difference_is_told() {
        assert!(differences(|_| ()).is_empty());
        assert_eq!(differences(Vec::clear), ["- table logs is missing"]);
        assert_eq!(
            differences(|columns| drop(columns.pop())),
            ["- table logs lacks column data"]
        );
        assert_eq!(
            differences(|columns| columns[0].clickhouse_type = "Int8".to_owned()),
            ["- column logs.block_number is Int8, not UInt64"]
        );
        assert_eq!(
            differences(|columns| columns[8].name = "payload".to_owned()),
            [
                "- table logs lacks column data",
                "- table logs has the unknown column payload"
            ]
        );
        let sorted = differences(|columns| columns[0].sorting_key = "address".to_owned());
        assert_eq!(
            sorted,
            ["- table logs is sorted by (address), not by (block_number, log_index)"]
        );
    }
}
