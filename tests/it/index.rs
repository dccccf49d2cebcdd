//! A synthetic chain with everything in it, indexed whole, followed at its head, and through whatever a node, the database or
//! an operator does meanwhile: the tables hold what the generator knows, nothing missing and nothing twice.
#![allow(clippy::unwrap_used)]

mod facts;
mod head;
mod recovery;

use std::sync::{Arc, LazyLock};

use lastro_bench_chain::{
    Chain, ChainOptions, Fork, HugeBlock, ReplayNode, ReplayOptions, ServedChain, ValidatorChange,
    ValidatorVote,
};
use lastro_ingest::{IngestError, Proofs, store::StoreError};
use tokio::sync::OnceCell;

use crate::support::{Contents, Database, Setup, anchor, index_to_head, new_database};

const FORKS: [Fork; 6] = [
    Fork::SpuriousDragon,
    Fork::Berlin,
    Fork::London,
    Fork::Shanghai,
    Fork::Cancun,
    Fork::Prague,
];
/// Enough for a range of 100 blocks and some of one.
const N_BLOCKS: u64 = 130;
/// What depends on how much is recovered from signatures, and on how blocks are cut into ranges then.
const OF_PROOFS: [&str; 3] = ["proof", "senders_recovered", "signer"];

/// Validators come and go: within a range, at its end, and back again.
fn options(fork: Fork) -> ChainOptions {
    let change = |first_block, vote| ValidatorChange { first_block, vote };
    ChainOptions {
        validator_changes: vec![
            change(5, ValidatorVote::Add(4)),
            change(40, ValidatorVote::Remove(1)),
            change(96, ValidatorVote::Add(5)),
            change(110, ValidatorVote::Add(1)),
        ],
        epoch_length: 50,
        ..ChainOptions::mixed(N_BLOCKS, fork)
    }
}

/// The chain that most tests use.
static CHAIN: LazyLock<Chain> = LazyLock::new(|| Chain::generate(&options(Fork::Prague)).unwrap());
static SERVED: LazyLock<Arc<ServedChain>> = LazyLock::new(|| Arc::new(ServedChain::render(&CHAIN)));

/// What an undisturbed run makes of [`CHAIN`].
async fn undisturbed() -> &'static Contents {
    static CONTENTS: OnceCell<Contents> = OnceCell::const_new();
    CONTENTS
        .get_or_init(|| async {
            let (database, node) = (new_database(), serve(None));
            index_to_head(Setup::new(&database, SERVED.genesis_json()), &node).await;
            database.contents(&[]).await
        })
        .await
}

/// A node of [`CHAIN`] with a visible head.
fn serve(head: Option<u64>) -> ReplayNode {
    let options = ReplayOptions {
        head,
        ..ReplayOptions::default()
    };
    ReplayNode::start(Arc::clone(&SERVED), options).unwrap()
}

fn serve_chain(chain: &Chain) -> ReplayNode {
    ReplayNode::start(ServedChain::render(chain), ReplayOptions::default()).unwrap()
}

async fn index_all_forks(proofs: Proofs) -> Vec<(Chain, Database)> {
    let mut indexed = Vec::new();
    for fork in FORKS {
        let chain = Chain::generate(&options(fork)).unwrap();
        let (database, node) = (new_database(), serve_chain(&chain));
        let setup = Setup {
            proofs,
            ..Setup::new(&database, &chain.genesis_json)
        };
        index_to_head(setup, &node).await;
        facts::expect(&database, &chain).await;
        indexed.push((chain, database));
    }
    indexed
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fork_is_indexed_as_it_was_made() {
    let full = index_all_forks(Proofs::Full).await;
    let ranges = index_all_forks(Proofs::Ranges).await;
    for ((chain, full), (_, ranges)) in full.iter().zip(&ranges) {
        let fork = chain.options.fork;
        assert_eq!(
            full.contents(&OF_PROOFS).await,
            ranges.contents(&OF_PROOFS).await,
            "{fork:?}"
        );
        let proofs = "SELECT proof, count() FROM blocks GROUP BY proof ORDER BY proof";
        assert_eq!(full.lines(proofs).await, ["anchor\t1", "sealed\t130"]);
        let linked = ranges
            .number("SELECT count() FROM blocks WHERE proof = 'linked'")
            .await;
        assert!((50..100).contains(&linked), "{linked}");
        // Where the set changes, the last block under the old one is proven by seals of its own.
        let unproven = "SELECT count() FROM validators INNER JOIN blocks ON blocks.number + 1 = validators.first_block \
                        WHERE proof NOT IN ('sealed', 'anchor')";
        assert_eq!(ranges.number(unproven).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_of_100_000_logs() {
    let huge_block = Some(HugeBlock {
        number: 3,
        n_logs: 100_000,
    });
    let chain = Chain::generate(&ChainOptions {
        huge_block,
        ..ChainOptions::small(5)
    })
    .unwrap();
    let (database, node) = (new_database(), serve_chain(&chain));
    index_to_head(Setup::new(&database, &chain.genesis_json), &node).await;
    assert_eq!(
        database
            .number("SELECT n_logs FROM blocks WHERE number = 3")
            .await,
        100_000
    );
    facts::expect(&database, &chain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_nothing_but_genesis() {
    let chain = Chain::generate(&ChainOptions::small(0)).unwrap();
    let (database, node) = (new_database(), serve_chain(&chain));
    for _ in 0..2 {
        index_to_head(Setup::new(&database, &chain.genesis_json), &node).await;
        assert_eq!(
            database.lines("SELECT number, proof FROM blocks").await,
            ["0\tanchor"]
        );
    }
    facts::expect(&database, &chain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_takes_one_chain_only() {
    let (database, node) = (new_database(), serve(Some(10)));
    let setup = Setup::new(&database, SERVED.genesis_json());
    index_to_head(setup.clone(), &node).await;
    let before = database.contents(&[]).await;

    let other_id = ChainOptions {
        chain_id: 7,
        ..ChainOptions::small(10)
    };
    let other_genesis = ChainOptions {
        genesis_timestamp: 1,
        ..options(Fork::Prague)
    };
    for other in [other_id, other_genesis] {
        let other = Chain::generate(&other).unwrap();
        let other_node = serve_chain(&other);
        let with_its_file = Setup {
            anchor: anchor(&other.genesis_json),
            ..setup.clone()
        };
        let error = with_its_file.try_start(&[&other_node]).await.err().unwrap();
        let is_other = matches!(error, IngestError::Store(StoreError::OtherChain { .. }));
        assert!(is_other, "{error}");
        let error = setup.clone().try_start(&[&other_node]).await.err().unwrap();
        assert!(matches!(error, IngestError::Anchor(_)), "{error}");
    }
    assert_eq!(database.contents(&[]).await, before);
    node.set_head(12);
    index_to_head(setup, &node).await;
    assert_eq!(database.number("SELECT count() FROM blocks").await, 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_refused() {
    let (database, node) = (new_database(), serve(Some(10)));
    let setup = Setup::new(&database, SERVED.genesis_json());
    let first = setup.clone().start(&[&node]).await;
    first.wait_committed(10).await;
    let error = setup.clone().try_start(&[&node]).await.err().unwrap();
    let is_held = matches!(error, IngestError::Store(StoreError::LeaseHeld { .. }));
    assert!(is_held, "{error}");
    node.set_head(N_BLOCKS);
    first.wait_committed(N_BLOCKS).await;
    first.stop().await;
    assert_eq!(database.contents(&[]).await, *undisturbed().await);
    // Once the first has given the lease back, the second gets it at once.
    index_to_head(setup, &node).await;
}
