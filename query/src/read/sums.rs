//! The one place that adds up balances.
//!
//! A sum over 256-bit integers wraps silently in ClickHouse, and any contract may emit a transfer of 2^256 - 1. So the upper
//! and the lower 128 bits of the amounts are added apart (room for 2^128 rows), what entered and what left apart, and the
//! four sums are put together here with checked arithmetic.

use alloy_primitives::{U256, U512};
use clickhouse::Row;
use serde::Deserialize;

use crate::read::wire;

/// Select list over rows with `direction` (1 entered, 0 left) and `amount`.
pub(crate) const SUMS: &str = "sumIf(bitShiftRight(amount, 128), direction = 1) AS in_high, \
     sumIf(toUInt256(toUInt128(amount)), direction = 1) AS in_low, \
     sumIf(bitShiftRight(amount, 128), direction = 0) AS out_high, \
     sumIf(toUInt256(toUInt128(amount)), direction = 0) AS out_low";

/// Over [`SUMS`]: the exact totals as pairs (upper part of any size, lower 128 bits), which compare like numbers.
pub(crate) const TOTALS: &str = "(in_high + bitShiftRight(in_low, 128), toUInt256(toUInt128(in_low))) AS entered, \
     (out_high + bitShiftRight(out_low, 128), toUInt256(toUInt128(out_low))) AS left_it";

/// Over [`TOTALS`]: whether they give no balance, and the balance where they do (else 0), for sorting.
pub(crate) const SORTABLE: &str = "entered.1 >= bitShiftLeft(toUInt256(1), 128) OR left_it.1 >= bitShiftLeft(toUInt256(1), 128) \
     OR entered < left_it AS flagged, \
     if(flagged, toUInt256(0), toUInt256(bitShiftLeft(entered.1, 128) + entered.2 - bitShiftLeft(left_it.1, 128) - left_it.2)) \
     AS balance";

/// Sums of halves of amounts, see the module.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub(crate) struct Sums {
    #[serde(deserialize_with = "wire::read")]
    pub in_high: U256,
    #[serde(deserialize_with = "wire::read")]
    pub in_low: U256,
    #[serde(deserialize_with = "wire::read")]
    pub out_high: U256,
    #[serde(deserialize_with = "wire::read")]
    pub out_low: U256,
}

/// Why totals give no balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SumProblem {
    /// What entered or what left is more than 2^256 - 1.
    Overflow,
    /// More left than entered.
    MoreLeft,
}

impl Sums {
    /// What entered, what left; `None` beyond 256 bits.
    pub(crate) fn totals(&self) -> (Option<U256>, Option<U256>) {
        (
            total(self.in_high, self.in_low),
            total(self.out_high, self.out_low),
        )
    }

    /// What entered less what left: never negative, never wrapped.
    pub(crate) fn balance(&self) -> Result<U256, SumProblem> {
        let (Some(entered), Some(left)) = self.totals() else {
            return Err(SumProblem::Overflow);
        };
        entered.checked_sub(left).ok_or(SumProblem::MoreLeft)
    }
}

fn total(high: U256, low: U256) -> Option<U256> {
    // Both sums are below 2^256, so the total is below 2^385: no step of this can overflow 512 bits.
    let total: U512 = (U512::from(high) << 128) + U512::from(low);
    (total <= U512::from(U256::MAX)).then(|| U256::from_limbs_slice(&total.as_limbs()[..4]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The sums as the select list gives them.
    fn sums(entered: &[U256], left: &[U256]) -> Sums {
        let high = |amounts: &[U256]| amounts.iter().map(|amount| *amount >> 128).sum();
        let low = |amounts: &[U256]| {
            amounts
                .iter()
                .map(|amount| *amount & U256::from(u128::MAX))
                .sum()
        };
        Sums {
            in_high: high(entered),
            in_low: low(entered),
            out_high: high(left),
            out_low: low(left),
        }
    }

    #[test]
    fn a_total_beyond_256_bits_is_no_number() {
        let sums = sums(&[U256::MAX, U256::from(1)], &[]);
        assert_eq!(sums.balance(), Err(SumProblem::Overflow));
        assert_eq!(super::Sums::default().balance(), Ok(U256::ZERO));
    }

    #[test]
    fn a_balance_is_never_negative() {
        assert_eq!(
            sums(&[U256::from(1)], &[U256::from(2)]).balance(),
            Err(SumProblem::MoreLeft)
        );
        assert_eq!(sums(&[U256::MAX], &[U256::MAX]).balance(), Ok(U256::ZERO));
    }

    proptest! {
        #[test]
        fn equals_wide_arithmetic(
            entered in proptest::collection::vec(any::<[u8; 32]>(), 0..5),
            left in proptest::collection::vec(any::<[u8; 32]>(), 0..5),
        ) {
            let amounts = |raw: &[[u8; 32]]| raw.iter().map(|bytes| U256::from_be_bytes(*bytes)).collect::<Vec<_>>();
            let (entered, left) = (amounts(&entered), amounts(&left));
            let wide = |amounts: &[U256]| amounts.iter().map(|amount| U512::from(*amount)).sum::<U512>();
            let (wide_in, wide_out, max) = (wide(&entered), wide(&left), U512::from(U256::MAX));
            let expected = if wide_in > max || wide_out > max {
                Err(SumProblem::Overflow)
            } else if wide_in < wide_out {
                Err(SumProblem::MoreLeft)
            } else {
                Ok(U256::from(wide_in - wide_out))
            };
            prop_assert_eq!(sums(&entered, &left).balance(), expected);
        }
    }
}
