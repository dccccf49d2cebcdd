//! Domain types of the chain, Arrow schemas and ClickHouse tables, from one definition.
//!
//! Reading order: `units` (numbers with a meaning), `header`, then `tables` (what is stored, column by column), `table`
//! (what a definition gives: Arrow schema, DDL, documentation) and `columns` (the builders below the tables).

pub mod columns;
mod digest;
mod header;
mod migrations;
mod table;
pub mod tables;
mod units;

pub use digest::{DigestError, RowDigest, TableDigester, digest_rows};
pub use header::Header;
pub use migrations::{MIGRATIONS, Migration};
pub use table::{ColumnDef, DEDUPLICATION_WINDOW, Mark, TableDef, TableRows};
pub use units::{
    BlockNumber, BlockRange, BlockRef, ChainId, Gas, LogIndex, TransactionIndex, UnixSeconds,
};

/// Version of the rules that derive rows from proven blocks (transfers, balance changes, events). It rises when the same
/// block would give other rows.
pub const PROJECTION_VERSION: u32 = 1;
