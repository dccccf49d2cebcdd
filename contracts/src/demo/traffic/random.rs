//! A small seeded generator (SplitMix64): traffic needs variety that can be repeated, not secrecy.

use alloy_primitives::U256;

#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `0..n`; 0 for `n` = 0. The bias of the remainder does not matter here.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next().checked_rem(n).unwrap_or(0)
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// In `1..=max`; 0 for `max` = 0. Small parts are as likely as large ones.
    pub(super) fn amount_up_to(&mut self, max: U256) -> U256 {
        if max.is_zero() {
            return max;
        }
        let share = max / U256::from(1 + self.below(16));
        let word = U256::from_limbs([self.next(), self.next(), self.next(), self.next()]);
        word % share.max(U256::ONE) + U256::ONE
    }

    pub(super) fn choose<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let n = u64::try_from(items.len()).ok()?;
        let index = usize::try_from(self.below(n)).ok()?;
        items.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix64() {
        // Published with the algorithm, seed 1234567.
        let mut random = Random::new(1_234_567);
        assert_eq!(
            [random.next(), random.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn amounts_stay_in_their_bounds() {
        let mut random = Random::new(1);
        assert_eq!(random.amount_up_to(U256::ZERO), U256::ZERO);
        for max in 1..200_u64 {
            let amount = random.amount_up_to(U256::from(max));
            assert!(!amount.is_zero() && amount <= U256::from(max));
        }
        assert_eq!(random.choose::<u8>(&[]), None);
    }
}
