//! End-to-end tests against real servers.

mod contracts;
mod servers;
mod workspace;
