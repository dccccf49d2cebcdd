//! Solidity sources, their bindings, and the write side.
//!
//! `solidity/` holds the sources, `build/compile.mjs` compiles them, `artifacts/` is what it wrote; all three are
//! committed and a test compiles again and compares.
//!
//! Reading order: [`artifacts`] (what the compiler made), [`bindings`] (calls, events and errors generated from it),
//! [`signing`] (a transaction and its signed bytes), [`revert`] (why the chain refused one), then [`demo`]: tokens and
//! traffic for demonstrations and end-to-end tests.

pub mod artifacts;
pub mod bindings;
pub mod demo;
pub mod revert;
pub mod signing;

mod node;
