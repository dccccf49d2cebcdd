//! Every lie that the generator knows is told to an indexer. Alone with the liar it stores nothing of that block or above,
//! keeps the answer in quarantine and says where it stopped; with an honest node beside the liar it goes on, and at the end
//! the tables are those of an undisturbed run.
//!
//! By default every kind of lie and every disguise is told at least once; `LASTRO_LIES=all` tells all of them.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, Instant},
};

use lastro_bench_chain::{
    Chain, ChainOptions, Disguise, Fork, Lie, LieError, ReceiptField, ReplayNode, ReplayOptions,
    ServedChain, TransactionField,
};
use lastro_ingest::{IngestError, ProgressSnapshot};
use lastro_schema::tables::chain_tables;

use crate::support::{Database, PATIENCE, Setup, index_to_head, new_database};

/// Databases that are lied to side by side.
const N_WORKERS: usize = 8;
/// Of lies that differ only in field and disguise, one in so many is told by default.
const STRIDE: usize = 6;
/// Strangers need some time to vote themselves in.
const N_BLOCKS: u64 = 500;
const BLOCKS_TO_TAKE_OVER: u64 = 40;

/// What tokens say of themselves is a node's word, proven by nothing: the liar may have been asked, or nobody.
const STATED: [&str; 4] = ["name", "symbol", "decimals", "metadata_block"];

static CHAIN: LazyLock<Chain> =
    LazyLock::new(|| Chain::generate(&ChainOptions::mixed(N_BLOCKS, Fork::Prague)).unwrap());
static HONEST: LazyLock<Arc<ServedChain>> = LazyLock::new(|| Arc::new(ServedChain::render(&CHAIN)));

/// Lies about fields that the index does not take a node's word for: it computes them, so there is nothing to refuse.
fn is_without_effect(lie: &Lie) -> bool {
    use ReceiptField::{ContractAddress, EffectiveGasPrice, From, GasUsed, LogsBloom, To, Type};
    match lie {
        Lie::AlteredReceipt(
            ContractAddress | EffectiveGasPrice | From | GasUsed | To,
            disguise,
        ) => *disguise < Disguise::MinoritySealed,
        // With the roots made to fit them, these are no longer what the index computes.
        Lie::AlteredReceipt(LogsBloom | Type, disguise) => *disguise < Disguise::Roots,
        _ => false,
    }
}

/// Strided, so that over all lies each disguise and each field is met.
fn told() -> Vec<Lie> {
    let all = Lie::every();
    // Another genesis is found before there is anything to index.
    let lies = all
        .into_iter()
        .filter(|lie| *lie != Lie::OtherGenesis)
        .enumerate();
    let every = std::env::var("LASTRO_LIES").is_ok_and(|value| value == "all");
    let is_told = |index: usize, lie: &Lie| {
        let is_one_of_a_kind = matches!(
            lie,
            Lie::Seals(_)
                | Lie::Strangers { .. }
                | Lie::SkippedBlock
                | Lie::RemovedBlock
                | Lie::AbsentBlock
                | Lie::ReceiptsOfAnotherBlock { .. }
                | Lie::AlteredTransaction(TransactionField::From, _)
        );
        every || is_one_of_a_kind || index.is_multiple_of(STRIDE)
    };
    lies.filter(|(index, lie)| is_told(*index, lie))
        .map(|(_, lie)| lie)
        .collect()
}

/// The chain with a lie about the first block from `first` on that has what the lie alters.
fn lie_from(first: u64, lie: &Lie) -> (u64, ServedChain) {
    for number in first..CHAIN.head() {
        let mut chain = CHAIN.clone();
        // What is behind the lie costs time and proves nothing more.
        let behind = if matches!(lie, Lie::Strangers { .. }) {
            BLOCKS_TO_TAKE_OVER
        } else {
            4
        };
        chain
            .blocks
            .truncate(usize::try_from(number + behind).unwrap());
        match ServedChain::lying(&chain, &[(number, lie.clone())]) {
            Ok(lying) => return (number, lying),
            Err(LieError::NothingToAlter { .. }) => {}
            Err(error) => panic!("{lie:?}: {error}"),
        }
    }
    panic!("no block from {first} on has what {lie:?} alters");
}

fn serve(chain: impl Into<Arc<ServedChain>>, head: Option<u64>) -> ReplayNode {
    ReplayNode::start(
        chain,
        ReplayOptions {
            head,
            ..ReplayOptions::default()
        },
    )
    .unwrap()
}

/// A database that is lied to, again and again.
struct Victim {
    database: Database,
    liar: ReplayNode,
    honest: ReplayNode,
    setup: Setup,
    n_told: usize,
}

impl Victim {
    async fn new() -> Self {
        let database = new_database();
        let setup = Setup::new(&database, HONEST.genesis_json());
        let (liar, honest) = (
            serve(Arc::clone(&HONEST), Some(1)),
            serve(Arc::clone(&HONEST), Some(1)),
        );
        index_to_head(setup.clone(), &honest).await;
        Self {
            database,
            liar,
            honest,
            setup,
            n_told: 0,
        }
    }

    /// Tells a lie about the next block that has what it alters.
    async fn hear(&mut self, lie: &Lie) {
        let (number, lying) = lie_from(self.honest.head() + 1, lie);
        if number > self.honest.head() + 1 {
            self.honest.set_head(number - 1);
            index_to_head(self.setup.clone(), &self.honest).await;
        }
        self.liar.set_chain(lying);
        self.liar.set_head(u64::MAX);
        if is_without_effect(lie) {
            self.honest.set_head(number);
            let running = self.setup.clone().start(&[&self.liar]).await;
            running.wait_committed(number).await;
            self.liar.set_chain(Arc::clone(&HONEST));
            // What is above is fetched as the honest node has it, or was not altered.
            self.honest.set_head(self.liar.head());
            running.wait_committed(self.liar.head()).await;
            running.stop().await;
        } else {
            self.hear_alone(lie, number).await;
            self.honest.set_head(number + 1);
            let running = self.setup.clone().start(&[&self.liar, &self.honest]).await;
            running.wait_committed(number).await;
            running.stop().await;
            self.honest.set_head(
                self.database
                    .number("SELECT max(last_block) FROM checkpoints")
                    .await,
            );
        }
        self.n_told += 1;
    }

    async fn hear_alone(&self, lie: &Lie, number: u64) {
        let running = self.setup.clone().start(&[&self.liar]).await;
        let stopped_at = |progress: ProgressSnapshot| progress.stopped_at.map(|(at, _)| at.0);
        let is_stopped = || {
            let progress = running.progress.snapshot();
            progress
                .committed
                .is_some_and(|last| last.number.0 == number - 1)
                && stopped_at(progress) == Some(number)
        };
        running
            .wait_for(
                &format!("{lie:?} about block {number} to be found"),
                is_stopped,
            )
            .await;
        for table in chain_tables() {
            let column = table.block_column.unwrap();
            let sql = format!(
                "SELECT count() FROM {} WHERE {column} >= {number}",
                table.name
            );
            let n_believed = self.database.number(&sql).await;
            assert_eq!(
                n_believed, 0,
                "{lie:?} about block {number}: rows in {}",
                table.name
            );
        }
        // A block that the node does not have is no answer that could be kept.
        let sql = format!("SELECT count() FROM quarantine WHERE block_number = {number}");
        let started = Instant::now();
        while *lie != Lie::AbsentBlock && self.database.number(&sql).await == 0 {
            assert!(
                started.elapsed() < PATIENCE,
                "{lie:?} about block {number} is not in quarantine"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        running.abort(&self.database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lie_gets_in_and_none_stops_the_index_beside_an_honest_node() {
    let lies = told();
    let n_lies = lies.len();
    let met: BTreeSet<_> = lies
        .iter()
        .map(|lie| {
            format!("{lie:?}")
                .split(['(', ' '])
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    let queue = Arc::new(Mutex::new(lies.into_iter()));
    let workers = (0..N_WORKERS).map(|_| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            let mut victim = Victim::new().await;
            loop {
                let lie = queue.lock().unwrap().next();
                let Some(lie) = lie else { break };
                victim.hear(&lie).await;
            }
            victim
        })
    });
    let mut n_told = 0;
    for worker in workers.collect::<Vec<_>>() {
        let victim = worker.await.unwrap();
        n_told += victim.n_told;
        let head = victim
            .database
            .number("SELECT max(last_block) FROM checkpoints")
            .await;
        let (undisturbed, node) = (new_database(), serve(Arc::clone(&HONEST), Some(head)));
        index_to_head(Setup::new(&undisturbed, HONEST.genesis_json()), &node).await;
        assert_eq!(
            victim.database.contents(&STATED).await,
            undisturbed.contents(&STATED).await
        );
    }
    assert_eq!(n_told, n_lies);
    println!(
        "{n_told} of {} lies told, of {} kinds: {met:?}",
        Lie::every().len(),
        met.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_of_another_genesis_is_refused_at_the_start() {
    let database = new_database();
    let lying = ServedChain::lying(&CHAIN, &[(5, Lie::OtherGenesis)]).unwrap();
    let liar = serve(lying, None);
    let setup = Setup::new(&database, HONEST.genesis_json());
    let error = setup.try_start(&[&liar]).await.err().unwrap();
    assert!(matches!(error, IngestError::Anchor(_)), "{error}");
}
