//! Rows that belong to no commit range, or to one that has them already.

use lastro_schema::{
    BlockNumber, TableRows,
    tables::{Checkpoints, chain_tables},
};

use super::{
    LastBlock,
    cells::Row,
    column_names,
    compare::unexpected,
    count,
    judge::unreadable,
    report::{CheckReport, Difference, Discrepancy},
};
use crate::store::{Store, StoreError};

/// Rows beyond all plans that are told one by one, per table.
const MAX_STRAY_ROWS: u64 = 20;

pub(super) async fn find_repeated_checkpoints(
    store: &Store,
    first: u64,
    last: u64,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT last_block FROM checkpoints WHERE last_block BETWEEN {first} AND {last} \
         GROUP BY last_block HAVING count() > 1 ORDER BY last_block"
    );
    let rows: Vec<LastBlock> = store.rows(&sql).await?;
    for LastBlock { last_block } in rows {
        report.add(Difference {
            table: Checkpoints::def().name,
            block: Some(BlockNumber(last_block)),
            what: Discrepancy::Unexpected {
                row: format!("last_block {last_block}, a second time"),
            },
        });
    }
    Ok(())
}

/// Rows above the last checkpoint: where an indexer may be at work they are counted, beyond that they belong to nothing.
pub(super) async fn find_stray_rows(
    store: &Store,
    committed: Option<u64>,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let next = committed.map_or(0, |last| last.saturating_add(1));
    let window_end = store.plans().await?.replay_end(BlockNumber(next));
    let stray = window_end.map_or(next, |end| end.0.saturating_add(1));
    for table in chain_tables() {
        let Some(block_column) = table.block_column else {
            continue;
        };
        let above = |block| format!("FROM {} WHERE {block_column} >= {block}", table.name);
        let n_above = count(store, &format!("SELECT count() AS n {}", above(next))).await?;
        let n_stray = count(store, &format!("SELECT count() AS n {}", above(stray))).await?;
        report.n_uncommitted += n_above.saturating_sub(n_stray);
        let sql = format!(
            "SELECT {} {} ORDER BY {} LIMIT {MAX_STRAY_ROWS}",
            column_names(table),
            above(stray),
            table.row_order.join(", ")
        );
        let batches = store.arrow(&sql).await?;
        for row in Row::all(table, &batches).map_err(unreadable)? {
            report.add(unexpected(table, &row).map_err(unreadable)?);
        }
        if let Some(more @ 1..) = n_stray.checked_sub(MAX_STRAY_ROWS) {
            *report.n_differences.entry(table.name).or_default() += more;
        }
    }
    Ok(())
}
