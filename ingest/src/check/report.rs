//! What a check found.

use std::{collections::BTreeMap, fmt};

use lastro_schema::{BlockNumber, BlockRange, BlockRef, Mark, tables::chain_tables};

/// Differences kept per table; the others are only counted.
const MAX_KEPT: u64 = 20;

/// A stored row that is not what the proven rows give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub table: &'static str,
    /// Block that the row belongs to; `None` for the row of table `chain`.
    pub block: Option<BlockNumber>,
    pub what: Discrepancy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discrepancy {
    /// One column holds something else than what follows from the proven columns.
    Altered {
        /// The row, as `column value` pairs.
        row: String,
        column: &'static str,
        stored: String,
        expected: String,
    },
    Missing {
        row: String,
    },
    /// A row that nothing proven gives, or a second copy of one.
    Unexpected {
        row: String,
    },
    /// The block as a whole fails a proof, or cannot be judged.
    Unproven {
        reason: String,
    },
}

/// What the check begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStart {
    /// Block 0, whose hash the anchor gives.
    Genesis,
    /// The end of an earlier range: its hash, its validator set and the tokens seen by then are taken as stored.
    Checkpoint(BlockRef),
}

/// The outcome of a check.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// Whole commit ranges; `None` when nothing is committed.
    pub range: Option<BlockRange>,
    pub start: CheckStart,
    /// `genesis_file`, `pinned_hash` or `first_use`.
    pub anchor: String,
    /// Whether the anchor was given by the caller, rather than read from the database that is checked.
    pub anchor_given: bool,
    pub genesis: BlockRef,
    pub n_blocks: u64,
    /// Rows compared, by table.
    pub n_rows: BTreeMap<&'static str, u64>,
    /// The first of each table, in the order in which they were found.
    pub differences: Vec<Difference>,
    /// All of them, by table.
    pub n_differences: BTreeMap<&'static str, u64>,
    /// Rows above the last checkpoint, where an indexer may be at work: readers do not see them.
    pub n_uncommitted: u64,
    /// Seals whose signers were not recovered when they were stored.
    pub n_unrecovered_seals: u64,
}

impl CheckReport {
    pub fn is_clean(&self) -> bool {
        self.n_differences.is_empty()
    }

    /// What no check without a node can tell: columns that a node stated, and what is left over by the proofs.
    pub fn not_checkable(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for table in chain_tables() {
            let stated = table
                .columns
                .iter()
                .filter(|column| column.mark == Mark::Stated);
            // A seal is checked by who made it.
            let columns: Vec<_> = stated
                .map(|column| column.name)
                .filter(|name| *name != "seal")
                .collect();
            if !columns.is_empty() {
                lines.push(format!(
                    "{}: {} (stated by a node)",
                    table.name,
                    columns.join(", ")
                ));
            }
        }
        lines.extend([
            "blocks: senders_recovered, where a block is a commit range of its own (the check recovers every sender anyway)".to_owned(),
            "checkpoints: generation, committed_at; chain: anchor and what its operator vouches for".to_owned(),
            "whether blocks above the last checkpoint were removed together with it".to_owned(),
            "abis, leases, plans, quarantine, schema_migrations: bookkeeping that no proof covers".to_owned(),
        ]);
        if self.n_unrecovered_seals > 0 {
            lines.push(format!(
                "{} seals and the rounds of their blocks, whose signers were not recovered when they were stored: later seals prove \
                 these blocks",
                self.n_unrecovered_seals
            ));
        }
        lines
    }

    pub(super) fn add(&mut self, difference: Difference) {
        let count = self.n_differences.entry(difference.table).or_default();
        *count += 1;
        if *count <= MAX_KEPT {
            self.differences.push(difference);
        }
    }

    pub(super) fn unproven(&mut self, table: &'static str, block: BlockNumber, reason: String) {
        let what = Discrepancy::Unproven { reason };
        self.add(Difference {
            table,
            block: Some(block),
            what,
        });
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.table)?;
        if let Some(block) = self.block {
            write!(f, ", block {block}")?;
        }
        match &self.what {
            Discrepancy::Altered {
                row,
                column,
                stored,
                expected,
            } => write!(f, ": {column} of the row {row} is {stored}, not {expected}"),
            Discrepancy::Missing { row } => write!(f, ": the row {row} is missing"),
            Discrepancy::Unexpected { row } => write!(f, ": the row {row} should not be there"),
            Discrepancy::Unproven { reason } => write!(f, ": {reason}"),
        }
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            Some(range) => writeln!(
                f,
                "Checked     blocks {range}, {} of them rebuilt",
                self.n_blocks
            )?,
            None => writeln!(f, "Checked     no block: none is committed")?,
        }
        let source = if self.anchor_given {
            "as given"
        } else {
            "as the database has it"
        };
        writeln!(
            f,
            "Anchor      {} ({source}), block {}",
            self.anchor, self.genesis
        )?;
        if let CheckStart::Checkpoint(block) = self.start {
            writeln!(
                f,
                "Start       block {block}: that block, its validator set and the tokens seen by then are taken as stored"
            )?;
        }
        let rows: Vec<_> = self
            .n_rows
            .iter()
            .map(|(table, n)| format!("{table} {n}"))
            .collect();
        writeln!(f, "Rows        {}", rows.join(", "))?;
        if self.n_uncommitted > 0 {
            writeln!(
                f,
                "Not judged  {} rows above the last checkpoint, which readers do not see",
                self.n_uncommitted
            )?;
        }
        for line in self.not_checkable() {
            writeln!(f, "No proof    {line}")?;
        }
        for difference in &self.differences {
            writeln!(f, "Difference  {difference}")?;
        }
        for (table, count) in &self.n_differences {
            if *count > MAX_KEPT {
                writeln!(f, "Difference  {table}: {} more", count - MAX_KEPT)?;
            }
        }
        let total: u64 = self.n_differences.values().sum();
        match total {
            0 => writeln!(f, "Result      every row is what the proofs give"),
            n => writeln!(
                f,
                "Result      {n} differences: the stored rows are not what was proven"
            ),
        }
    }
}

/// An error with all that caused it.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
