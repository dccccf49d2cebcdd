//! Judges commit ranges one after the other: rebuilds their blocks, links them to the chain, and compares all rows.

use std::{collections::BTreeMap, slice, sync::Arc};

use alloy_primitives::Address;
use arrow_array::RecordBatch;
use lastro_schema::{
    BlockNumber, BlockRange, BlockRef, TableDef, TableRows, UnixSeconds,
    tables::{self, Checkpoints},
};

use super::{
    cells::{CellError, Row, of_block},
    compare::compare,
    rebuild::{RebuildError, Rebuilder, Rebuilt, StoredBlock},
    report::{CheckReport, Difference, Discrepancy, with_causes},
};
use crate::{
    consensus::{ValidatorSet, VotingRules},
    decode::CheckedChunk,
    link::{ChainState, LinkedRange, link_range},
    project::{SeenToken, Standard},
    rows::{RangeRows, TableBatch},
    store::{Checkpoint, StoreError, checkpoint::TableCount},
};

/// Tables whose rows, or parts of them, come from linking.
const LINKED_TABLES: [&str; 4] = ["block_seals", "tokens", "validator_votes", "validators"];

/// Consecutive commit ranges with all their rows.
pub(super) struct Group {
    pub ranges: Vec<BlockRange>,
    /// Rows of table `checkpoints`; those of other ranges are passed over.
    pub checkpoints: Vec<RecordBatch>,
    pub tables: Vec<(&'static TableDef, Vec<RecordBatch>)>,
}

/// The rows of one commit range, by table.
type StoredRows<'a> = BTreeMap<&'static str, Vec<Row<'a>>>;

/// What is known of the chain up to the last judged range, and what was found.
pub(super) struct Judge {
    pub state: ChainState,
    pub rules: Arc<VotingRules>,
    pub chain_id: u64,
    pub rebuilder: Rebuilder,
    pub report: CheckReport,
}

/// The blocks of a range as far as they could be rebuilt.
#[derive(Default)]
struct Content {
    chunk: Vec<crate::decode::CheckedBlock>,
    rows: RangeRows,
    tokens: BTreeMap<Address, (Standard, BlockNumber)>,
    lost: Vec<u64>,
}

impl Judge {
    /// Whether the ranges that follow can be judged.
    pub(super) fn judge(&mut self, group: &Group) -> Result<bool, StoreError> {
        self.judge_all(group).map_err(unreadable)
    }

    fn judge_all(&mut self, group: &Group) -> Result<bool, CellError> {
        let mut parts: Vec<StoredRows<'_>> = vec![StoredRows::new(); group.ranges.len()];
        for (table, batches) in &group.tables {
            for row in Row::all(table, batches)? {
                let at = group
                    .ranges
                    .partition_point(|range| range.last().0 < row.block);
                if let Some(part) = parts.get_mut(at) {
                    part.entry(table.name).or_default().push(row);
                }
            }
        }
        let checkpoints = Row::all(Checkpoints::def(), &group.checkpoints)?;
        for (range, rows) in group.ranges.iter().zip(&parts) {
            let stored = checkpoints.iter().find(|row| row.block == range.last().0);
            let Some(checkpoint) = stored else {
                continue;
            };
            if !self.judge_range(*range, rows, checkpoint, &group.tables)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn judge_range(
        &mut self,
        range: BlockRange,
        stored: &StoredRows<'_>,
        checkpoint: &Row<'_>,
        tables: &[(&'static TableDef, Vec<RecordBatch>)],
    ) -> Result<bool, CellError> {
        let mut content = self.rebuild(range, stored)?;
        let linked = self.link(range, &mut content);
        let is_linked = linked.is_some();
        let mut rows = content.rows;
        let after = linked.map(|linked| {
            rows.append(linked.rows);
            push_tokens(&mut rows, &linked.new_tokens);
            (linked.last, linked.last_timestamp, linked.state)
        });
        if !is_linked {
            copy_proofs(&mut rows, stored, &content.lost)?;
        }
        let batches = rows.into_batches();
        for (table, _) in tables {
            if !is_linked && LINKED_TABLES.contains(&table.name) {
                continue;
            }
            let found = stored
                .get(table.name)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let judged: Vec<_> = found
                .iter()
                .filter(|row| !content.lost.contains(&row.block))
                .copied()
                .collect();
            let expected = batches.iter().find(|batch| batch.table.name == table.name);
            let expected = expected.map_or(&[][..], |batch| slice::from_ref(&batch.rows));
            compare(table, expected, &judged, &mut self.report)?;
            *self.report.n_rows.entry(table.name).or_default() += count(judged.len());
        }
        self.count_unrecovered(stored)?;
        match after {
            Some((last, last_timestamp, state)) => {
                let expected = expected_checkpoint(
                    range,
                    checkpoint,
                    (last, last_timestamp),
                    &state,
                    &batches,
                )?;
                compare(
                    Checkpoints::def(),
                    &[expected],
                    slice::from_ref(checkpoint),
                    &mut self.report,
                )?;
                *self
                    .report
                    .n_rows
                    .entry(Checkpoints::def().name)
                    .or_default() += 1;
                self.state = state;
                Ok(true)
            }
            None => self.go_on_as_stored(range, stored, checkpoint),
        }
    }

    fn rebuild(
        &mut self,
        range: BlockRange,
        stored: &StoredRows<'_>,
    ) -> Result<Content, CellError> {
        let mut content = Content::default();
        for number in range.numbers() {
            match self.rebuild_block(number, stored) {
                Some(Ok(rebuilt)) => {
                    self.expect_chain_id(number, &rebuilt.chain_ids);
                    for (token, standard) in rebuilt.tokens {
                        content.tokens.entry(token).or_insert((standard, number));
                    }
                    content.rows.append(rebuilt.rows);
                    content.chunk.push(rebuilt.block);
                    self.report.n_blocks += 1;
                }
                Some(Err(error)) => {
                    self.report.unproven(
                        "blocks",
                        number,
                        format!("no block has these rows: {error}"),
                    );
                    content.lost.push(number.0);
                }
                None => {
                    let row = format!("number {number}");
                    self.report.add(Difference {
                        table: "blocks",
                        block: Some(number),
                        what: Discrepancy::Missing { row },
                    });
                    content.lost.push(number.0);
                }
            }
        }
        Ok(content)
    }

    fn rebuild_block(
        &mut self,
        number: BlockNumber,
        stored: &StoredRows<'_>,
    ) -> Option<Result<Rebuilt, RebuildError>> {
        let rows = |table: &str| {
            let all = stored.get(table).map(Vec::as_slice).unwrap_or_default();
            of_block(all, number.0)
        };
        let block = rows("blocks").first()?;
        Some(self.rebuilder.rebuild(&StoredBlock {
            block,
            transactions: rows("transactions"),
            logs: rows("logs"),
            seals: rows("block_seals"),
        }))
    }

    fn expect_chain_id(&mut self, number: BlockNumber, signed_for: &[u64]) {
        for chain_id in signed_for.iter().filter(|id| **id != self.chain_id) {
            self.report.add(Difference {
                table: "chain",
                block: None,
                what: Discrepancy::Altered {
                    row: format!("of the chain, by block {number}"),
                    column: "chain_id",
                    stored: self.chain_id.to_string(),
                    expected: chain_id.to_string(),
                },
            });
        }
    }

    /// Links the blocks of a range, if none of them is lost.
    fn link(&mut self, range: BlockRange, content: &mut Content) -> Option<LinkedRange> {
        if let Some(lost) = content.lost.first() {
            let reason = format!("blocks {range} cannot be linked without block {lost}");
            self.report.unproven("checkpoints", range.last(), reason);
            return None;
        }
        let seen = |(token, (standard, first)): (&Address, &(Standard, BlockNumber))| {
            let (token, standard) = (*token, *standard);
            (SeenToken { token, standard }, *first)
        };
        let mut seen_tokens: Vec<_> = content.tokens.iter().map(seen).collect();
        seen_tokens.sort_unstable_by_key(|(seen, first)| (*first, seen.token));
        let chunk = CheckedChunk {
            blocks: std::mem::take(&mut content.chunk),
            rows: RangeRows::default(),
            seen_tokens,
        };
        match link_range(&self.state, vec![chunk]) {
            Ok(linked) => Some(linked),
            Err((number, error)) => {
                self.report.unproven("blocks", number, with_causes(&error));
                None
            }
        }
    }

    /// After a range that could not be linked, the ranges that follow are judged by what is stored of its end.
    fn go_on_as_stored(
        &mut self,
        range: BlockRange,
        stored: &StoredRows<'_>,
        checkpoint: &Row<'_>,
    ) -> Result<bool, CellError> {
        let state = checkpoint.bytes("validator_state")?;
        if self.state.consensus.bft().is_some() {
            match ValidatorSet::from_bytes(Arc::clone(&self.rules), state) {
                Ok(set) => self.state.validators = Some(set),
                Err(error) => {
                    let reason = format!("the blocks that follow are not judged: {error}");
                    self.report.unproven("checkpoints", range.last(), reason);
                    return Ok(false);
                }
            }
        }
        self.state.head = Some(BlockRef {
            number: range.last(),
            hash: checkpoint.fixed::<32>("last_hash")?.into(),
        });
        let tokens = Arc::make_mut(&mut self.state.tokens);
        for row in stored.get("tokens").into_iter().flatten() {
            let token = Address::from(row.fixed::<20>("token")?);
            tokens.insert(token, BlockNumber(row.block));
        }
        Ok(true)
    }

    fn count_unrecovered(&mut self, stored: &StoredRows<'_>) -> Result<(), CellError> {
        for row in stored.get("block_seals").into_iter().flatten() {
            self.report.n_unrecovered_seals += u64::from(row.optional_bytes("signer")?.is_none());
        }
        Ok(())
    }
}

pub(super) fn unreadable(error: CellError) -> StoreError {
    StoreError::Answer {
        detail: error.to_string(),
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Where linking failed there is no label to compare with, so the stored one stands.
fn copy_proofs(
    rows: &mut RangeRows,
    stored: &StoredRows<'_>,
    lost: &[u64],
) -> Result<(), CellError> {
    let mut last = None;
    for row in stored.get("blocks").into_iter().flatten() {
        // Of several rows of one block the first was rebuilt.
        if lost.contains(&row.block) || last.replace(row.block) == Some(row.block) {
            continue;
        }
        rows.blocks
            .proof
            .push(&String::from_utf8_lossy(row.bytes("proof")?));
    }
    Ok(())
}

fn push_tokens(rows: &mut RangeRows, new_tokens: &[(SeenToken, BlockNumber)]) {
    let rows: &mut tables::Tokens = &mut rows.tokens;
    for (seen, first_block) in new_tokens {
        rows.token.push_address(&seen.token);
        rows.first_block.push(first_block.0);
        rows.standard.push(seen.standard.name());
        // Stated by a node, so not compared.
        rows.name.push(None);
        rows.symbol.push(None);
        rows.decimals.push(None);
        rows.metadata_block.push(None);
    }
}

/// The checkpoint that belongs to the proven rows; what is the index's own word is copied from the stored one.
fn expected_checkpoint(
    range: BlockRange,
    stored: &Row<'_>,
    (last, last_timestamp): (BlockRef, UnixSeconds),
    state: &ChainState,
    batches: &[TableBatch],
) -> Result<RecordBatch, CellError> {
    let digested = batches.iter().map(|batch| {
        let digest = lastro_schema::digest_rows(batch.table, &batch.rows);
        Ok(TableCount {
            table: batch.table,
            n_rows: count(batch.rows.num_rows()),
            digest: digest.map_err(|_| CellError::Kind { column: "digests" })?,
        })
    });
    let validators = state.validators.as_ref().map(ValidatorSet::to_bytes);
    let checkpoint = Checkpoint {
        range,
        last,
        last_timestamp,
        generation: u32::try_from(stored.u64("generation")?).unwrap_or(u32::MAX),
        tables: digested.collect::<Result<_, CellError>>()?,
        validator_state: String::from_utf8_lossy(&validators.unwrap_or_default()).into_owned(),
    };
    Ok(checkpoint.rows(stored.u64("committed_at")?).finish())
}
