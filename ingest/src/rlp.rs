//! Writing RLP into a growing buffer. Only writing: what is read from nodes is JSON.

/// A string item.
pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes {
        [byte] if *byte < 0x80 => out.push(*byte),
        _ => {
            write_header(out, 0x80, bytes.len());
            out.extend_from_slice(bytes);
        }
    }
}

/// An integer: its bytes without leading zeros, most significant first.
pub(crate) fn write_u64(out: &mut Vec<u8>, value: u64) {
    write_word(out, &value.to_be_bytes());
}

/// An integer given as a fixed-size word, most significant byte first.
pub(crate) fn write_word(out: &mut Vec<u8>, word: &[u8]) {
    let zeros = word.iter().take_while(|byte| **byte == 0).count();
    write_bytes(out, &word[zeros..]);
}

/// The header of a list whose items take `payload_length` bytes.
pub(crate) fn write_list_header(out: &mut Vec<u8>, payload_length: usize) {
    write_header(out, 0xc0, payload_length);
}

/// A list of items that are already RLP.
pub(crate) fn write_list(out: &mut Vec<u8>, payload: &[u8]) {
    write_list_header(out, payload.len());
    out.extend_from_slice(payload);
}

/// Bytes that a string of `length` bytes takes, for strings other than a single byte below 0x80.
pub(crate) const fn string_length(length: usize) -> usize {
    if length <= 55 {
        1 + length
    } else {
        1 + length_of_length(length) + length
    }
}

const fn length_of_length(length: usize) -> usize {
    (usize::BITS.div_ceil(8) - length.leading_zeros() / 8) as usize
}

fn write_header(out: &mut Vec<u8>, base: u8, length: usize) {
    // Lengths up to 55 stand in the first byte; longer ones follow it, and it counts their bytes.
    if let Ok(short @ 0..=55) = u8::try_from(length) {
        out.push(base + short);
        return;
    }
    let bytes = length.to_be_bytes();
    let n_bytes = length_of_length(length);
    out.push(base + 55 + u8::try_from(n_bytes).unwrap_or(8));
    out.extend_from_slice(&bytes[bytes.len() - n_bytes..]);
}

#[cfg(test)]
mod tests {
    use alloy_rlp::Encodable;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_equal_the_reference(bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..70),
            prop::collection::vec(any::<u8>(), 250..260),
            prop::collection::vec(any::<u8>(), 65_530..65_540),
        ]) {
            let (mut ours, mut reference) = (Vec::new(), Vec::new());
            write_bytes(&mut ours, &bytes);
            bytes.as_slice().encode(&mut reference);
            prop_assert_eq!(&ours, &reference);
            if bytes.len() != 1 {
                prop_assert_eq!(string_length(bytes.len()), reference.len());
            }
        }

        #[test]
        fn integers_equal_the_reference(value in prop_oneof![0_u64..300, any::<u64>()]) {
            let (mut ours, mut reference) = (Vec::new(), Vec::new());
            write_u64(&mut ours, value);
            value.encode(&mut reference);
            prop_assert_eq!(ours, reference);
        }

        #[test]
        fn lists_equal_the_reference(items in prop::collection::vec(any::<u64>(), 0..200)) {
            let (mut ours, mut payload, mut reference) = (Vec::new(), Vec::new(), Vec::new());
            for item in &items {
                write_u64(&mut payload, *item);
            }
            write_list(&mut ours, &payload);
            items.encode(&mut reference);
            prop_assert_eq!(ours, reference);
        }
    }
}
