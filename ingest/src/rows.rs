//! The rows of a range of blocks under construction, all tables side by side.

pub(crate) mod push;

use arrow_array::RecordBatch;
use lastro_schema::{
    TableDef, TableRows,
    tables::{
        BalanceChanges, BlockSeals, Blocks, Contracts, Events, Logs, TokenTransfers, Tokens,
        Transactions, ValidatorVotes, Validators,
    },
};

macro_rules! range_rows {
    ($($field:ident: $table:ident),+ $(,)?) => {
        /// Row builders of every table that the pipeline fills.
        #[derive(Debug, Default)]
        pub struct RangeRows { $(pub $field: $table),+ }

        impl RangeRows {
            /// Moves the rows of the blocks that follow behind the rows of this range.
            pub fn append(&mut self, next: Self) {
                $( self.$field.append_rows(next.$field); )+
            }

            /// Memory held, in bytes.
            pub fn n_bytes(&self) -> usize {
                [$( self.$field.n_bytes() ),+].iter().sum()
            }

            /// One record batch per table that has rows.
            pub fn into_batches(self) -> Vec<TableBatch> {
                let batches = [$( TableBatch { table: $table::def(), rows: self.$field.finish() } ),+];
                batches.into_iter().filter(|batch| batch.rows.num_rows() > 0).collect()
            }
        }
    };
}

range_rows! {
    blocks: Blocks,
    transactions: Transactions,
    logs: Logs,
    token_transfers: TokenTransfers,
    balance_changes: BalanceChanges,
    tokens: Tokens,
    block_seals: BlockSeals,
    validators: Validators,
    validator_votes: ValidatorVotes,
    contracts: Contracts,
    events: Events,
}

/// All rows that a range gives one table.
#[derive(Clone, Debug)]
pub struct TableBatch {
    pub table: &'static TableDef,
    pub rows: RecordBatch,
}
