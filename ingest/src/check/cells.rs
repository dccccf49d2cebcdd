//! Values of rows, whichever of Arrow's encodings they come in.

use std::fmt;

use alloy_primitives::hex;
use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{UInt8Type, UInt32Type, UInt64Type},
};
use arrow_schema::DataType;
use lastro_schema::TableDef;
use thiserror::Error;

use crate::chain::transaction::Word;

/// A value that is not what its column holds, or not what its row needs.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum CellError {
    #[error("{column} is null, which it cannot be here")]
    Null { column: &'static str },
    #[error("{column} is not of the kind that its column holds")]
    Kind { column: &'static str },
    #[error("{column} is not there")]
    Absent { column: &'static str },
}

/// One value. The order is that of the database: integers by value, byte strings byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell<'a> {
    Null,
    Integer(u64),
    Bytes(&'a [u8]),
    List(Vec<Cell<'a>>),
    /// Of an Arrow type that no column of this program has.
    Unknown,
}

impl<'a> Cell<'a> {
    pub(super) fn new(array: &'a ArrayRef, row: usize) -> Self {
        if array.is_null(row) {
            return Self::Null;
        }
        match array.data_type() {
            DataType::UInt8 => Self::Integer(array.as_primitive::<UInt8Type>().value(row).into()),
            DataType::UInt32 => Self::Integer(array.as_primitive::<UInt32Type>().value(row).into()),
            DataType::UInt64 => Self::Integer(array.as_primitive::<UInt64Type>().value(row)),
            DataType::FixedSizeBinary(_) => Self::Bytes(array.as_fixed_size_binary().value(row)),
            DataType::Binary => Self::Bytes(array.as_binary::<i32>().value(row)),
            DataType::LargeBinary => Self::Bytes(array.as_binary::<i64>().value(row)),
            DataType::Utf8 => Self::Bytes(array.as_string::<i32>().value(row).as_bytes()),
            DataType::LargeUtf8 => Self::Bytes(array.as_string::<i64>().value(row).as_bytes()),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let ends = list.value_offsets();
                Self::items(list.values(), ends[row].into(), ends[row + 1].into())
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                let ends = list.value_offsets();
                Self::items(list.values(), ends[row], ends[row + 1])
            }
            _ => Self::Unknown,
        }
    }

    fn items(values: &'a ArrayRef, first: i64, end: i64) -> Self {
        // Arrow's offsets are never negative.
        let at = |offset: i64| usize::try_from(offset).unwrap_or_default();
        Self::List(
            (at(first)..at(end))
                .map(|item| Self::new(values, item))
                .collect(),
        )
    }
}

/// Longest byte string that is printed whole.
const MAX_PRINTED_BYTES: usize = 40;

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Integer(value) => value.fmt(f),
            Self::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text)
                    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
                {
                    write_shortened(f, text, 2 * MAX_PRINTED_BYTES)
                }
                _ => write_shortened(f, &hex::encode_prefixed(bytes), 2 + 2 * MAX_PRINTED_BYTES),
            },
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Cell::to_string).collect();
                write_shortened(f, &format!("[{}]", items.join(", ")), 400)
            }
            Self::Unknown => f.write_str("a value of an unknown type"),
        }
    }
}

/// `text` is ASCII.
fn write_shortened(f: &mut fmt::Formatter<'_>, text: &str, longest: usize) -> fmt::Result {
    match text.get(..longest) {
        Some(start) if text.len() > longest => write!(f, "{start}… ({} characters)", text.len()),
        _ => f.write_str(text),
    }
}

/// A row as it is in the database, or as it should be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) batch: &'a RecordBatch,
    pub(super) index: usize,
    /// Block that the row belongs to.
    pub(super) block: u64,
}

impl<'a> Row<'a> {
    /// All rows of `batches`. Tables that are checked have a block column.
    pub(super) fn all(
        table: &'static TableDef,
        batches: &'a [RecordBatch],
    ) -> Result<Vec<Self>, CellError> {
        let column = table.block_column.unwrap_or_default();
        let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
        for batch in batches {
            for index in 0..batch.num_rows() {
                let mut row = Self {
                    batch,
                    index,
                    block: 0,
                };
                row.block = row.u64(column)?;
                rows.push(row);
            }
        }
        Ok(rows)
    }

    pub(super) fn cell(&self, column: &'static str) -> Result<Cell<'a>, CellError> {
        let array = self.batch.column_by_name(column);
        array
            .map(|array| Cell::new(array, self.index))
            .ok_or(CellError::Absent { column })
    }

    pub(super) fn u64(&self, column: &'static str) -> Result<u64, CellError> {
        required(column, self.optional_u64(column)?)
    }

    pub(super) fn optional_u64(&self, column: &'static str) -> Result<Option<u64>, CellError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Integer(value) => Ok(Some(value)),
            _ => Err(CellError::Kind { column }),
        }
    }

    pub(super) fn bytes(&self, column: &'static str) -> Result<&'a [u8], CellError> {
        required(column, self.optional_bytes(column)?)
    }

    pub(super) fn optional_bytes(
        &self,
        column: &'static str,
    ) -> Result<Option<&'a [u8]>, CellError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            _ => Err(CellError::Kind { column }),
        }
    }

    pub(super) fn fixed<const N: usize>(&self, column: &'static str) -> Result<[u8; N], CellError> {
        required(column, self.optional_fixed(column)?)
    }

    pub(super) fn optional_fixed<const N: usize>(
        &self,
        column: &'static str,
    ) -> Result<Option<[u8; N]>, CellError> {
        let exact = |bytes: &[u8]| bytes.try_into().map_err(|_| CellError::Kind { column });
        self.optional_bytes(column)?.map(exact).transpose()
    }

    /// A 256-bit integer, most significant byte first.
    pub(super) fn word(&self, column: &'static str) -> Result<Word, CellError> {
        required(column, self.optional_word(column)?)
    }

    pub(super) fn optional_word(&self, column: &'static str) -> Result<Option<Word>, CellError> {
        let word = self.optional_fixed::<32>(column)?;
        Ok(word.map(|mut word| {
            word.reverse();
            word
        }))
    }

    pub(super) fn words(&self, column: &'static str) -> Result<Vec<Word>, CellError> {
        let Cell::List(items) = self.cell(column)? else {
            return Err(CellError::Kind { column });
        };
        let word = |item: &Cell<'_>| match item {
            Cell::Bytes(bytes) => (*bytes).try_into().map_err(|_| CellError::Kind { column }),
            _ => Err(CellError::Kind { column }),
        };
        items.iter().map(word).collect()
    }
}

fn required<T>(column: &'static str, value: Option<T>) -> Result<T, CellError> {
    value.ok_or(CellError::Null { column })
}

/// The rows of one block, of rows that are in the order of their blocks.
pub(super) fn of_block<'r, 'a>(rows: &'r [Row<'a>], block: u64) -> &'r [Row<'a>] {
    let first = rows.partition_point(|row| row.block < block);
    let end = rows.partition_point(|row| row.block <= block);
    &rows[first..end]
}
