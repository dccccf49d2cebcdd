//! Tokens and traffic for demonstrations and end-to-end tests. Development networks only: the keys are derived from a
//! phrase that anybody may know.
//!
//! ```no_run
//! # async fn demo(rpc: lastro_besu_rpc::BesuClient, stop: tokio_util::sync::CancellationToken) -> Result<(), Box<dyn std::error::Error>> {
//! use lastro_contracts::demo::{self, DemoAccounts, DemoTraffic, TrafficOptions};
//!
//! let accounts = DemoAccounts::derive("any phrase", 20)?;
//! let tokens = demo::deploy(&rpc, &accounts).await?;
//! let traffic = DemoTraffic::prepare(&rpc, tokens, accounts, TrafficOptions::default()).await?;
//! let expected = traffic.expected();
//! traffic.run(stop).await?;
//! println!("{} balances at block {}", expected.balances().balances.len(), expected.balances().block);
//! # Ok(()) }
//! ```
//!
//! Reading order: `accounts`, `deploy`, then `traffic` with its `ledger` (what the balances must be) and `plan` (what is
//! done next).

mod accounts;
mod deploy;
mod traffic;

pub use accounts::DemoAccounts;
pub use deploy::{DemoTokens, DeployError, deploy};
pub use traffic::{
    BalanceKey, DemoTraffic, Expected, ExpectedBalances, TrafficCounts, TrafficError,
    TrafficOptions,
};
