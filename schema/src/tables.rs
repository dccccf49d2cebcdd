//! What is stored, one struct per table. The struct is the row builder; [`TableRows::def`] is the definition that the Arrow
//! schema, the DDL and the reference page are derived from.

mod blocks;
mod bookkeeping;
mod contracts;
mod logs;
mod tokens;
mod transactions;
mod validators;

pub use blocks::Blocks;
pub use bookkeeping::{Chain, Checkpoints, Leases, Migrations, Plans, Quarantine};
pub use contracts::{Abis, Contracts, Events};
pub use logs::Logs;
pub use tokens::{BalanceChanges, TokenTransfers, Tokens};
pub use transactions::Transactions;
pub use validators::{BlockSeals, ValidatorVotes, Validators};

use crate::table::{TableDef, TableRows};

/// Tables whose rows belong to a block and are written by the pipeline, in the order of its inserts.
pub fn chain_tables() -> [&'static TableDef; 11] {
    [
        Blocks::def(),
        Transactions::def(),
        Logs::def(),
        TokenTransfers::def(),
        BalanceChanges::def(),
        Tokens::def(),
        BlockSeals::def(),
        Validators::def(),
        ValidatorVotes::def(),
        Contracts::def(),
        Events::def(),
    ]
}

/// Every table of a database.
pub fn all_tables() -> Vec<&'static TableDef> {
    let mut tables = chain_tables().to_vec();
    tables.extend([
        Abis::def(),
        Chain::def(),
        Migrations::def(),
        Plans::def(),
        Checkpoints::def(),
        Leases::def(),
        Quarantine::def(),
    ]);
    tables
}
