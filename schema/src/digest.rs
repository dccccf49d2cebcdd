//! A digest of the rows of a table: equal for equal rows in equal order, however they are cut into record batches and
//! whichever of Arrow's encodings (32 or 64-bit offsets, text or binary) they come in.
//!
//! It finds rows that went missing or changed by accident; what finds forgery is proving the rows again.

use arrow_array::{Array, ArrayRef, OffsetSizeTrait, RecordBatch, cast::AsArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;
use thiserror::Error;
use xxhash_rust::xxh3::Xxh3;

use crate::table::{Mark, TableDef};

/// XXH3-128 over the columns of a table that are not merely stated.
pub type RowDigest = [u8; 16];

/// Why rows cannot be digested.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DigestError {
    #[error("rows of table {table} lack the column {column}")]
    MissingColumn {
        table: &'static str,
        column: &'static str,
    },
    #[error("column {column} has the Arrow type {found}, which no table column has")]
    UnknownType {
        column: &'static str,
        found: DataType,
    },
}

/// Takes record batches in row order and gives their digest.
pub struct TableDigester {
    table: &'static TableDef,
    columns: Vec<ColumnDigester>,
}

impl TableDigester {
    pub fn new(table: &'static TableDef) -> Self {
        let checked = table
            .columns
            .iter()
            .filter(|column| column.mark != Mark::Stated);
        let columns = checked
            .map(|column| ColumnDigester::new(column.name, column.nullable))
            .collect();
        Self { table, columns }
    }

    /// Columns are found by name.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<(), DigestError> {
        for column in &mut self.columns {
            let array = batch
                .column_by_name(column.name)
                .ok_or(DigestError::MissingColumn {
                    table: self.table.name,
                    column: column.name,
                })?;
            column.update(array)?;
        }
        Ok(())
    }

    pub fn finish(self) -> RowDigest {
        let mut whole = Xxh3::new();
        for column in self.columns {
            whole.update(column.name.as_bytes());
            whole.update(&column.shape.digest128().to_le_bytes());
            whole.update(&column.values.digest128().to_le_bytes());
        }
        whole.digest128().to_le_bytes()
    }
}

/// The digest of a whole batch of rows.
pub fn digest_rows(
    table: &'static TableDef,
    batch: &RecordBatch,
) -> Result<RowDigest, DigestError> {
    let mut digester = TableDigester::new(table);
    digester.update(batch)?;
    Ok(digester.finish())
}

/// Shape (validity, lengths) and values are digested apart, so that both can be fed in bulk.
struct ColumnDigester {
    name: &'static str,
    nullable: bool,
    shape: Xxh3,
    values: Xxh3,
}

impl ColumnDigester {
    fn new(name: &'static str, nullable: bool) -> Self {
        Self {
            name,
            nullable,
            shape: Xxh3::new(),
            values: Xxh3::new(),
        }
    }

    fn update(&mut self, array: &ArrayRef) -> Result<(), DigestError> {
        if !self.nullable {
            return self.update_values(array);
        }
        for row in 0..array.len() {
            self.shape.update(&[u8::from(array.is_valid(row))]);
        }
        if array.null_count() == 0 {
            return self.update_values(array);
        }
        for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
            self.update_values(&array.slice(row, 1))?;
        }
        Ok(())
    }

    fn update_values(&mut self, array: &ArrayRef) -> Result<(), DigestError> {
        match array.data_type() {
            DataType::UInt8 | DataType::UInt32 | DataType::UInt64 => self.update_integers(array),
            DataType::FixedSizeBinary(_) => {
                let array = array.as_fixed_size_binary();
                let width = usize::try_from(array.value_length()).unwrap_or_default();
                let start = array.offset() * width;
                self.values
                    .update(&array.value_data()[start..start + array.len() * width]);
            }
            DataType::Binary => {
                let array = array.as_binary::<i32>();
                self.update_var(array.offsets(), array.values());
            }
            DataType::LargeBinary => {
                let array = array.as_binary::<i64>();
                self.update_var(array.offsets(), array.values());
            }
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                self.update_var(array.offsets(), array.values());
            }
            DataType::LargeUtf8 => {
                let array = array.as_string::<i64>();
                self.update_var(array.offsets(), array.values());
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                return self.update_list(list.offsets(), list.values());
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                return self.update_list(list.offsets(), list.values());
            }
            other => {
                return Err(DigestError::UnknownType {
                    column: self.name,
                    found: other.clone(),
                });
            }
        }
        Ok(())
    }

    fn update_integers(&mut self, array: &ArrayRef) {
        // The parts of an array's data respect its offset only through the typed view; widths are those matched above.
        let slice = array.to_data();
        let width = match array.data_type() {
            DataType::UInt8 => 1,
            DataType::UInt32 => 4,
            _ => 8,
        };
        let start = slice.offset() * width;
        self.values
            .update(&slice.buffers()[0].as_slice()[start..start + slice.len() * width]);
    }

    fn update_var<O: OffsetSizeTrait>(&mut self, offsets: &OffsetBuffer<O>, bytes: &[u8]) {
        let (first, last) = self.update_lengths(offsets);
        self.values.update(&bytes[first..last]);
    }

    fn update_list<O: OffsetSizeTrait>(
        &mut self,
        offsets: &OffsetBuffer<O>,
        items: &ArrayRef,
    ) -> Result<(), DigestError> {
        let (first, last) = self.update_lengths(offsets);
        self.update_values(&items.slice(first, last - first))
    }

    fn update_lengths<O: OffsetSizeTrait>(&mut self, offsets: &OffsetBuffer<O>) -> (usize, usize) {
        for pair in offsets.windows(2) {
            let length = pair[1].as_usize() - pair[0].as_usize();
            self.shape.update(&length.to_le_bytes());
        }
        let at = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
        (at(offsets.first()), at(offsets.last()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloy_primitives::{Address, B256};

    use super::*;
    use crate::{TableRows, tables::Logs};

    fn rows(first: u32, n_rows: u32) -> RecordBatch {
        let mut logs = Logs::default();
        for index in first..first + n_rows {
            logs.block_number.push(7);
            logs.log_index.push(index);
            logs.transaction_index.push(0);
            logs.address.push_address(&Address::ZERO);
            logs.topic0
                .push((index % 2 == 0).then_some(&B256::repeat_byte(1).0));
            logs.topic1.push(None);
            logs.topic2.push(None);
            logs.topic3.push(None);
            logs.data.push(&vec![9; usize::try_from(index).unwrap()]);
        }
        logs.finish()
    }

    #[test]
    fn the_cut_into_batches_does_not_matter() {
        let whole = digest_rows(Logs::def(), &rows(0, 9)).unwrap();
        let mut cut = TableDigester::new(Logs::def());
        cut.update(&rows(0, 9).slice(0, 4)).unwrap();
        cut.update(&rows(4, 5)).unwrap();
        assert_eq!(cut.finish(), whole);
    }

    #[test]
    fn every_column_matters() {
        let whole = digest_rows(Logs::def(), &rows(0, 9)).unwrap();
        assert_ne!(digest_rows(Logs::def(), &rows(0, 8)).unwrap(), whole);
        let batch = rows(0, 9);
        for index in 0..batch.num_columns() {
            let mut columns = batch.columns().to_vec();
            columns[index] = columns[index].slice(1, 8);
            let shorter = columns
                .iter()
                .map(|column| column.slice(0, 8))
                .collect::<Vec<_>>();
            let changed = RecordBatch::try_new(batch.schema(), shorter).unwrap();
            let reference = digest_rows(Logs::def(), &batch.slice(0, 8)).unwrap();
            let constant = [
                "block_number",
                "transaction_index",
                "address",
                "topic1",
                "topic2",
                "topic3",
            ];
            if !constant.contains(&batch.schema().field(index).name().as_str()) {
                assert_ne!(
                    digest_rows(Logs::def(), &changed).unwrap(),
                    reference,
                    "column {index}"
                );
            }
        }
    }
}
