//! How blocks are cut into commit ranges, so that a restart cuts them at the same places.
//!
//! A plan is written before the first insert that follows it. Replaying the same range under the same deduplication token
//! is then a repetition, not a second copy, however many times the process was killed.

use lastro_schema::{BlockNumber, BlockRange, tables};
use serde::Deserialize;

use super::{Store, StoreError};

/// From `first_block` on, ranges of `blocks_per_range`, until the next plan's `first_block`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Plan {
    /// Rises with each deletion of rows; part of every insert's token.
    pub generation: u32,
    pub first_block: u64,
    /// 0 for a plan that only starts a generation after a deletion: the next plan, with the same first block, says how
    /// blocks are cut.
    pub blocks_per_range: u64,
    /// Most blocks above the checkpoint that may have been inserted while this plan was in force.
    pub window_blocks: u64,
}

/// Plans in force, in ascending order of their first block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plans(Vec<Plan>);

impl Plans {
    /// Adds a plan, which voids the earlier ones that start at or above its start.
    pub(crate) fn push(&mut self, plan: Plan) {
        self.0
            .retain(|earlier| earlier.first_block < plan.first_block);
        self.0.push(plan);
    }

    /// Generation of the newest plan; 0 before the first.
    pub(crate) fn generation(&self) -> u32 {
        self.0.last().map_or(0, |plan| plan.generation)
    }

    /// The plan that `block` is cut by.
    pub(crate) fn plan_at(&self, block: BlockNumber) -> Option<&Plan> {
        self.0.iter().rfind(|plan| plan.first_block <= block.0)
    }

    /// The plan that cuts blocks anew from `next` on, of which nothing is stored. Where an earlier plan starts at or above
    /// `next` a new generation begins, because only that voids it.
    pub(crate) fn cut_anew(
        &self,
        next: BlockNumber,
        blocks_per_range: u64,
        window_ranges: u64,
    ) -> Plan {
        let voids = |last: &Plan| {
            last.first_block > next.0 || (last.first_block == next.0 && last.blocks_per_range > 0)
        };
        Plan {
            generation: self.generation() + u32::from(self.last().is_some_and(voids)),
            first_block: next.0,
            blocks_per_range,
            window_blocks: blocks_per_range * window_ranges,
        }
    }

    /// Whether the newest plan cuts a range of `blocks_per_range` at `next`.
    pub(crate) fn cuts(&self, next: BlockNumber, blocks_per_range: u64) -> bool {
        self.last().is_some_and(|plan| {
            let into_plan = next.0.checked_sub(plan.first_block);
            plan.blocks_per_range == blocks_per_range
                && into_plan.and_then(|blocks| blocks.checked_rem(blocks_per_range)) == Some(0)
        })
    }

    /// The range that starts at `first`, as the plans cut it. `None` when no plan covers `first`.
    pub(crate) fn range_at(&self, first: BlockNumber) -> Option<BlockRange> {
        let position = self
            .0
            .iter()
            .rposition(|plan| plan.first_block <= first.0)?;
        let plan = self.0[position];
        let into_range = (first.0 - plan.first_block).checked_rem(plan.blocks_per_range)?;
        let mut last = first
            .0
            .saturating_add(plan.blocks_per_range - 1 - into_range);
        if let Some(next) = self.0.get(position + 1) {
            last = last.min(next.first_block - 1);
        }
        BlockRange::new(first, BlockNumber(last))
    }

    /// Last block that an earlier process may have inserted, given the first block without a checkpoint. A plan reaches
    /// as far as its window, but never into the next plan.
    pub(crate) fn replay_end(&self, first_uncommitted: BlockNumber) -> Option<BlockNumber> {
        let ends = self.0.iter().enumerate().filter_map(|(position, plan)| {
            let start = plan.first_block.max(first_uncommitted.0);
            let bound = self
                .0
                .get(position + 1)
                .map_or(u64::MAX, |next| next.first_block);
            (start < bound && plan.window_blocks > 0)
                .then(|| BlockNumber(start.saturating_add(plan.window_blocks).min(bound) - 1))
        });
        ends.max()
    }

    pub(crate) fn last(&self) -> Option<&Plan> {
        self.0.last()
    }
}

impl Store {
    pub(crate) async fn plans(&self) -> Result<Plans, StoreError> {
        let rows: Vec<Plan> = self
            .rows(
                "SELECT generation, first_block, blocks_per_range, window_blocks FROM plans \
                 ORDER BY generation, first_block, blocks_per_range",
            )
            .await?;
        let mut plans = Plans::default();
        rows.into_iter().for_each(|plan| plans.push(plan));
        Ok(plans)
    }

    /// Makes a plan durable. Plans are only ever added above everything that was inserted.
    pub(crate) async fn add_plan(&self, plan: &Plan) -> Result<(), StoreError> {
        let mut rows = tables::Plans::default();
        let token = format!(
            "plan-{}-{}-{}",
            plan.generation, plan.first_block, plan.blocks_per_range
        );
        rows.generation.push(plan.generation);
        rows.first_block.push(plan.first_block);
        rows.blocks_per_range.push(plan.blocks_per_range);
        rows.window_blocks.push(plan.window_blocks);
        self.insert_rows(rows, &token).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn plans(plans: &[(u64, u64, u64)]) -> Plans {
        let plan = |&(first_block, blocks_per_range, window_blocks)| Plan {
            generation: 0,
            first_block,
            blocks_per_range,
            window_blocks,
        };
        Plans(plans.iter().map(plan).collect())
    }

    fn cut(plans: &Plans, first: u64) -> (u64, u64) {
        let range = plans.range_at(BlockNumber(first)).unwrap();
        (range.first().0, range.last().0)
    }

    #[test]
    fn ranges_are_cut_at_the_same_places() {
        let plans = plans(&[(0, 100, 400), (250, 1, 8), (300, 100, 400)]);
        assert_eq!(
            [cut(&plans, 0), cut(&plans, 100), cut(&plans, 200)],
            [(0, 99), (100, 199), (200, 249)]
        );
        assert_eq!(
            [cut(&plans, 250), cut(&plans, 299), cut(&plans, 300)],
            [(250, 250), (299, 299), (300, 399)]
        );
        assert_eq!(Plans::default().range_at(BlockNumber(0)), None);
    }

    #[test]
    fn a_later_generation_voids_plans_above_it() {
        let mut plans = plans(&[(0, 100, 400), (250, 1, 8)]);
        plans.push(Plan {
            generation: 1,
            first_block: 200,
            blocks_per_range: 1,
            window_blocks: 8,
        });
        assert_eq!(
            (plans.generation(), cut(&plans, 100), cut(&plans, 260)),
            (1, (100, 199), (260, 260))
        );
    }

    #[test]
    fn a_plan_that_only_starts_a_generation_cuts_nothing() {
        let mut plans = plans(&[(0, 100, 400)]);
        let start = Plan {
            generation: 1,
            first_block: 0,
            blocks_per_range: 0,
            window_blocks: 0,
        };
        plans.push(start);
        assert_eq!(plans.range_at(BlockNumber(0)), None);
        assert_eq!(plans.replay_end(BlockNumber(0)), None);
        plans.push(Plan {
            blocks_per_range: 10,
            window_blocks: 20,
            ..start
        });
        assert_eq!((plans.generation(), cut(&plans, 15)), (1, (15, 19)));
    }

    #[test]
    fn blocks_cut_anew_void_the_plans_above() {
        let mut plans = plans(&[(0, 100, 400), (250, 1, 8)]);
        assert!(plans.cuts(BlockNumber(250), 1) && plans.cuts(BlockNumber(300), 1));
        assert!(!plans.cuts(BlockNumber(250), 100) && !plans.cuts(BlockNumber(120), 1));
        let later = plans.cut_anew(BlockNumber(300), 100, 4);
        assert_eq!((later.generation, later.window_blocks), (0, 400));
        // The same block, or one below the newest plan: the order of rows alone would not say which plan is in force.
        assert_eq!(plans.cut_anew(BlockNumber(250), 100, 4).generation, 1);
        let below = plans.cut_anew(BlockNumber(120), 10, 4);
        plans.push(below);
        assert_eq!(
            (cut(&plans, 100), cut(&plans, 260)),
            ((100, 119), (260, 269))
        );
        let generation = |block| plans.plan_at(BlockNumber(block)).unwrap().generation;
        assert_eq!((generation(119), generation(120)), (0, 1));
    }

    #[test]
    fn what_an_earlier_process_may_have_inserted() {
        assert_eq!(Plans::default().replay_end(BlockNumber(0)), None);
        assert_eq!(
            plans(&[(0, 100, 400)]).replay_end(BlockNumber(100)),
            Some(BlockNumber(499))
        );
        assert_eq!(
            plans(&[(0, 100, 400), (150, 1, 8)]).replay_end(BlockNumber(100)),
            Some(BlockNumber(157))
        );
        assert_eq!(
            plans(&[(0, 100, 400), (150, 1, 8)]).replay_end(BlockNumber(900)),
            Some(BlockNumber(907))
        );
        assert_eq!(
            plans(&[(0, 1, 8), (108, 100, 400)]).replay_end(BlockNumber(100)),
            Some(BlockNumber(507))
        );
    }
}
