//! GraphQL over the verified index.
//!
//! Three functions: [`schema`] (types only), [`router`] (transport only), [`serve`] (wiring). A request's way is written down
//! in `execute`: limits, its turn, the block it is pinned to, its time, its answer. Resolvers in `api` turn arguments into a
//! typed request, `read` holds every statement, `store` is the one door to ClickHouse, `head` knows the newest block that
//! answers may show.
//!
//! This crate never writes to a table, and it never shows a row above the last checkpoint.

pub mod api;
mod cursor;
mod error;
mod execute;
mod head;
mod limits;
mod metrics;
mod read;
mod serve;
mod store;
mod transport;

pub use api::{query::Query, status::NodeHead, subscription::Subscription};
pub use async_graphql::EmptyMutation;
use async_graphql::{Schema, SchemaBuilder};
pub use error::{ErrorCode, QueryError};
pub use head::HeadFeed;
pub use limits::{DEFAULT_PAGE_SIZE, Limits};
pub use serve::{
    Api, DEFAULT_LISTEN, RunningServer, ServeConfig, ServeError, Sources, router, serve,
};
pub use store::{ReadLimits, Store, StoreConfig};
pub use transport::{Check, ReadinessChecks};

/// The types, with the limits that the GraphQL library checks before it runs anything.
pub fn schema(limits: &Limits) -> SchemaBuilder<Query, EmptyMutation, Subscription> {
    Schema::build(Query, EmptyMutation, Subscription)
        .limit_depth(limits.max_depth)
        .limit_complexity(limits.max_complexity)
}

/// The schema as text, as in the committed `query/schema.graphql`.
pub fn sdl() -> String {
    schema(&Limits::default()).finish().sdl()
}
