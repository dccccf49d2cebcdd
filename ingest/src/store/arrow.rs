//! Record batches to and from `FORMAT ArrowStream`.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use bytes::Bytes;

use super::StoreError;

/// One stream with one record batch, so that the insert is one block.
pub(crate) fn encode_stream(rows: &RecordBatch) -> Result<Bytes, StoreError> {
    let mut writer = StreamWriter::try_new(
        Vec::with_capacity(rows.get_array_memory_size() + 4096),
        &rows.schema(),
    )?;
    writer.write(rows)?;
    writer.finish()?;
    Ok(writer.into_inner()?.into())
}

/// All batches of a stream; none when the answer is empty.
pub(crate) fn decode_stream(bytes: Bytes) -> Result<Vec<RecordBatch>, StoreError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    reader
        .map(|batch| batch.map_err(StoreError::from))
        .collect()
}
