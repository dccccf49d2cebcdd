//! Stored rows beside the rows that should be there, both in row order.

use std::cmp::Ordering;

use arrow_array::RecordBatch;
use lastro_schema::{BlockNumber, Mark, TableDef};

use super::{
    cells::{Cell, CellError, Row},
    report::{CheckReport, Difference, Discrepancy},
};

/// Reports every stored row that is altered, missing or too many. Columns that a node stated are passed over.
pub(super) fn compare(
    table: &'static TableDef,
    expected: &[RecordBatch],
    stored: &[Row<'_>],
    report: &mut CheckReport,
) -> Result<(), CellError> {
    let expected = Row::all(table, expected)?;
    let mut comparison = Comparison { table, report };
    let mut expected = keyed(table, &expected)?.into_iter().peekable();
    let mut stored = keyed(table, stored)?.into_iter().peekable();
    loop {
        let order = match (expected.peek(), stored.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((wanted, _)), Some((found, _))) => wanted.cmp(found),
        };
        let wanted = if order == Ordering::Greater {
            None
        } else {
            expected.next()
        };
        let found = if order == Ordering::Less {
            None
        } else {
            stored.next()
        };
        match (wanted, found) {
            (Some((key, wanted)), Some((_, found))) => comparison.same_key(&key, wanted, found)?,
            (Some((key, wanted)), None) => {
                let row = comparison.name(&key);
                comparison.tell(wanted, Discrepancy::Missing { row });
            }
            (None, Some((key, found))) => {
                let row = comparison.name(&key);
                comparison.tell(found, Discrepancy::Unexpected { row });
            }
            (None, None) => return Ok(()),
        }
    }
}

/// A row that no other rows are compared with.
pub(super) fn unexpected(table: &'static TableDef, row: &Row<'_>) -> Result<Difference, CellError> {
    let key = key(table, row)?;
    Ok(Difference {
        table: table.name,
        block: Some(BlockNumber(row.block)),
        what: Discrepancy::Unexpected {
            row: name(table, &key),
        },
    })
}

type Key<'a> = Vec<Cell<'a>>;

fn keyed<'a, 'r>(
    table: &'static TableDef,
    rows: &'r [Row<'a>],
) -> Result<Vec<(Key<'a>, &'r Row<'a>)>, CellError> {
    rows.iter().map(|row| Ok((key(table, row)?, row))).collect()
}

fn key<'a>(table: &'static TableDef, row: &Row<'a>) -> Result<Key<'a>, CellError> {
    table
        .row_order
        .iter()
        .map(|column| row.cell(column))
        .collect()
}

fn name(table: &'static TableDef, key: &[Cell<'_>]) -> String {
    let parts = table.row_order.iter().zip(key);
    parts
        .map(|(column, cell)| format!("{column} {cell}"))
        .collect::<Vec<_>>()
        .join(", ")
}

struct Comparison<'r> {
    table: &'static TableDef,
    report: &'r mut CheckReport,
}

impl Comparison<'_> {
    fn same_key(
        &mut self,
        key: &[Cell<'_>],
        wanted: &Row<'_>,
        found: &Row<'_>,
    ) -> Result<(), CellError> {
        let checked = self
            .table
            .columns
            .iter()
            .filter(|column| column.mark != Mark::Stated);
        for column in checked {
            let (expected, stored) = (wanted.cell(column.name)?, found.cell(column.name)?);
            if expected != stored || stored == Cell::Unknown {
                let what = Discrepancy::Altered {
                    row: self.name(key),
                    column: column.name,
                    stored: stored.to_string(),
                    expected: expected.to_string(),
                };
                self.tell(found, what);
            }
        }
        Ok(())
    }

    fn name(&self, key: &[Cell<'_>]) -> String {
        name(self.table, key)
    }

    fn tell(&mut self, row: &Row<'_>, what: Discrepancy) {
        self.report.add(Difference {
            table: self.table.name,
            block: Some(BlockNumber(row.block)),
            what,
        });
    }
}
