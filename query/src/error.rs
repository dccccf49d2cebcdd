//! What can go wrong while answering, and the stable code each case has in `errors[].extensions.code`.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use lastro_schema::{BlockNumber, BlockRef};

/// Codes that clients may rely on; documented in the SDL's description of the query root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    BadUserInput,
    NotFound,
    StaleCursor,
    Reorganised,
    LimitExceeded,
    Timeout,
    Unavailable,
    Internal,
}

impl ErrorCode {
    pub fn name(self) -> &'static str {
        match self {
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::NotFound => "NOT_FOUND",
            Self::StaleCursor => "STALE_CURSOR",
            Self::Reorganised => "REORGANISED",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

/// Why a request has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueryError {
    #[error("argument `{argument}`: {problem}")]
    BadArgument {
        argument: &'static str,
        problem: String,
    },
    #[error("fragment `{fragment}` contains itself")]
    BadDocument { fragment: String },
    #[error(
        "no block has the hash {hash}: it is unknown here, or above the newest indexed block {head}"
    )]
    UnknownHash { hash: B256, head: BlockNumber },
    #[error("block {number} is not indexed: the index holds blocks {first} to {head}")]
    NotIndexed {
        number: BlockNumber,
        first: BlockNumber,
        head: BlockNumber,
    },
    #[error(
        "the cursor belongs to chain {cursor}, this is chain {chain}: start again without a cursor"
    )]
    ForeignCursor { cursor: u64, chain: u64 },
    #[error(
        "the cursor was read at block {pinned}, which is no longer part of the chain: start again without a cursor"
    )]
    StaleCursor { pinned: BlockRef },
    #[error("block {pinned} left the chain while it was being read: ask again")]
    Reorganised { pinned: BlockRef },
    #[error("{what} is {actual}, the limit is {limit}: ask for less at once")]
    LimitExceeded {
        what: &'static str,
        actual: u64,
        limit: u64,
    },
    #[error("{what} are busy ({limit} at once): try again later")]
    Busy { what: &'static str, limit: usize },
    #[error("the request took longer than {} ms: narrow it, or ask for less at once", limit.as_millis())]
    Timeout { limit: Duration },
    #[error("nothing is indexed yet: try again once the indexer has committed its first block")]
    NothingIndexed,
    #[error("the store does not answer: try again later")]
    StoreUnreachable(#[source] Arc<clickhouse::error::Error>),
    #[error("the store is busy: try again later")]
    StoreBusy(#[source] Arc<clickhouse::error::Error>),
    #[error("the store refused a read: {0}")]
    StoreRefused(#[source] Arc<clickhouse::error::Error>),
    #[error("stored rows contradict each other: {0}")]
    Inconsistent(String),
}

impl QueryError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::BadArgument { .. } | Self::BadDocument { .. } | Self::ForeignCursor { .. } => {
                ErrorCode::BadUserInput
            }
            Self::UnknownHash { .. } | Self::NotIndexed { .. } => ErrorCode::NotFound,
            Self::StaleCursor { .. } => ErrorCode::StaleCursor,
            Self::Reorganised { .. } => ErrorCode::Reorganised,
            Self::LimitExceeded { .. } | Self::Busy { .. } => ErrorCode::LimitExceeded,
            Self::Timeout { .. } => ErrorCode::Timeout,
            Self::NothingIndexed | Self::StoreUnreachable(_) | Self::StoreBusy(_) => {
                ErrorCode::Unavailable
            }
            Self::StoreRefused(_) | Self::Inconsistent(_) => ErrorCode::Internal,
        }
    }

    /// Whether the same request may succeed later without a change.
    pub fn is_retryable(&self) -> bool {
        matches!(self.code(), ErrorCode::Unavailable | ErrorCode::Reorganised)
            || matches!(self, Self::Busy { .. })
    }

    pub(crate) fn bad_argument(argument: &'static str, problem: impl Into<String>) -> Self {
        Self::BadArgument {
            argument,
            problem: problem.into(),
        }
    }
}
