//! Column builders: one type per kind of column, which knows its Arrow type, its ClickHouse type and how rows are appended.
//!
//! They are plain growing buffers (no per-row allocation) that become Arrow arrays without a copy.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, LargeBinaryArray, LargeListArray, LargeStringArray,
    PrimitiveArray,
    types::{ArrowPrimitiveType, UInt8Type, UInt32Type, UInt64Type},
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};

/// A column under construction.
pub trait Column: Default {
    /// Whether the column may hold nulls.
    const NULLABLE: bool = false;

    fn arrow_type() -> DataType;
    fn clickhouse_type() -> String;
    fn n_rows(&self) -> usize;
    /// Memory held by the values, in bytes.
    fn n_bytes(&self) -> usize;
    /// Moves all rows of `other` behind the rows of this column.
    fn append_column(&mut self, other: Self);
    fn finish_with_nulls(self, nulls: Option<NullBuffer>) -> ArrayRef;

    fn finish(self) -> ArrayRef {
        self.finish_with_nulls(None)
    }
}

/// A value for rows where a nullable column holds none.
pub trait PushBlank: Column {
    fn push_blank(&mut self);
}

/// Unsigned integers.
#[derive(Debug)]
pub struct Integers<T: ArrowPrimitiveType>(Vec<T::Native>);

impl<T: ArrowPrimitiveType> Default for Integers<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

pub type UInt8 = Integers<UInt8Type>;
pub type UInt32 = Integers<UInt32Type>;
pub type UInt64 = Integers<UInt64Type>;

impl<T: ArrowPrimitiveType> Integers<T> {
    pub fn push(&mut self, value: T::Native) {
        self.0.push(value);
    }

    pub fn values(&self) -> &[T::Native] {
        &self.0
    }

    pub fn values_mut(&mut self) -> &mut [T::Native] {
        &mut self.0
    }
}

impl<T: ArrowPrimitiveType> Column for Integers<T> {
    fn arrow_type() -> DataType {
        T::DATA_TYPE
    }

    fn clickhouse_type() -> String {
        format!("{:?}", T::DATA_TYPE)
    }

    fn n_rows(&self) -> usize {
        self.0.len()
    }

    fn n_bytes(&self) -> usize {
        size_of_val(self.0.as_slice())
    }

    fn append_column(&mut self, other: Self) {
        self.0.extend_from_slice(&other.0);
    }

    fn finish_with_nulls(self, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(self.0), nulls))
    }
}

impl<T: ArrowPrimitiveType> PushBlank for Integers<T> {
    fn push_blank(&mut self) {
        self.0.push(T::Native::default());
    }
}

/// Byte strings of exactly `N` bytes: `FixedString(N)`.
#[derive(Debug, Default)]
pub struct FixedBytes<const N: usize>(Vec<u8>);

/// Hashes and other 32-byte words.
pub type Hashes = FixedBytes<32>;
/// Account and contract addresses.
pub type Addresses = FixedBytes<20>;

impl<const N: usize> FixedBytes<N> {
    pub fn push(&mut self, value: &[u8; N]) {
        self.0.extend_from_slice(value);
    }

    /// The values, one behind the other.
    pub fn flat(&self) -> &[u8] {
        &self.0
    }
}

impl FixedBytes<32> {
    pub fn push_hash(&mut self, value: &B256) {
        self.push(&value.0);
    }
}

impl FixedBytes<20> {
    pub fn push_address(&mut self, value: &Address) {
        self.push(&value.0.0);
    }
}

/// `N` as Arrow counts it; the widths in use are all far below `i32::MAX`.
const fn arrow_width<const N: usize>() -> i32 {
    assert!(N <= 1024);
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    {
        N as i32
    }
}

impl<const N: usize> Column for FixedBytes<N> {
    fn arrow_type() -> DataType {
        DataType::FixedSizeBinary(const { arrow_width::<N>() })
    }

    fn clickhouse_type() -> String {
        format!("FixedString({N})")
    }

    fn n_rows(&self) -> usize {
        self.0.len() / N
    }

    fn n_bytes(&self) -> usize {
        self.0.len()
    }

    fn append_column(&mut self, other: Self) {
        self.0.extend_from_slice(&other.0);
    }

    fn finish_with_nulls(self, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(FixedSizeBinaryArray::new(
            const { arrow_width::<N>() },
            Buffer::from(self.0),
            nulls,
        ))
    }
}

impl<const N: usize> PushBlank for FixedBytes<N> {
    fn push_blank(&mut self) {
        self.0.extend_from_slice(&[0; N]);
    }
}

/// Unsigned 256-bit integers: `UInt256`, sent as 32 bytes, least significant first.
#[derive(Debug, Default)]
pub struct UInt256(FixedBytes<32>);

impl UInt256 {
    pub fn push(&mut self, value: &U256) {
        self.0.push(&value.to_le_bytes::<32>());
    }

    /// Appends a word as it stands on the wire: most significant byte first.
    pub fn push_be(&mut self, word: &[u8; 32]) {
        let mut little = *word;
        little.reverse();
        self.0.push(&little);
    }
}

impl Column for UInt256 {
    fn arrow_type() -> DataType {
        FixedBytes::<32>::arrow_type()
    }

    fn clickhouse_type() -> String {
        "UInt256".to_owned()
    }

    fn n_rows(&self) -> usize {
        self.0.n_rows()
    }

    fn n_bytes(&self) -> usize {
        self.0.n_bytes()
    }

    fn append_column(&mut self, other: Self) {
        self.0.append_column(other.0);
    }

    fn finish_with_nulls(self, nulls: Option<NullBuffer>) -> ArrayRef {
        self.0.finish_with_nulls(nulls)
    }
}

impl PushBlank for UInt256 {
    fn push_blank(&mut self) {
        self.0.push_blank();
    }
}

/// Byte strings of any length: `String`, sent as binary.
#[derive(Debug)]
pub struct Bytes {
    ends: Vec<i64>,
    bytes: Vec<u8>,
}

impl Default for Bytes {
    fn default() -> Self {
        Self {
            ends: vec![0],
            bytes: Vec::new(),
        }
    }
}

impl Bytes {
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.end_row();
    }

    /// Lets `write` append the value of the next row in place.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.end_row();
    }

    fn end_row(&mut self) {
        // A Vec never holds more than i64::MAX bytes.
        self.ends
            .push(i64::try_from(self.bytes.len()).unwrap_or(i64::MAX));
    }

    /// The value of a row; panics beyond the last row, like indexing.
    pub fn get(&self, row: usize) -> &[u8] {
        let at = |end: i64| usize::try_from(end).unwrap_or(usize::MAX);
        &self.bytes[at(self.ends[row])..at(self.ends[row + 1])]
    }

    fn append(&mut self, other: &Self) {
        let base = self.ends.last().copied().unwrap_or_default();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends
            .extend(other.ends.iter().skip(1).map(|end| base + end));
    }

    fn offsets(ends: Vec<i64>) -> OffsetBuffer<i64> {
        OffsetBuffer::new(ScalarBuffer::from(ends))
    }
}

impl Column for Bytes {
    fn arrow_type() -> DataType {
        DataType::LargeBinary
    }

    fn clickhouse_type() -> String {
        "String".to_owned()
    }

    fn n_rows(&self) -> usize {
        self.ends.len() - 1
    }

    fn n_bytes(&self) -> usize {
        self.bytes.len() + size_of_val(self.ends.as_slice())
    }

    fn append_column(&mut self, other: Self) {
        self.append(&other);
    }

    fn finish_with_nulls(self, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(LargeBinaryArray::new(
            Self::offsets(self.ends),
            Buffer::from(self.bytes),
            nulls,
        ))
    }
}

impl PushBlank for Bytes {
    fn push_blank(&mut self) {
        self.end_row();
    }
}

/// UTF-8 text of any length: `String`.
#[derive(Debug, Default)]
pub struct Text(Bytes);

impl Text {
    pub fn push(&mut self, value: &str) {
        self.0.push(value.as_bytes());
    }
}

impl Column for Text {
    fn arrow_type() -> DataType {
        DataType::LargeUtf8
    }

    fn clickhouse_type() -> String {
        "String".to_owned()
    }

    fn n_rows(&self) -> usize {
        self.0.n_rows()
    }

    fn n_bytes(&self) -> usize {
        self.0.n_bytes()
    }

    fn append_column(&mut self, other: Self) {
        self.0.append(&other.0);
    }

    fn finish_with_nulls(self, nulls: Option<NullBuffer>) -> ArrayRef {
        let (offsets, bytes) = (Bytes::offsets(self.0.ends), Buffer::from(self.0.bytes));
        Arc::new(LargeStringArray::new(offsets, bytes, nulls))
    }
}

impl PushBlank for Text {
    fn push_blank(&mut self) {
        self.0.push_blank();
    }
}

/// Text out of a small set: `LowCardinality(String)`.
#[derive(Debug, Default)]
pub struct Label(Text);

impl Label {
    pub fn push(&mut self, value: &str) {
        self.0.push(value);
    }
}

impl Column for Label {
    fn arrow_type() -> DataType {
        Text::arrow_type()
    }

    fn clickhouse_type() -> String {
        "LowCardinality(String)".to_owned()
    }

    fn n_rows(&self) -> usize {
        self.0.n_rows()
    }

    fn n_bytes(&self) -> usize {
        self.0.n_bytes()
    }

    fn append_column(&mut self, other: Self) {
        self.0.append_column(other.0);
    }

    fn finish_with_nulls(self, nulls: Option<NullBuffer>) -> ArrayRef {
        self.0.finish_with_nulls(nulls)
    }
}

/// A column that may hold nulls: `Nullable(C)`.
#[derive(Debug)]
pub struct Nullable<C> {
    values: C,
    valid: BooleanBufferBuilder,
}

impl<C: Default> Default for Nullable<C> {
    fn default() -> Self {
        Self {
            values: C::default(),
            valid: BooleanBufferBuilder::new(0),
        }
    }
}

impl<C: PushBlank> Nullable<C> {
    pub fn push_null(&mut self) {
        self.values.push_blank();
        self.valid.append(false);
    }

    /// Appends a null, or what `push` appends to the inner column (exactly one value).
    pub fn push_with<T>(&mut self, value: Option<T>, push: impl FnOnce(&mut C, T)) {
        match value {
            Some(value) => {
                push(&mut self.values, value);
                self.valid.append(true);
            }
            None => self.push_null(),
        }
    }
}

impl<T: ArrowPrimitiveType> Nullable<Integers<T>> {
    pub fn push(&mut self, value: Option<T::Native>) {
        self.push_with(value, |column, value| column.push(value));
    }
}

impl<const N: usize> Nullable<FixedBytes<N>> {
    pub fn push(&mut self, value: Option<&[u8; N]>) {
        self.push_with(value, |column, value| column.push(value));
    }
}

impl Nullable<UInt256> {
    pub fn push(&mut self, value: Option<&U256>) {
        self.push_with(value, |column, value| column.push(value));
    }

    /// Appends a word as it stands on the wire: most significant byte first.
    pub fn push_be(&mut self, word: Option<&[u8; 32]>) {
        self.push_with(word, |column, word| column.push_be(word));
    }
}

impl Nullable<Text> {
    pub fn push(&mut self, value: Option<&str>) {
        self.push_with(value, |column, value| column.push(value));
    }
}

impl Nullable<Bytes> {
    pub fn push(&mut self, value: Option<&[u8]>) {
        self.push_with(value, |column, value| column.push(value));
    }
}

impl<C: Column> Column for Nullable<C> {
    const NULLABLE: bool = true;

    fn arrow_type() -> DataType {
        C::arrow_type()
    }

    fn clickhouse_type() -> String {
        format!("Nullable({})", C::clickhouse_type())
    }

    fn n_rows(&self) -> usize {
        self.valid.len()
    }

    fn n_bytes(&self) -> usize {
        self.values.n_bytes() + self.valid.len() / 8
    }

    fn append_column(&mut self, other: Self) {
        self.values.append_column(other.values);
        self.valid.append_buffer(&other.valid.build());
    }

    fn finish_with_nulls(self, _: Option<NullBuffer>) -> ArrayRef {
        self.values
            .finish_with_nulls(Some(NullBuffer::new(self.valid.build())))
    }
}

/// A list in each row: `Array(C)`.
#[derive(Debug)]
pub struct List<C> {
    ends: Vec<i64>,
    items: C,
}

impl<C: Default> Default for List<C> {
    fn default() -> Self {
        Self {
            ends: vec![0],
            items: C::default(),
        }
    }
}

impl<C: Column> List<C> {
    /// Appends a row; `fill` appends its items to the inner column.
    pub fn push_with(&mut self, fill: impl FnOnce(&mut C)) {
        fill(&mut self.items);
        self.ends
            .push(i64::try_from(self.items.n_rows()).unwrap_or(i64::MAX));
    }

    fn item_field() -> Field {
        Field::new("item", C::arrow_type(), C::NULLABLE)
    }
}

impl<C: Column> Column for List<C> {
    fn arrow_type() -> DataType {
        DataType::LargeList(Arc::new(Self::item_field()))
    }

    fn clickhouse_type() -> String {
        format!("Array({})", C::clickhouse_type())
    }

    fn n_rows(&self) -> usize {
        self.ends.len() - 1
    }

    fn n_bytes(&self) -> usize {
        self.items.n_bytes() + size_of_val(self.ends.as_slice())
    }

    fn append_column(&mut self, other: Self) {
        let base = self.ends.last().copied().unwrap_or_default();
        self.items.append_column(other.items);
        self.ends
            .extend(other.ends.iter().skip(1).map(|end| base + end));
    }

    fn finish_with_nulls(self, nulls: Option<NullBuffer>) -> ArrayRef {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        Arc::new(LargeListArray::new(
            Arc::new(Self::item_field()),
            offsets,
            self.items.finish(),
            nulls,
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::{Array, cast::AsArray};

    use super::*;

    #[test]
    fn amounts_are_little_endian_words() {
        let mut column = UInt256::default();
        column.push(&U256::from(258));
        let array = column.finish();
        assert_eq!(array.as_fixed_size_binary().value(0)[..3], [2, 1, 0]);
    }

    #[test]
    fn appended_columns_keep_rows_apart() {
        let mut left = Nullable::<Bytes>::default();
        left.push(Some(b"ab"));
        left.push(None);
        let mut right = Nullable::<Bytes>::default();
        right.push(Some(b""));
        right.push(Some(b"c"));
        left.append_column(right);
        let array = left.finish();
        let values: Vec<_> = array.as_binary::<i64>().iter().collect();
        assert_eq!(
            values,
            [Some(&b"ab"[..]), None, Some(&b""[..]), Some(&b"c"[..])]
        );
    }

    #[test]
    fn lists_append() {
        let mut left = List::<UInt8>::default();
        left.push_with(|items| items.push(1));
        let mut right = List::<UInt8>::default();
        right.push_with(|_| ());
        right.push_with(|items| {
            items.push(2);
            items.push(3);
        });
        left.append_column(right);
        let array = left.finish();
        let lengths: Vec<_> = (0..3)
            .map(|row| array.as_list::<i64>().value(row).len())
            .collect();
        assert_eq!(lengths, [1, 0, 2]);
    }
}
