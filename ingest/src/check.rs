//! Proves the stored rows again, without any node.
//!
//! Each block is rebuilt from its rows: transactions and receipts give the roots of the header, the header gives the
//! block's hash, hashes link block to block back to the anchor, and the stored seals must be a quorum of the validators
//! that follow from the anchor. Everything else in the tables follows from what was proven, so it is made anew by the
//! very code that made it first, and compared row by row and column by column. Rows are read range by range; memory does
//! not grow with the chain, but for the addresses of its tokens.
//!
//! Reading order: this file (what is read), `judge` (a commit range), `rebuild` and `transaction` (a block out of its
//! rows), `compare` and `cells` (rows beside rows), `stray` (rows of no range), `report` (what comes out).

mod cells;
mod compare;
mod judge;
mod rebuild;
mod report;
mod stray;
mod transaction;

use std::{collections::HashMap, sync::Arc};

use alloy_primitives::{Address, B256};
use lastro_schema::{
    BlockNumber, BlockRange, BlockRef, Header, TableDef, TableRows,
    tables::{Blocks, Checkpoints, chain_tables},
};
use serde::Deserialize;
use thiserror::Error;
use tokio::task::spawn_blocking;

use crate::{
    consensus::{Anchor, BftExtra, Consensus, ValidatorSet, VotingRules},
    link::ChainState,
    store::{ChainIdentity, Store, StoreError},
};
use cells::Row;
use judge::{Group, Judge, unreadable};
use rebuild::Rebuilder;
pub use report::{CheckReport, CheckStart, Difference, Discrepancy};
use stray::{find_repeated_checkpoints, find_stray_rows};

/// Blocks whose rows are read together, unless one commit range has more.
const GROUP_BLOCKS: u64 = 500;
/// More than any commit range of this program has.
const MAX_RANGE_BLOCKS: u64 = 10_000;
/// Checkpoints read together.
const CHECKPOINT_PAGE: u64 = 256;

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// The commit range that holds this block is the first; block 0 when `None`.
    pub from: Option<BlockNumber>,
    /// The commit range that holds this block is the last; the last one when `None`.
    pub to: Option<BlockNumber>,
    /// Where trust begins. When `None`, what the database itself names as its anchor.
    pub anchor: Option<Anchor>,
}

/// Why nothing can be said about the rows.
#[derive(Debug, Error)]
pub enum CheckError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("database {database} holds no chain: nothing was ever indexed into it")]
    NoChain { database: String },
    #[error("block {block} is not in the index, whose last block is {last}")]
    NotCommitted {
        block: BlockNumber,
        last: BlockNumber,
    },
    #[error("--from {from} is above --to {to}")]
    Backwards { from: BlockNumber, to: BlockNumber },
    #[error("the check cannot begin at block {first}: {reason}; begin at block 0")]
    Start { first: BlockNumber, reason: String },
    #[error("a part of the check ended unexpectedly: {detail}")]
    Stage { detail: String },
}

/// Checks whole commit ranges.
///
/// # Errors
/// Only what keeps the check from being made; what it finds is in the report.
pub async fn check(store: &Store, options: &CheckOptions) -> Result<CheckReport, CheckError> {
    let Some(identity) = store.chain().await? else {
        let database = store.config().database.clone();
        return Err(CheckError::NoChain { database });
    };
    let committed = last_checkpoint_at_or_below(store, u64::MAX).await?;
    let span = Span::new(store, options, committed).await?;
    let mut judge = begin(store, options, identity, span).await?;
    if let Some(last) = span.last {
        judge = judge_span(store, judge, span.first, last).await?;
        find_repeated_checkpoints(store, span.first, last, &mut judge.report).await?;
    }
    find_stray_rows(store, committed, &mut judge.report).await?;
    Ok(judge.report)
}

/// Whole commit ranges; `last` is `None` when nothing is committed.
#[derive(Clone, Copy)]
struct Span {
    first: u64,
    last: Option<u64>,
}

impl Span {
    async fn new(
        store: &Store,
        options: &CheckOptions,
        committed: Option<u64>,
    ) -> Result<Self, CheckError> {
        let Some(committed) = committed else {
            return Ok(Self {
                first: 0,
                last: None,
            });
        };
        if let (Some(from), Some(to)) = (options.from, options.to)
            && from > to
        {
            return Err(CheckError::Backwards { from, to });
        }
        for block in [options.from, options.to].into_iter().flatten() {
            if block.0 > committed {
                let last = BlockNumber(committed);
                return Err(CheckError::NotCommitted { block, last });
            }
        }
        let first = match options.from.and_then(BlockNumber::previous) {
            Some(before) => last_checkpoint_at_or_below(store, before.0)
                .await?
                .map_or(0, |last| last.saturating_add(1)),
            None => 0,
        };
        let last = Some(options.to.map_or(committed, |to| to.0));
        Ok(Self { first, last })
    }
}

#[derive(Deserialize)]
struct LastBlock {
    last_block: u64,
}

async fn last_checkpoint_at_or_below(store: &Store, block: u64) -> Result<Option<u64>, StoreError> {
    let sql = format!(
        "SELECT last_block FROM checkpoints WHERE last_block <= {block} ORDER BY last_block DESC LIMIT 1"
    );
    let rows: Vec<LastBlock> = store.rows(&sql).await?;
    Ok(rows.first().map(|row| row.last_block))
}

/// What is known before the first range: from the anchor, or from what is stored of the range before.
async fn begin(
    store: &Store,
    options: &CheckOptions,
    identity: ChainIdentity,
    span: Span,
) -> Result<Judge, CheckError> {
    let genesis_header = stored_genesis(store).await?;
    let consensus = match &genesis_header {
        Some(header) => Consensus::detect(header).ok(),
        None => None,
    };
    let anchor = options.anchor.as_ref();
    let stored_rules = serde_json::from_str::<VotingRules>(&identity.anchor_terms);
    let rules = match (anchor, &stored_rules) {
        (Some(anchor), _) => Arc::clone(anchor.rules()),
        (None, Ok(rules)) => Arc::new(rules.clone()),
        (None, Err(_)) => Arc::default(),
    };
    let genesis = BlockRef {
        number: BlockNumber(0),
        hash: anchor
            .and_then(anchored_hash)
            .unwrap_or(identity.genesis_hash),
    };
    let mut report = CheckReport {
        range: span
            .last
            .and_then(|last| BlockRange::new(BlockNumber(span.first), BlockNumber(last))),
        start: CheckStart::Genesis,
        anchor: anchor.map_or(identity.anchor.clone(), |anchor| {
            anchor.kind().name().to_owned()
        }),
        anchor_given: anchor.is_some(),
        genesis,
        n_blocks: 0,
        n_rows: Default::default(),
        differences: Vec::new(),
        n_differences: Default::default(),
        n_uncommitted: 0,
        n_unrecovered_seals: 0,
    };
    compare_identity(&identity, anchor, consensus, &mut report);
    count_identities(store, &mut report).await?;
    let consensus = consensus.unwrap_or(match identity.consensus.as_str() {
        "qbft" => Consensus::Qbft,
        "ibft2" => Consensus::Ibft2,
        _ => Consensus::Plain,
    });
    let mut judge = Judge {
        state: ChainState {
            consensus,
            genesis,
            head: None,
            validators: genesis_validators(consensus, genesis_header.as_ref(), &rules),
            tokens: Arc::default(),
        },
        rules,
        chain_id: identity.chain_id.0,
        rebuilder: Rebuilder::new(consensus),
        report,
    };
    if let Some(before) = span.first.checked_sub(1) {
        begin_after(store, &mut judge, BlockNumber(before)).await?;
    }
    Ok(judge)
}

/// Only to tell the consensus and the first validators: its hash is judged with the first range.
async fn stored_genesis(store: &Store) -> Result<Option<Header>, StoreError> {
    let range = BlockRange::single(BlockNumber(0));
    let batches = store.rows_of_range(Blocks::def(), range).await?;
    let rows = Row::all(Blocks::def(), &batches).map_err(unreadable)?;
    let header = rows.first().map(transaction::read_header);
    header.transpose().map_err(unreadable)
}

fn anchored_hash(anchor: &Anchor) -> Option<B256> {
    match anchor {
        Anchor::GenesisFile(file) => Some(file.hash),
        Anchor::PinnedHash { hash, .. } => Some(*hash),
        Anchor::FirstUse { .. } => None,
    }
}

fn genesis_validators(
    consensus: Consensus,
    genesis: Option<&Header>,
    rules: &Arc<VotingRules>,
) -> Option<ValidatorSet> {
    // What cannot be read here is reported when the block is judged.
    let extra = BftExtra::of_header(consensus.bft()?, genesis?).ok()?;
    ValidatorSet::from_genesis(Arc::clone(rules), &extra).ok()
}

fn compare_identity(
    stored: &ChainIdentity,
    anchor: Option<&Anchor>,
    consensus: Option<Consensus>,
    report: &mut CheckReport,
) {
    let mut expect = |column, stored: &str, expected: &str| {
        if stored != expected {
            report.add(Difference {
                table: "chain",
                block: None,
                what: Discrepancy::Altered {
                    row: "of the chain".to_owned(),
                    column,
                    stored: stored.to_owned(),
                    expected: expected.to_owned(),
                },
            });
        }
    };
    if let Some(consensus) = consensus {
        expect("consensus", &stored.consensus, consensus.name());
    }
    if let Some(hash) = anchor.and_then(anchored_hash) {
        expect(
            "genesis_hash",
            &stored.genesis_hash.to_string(),
            &hash.to_string(),
        );
    }
    // The rules are numbers, names and addresses, which always have a JSON form.
    let terms = |rules: &VotingRules| serde_json::to_string(rules).unwrap_or_default();
    match (
        anchor,
        serde_json::from_str::<VotingRules>(&stored.anchor_terms),
    ) {
        (Some(anchor), _) => {
            expect("anchor_terms", &stored.anchor_terms, &terms(anchor.rules()));
        }
        (None, Ok(rules)) => expect("anchor_terms", &stored.anchor_terms, &terms(&rules)),
        (None, Err(_)) => expect(
            "anchor_terms",
            &stored.anchor_terms,
            "rules that can be read",
        ),
    }
}

async fn count_identities(store: &Store, report: &mut CheckReport) -> Result<(), StoreError> {
    let n_rows = count(store, "SELECT count() AS n FROM chain").await?;
    for _ in 1..n_rows {
        report.add(Difference {
            table: "chain",
            block: None,
            what: Discrepancy::Unexpected {
                row: "beside the one of the chain".to_owned(),
            },
        });
    }
    Ok(())
}

/// Takes the end of an earlier range as it is stored.
async fn begin_after(
    store: &Store,
    judge: &mut Judge,
    before: BlockNumber,
) -> Result<(), CheckError> {
    let first = BlockNumber(before.0.saturating_add(1));
    let start_error = |reason: String| CheckError::Start { first, reason };
    let table = Checkpoints::def();
    let batches = store
        .rows_of_range(table, BlockRange::single(before))
        .await?;
    let rows = Row::all(table, &batches).map_err(unreadable)?;
    let row = rows
        .first()
        .ok_or_else(|| start_error(format!("the checkpoint of block {before} is gone")))?;
    let head = BlockRef {
        number: before,
        hash: row.fixed::<32>("last_hash").map_err(unreadable)?.into(),
    };
    judge.state.head = Some(head);
    judge.report.start = CheckStart::Checkpoint(head);
    if judge.state.consensus.bft().is_some() {
        let state = row.bytes("validator_state").map_err(unreadable)?;
        let set = ValidatorSet::from_bytes(Arc::clone(&judge.rules), state);
        judge.state.validators = Some(set.map_err(|error| start_error(error.to_string()))?);
    }
    judge.state.tokens = Arc::new(known_tokens(store, first).await?);
    Ok(())
}

async fn known_tokens(
    store: &Store,
    below: BlockNumber,
) -> Result<HashMap<Address, BlockNumber>, StoreError> {
    #[derive(Deserialize)]
    struct Token {
        token: Address,
        first_block: u64,
    }
    let sql = format!(
        "SELECT concat('0x', lower(hex(token))) AS token, first_block FROM tokens WHERE first_block < {below}"
    );
    let rows: Vec<Token> = store.rows(&sql).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.token, BlockNumber(row.first_block)))
        .collect())
}

async fn judge_span(
    store: &Store,
    mut judge: Judge,
    first: u64,
    last: u64,
) -> Result<Judge, CheckError> {
    let mut next = first;
    while next <= last {
        let (group, after) = read_group(store, next, last, &mut judge.report).await?;
        let Some(group) = group else {
            break;
        };
        let judging = spawn_blocking(move || {
            let goes_on = judge.judge(&group);
            (judge, goes_on)
        });
        let goes_on;
        (judge, goes_on) = judging.await.map_err(|error| CheckError::Stage {
            detail: error.to_string(),
        })?;
        let reached = after.saturating_sub(1);
        judge.report.range = BlockRange::new(BlockNumber(first), BlockNumber(reached));
        if !goes_on? {
            break;
        }
        next = after;
    }
    Ok(judge)
}

/// The next ranges with all their rows, and the first block after them; `None` when no checkpoint can be followed.
async fn read_group(
    store: &Store,
    next: u64,
    last: u64,
    report: &mut CheckReport,
) -> Result<(Option<Group>, u64), CheckError> {
    let table = Checkpoints::def();
    let checkpoints = store
        .arrow(&format!(
            "SELECT {} FROM {} WHERE last_block >= {next} ORDER BY {} LIMIT {CHECKPOINT_PAGE}",
            column_names(table),
            table.name,
            table.row_order.join(", ")
        ))
        .await?;
    let mut ranges: Vec<BlockRange> = Vec::new();
    let mut after = next;
    for row in Row::all(table, &checkpoints).map_err(unreadable)? {
        let n_blocks = row.block.saturating_sub(next).saturating_add(1);
        if after > last || (n_blocks > GROUP_BLOCKS && !ranges.is_empty()) {
            break;
        }
        // Another row of a range that is there already is told of elsewhere.
        let Some(range) = BlockRange::new(BlockNumber(after), BlockNumber(row.block)) else {
            continue;
        };
        if range.n_blocks() > MAX_RANGE_BLOCKS {
            let reason = format!(
                "no checkpoint follows block {after} within {MAX_RANGE_BLOCKS} blocks: nothing above is judged"
            );
            report.unproven(table.name, BlockNumber(after), reason);
            break;
        }
        after = row.block.saturating_add(1);
        ranges.push(range);
    }
    let span = BlockRange::new(BlockNumber(next), BlockNumber(after.saturating_sub(1)));
    let (Some(span), false) = (span, ranges.is_empty()) else {
        return Ok((None, after));
    };
    let mut tables = Vec::new();
    for table in chain_tables() {
        tables.push((table, store.rows_of_range(table, span).await?));
    }
    let group = Group {
        ranges,
        checkpoints,
        tables,
    };
    Ok((Some(group), after))
}

fn column_names(table: &TableDef) -> String {
    let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
    names.join(", ")
}

async fn count(store: &Store, sql: &str) -> Result<u64, StoreError> {
    #[derive(Deserialize)]
    struct Count {
        n: u64,
    }
    let rows: Vec<Count> = store.rows(sql).await?;
    Ok(rows.first().map_or(0, |row| row.n))
}
