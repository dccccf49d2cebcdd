//! Endless traffic on the demo tokens, and what their balances must be.
//!
//! Order of one `round`: settle every new block (`ledger`), broadcast again what got no answer (`senders`), plan and send new
//! transactions (`plan`, `operation`). Whatever a node answers, the traffic goes on: an error ends the round, and the next one, after a
//! pause that grows, begins by looking at the chain again.

mod ledger;
mod operation;
mod plan;
mod random;
mod round;
mod senders;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use lastro_besu_rpc::{BesuClient, RpcError};
use lastro_schema::{BlockNumber, BlockRef};
use tokio_util::sync::CancellationToken;

use self::ledger::{Ledger, RECENT_BLOCKS};
use self::plan::Planner;
use self::round::RoundError;
use self::senders::Senders;
use super::{DemoAccounts, DemoTokens};
use crate::bindings::{DemoBond, DemoCurrency};
use crate::node::{Call, Node};

pub use self::ledger::BalanceKey;

const MAX_BACK_OFF: Duration = Duration::from_secs(5);

/// How much traffic.
#[derive(Clone, Debug)]
pub struct TrafficOptions {
    /// New transactions for each block seen. All accounts together bound it: a transaction is on its way for two blocks or
    /// so, hence at most about half of accounts times `max_pending_per_account`.
    pub transactions_per_block: usize,
    /// Transactions that one account has on its way at most. Besu's sequenced pool refuses more than 5.
    pub max_pending_per_account: usize,
    /// Start of the random choices.
    pub seed: u64,
    /// Pause between two looks at the chain.
    pub poll_interval: Duration,
}

impl Default for TrafficOptions {
    fn default() -> Self {
        Self {
            transactions_per_block: 10,
            max_pending_per_account: 4,
            seed: 1,
            poll_interval: Duration::from_millis(100),
        }
    }
}

/// Why traffic cannot begin, or must end.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    #[error("failed to {step} before the demo traffic")]
    Rpc {
        step: &'static str,
        source: RpcError,
    },
    #[error("node has no block yet, wait until it has loaded its genesis block and try again")]
    NoHead,
    #[error("demo traffic needs at least one holder besides the issuer")]
    NoHolders,
    #[error("no demo token answers at {token}, deploy the demo tokens first")]
    NoToken { token: Address },
    #[error(
        "token {token} already has a supply of {supply}: traffic needs newly deployed tokens to know all balances"
    )]
    TokenInUse { token: Address, supply: U256 },
    #[error(
        "transaction {transaction} in block {block} succeeded although the balances sent by this process do not cover it, \
         stop whoever else uses the demo accounts"
    )]
    Diverged { transaction: B256, block: BlockRef },
    #[error(
        "chain was reorganised by more than {RECENT_BLOCKS} blocks below block {head}, deploy the tokens again"
    )]
    ReorganisedTooDeep { head: BlockRef },
}

/// What balances must be after `block`, and after it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedBalances {
    pub block: BlockRef,
    /// Every account that was ever touched, zeros included.
    pub balances: BTreeMap<BalanceKey, U256>,
}

/// What the traffic has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficCounts {
    /// Signed and broadcast for the first time.
    pub submitted: u64,
    /// In a settled block, with success.
    pub succeeded: u64,
    /// In a settled block, without.
    pub reverted: u64,
    /// Broadcast again.
    pub rebroadcast: u64,
    /// Not taken by the node, for now.
    pub refused: u64,
    /// Given up because another transaction has the nonce.
    pub superseded: u64,
    /// Blocks that a reorganisation took back.
    pub unwound_blocks: u64,
    /// Rounds that ended with an error of the node.
    pub node_errors: u64,
}

/// A view on running traffic. It stays valid when the traffic has ended.
#[derive(Clone, Debug)]
pub struct Expected {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    counts: TrafficCounts,
}

impl Expected {
    /// As of the last settled block.
    pub fn balances(&self) -> ExpectedBalances {
        let shared = lock(&self.shared);
        ExpectedBalances {
            block: shared.ledger.head(),
            balances: shared.ledger.balances(),
        }
    }

    pub fn counts(&self) -> TrafficCounts {
        lock(&self.shared).counts
    }
}

/// Issues and transfers currency, bonds and deeds until it is told to stop.
#[derive(Debug)]
pub struct DemoTraffic {
    node: Node,
    tokens: DemoTokens,
    options: TrafficOptions,
    shared: Arc<Mutex<Shared>>,
    senders: Senders,
    planner: Planner,
    /// Transactions that may be sent now.
    quota: usize,
    /// Of the last settled block, in wei.
    base_fee: u128,
}

impl DemoTraffic {
    /// Looks at the chain; sends nothing.
    ///
    /// # Errors
    /// [`TrafficError`], e.g. for tokens that are already in use.
    pub async fn prepare(
        rpc: &BesuClient,
        tokens: DemoTokens,
        accounts: DemoAccounts,
        options: TrafficOptions,
    ) -> Result<Self, TrafficError> {
        if accounts.holders().is_empty() {
            return Err(TrafficError::NoHolders);
        }
        let node = Node::new(rpc.clone());
        let head = node
            .fetch_head()
            .await
            .map_err(start_error("read the head"))?
            .ok_or(TrafficError::NoHead)?;
        check_unused(&node, tokens, head.block.number).await?;
        let mut senders = Vec::new();
        for account in accounts.all() {
            let nonce = node.fetch_next_nonce(account.address()).await;
            senders.push((
                account.clone(),
                nonce.map_err(start_error("read the nonces"))?,
            ));
        }
        let shared = Shared {
            ledger: Ledger::new(head.block),
            counts: TrafficCounts::default(),
        };
        Ok(Self {
            node,
            tokens,
            shared: Arc::new(Mutex::new(shared)),
            senders: Senders::new(senders, options.max_pending_per_account),
            planner: Planner::new(tokens, accounts.faucet_addresses(), options.seed),
            quota: options.transactions_per_block,
            base_fee: head.base_fee,
            options,
        })
    }

    /// What the balances must be, while it runs and afterwards.
    pub fn expected(&self) -> Expected {
        Expected {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Runs until `stop` is cancelled. Transactions on their way then may still enter a block; the ledger stands at the
    /// last block it settled.
    ///
    /// # Errors
    /// [`TrafficError::Diverged`] and [`TrafficError::ReorganisedTooDeep`]: the expected balances cannot be known any more.
    /// Errors of the node never end it.
    pub async fn run(mut self, stop: CancellationToken) -> Result<TrafficCounts, TrafficError> {
        let mut pause = self.options.poll_interval;
        loop {
            match stop.run_until_cancelled(self.round()).await {
                None => break,
                Some(Ok(())) => pause = self.options.poll_interval,
                Some(Err(RoundError::Fatal(error))) => return Err(error),
                Some(Err(error)) => {
                    lock(&self.shared).counts.node_errors += 1;
                    error.log(pause);
                    pause = (pause * 2).min(MAX_BACK_OFF);
                }
            }
            if stop
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
            {
                break;
            }
        }
        Ok(lock(&self.shared).counts)
    }
}

/// The ledger starts from zero, so must the tokens.
async fn check_unused(
    node: &Node,
    tokens: DemoTokens,
    block: BlockNumber,
) -> Result<(), TrafficError> {
    // ERC-721 has no total; the three tokens are deployed and used together.
    let calls = [
        (
            tokens.currency,
            DemoCurrency::totalSupplyCall {}.abi_encode(),
        ),
        (tokens.bond, DemoBond::totalSupply_0Call {}.abi_encode()),
    ];
    for (token, input) in calls {
        let call = Call {
            from: Address::ZERO,
            to: Some(token),
            input: input.into(),
        };
        let returned = node
            .call(&call, block)
            .await
            .map_err(start_error("read a total supply"))?;
        let Ok(supply) = DemoCurrency::totalSupplyCall::abi_decode_returns_validate(&returned)
        else {
            return Err(TrafficError::NoToken { token });
        };
        if !supply.is_zero() {
            return Err(TrafficError::TokenInUse { token, supply });
        }
    }
    Ok(())
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Every change is whole before the lock is released, so a panic elsewhere leaves nothing half-done.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_error(step: &'static str) -> impl FnOnce(RpcError) -> TrafficError {
    move |source| TrafficError::Rpc { step, source }
}
