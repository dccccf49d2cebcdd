//! JSON objects of a genesis file. Keys are looked up without regard to case, as Besu and GoQuorum do; numbers that the
//! two would read differently are refused.

use alloy_primitives::{Address, B256, U256, hex};
use serde_json::{Map, Value};

use super::GenesisError;

/// Text of a bad value that goes into a message.
const MAX_SHOWN: usize = 80;

pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// Path of this object, empty at the root.
    path: String,
}

impl<'a> Fields<'a> {
    pub(super) fn root(json: &'a Value) -> Result<Self, GenesisError> {
        Self::of(json, String::new())
    }

    pub(super) fn of(json: &'a Value, path: String) -> Result<Self, GenesisError> {
        match json {
            Value::Object(object) => Ok(Self { object, path }),
            other => Err(malformed(path, "an object", other)),
        }
    }

    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    pub(super) fn missing(&self, key: &str) -> GenesisError {
        GenesisError::Missing {
            path: self.path(key),
        }
    }

    /// A bad value of `key`.
    pub(super) fn malformed(
        &self,
        key: &str,
        expected: &'static str,
        found: &Value,
    ) -> GenesisError {
        malformed(self.path(key), expected, found)
    }

    /// `null` is as good as absent.
    pub(super) fn get(&self, key: &str) -> Result<Option<&'a Value>, GenesisError> {
        let mut found = self
            .object
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(key));
        let value = found.next().map(|(_, value)| value);
        if found.next().is_some() {
            return Err(GenesisError::Ambiguous {
                path: self.path(key),
            });
        }
        Ok(value.filter(|value| !value.is_null()))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.object.iter()
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Fields<'a>>, GenesisError> {
        self.get(key)?
            .map(|value| Fields::of(value, self.path(key)))
            .transpose()
    }

    pub(super) fn array(&self, key: &str) -> Result<Option<&'a [Value]>, GenesisError> {
        match self.get(key)? {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(self.malformed(key, "an array", other)),
        }
    }

    pub(super) fn bool(&self, key: &str) -> Result<Option<bool>, GenesisError> {
        match self.get(key)? {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(self.malformed(key, "true or false", other)),
        }
    }

    /// Decimal, or hexadecimal after 0x; a JSON number or text.
    pub(super) fn quantity(&self, key: &str) -> Result<Option<U256>, GenesisError> {
        const EXPECTED: &str =
            "a number, in digits without leading zeros or in hexadecimal after 0x";
        self.with_text(key, EXPECTED, parse_quantity)
    }

    pub(super) fn u64(&self, key: &str) -> Result<Option<u64>, GenesisError> {
        const EXPECTED: &str =
            "a number below 2^64, in digits without leading zeros or in hexadecimal after 0x";
        self.with_text(key, EXPECTED, |text| parse_quantity(text)?.try_into().ok())
    }

    /// Where Besu takes digits for hexadecimal even without 0x, and GoQuorum for decimal: both agree below ten only.
    pub(super) fn hex_quantity(&self, key: &str) -> Result<Option<U256>, GenesisError> {
        const EXPECTED: &str =
            "a number in hexadecimal after 0x (without it, nodes read it differently)";
        self.with_text(key, EXPECTED, |text| {
            let value = parse_quantity(text)?;
            (text.starts_with("0x") || value < U256::from(10)).then_some(value)
        })
    }

    pub(super) fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, GenesisError> {
        self.with_text(key, "bytes in hexadecimal", |text| hex::decode(text).ok())
    }

    pub(super) fn word(&self, key: &str) -> Result<Option<B256>, GenesisError> {
        self.with_text(key, "up to 32 bytes in hexadecimal", |text| {
            parse_padded::<32>(text).map(B256::from)
        })
    }

    pub(super) fn address(&self, key: &str) -> Result<Option<Address>, GenesisError> {
        self.with_text(key, "an address", parse_address)
    }

    fn with_text<T>(
        &self,
        key: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, GenesisError> {
        let Some(value) = self.get(key)? else {
            return Ok(None);
        };
        let parsed = match value {
            Value::String(text) => parse(text),
            Value::Number(number) => parse(&number.to_string()),
            _ => None,
        };
        parsed
            .map(Some)
            .ok_or_else(|| self.malformed(key, expected, value))
    }
}

/// Up to 20 bytes in hexadecimal, with or without 0x; padded on the left.
pub(super) fn parse_address(text: &str) -> Option<Address> {
    parse_padded::<20>(text).map(Address::from)
}

/// Up to `N` bytes in hexadecimal, with or without 0x; padded on the left, as nodes do.
pub(super) fn parse_padded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let padded = format!("{digits:0>width$}", width = 2 * N);
    let mut bytes = [0; N];
    hex::decode_to_slice(padded, &mut bytes).ok()?;
    Some(bytes)
}

/// An empty path is the root.
pub(super) fn malformed(path: String, expected: &'static str, found: &Value) -> GenesisError {
    let found = found.to_string();
    let shown = match found.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &found[..end]),
        None => found,
    };
    let path = if path.is_empty() {
        "the root of the file".to_owned()
    } else {
        path
    };
    GenesisError::Malformed {
        path,
        expected,
        found: shown,
    }
}

fn parse_quantity(text: &str) -> Option<U256> {
    if let Some(digits) = text.strip_prefix("0x") {
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return is_hex
            .then(|| U256::from_str_radix(digits, 16).ok())
            .flatten();
    }
    // Besu takes a leading zero for octal.
    let is_plain = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    is_plain
        .then(|| U256::from_str_radix(text, 10).ok())
        .flatten()
}
