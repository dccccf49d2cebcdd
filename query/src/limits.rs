//! Limits. `document` checks a request's text before anything of it runs; depth and complexity are checked by the GraphQL
//! library's validation, with the numbers and costs given here.

mod document;

use std::time::Duration;

/// What one request, one connection and all of them together may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels of nested fields.
    pub max_depth: usize,
    /// Cost of a request: 1 for each field that the answer may hold, lists counted at their page size, and 100 for each read
    /// of the tables.
    pub max_complexity: usize,
    /// Fields that the text holds once every fragment is put in its places.
    pub max_selections: u64,
    /// Rows of one page.
    pub max_page_size: u32,
    /// Bytes of a request: text and variables.
    pub max_request_bytes: usize,
    /// Time for one request, waiting for its turn included.
    pub request_timeout: Duration,
    /// Requests that run at once; more wait.
    pub max_concurrent_requests: usize,
    /// Reads of the tables that run at once, of all requests together; more wait.
    pub max_concurrent_reads: usize,
    /// Open WebSocket connections.
    pub max_connections: usize,
    /// Running subscriptions of one connection.
    pub max_subscriptions_per_connection: usize,
    /// Running subscriptions of all connections.
    pub max_subscriptions: usize,
    /// Time in which a subscriber must take a message; a slower one is disconnected and may resume by cursor.
    pub send_timeout: Duration,
}

/// Rows of a page when none are asked for (an `Int` of GraphQL).
pub const DEFAULT_PAGE_SIZE: i32 = 50;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 16,
            max_complexity: 50_000,
            max_selections: 5_000,
            max_page_size: 500,
            max_request_bytes: 64 * 1024,
            request_timeout: Duration::from_secs(10),
            max_concurrent_requests: 64,
            max_concurrent_reads: 32,
            max_connections: 1_000,
            max_subscriptions_per_connection: 20,
            max_subscriptions: 2_000,
            send_timeout: Duration::from_secs(30),
        }
    }
}

/// Cost of a read of the tables.
const READ_COST: usize = 100;

/// Cost of a field that reads the tables for itself.
pub(crate) fn read_cost(child: usize) -> usize {
    child.saturating_add(READ_COST)
}

/// Cost of a list: a read, and a page of what is asked of each row.
pub(crate) fn page_cost(first: Option<i32>, last: Option<i32>, per_row: usize) -> usize {
    read_cost(rows_cost(first.or(last), per_row))
}

/// Cost of a list below a row: the first pages of all rows share a read, the later ones do not.
pub(crate) fn nested_page_cost(first: Option<i32>, is_later: bool, per_row: usize) -> usize {
    let rows = rows_cost(first, per_row);
    if is_later { read_cost(rows) } else { rows }
}

fn rows_cost(size: Option<i32>, per_row: usize) -> usize {
    // A negative size is refused when the list is read.
    let rows = usize::try_from(size.unwrap_or(DEFAULT_PAGE_SIZE)).unwrap_or(0);
    rows.saturating_mul(per_row).saturating_add(1)
}
