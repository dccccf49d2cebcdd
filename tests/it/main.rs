//! End-to-end tests against real servers.

mod check;
mod contracts;
mod crash;
mod graphql;
mod index;
mod lies;
mod recorded;
mod servers;
#[allow(clippy::unwrap_used)]
mod support;
mod workspace;
