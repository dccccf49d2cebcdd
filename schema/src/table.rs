//! What a table is: its columns with their marks and documentation, its sorting key, its ClickHouse DDL.

use std::{fmt::Write as _, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};

/// How far a figure can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Covered by a root or a hash that validators signed.
    Proven,
    /// Computed by this program from proven fields alone.
    Computed,
    /// A node said so; nothing proves it.
    Stated,
    /// This program's own bookkeeping.
    Own,
}

impl Mark {
    pub fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Computed => "computed",
            Self::Stated => "stated",
            Self::Own => "own",
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct ColumnDef {
    pub name: &'static str,
    pub doc: &'static str,
    pub mark: Mark,
    pub arrow_type: DataType,
    pub nullable: bool,
    pub clickhouse_type: String,
    /// Compression as in `CODEC(…)`; empty for the server's default.
    pub codec: &'static str,
}

/// A table: everything else (Arrow schema, DDL, documentation) is derived from this.
#[derive(Clone, Debug)]
pub struct TableDef {
    pub name: &'static str,
    pub doc: &'static str,
    pub columns: Vec<ColumnDef>,
    /// Columns of the sorting key, in order.
    pub sorting_key: &'static [&'static str],
    /// The order in which the pipeline makes the rows, and in which they are digested.
    pub row_order: &'static [&'static str],
    /// The column that holds the block a row belongs to; `None` for bookkeeping tables.
    pub block_column: Option<&'static str>,
    /// Skipping indexes, as in the DDL, without the leading `INDEX`.
    pub indexes: &'static [&'static str],
}

/// Inserts remembered for deduplication; far more than can stand above the checkpoint.
pub const DEDUPLICATION_WINDOW: u32 = 10_000;

impl TableDef {
    pub fn arrow_schema(&self) -> Schema {
        let field = |column: &ColumnDef| {
            Field::new(column.name, column.arrow_type.clone(), column.nullable)
        };
        Schema::new(self.columns.iter().map(field).collect::<Vec<_>>())
    }

    pub fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// `CREATE TABLE IF NOT EXISTS …` for one ClickHouse server.
    pub fn ddl(&self) -> String {
        let mut ddl = format!("CREATE TABLE IF NOT EXISTS {}\n(\n", self.name);
        let mut lines = Vec::with_capacity(self.columns.len() + self.indexes.len());
        for column in &self.columns {
            let mut line = format!("    {} {}", column.name, column.clickhouse_type);
            let comment = format!("[{}] {}", column.mark.name(), column.doc).replace('\'', "''");
            // Writing to a String cannot fail.
            let _ = write!(line, " COMMENT '{comment}'");
            if !column.codec.is_empty() {
                let _ = write!(line, " CODEC({})", column.codec);
            }
            lines.push(line);
        }
        lines.extend(
            self.indexes
                .iter()
                .map(|index| format!("    INDEX {index}")),
        );
        ddl.push_str(&lines.join(",\n"));
        let doc = self.doc.replace('\'', "''");
        let key = match self.sorting_key {
            [column] => (*column).to_owned(),
            columns => format!("({})", columns.join(", ")),
        };
        let _ = write!(
            ddl,
            "\n)\nENGINE = MergeTree\nORDER BY {key}\nSETTINGS non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}, \
             fsync_after_insert = 1, fsync_part_directory = 1\nCOMMENT '{doc}';\n",
        );
        ddl
    }

    /// The table as a section of the reference page.
    pub fn markdown(&self) -> String {
        let mut page = format!("## `{}`\n\n{}\n\n", self.name, self.doc);
        let _ = write!(page, "Sorted by `{}`.\n\n", self.sorting_key.join(", "));
        page.push_str("| column | type | mark | meaning |\n| --- | --- | --- | --- |\n");
        for column in &self.columns {
            let doc = column.doc.replace('|', "\\|");
            let _ = writeln!(
                page,
                "| `{}` | `{}` | {} | {doc} |",
                column.name,
                column.clickhouse_type,
                column.mark.name()
            );
        }
        page
    }
}

/// The rows of one table under construction.
pub trait TableRows: Default {
    fn def() -> &'static TableDef;
    fn n_rows(&self) -> usize;
    fn n_bytes(&self) -> usize;
    fn append_rows(&mut self, other: Self);
    /// One record batch of all rows, in the order in which they were appended.
    fn finish(self) -> RecordBatch;
}

/// Puts finished columns together; the macro below guarantees equal lengths by construction of its callers.
pub(crate) fn record_batch(def: &TableDef, columns: Vec<arrow_array::ArrayRef>) -> RecordBatch {
    let schema = Arc::new(def.arrow_schema());
    match RecordBatch::try_new(schema, columns) {
        Ok(batch) => batch,
        // Only a row appended to some columns and not to others leads here: a defect of this program, caught in every test.
        Err(error) => panic!("rows of table {} do not line up: {error}", def.name),
    }
}

/// Defines a table once: its row builder and its [`TableDef`].
macro_rules! table {
    (
        $(#[doc = $table_doc:literal])+
        $struct:ident = $name:literal,
        sorted by [$($key:literal),+ $(,)?],
        $(made in the order of [$($order:literal),+ $(,)?],)?
        block column $block:expr,
        $(indexes [$($index:literal),* $(,)?],)?
        {
            $( $(#[doc = $doc:literal])+ $column:ident: $type:ty, $mark:ident $(, $codec:literal)?; )+
        }
    ) => {
        $(#[doc = $table_doc])+
        #[derive(Debug, Default)]
        pub struct $struct { $( $(#[doc = $doc])+ pub $column: $type, )+ }

        impl $crate::table::TableRows for $struct {
            fn def() -> &'static $crate::table::TableDef {
                static DEF: std::sync::LazyLock<$crate::table::TableDef> =
                    std::sync::LazyLock::new(|| $crate::table::TableDef {
                        name: $name,
                        doc: concat!($($table_doc),+).trim_ascii(),
                        columns: vec![ $( $crate::table::ColumnDef {
                            name: stringify!($column),
                            doc: concat!($($doc),+).trim_ascii(),
                            mark: $crate::table::Mark::$mark,
                            arrow_type: <$type as $crate::columns::Column>::arrow_type(),
                            nullable: <$type as $crate::columns::Column>::NULLABLE,
                            clickhouse_type: <$type as $crate::columns::Column>::clickhouse_type(),
                            codec: concat!($($codec)?),
                        }, )+ ],
                        sorting_key: &[$($key),+],
                        row_order: [$(&[$($order),+] as &[&str],)? &[$($key),+]][0],
                        block_column: $block,
                        indexes: &[$($($index),*)?],
                    });
                &DEF
            }

            fn n_rows(&self) -> usize {
                [$( $crate::columns::Column::n_rows(&self.$column) ),+][0]
            }

            fn n_bytes(&self) -> usize {
                [$( $crate::columns::Column::n_bytes(&self.$column) ),+].iter().sum()
            }

            fn append_rows(&mut self, other: Self) {
                $( $crate::columns::Column::append_column(&mut self.$column, other.$column); )+
            }

            fn finish(self) -> arrow_array::RecordBatch {
                $crate::table::record_batch(
                    Self::def(),
                    vec![$( $crate::columns::Column::finish(self.$column) ),+],
                )
            }
        }
    };
}
pub(crate) use table;
