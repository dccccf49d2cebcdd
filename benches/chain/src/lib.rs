//! Synthetic QBFT chains, and a node that serves them, for benches and end-to-end tests.
//!
//! The chain is made the slow obvious way, with alloy's types and tries, so that it checks the indexer's own encoders
//! from outside; roots, header hashes, transaction signatures and commit seals are valid, and the same options give the
//! same bytes. The node can be told to lie, to fall silent, or to go backwards.
//!
//! Reading order: `options` (what can be asked for), `generate` (the making, in four steps), `plan` (the traffic),
//! `consensus` (validators, votes, seals), `render` (Besu's JSON), `served` (a chain in memory), `node` (the server),
//! `lies`, `facts` (what an indexer must find).

mod block;
mod chain;
mod consensus;
mod drain;
mod events;
mod extra;
mod facts;
mod generate;
mod genesis;
mod keys;
mod ledger;
mod lies;
mod node;
mod options;
mod parallel;
mod plan;
mod random;
mod receipt;
mod record;
mod render;
mod served;
mod tokens;
mod transaction;

pub use block::Block;
pub use chain::{Chain, ChainError};
pub use consensus::quorum;
pub use drain::{DrainOptions, Drained, drain};
pub use extra::{ExtraData, Vote};
pub use facts::{ExpectedOddLog, ExpectedTransfer, Facts, OddLog};
pub use lies::{
    Disguise, HeaderField, Lie, LieError, LogField, ReceiptField, SealLie, StrangersHistory,
    TransactionField,
};
pub use node::{Counters, NodeError, Quirks, ReplayNode, ReplayOptions};
pub use options::{
    ChainOptions, Fork, HugeBlock, OptionsError, Traffic, ValidatorChange, ValidatorVote,
};
pub use receipt::{Outcome, Receipt};
pub use record::RecordError;
pub use served::ServedChain;
pub use tokens::{GENESIS_BALANCE, Metadata, Token, TokenKind};
pub use transaction::{Transaction, TransactionType};
