use alloy_primitives::U256;
use async_graphql::{Value, value};
use proptest::prelude::*;

use super::*;

fn error<S: InputType>(value: Value) -> String {
    S::parse(Some(value))
        .err()
        .map(|error| {
            error
                .into_server_error(async_graphql::Pos::default())
                .message
        })
        .unwrap()
}

#[test]
fn malformed_values_are_refused_with_the_reason() {
    assert!(
        error::<Address>(value!("00112233445566778899aabbccddeeff00112233"))
            .contains("begin with 0x")
    );
    assert!(error::<Address>(value!("0x00")).contains("40 hexadecimal digits after 0x, not 2"));
    assert!(error::<Hash>(Value::String(format!("0x{}", "g".repeat(64)))).contains("hexadecimal"));
    assert!(error::<Bytes>(value!("0x123")).contains("even number"));
    for bad in [
        value!("-1"),
        value!("1.5"),
        value!("0x10"),
        value!(""),
        value!(1.5),
        value!("1_000"),
        value!(-1),
    ] {
        assert!(
            error::<BigInt>(bad.clone()).contains("decimal integer"),
            "{bad}"
        );
        assert!(
            error::<BlockNumber>(bad.clone()).contains("integer from 0"),
            "{bad}"
        );
    }
    assert!(error::<BigInt>(Value::String(format!("1{}", U256::MAX))).contains("2^256 - 1"));
    assert!(!error::<UInt64>(value!(true)).is_empty());
    assert!(!error::<Cursor>(value!(1)).is_empty());
}

#[test]
fn large_numbers_are_strings() {
    assert_eq!(
        UInt64((1 << 53) - 1).to_value(),
        value!(9_007_199_254_740_991_u64)
    );
    assert_eq!(UInt64(1 << 53).to_value(), value!("9007199254740992"));
    assert_eq!(BigInt(U256::from(7)).to_value(), value!("7"));
}

#[test]
fn json_members_keep_their_order() {
    let json = Json::from_column(r#"{"b":"1","a":{"d":[],"c":null}}"#).unwrap();
    assert_eq!(
        serde_json::to_string(&json.to_value()).unwrap(),
        r#"{"b":"1","a":{"d":[],"c":null}}"#
    );
    assert!(Json::from_column("{").is_err());
}

proptest! {
    #[test]
    fn what_is_given_is_taken_back(number: u64, word: [u8; 32], address: [u8; 20], blob: Vec<u8>) {
        prop_assert_eq!(UInt64::parse(Some(UInt64(number).to_value())).ok(), Some(UInt64(number)));
        prop_assert_eq!(BlockNumber::parse(Some(BlockNumber(number).to_value())).ok(), Some(BlockNumber(number)));
        prop_assert_eq!(BigInt::parse(Some(BigInt(U256::from_be_bytes(word)).to_value())).ok(), Some(BigInt(U256::from_be_bytes(word))));
        prop_assert_eq!(Hash::parse(Some(Hash(word.into()).to_value())).ok(), Some(Hash(word.into())));
        prop_assert_eq!(Address::parse(Some(Address(address.into()).to_value())).ok(), Some(Address(address.into())));
        let blob = Bytes(blob.into());
        prop_assert_eq!(Bytes::parse(Some(blob.to_value())).ok(), Some(blob));
    }
}
