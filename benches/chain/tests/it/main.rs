//! Tests of the synthetic chain and its node against an independent verifier and recordings of a real node.
#![allow(clippy::unwrap_used)]

mod checker;
mod client;
mod consistency;
mod lies;
mod node;
mod node_state;
mod websocket;
