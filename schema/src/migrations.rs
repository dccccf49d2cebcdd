//! Numbered changes of the database. A released one is never edited: a new one is added.

/// A step from one schema version to the next; each statement may be run twice without harm.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub version: u32,
    pub name: &'static str,
    pub sql: &'static str,
}

impl Migration {
    /// The statements, without their semicolons.
    pub fn statements(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.sql
            .split(";\n")
            .map(str::trim)
            .filter(|statement| !statement.is_empty())
    }
}

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "init",
    sql: include_str!("../migrations/0001_init.sql"),
}];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tables::all_tables;

    /// Compares with the committed file, or writes it when `UPDATE_SCHEMA=1`.
    fn check_committed(path: &str, expected: &str) {
        let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, expected).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == expected,
            "{path} is not what the table definitions give: run UPDATE_SCHEMA=1 cargo test -p lastro-schema"
        );
    }

    #[test]
    fn the_migrations_give_the_defined_tables() {
        let ddl: Vec<_> = all_tables().iter().map(|table| table.ddl()).collect();
        check_committed("migrations/0001_init.sql", &ddl.join("\n"));
    }

    #[test]
    fn the_reference_page_is_current() {
        let mut page = String::from(
            "# Tables\n\nGenerated from the definitions in `schema/src/tables/`. Marks: *proven* is covered by roots and hashes that \
             validators signed; *computed* follows from proven fields alone; *stated* is a node's word; *own* is bookkeeping.\n\n",
        );
        page.push_str(
            &all_tables()
                .iter()
                .map(|table| table.markdown())
                .collect::<Vec<_>>()
                .join("\n"),
        );
        check_committed("../docs/tables.md", &page);
    }

    #[test]
    fn versions_are_consecutive_and_statements_are_found() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version).unwrap(), index + 1);
            assert!(migration.statements().count() > 0);
            assert!(
                migration
                    .statements()
                    .all(|statement| statement.contains("IF NOT EXISTS"))
            );
        }
    }
}
