//! Every read of the tables: a typed request in, rows in domain types out. No GraphQL, and no SQL anywhere else.
//!
//! Reading order: `sql` (statements of static text with bound values), `keyset` (sort keys, bounds, order), `wire` (values
//! of ClickHouse as domain types), then one file per subject; `sums` is the one place that adds up balances.

pub(crate) mod balances;
pub(crate) mod blocks;
pub(crate) mod events;
pub(crate) mod head;
pub(crate) mod keyset;
pub(crate) mod logs;
pub(crate) mod sql;
pub(crate) mod sums;
pub(crate) mod tokens;
pub(crate) mod transactions;
pub(crate) mod transfers;
pub(crate) mod validators;
mod wire;
