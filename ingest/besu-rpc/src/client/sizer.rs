//! How much is asked for at once: requests per batch (a fixed limit of the node, found out) and blocks per range
//! (whatever keeps an answer at a size that is pleasant to hold in memory).

/// First batch size; Besu takes 1024 unless configured otherwise.
const FIRST_BATCH: usize = 64;
/// Beyond this a larger batch saves nothing.
const MAX_BATCH: usize = 256;
/// Answers of about this size are aimed at.
const TARGET_BYTES: usize = 8 << 20;

#[derive(Clone, Debug)]
pub(crate) struct Sizer {
    /// Requests per batch now.
    batch: usize,
    /// Never more than this.
    ceiling: usize,
    /// Largest batch that was answered.
    accepted: usize,
    /// Smallest batch that was refused.
    refused: Option<usize>,
    /// Blocks per range now, by the size of the answers.
    blocks: usize,
}

impl Sizer {
    pub(crate) fn new(batch_limit: Option<usize>) -> Self {
        let ceiling = batch_limit.unwrap_or(MAX_BATCH).max(1);
        let batch = batch_limit.unwrap_or(FIRST_BATCH).clamp(1, ceiling);
        Self {
            batch,
            ceiling,
            accepted: 0,
            refused: None,
            blocks: batch,
        }
    }

    pub(crate) fn requests_per_batch(&self) -> usize {
        self.batch
    }

    pub(crate) fn blocks_per_range(&self) -> usize {
        self.blocks.min(self.batch)
    }

    pub(crate) fn batch_accepted(&mut self, n_requests: usize) {
        self.accepted = self.accepted.max(n_requests);
        if n_requests < self.batch {
            return;
        }
        let next = match self.refused {
            // Between what is known to work and what is known not to.
            Some(refused) => usize::midpoint(self.batch, refused),
            None => self.batch + self.batch / 2 + 1,
        };
        self.batch = next.clamp(self.batch, self.ceiling);
    }

    /// A batch of one that is refused says nothing about batches.
    pub(crate) fn batch_refused(&mut self, n_requests: usize) {
        if n_requests <= 1 {
            return;
        }
        self.refused = Some(
            self.refused
                .map_or(n_requests, |refused| refused.min(n_requests)),
        );
        let known_good = if self.accepted < n_requests {
            self.accepted
        } else {
            1
        };
        self.batch = self.batch.min((n_requests / 2).max(known_good).max(1));
    }

    /// `n_bytes`: the larger of the two answers for `n_blocks` blocks.
    pub(crate) fn answered(&mut self, n_blocks: usize, n_bytes: usize) {
        let fitting = TARGET_BYTES.saturating_mul(n_blocks) / n_bytes.max(1);
        // Shrinks at once, grows by half.
        self.blocks = fitting
            .clamp(1, self.ceiling)
            .min(self.blocks + self.blocks / 2 + 1);
    }

    /// The answer was too large, or took too long.
    pub(crate) fn too_much(&mut self, n_blocks: usize) {
        self.blocks = self.blocks.min((n_blocks / 2).max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node with a limit of its own: what do we end up with?
    fn settle(limit: usize) -> usize {
        let mut sizer = Sizer::new(None);
        for _ in 0..50 {
            let n_requests = sizer.requests_per_batch();
            if n_requests <= limit {
                sizer.batch_accepted(n_requests)
            } else {
                sizer.batch_refused(n_requests)
            }
        }
        sizer.requests_per_batch()
    }

    #[test]
    fn the_limit_of_a_node_is_found() {
        assert_eq!(settle(1), 1);
        assert_eq!(settle(5), 5);
        assert_eq!(settle(63), 63);
        assert_eq!(settle(100), 100);
        assert_eq!(settle(1024), MAX_BATCH);
    }

    #[test]
    fn an_override_is_kept() {
        let mut sizer = Sizer::new(Some(10));
        sizer.batch_accepted(10);
        assert_eq!(sizer.requests_per_batch(), 10);
    }

    #[test]
    fn ranges_shrink_with_large_blocks_and_grow_back() {
        let mut sizer = Sizer::new(None);
        sizer.answered(64, 64 * (4 << 20));
        assert_eq!(sizer.blocks_per_range(), 2);
        sizer.too_much(2);
        assert_eq!(sizer.blocks_per_range(), 1);
        sizer.answered(1, 100 << 20);
        assert_eq!(sizer.blocks_per_range(), 1);
        for _ in 0..20 {
            sizer.answered(sizer.blocks_per_range(), 20_000 * sizer.blocks_per_range());
        }
        assert_eq!(sizer.blocks_per_range(), FIRST_BATCH);
    }
}
