//! ClickHouse values as domain types, for `#[serde(deserialize_with = "wire::read")]` on the fields of rows.

use std::fmt;

use alloy_primitives::{Address, Bytes, FixedBytes, U256};
use clickhouse::types::UInt256;
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// Reads a column value.
pub(crate) fn read<'de, D: Deserializer<'de>, T: Wire>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// A type that a column value becomes.
pub(crate) trait Wire: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// `FixedString(N)`: exactly `N` bytes without a length.
impl<const N: usize> Wire for FixedBytes<N> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array<const N: usize>;
        impl<'de, const N: usize> Visitor<'de> for Array<N> {
            type Value = FixedBytes<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{N} bytes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut bytes = [0; N];
                for (index, byte) in bytes.iter_mut().enumerate() {
                    *byte = seq
                        .next_element()?
                        .ok_or_else(|| A::Error::invalid_length(index, &self))?;
                }
                Ok(FixedBytes(bytes))
            }
        }
        deserializer.deserialize_tuple(N, Array::<N>)
    }
}

impl Wire for Address {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FixedBytes::<20>::read(deserializer).map(Self)
    }
}

/// `UInt256`: 32 bytes, least significant first.
impl Wire for U256 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        UInt256::deserialize(deserializer).map(|value| Self::from_le_bytes(value.to_le_bytes()))
    }
}

/// `String` that holds any bytes.
impl Wire for Bytes {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Blob;
        impl Visitor<'_> for Blob {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes::from(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Blob)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Via<T>>::deserialize(deserializer).map(|value| value.map(|Via(inner)| inner))
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Via<T>>::deserialize(deserializer)
            .map(|items| items.into_iter().map(|Via(inner)| inner).collect())
    }
}

struct Via<T>(T);

impl<'de, T: Wire> Deserialize<'de> for Via<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Via)
    }
}
