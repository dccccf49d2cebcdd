//! A small chain with known balances.
//!
//! | block | what happens |
//! | --- | --- |
//! | 0 | genesis: validators V1 to V4 |
//! | 1 | 1 000 BRL minted to A |
//! | 2 | A gives B 300 BRL; B gives C 50 BRL |
//! | 3 | a batch mints bond 1 (100 to A) and bond 2 (5 to A) |
//! | 4 | deed 7 minted to C; HUGE mints 2^256 - 1 and then 1 to A |
//! | 5 | C leaves the validators: V1 to V3 from block 6 on; B gives C 10 OLD, which B never got |
//! | 6 | A burns 100 BRL; C gives C 5 BRL |

use alloy_primitives::{Address, U256, address};
use lastro_schema::BlockRef;

use super::{
    rows::{BlockRows, Done, Moved, SetFrom, Tables, TokenMeta, chain_row},
    store::Database,
};

pub(crate) const A: Address = address!("0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
pub(crate) const B: Address = address!("0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
pub(crate) const C: Address = address!("0xcccccccccccccccccccccccccccccccccccccccc");
pub(crate) const BRL: Address = address!("0x1000000000000000000000000000000000000001");
pub(crate) const BOND: Address = address!("0x2000000000000000000000000000000000000002");
pub(crate) const DEED: Address = address!("0x3000000000000000000000000000000000000003");
pub(crate) const HUGE: Address = address!("0x4000000000000000000000000000000000000004");
pub(crate) const OLD: Address = address!("0x5000000000000000000000000000000000000005");
pub(crate) const CHAIN_ID: u64 = 1337;

pub(crate) fn validators() -> Vec<Address> {
    (1..=4).map(Address::with_last_byte).collect()
}

pub(crate) fn moved(token: Address, from: Address, to: Address, amount: u64) -> Moved {
    Moved {
        token,
        standard: "erc20",
        from,
        to,
        id: U256::ZERO,
        amount: U256::from(amount),
    }
}

pub(crate) fn done(moved: Moved) -> Done {
    Done {
        sender: moved.from,
        moved: vec![moved],
        batch: false,
    }
}

pub(crate) fn block(number: u64, transactions: Vec<Done>) -> BlockRows {
    BlockRows {
        number,
        transactions,
        signers: validators(),
        proof: "sealed",
        ..BlockRows::default()
    }
}

fn meta(
    token: Address,
    standard: &'static str,
    symbol: Option<&'static str>,
    decimals: Option<u8>,
) -> TokenMeta {
    TokenMeta {
        token,
        standard,
        symbol,
        decimals,
    }
}

fn set(first_block: u64, decided_in_block: u64, reason: &'static str, n_members: usize) -> SetFrom {
    SetFrom {
        first_block,
        decided_in_block,
        reason,
        members: validators()[..n_members].to_vec(),
    }
}

/// Blocks 0 to 6.
pub(crate) fn known_blocks() -> Vec<BlockRows> {
    let zero = Address::ZERO;
    let bond = |id: u64, amount: u64| Moved {
        standard: "erc1155",
        id: U256::from(id),
        ..moved(BOND, zero, A, amount)
    };
    let deed = Moved {
        standard: "erc721",
        id: U256::from(7),
        ..moved(DEED, zero, C, 1)
    };
    let huge = Moved {
        amount: U256::MAX,
        ..moved(HUGE, zero, A, 0)
    };
    vec![
        BlockRows {
            sets: vec![set(0, 0, "genesis", 4)],
            signers: vec![],
            proof: "linked",
            ..block(0, vec![])
        },
        BlockRows {
            new_tokens: vec![meta(BRL, "erc20", Some("BRL"), Some(2))],
            ..block(1, vec![done(moved(BRL, zero, A, 1_000))])
        },
        block(
            2,
            vec![done(moved(BRL, A, B, 300)), done(moved(BRL, B, C, 50))],
        ),
        BlockRows {
            new_tokens: vec![meta(BOND, "erc1155", None, None)],
            ..block(
                3,
                vec![Done {
                    sender: A,
                    moved: vec![bond(1, 100), bond(2, 5)],
                    batch: true,
                }],
            )
        },
        BlockRows {
            new_tokens: vec![
                meta(DEED, "erc721", Some("DEED"), None),
                meta(HUGE, "erc20", Some("HUGE"), Some(18)),
            ],
            ..block(
                4,
                vec![done(deed), done(huge), done(moved(HUGE, zero, A, 1))],
            )
        },
        BlockRows {
            new_tokens: vec![meta(OLD, "erc20", Some("OLD"), Some(0))],
            sets: vec![set(6, 5, "vote", 3)],
            ..block(5, vec![done(moved(OLD, B, C, 10))])
        },
        block(
            6,
            vec![done(moved(BRL, A, zero, 100)), done(moved(BRL, C, C, 5))],
        ),
    ]
}

/// Writes a block; its checkpoint comes last.
pub(crate) async fn commit(database: &Database, block: &BlockRows) -> BlockRef {
    commit_all(database, std::slice::from_ref(block)).await
}

/// Writes blocks, their checkpoints last; gives the last one.
pub(crate) async fn commit_all(database: &Database, blocks: &[BlockRows]) -> BlockRef {
    for (table, batch) in Tables::of(blocks).finish() {
        database.insert(table, &batch).await;
    }
    blocks[blocks.len() - 1].block_ref()
}

/// A database with the known chain, and its head.
pub(crate) async fn known_chain() -> (Database, BlockRef) {
    let database = Database::create().await;
    let head = fill(&database).await;
    (database, head)
}

pub(crate) async fn fill(database: &Database) -> BlockRef {
    database.insert("chain", &chain_row(CHAIN_ID, "qbft")).await;
    commit_all(database, &known_blocks()).await
}
