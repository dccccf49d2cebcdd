//! The one door to ClickHouse: reads only, every value a bound parameter, failures sorted by what a caller can do.

use std::{fmt, sync::Arc, time::Duration};

use clickhouse::{Client, RowOwned, RowRead};
use tokio::sync::Semaphore;

use crate::{error::QueryError, read::sql::Sql};

/// Where the tables are and who reads them.
#[derive(Clone)]
pub struct StoreConfig {
    /// HTTP interface, as in `http://127.0.0.1:8123`.
    pub url: String,
    pub database: String,
    /// A user that may only read, with `readonly = 2` (it sets limits per query).
    pub user: String,
    pub password: String,
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("url", &self.url)
            .field("database", &self.database)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Reads from the tables of one chain; cheap to clone.
#[derive(Clone)]
pub struct Store {
    client: Client,
    time_limit: Duration,
    places: Arc<Semaphore>,
}

/// How much a store may be asked for.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Longest time of a single read.
    pub time: Duration,
    /// Reads that run at once; more wait.
    pub max_concurrent: usize,
}

impl Store {
    /// Opens no connection yet.
    pub fn new(config: &StoreConfig, limits: ReadLimits) -> Self {
        let client = Client::default()
            .with_url(&config.url)
            .with_database(&config.database)
            .with_user(&config.user)
            .with_password(&config.password)
            // Whole seconds, at least one: a finer limit is kept by the caller, whose hang-up also ends the read.
            .with_setting(
                "max_execution_time",
                limits.time.as_secs().max(1).to_string(),
            )
            .with_setting("cancel_http_readonly_queries_on_client_close", "1");
        Self {
            client,
            time_limit: limits.time,
            places: Arc::new(Semaphore::new(limits.max_concurrent)),
        }
    }

    /// Whether the server answers and lets this user in.
    pub async fn ping(&self) -> Result<(), QueryError> {
        self.read(self.client.query("SELECT 1").fetch_one::<u8>())
            .await
            .map(|_| ())
    }

    pub(crate) async fn rows<R: RowOwned + RowRead>(&self, sql: Sql) -> Result<Vec<R>, QueryError> {
        self.read(sql.into_query(&self.client).fetch_all()).await
    }

    pub(crate) async fn row<R: RowOwned + RowRead>(
        &self,
        sql: Sql,
    ) -> Result<Option<R>, QueryError> {
        self.read(sql.into_query(&self.client).fetch_optional())
            .await
    }

    /// The time is kept here as well, for a server that does not answer at all.
    async fn read<T>(
        &self,
        answer: impl Future<Output = clickhouse::error::Result<T>>,
    ) -> Result<T, QueryError> {
        let in_turn = async {
            // The semaphore is never closed.
            let _place = self.places.acquire().await.ok();
            answer.await
        };
        match tokio::time::timeout(self.time_limit, in_turn).await {
            Ok(answer) => answer.map_err(|error| self.classify(error)),
            Err(_) => Err(QueryError::Timeout {
                limit: self.time_limit,
            }),
        }
    }

    fn classify(&self, error: clickhouse::error::Error) -> QueryError {
        use clickhouse::error::Error;
        let code = match &error {
            Error::Network(_) | Error::TimedOut => {
                return QueryError::StoreUnreachable(Arc::new(error));
            }
            Error::BadResponse(text) => exception_code(text),
            _ => None,
        };
        match code {
            // TIMEOUT_EXCEEDED, TOO_SLOW, QUERY_WAS_CANCELLED
            Some(159 | 160 | 394) => QueryError::Timeout {
                limit: self.time_limit,
            },
            // TOO_MANY_SIMULTANEOUS_QUERIES, MEMORY_LIMIT_EXCEEDED
            Some(202 | 241) => QueryError::StoreBusy(Arc::new(error)),
            _ => QueryError::StoreRefused(Arc::new(error)),
        }
    }
}

/// The number in `Code: 159. DB::Exception: …`.
fn exception_code(text: &str) -> Option<u32> {
    let after = text.split("Code: ").nth(1)?;
    after
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LIMITS: ReadLimits = ReadLimits {
        time: Duration::from_millis(200),
        max_concurrent: 1,
    };

    #[test]
    fn a_password_is_never_shown() {
        let config = StoreConfig {
            url: "http://127.0.0.1:1".into(),
            database: "lastro".into(),
            user: "reader".into(),
            password: "kept-secret".into(),
        };
        assert!(!format!("{config:?}").contains("kept-secret"));
    }

    #[test]
    fn the_code_of_an_exception_is_found() {
        assert_eq!(
            exception_code("Code: 159. DB::Exception: Timeout exceeded"),
            Some(159)
        );
        assert_eq!(exception_code("no such text"), None);
    }

    #[tokio::test]
    async fn a_server_that_is_gone_is_unreachable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let config = StoreConfig {
            url,
            database: "d".into(),
            user: "u".into(),
            password: String::new(),
        };
        let error = Store::new(&config, LIMITS).ping().await.unwrap_err();
        assert!(
            matches!(error, QueryError::StoreUnreachable(_)),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_server_that_never_answers_has_limited_time() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = StoreConfig {
            url,
            database: "d".into(),
            user: "u".into(),
            password: String::new(),
        };
        let error = Store::new(&config, LIMITS).ping().await.unwrap_err();
        assert!(
            matches!(error, QueryError::Timeout { limit } if limit == LIMITS.time),
            "{error:?}"
        );
    }
}
