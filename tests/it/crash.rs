//! `lastro up` is killed at random instants, again and again on the same folder, while the chain grows; at the end the tables
//! are those of a run that nobody disturbed.
//!
//! `LASTRO_CRASHES` sets how many times, `LASTRO_CRASH_SEED` repeats the instants of an earlier run.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use lastro_bench_chain::{Chain, ChainOptions, Fork, ReplayNode, ReplayOptions, ServedChain};

use crate::support::{
    Database, PATIENCE, Setup, index_to_head, new_database, start_clickhouse, store_config,
};

const DEFAULT_CRASHES: u64 = 20;
/// A life is measured in what the program asks of its node, so that a slow machine crashes it at the same stages as a quick
/// one: about two calls per block. One in five is measured in milliseconds from the start instead.
const LONGEST_LIFE: u64 = 300;
const LONGEST_START: u64 = 2000;
const BLOCK_INTERVAL: Duration = Duration::from_millis(40);
/// There at the beginning, so that some crashes fall into the catching up.
const FIRST_HEAD: u64 = 150;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// SplitMix64: its numbers follow from the seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The program, its output in files of the folder.
fn start_program(folder: &Path, node: &ReplayNode) -> Child {
    let output = |name: &str| File::create(folder.join(name)).unwrap();
    Command::new(env!("CARGO_BIN_EXE_lastro"))
        .args(["up", "--proofs", "full", "--listen", "127.0.0.1:0"])
        .args(["--rpc", &node.http_url, "--ws", &node.ws_url])
        .arg("--genesis")
        .arg(folder.join("genesis.json"))
        .arg("--data-dir")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(output("stdout"))
        .stderr(output("stderr"))
        .spawn()
        .unwrap()
}

/// Waits until it serves; it must not end by itself.
async fn wait_until_serving(folder: &Path, program: &mut Child) {
    let started = Instant::now();
    let said = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    while !said("stdout").contains("GraphQL") {
        let ended = program.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "it ended with {ended:?}: {}",
            said("stderr")
        );
        assert!(
            started.elapsed() < PATIENCE,
            "it does not serve: {}",
            said("stderr")
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// SIGKILL after a random part of its life.
async fn crash(folder: &Path, node: &ReplayNode, random: &mut Random) {
    let mut program = start_program(folder, node);
    if random.below(5) == 0 {
        let life = Duration::from_millis(random.below(LONGEST_START));
        tokio::time::sleep(life).await;
    } else {
        wait_until_serving(folder, &mut program).await;
        let (life, started) = (random.below(LONGEST_LIFE), Instant::now());
        let last_call = node.counters().calls + life;
        while node.counters().calls < last_call && program.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < PATIENCE, "it asks the node nothing");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let ended = program.try_wait().unwrap();
    let log = || fs::read_to_string(folder.join("stderr")).unwrap();
    assert!(
        ended.is_none(),
        "it ended by itself with {ended:?}: {}",
        log()
    );
    program.kill().unwrap();
    program.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_and_nothing_is_missing_or_there_twice() {
    let n_crashes = setting("LASTRO_CRASHES", DEFAULT_CRASHES);
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let seed = setting("LASTRO_CRASH_SEED", clock);
    println!("{n_crashes} crashes, LASTRO_CRASH_SEED={seed}");
    let mut random = Random(seed);

    let n_blocks = FIRST_HEAD + n_crashes * 150;
    let chain = Chain::generate(&ChainOptions {
        transactions_per_block: 3,
        ..ChainOptions::mixed(n_blocks, Fork::Cancun)
    });
    let served = Arc::new(ServedChain::render(&chain.unwrap()));
    let options = ReplayOptions {
        head: Some(FIRST_HEAD),
        ..ReplayOptions::default()
    };
    let node = ReplayNode::start(Arc::clone(&served), options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("genesis.json"), served.genesis_json()).unwrap();

    node.advance_every(BLOCK_INTERVAL);
    for _ in 0..n_crashes {
        crash(folder.path(), &node, &mut random).await;
    }
    node.stop_advancing();
    let head = node.head();

    let server = start_clickhouse(&folder.path().join("data/clickhouse"), None).await;
    let database = Database::new(store_config(&server, "lastro"));
    let committed = database
        .number("SELECT max(last_block) FROM checkpoints")
        .await;
    let n_processes = database.number("SELECT max(epoch) FROM leases").await;
    index_to_head(Setup::new(&database, served.genesis_json()), &node).await;
    let crashed = database.contents(&[]).await;
    server.stop().await;

    let undisturbed = new_database();
    index_to_head(Setup::new(&undisturbed, served.genesis_json()), &node).await;
    assert_eq!(crashed, undisturbed.contents(&[]).await);
    println!(
        "{n_crashes} crashes of {n_processes} indexing processes, {committed} of {head} blocks committed by them, \
         {} rows equal",
        crashed.values().map(|(n_rows, _)| n_rows).sum::<u64>()
    );
    assert!(committed > FIRST_HEAD && n_processes > n_crashes / 3);
}
