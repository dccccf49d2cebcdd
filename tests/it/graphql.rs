//! The GraphQL API over real tables in a real ClickHouse, asked over real HTTP and WebSocket.
//!
//! A small hand-made chain (`chain`) with known balances is written with the table definitions' own builders (`rows`) into a
//! database of its own per test (`store`); `api` starts the server and speaks to it.
#![allow(clippy::unwrap_used)]

mod api;
mod balances;
mod chain;
mod failures;
mod pages;
mod reads;
mod rows;
mod speed;
mod store;
mod subscriptions;
