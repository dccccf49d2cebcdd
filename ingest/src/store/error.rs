use arrow_schema::ArrowError;
use lastro_schema::{BlockNumber, DigestError};
use thiserror::Error;

/// What went wrong between this program and its database.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error(
        "cannot reach ClickHouse at {url}: {detail}; check that it runs and that the address is right"
    )]
    Unreachable { url: String, detail: String },
    #[error("ClickHouse at {url} refuses user or password: {detail}")]
    Authentication { url: String, detail: String },
    #[error("ClickHouse {found} is too old: version {needed} or newer is needed")]
    TooOld { found: String, needed: &'static str },
    #[error(
        "ClickHouse has no disk space left: {detail}; nothing is lost, free space and it goes on"
    )]
    DiskFull { detail: String },
    #[error("ClickHouse has too little memory for this: {detail}")]
    OutOfMemory { detail: String },
    #[error("ClickHouse refused a statement: {detail}")]
    Refused { detail: String },
    #[error("ClickHouse sent an answer that cannot be read: {detail}")]
    Answer { detail: String },
    #[error(
        "the tables of database {database} are not what this version of lastro expects:\n{differences}\nUse the version that made them, or another database"
    )]
    SchemaMismatch {
        database: String,
        differences: String,
    },
    #[error(
        "database {database} was made by a newer lastro (migration {found}, this one knows {known}); upgrade lastro"
    )]
    FutureSchema {
        database: String,
        found: u32,
        known: u32,
    },
    #[error(
        "database {database} holds another chain: {differences}. Use a database of its own for each chain"
    )]
    OtherChain {
        database: String,
        differences: String,
    },
    #[error(
        "another process indexes into this database ({holder}); stop it first. If it is gone already, wait {wait_s} s and start again"
    )]
    LeaseHeld { holder: String, wait_s: u64 },
    #[error(
        "the lease on this database went to another process ({holder}); this one stops so that nothing is written twice"
    )]
    LeaseLost { holder: String },
    #[error(
        "table {table} holds {found} rows of blocks {first}..={last}, the checkpoint says {expected}"
    )]
    RowsMissing {
        table: String,
        first: BlockNumber,
        last: BlockNumber,
        expected: u64,
        found: u64,
    },
    #[error(
        "rows of table {table} in blocks {first}..={last} are not those that the checkpoint was made for"
    )]
    RowsChanged {
        table: String,
        first: BlockNumber,
        last: BlockNumber,
    },
    #[error("the operating system gives no random numbers: {detail}")]
    NoRandomness { detail: String },
    #[error("cannot digest rows: {0}")]
    Digest(#[from] DigestError),
}

/// ClickHouse's error codes that are told apart.
const NOT_ENOUGH_SPACE: u32 = 243;
const MEMORY_LIMIT_EXCEEDED: u32 = 241;
const AUTHENTICATION_FAILED: u32 = 516;
const UNKNOWN_USER: u32 = 192;
/// Overload and shut-down: over soon or never, but nothing that the statement did.
const TRANSIENT: &[u32] = &[159, 164, 202, 209, 210, 236, 252, 394, 425, 735];

impl StoreError {
    pub(super) fn from_client(error: clickhouse::error::Error, url: &str) -> Self {
        use clickhouse::error::Error;
        match error {
            Error::Network(source) => Self::Unreachable {
                url: url.to_owned(),
                detail: chain(source.as_ref()),
            },
            Error::TimedOut => Self::Unreachable {
                url: url.to_owned(),
                detail: "no answer in time".to_owned(),
            },
            Error::BadResponse(detail) => Self::from_response(detail, url),
            other => Self::Answer {
                detail: chain(&other),
            },
        }
    }

    fn from_response(detail: String, url: &str) -> Self {
        match error_code(&detail) {
            Some(NOT_ENOUGH_SPACE) => Self::DiskFull { detail },
            Some(MEMORY_LIMIT_EXCEEDED) => Self::OutOfMemory { detail },
            Some(AUTHENTICATION_FAILED | UNKNOWN_USER) => Self::Authentication {
                url: url.to_owned(),
                detail,
            },
            Some(code) if TRANSIENT.contains(&code) => Self::Unreachable {
                url: url.to_owned(),
                detail,
            },
            Some(_) if detail.contains("No space left on device") => Self::DiskFull { detail },
            // A proxy or a dying server answers without a code.
            None => Self::Unreachable {
                url: url.to_owned(),
                detail,
            },
            Some(_) => Self::Refused { detail },
        }
    }

    /// Whether stored rows are not those that belong there.
    pub fn is_about_rows(&self) -> bool {
        matches!(self, Self::RowsMissing { .. } | Self::RowsChanged { .. })
    }

    /// Whether the same call may go through later, without anyone changing anything here.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::DiskFull { .. } | Self::OutOfMemory { .. }
        )
    }
}

/// The number in `Code: 243. DB::Exception: …`.
fn error_code(text: &str) -> Option<u32> {
    let digits = text.split_once("Code: ")?.1;
    let end = digits.find(|character: char| !character.is_ascii_digit())?;
    digits[..end].parse().ok()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl From<ArrowError> for StoreError {
    fn from(error: ArrowError) -> Self {
        Self::Answer {
            detail: error.to_string(),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Answer {
            detail: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        let error = |text: &str| StoreError::from_response(text.to_owned(), "http://127.0.0.1:1");
        assert!(matches!(
            error("Code: 243. DB::Exception: Cannot reserve"),
            StoreError::DiskFull { .. }
        ));
        assert!(matches!(
            error("Code: 516. DB::Exception: x"),
            StoreError::Authentication { .. }
        ));
        assert!(matches!(
            error("Code: 62. DB::Exception: Syntax error"),
            StoreError::Refused { .. }
        ));
        assert!(error("Code: 202. DB::Exception: Too many").is_retryable());
        assert!(error("<html>502 Bad Gateway</html>").is_retryable());
        assert!(!error("Code: 62. DB::Exception: Syntax error").is_retryable());
    }
}
