//! Strict reading of RLP: only the shortest form of each item is accepted, so that what was read can be written again.

use super::ExtraDataError;

pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn next_is_list(&self) -> bool {
        self.rest.first().is_some_and(|first| *first >= 0xc0)
    }

    pub(super) fn list(&mut self, item: &'static str) -> Result<Reader<'a>, ExtraDataError> {
        if !self.is_empty() && !self.next_is_list() {
            return Err(ExtraDataError::WrongKind {
                item,
                expected: "list",
            });
        }
        Ok(Reader {
            rest: self.payload(0xc0, item)?,
        })
    }

    pub(super) fn string(&mut self, item: &'static str) -> Result<&'a [u8], ExtraDataError> {
        if self.next_is_list() {
            return Err(ExtraDataError::WrongKind {
                item,
                expected: "string",
            });
        }
        if let Some((byte, rest)) = self.rest.split_first()
            && *byte < 0x80
        {
            self.rest = rest;
            return Ok(std::slice::from_ref(byte));
        }
        let payload = self.payload(0x80, item)?;
        if matches!(payload, [byte] if *byte < 0x80) {
            return Err(ExtraDataError::NonCanonical { item });
        }
        Ok(payload)
    }

    /// A string of exactly `N` bytes.
    pub(super) fn fixed<const N: usize>(
        &mut self,
        item: &'static str,
    ) -> Result<[u8; N], ExtraDataError> {
        let bytes = self.string(item)?;
        bytes.try_into().map_err(|_| ExtraDataError::WrongLength {
            item,
            expected: N,
            found: bytes.len(),
        })
    }

    /// Nothing may follow `item`.
    pub(super) fn end(&self, item: &'static str) -> Result<(), ExtraDataError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(ExtraDataError::TrailingBytes {
                item,
                n_bytes: self.rest.len(),
            })
        }
    }

    /// Takes the next item, whose first byte is known to be at least `base`, and gives its payload.
    fn payload(&mut self, base: u8, item: &'static str) -> Result<&'a [u8], ExtraDataError> {
        let truncated = ExtraDataError::Truncated { item };
        let Some((first, rest)) = self.rest.split_first() else {
            return Err(truncated);
        };
        let tag = usize::from(first - base);
        let (length, rest) = if tag <= 55 {
            (tag, rest)
        } else {
            let Some((digits, rest)) = rest.split_at_checked(tag - 55) else {
                return Err(truncated);
            };
            (long_length(digits, item)?, rest)
        };
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            return Err(truncated);
        };
        self.rest = rest;
        Ok(payload)
    }
}

fn long_length(digits: &[u8], item: &'static str) -> Result<usize, ExtraDataError> {
    let mut word = [0; size_of::<usize>()];
    let Some(start) = word.len().checked_sub(digits.len()) else {
        return Err(ExtraDataError::Truncated { item });
    };
    word[start..].copy_from_slice(digits);
    let length = usize::from_be_bytes(word);
    if digits.first() == Some(&0) || length <= 55 {
        return Err(ExtraDataError::NonCanonical { item });
    }
    Ok(length)
}
