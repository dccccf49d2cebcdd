//! The store: ClickHouse, written to so that a range of blocks lands exactly once.
//!
//! Reading order: this file (connection, inserts, reads), `migrate` (tables), `chain` (which chain the database holds),
//! `lease` (one writer), `plan` and `checkpoint` (what is committed).

mod arrow;
pub(crate) mod chain;
pub(crate) mod checkpoint;
mod error;
pub(crate) mod lease;
pub(crate) mod migrate;
pub(crate) mod plan;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use clickhouse::{Client, query::Query};
use lastro_schema::TableRows;
use serde::de::DeserializeOwned;

use crate::rows::TableBatch;
pub(crate) use arrow::{decode_stream, encode_stream};
pub use chain::ChainIdentity;
pub use checkpoint::Checkpoint;
pub use error::StoreError;
pub use lease::Lease;
pub(crate) use lease::random_id;

/// Where the database is and who we are there.
#[derive(Clone)]
pub struct StoreConfig {
    /// HTTP address, such as `http://127.0.0.1:8123`.
    pub url: String,
    pub database: String,
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "StoreConfig({} as {} at {})",
            self.database, self.user, self.url
        )
    }
}

/// Longest that one insert may take before its outcome counts as unknown.
const INSERT_TIMEOUT: Duration = Duration::from_secs(120);

/// A connection to the database of one chain.
#[derive(Clone)]
pub struct Store {
    client: Client,
    config: Arc<StoreConfig>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}

impl Store {
    /// Connects, checks the server's version, creates the database if need be, brings its tables up to date and compares them
    /// with what this program expects.
    pub async fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let server = Client::default()
            .with_url(&config.url)
            .with_user(&config.user)
            .with_password(&config.password)
            .with_validation(false);
        migrate::check_server(&server, &config).await?;
        migrate::create_database(&server, &config.database).await?;
        let client = server.with_database(&config.database);
        let store = Self {
            client,
            config: Arc::new(config),
        };
        migrate::apply(&store).await?;
        migrate::compare_tables(&store).await?;
        Ok(store)
    }

    pub fn config(&self) -> &StoreConfig {
        &self.config
    }

    pub(crate) fn query(&self, sql: &str) -> Query {
        self.client.query(sql)
    }

    pub(crate) async fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.query(sql)
            .execute()
            .await
            .map_err(|error| self.error(error))
    }

    /// Rows as a struct whose fields are named as the selected columns.
    pub(crate) async fn rows<T: DeserializeOwned>(&self, sql: &str) -> Result<Vec<T>, StoreError> {
        let bytes = self.bytes(sql, "JSONEachRow").await?;
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).map_err(StoreError::from))
            .collect()
    }

    /// The answer in one of ClickHouse's formats.
    pub(crate) async fn bytes(&self, sql: &str, format: &str) -> Result<Bytes, StoreError> {
        let query = self
            .query(sql)
            .with_setting("output_format_json_quote_64bit_integers", "0");
        let mut cursor = query
            .fetch_bytes(format)
            .map_err(|error| self.error(error))?;
        cursor.collect().await.map_err(|error| self.error(error))
    }

    /// Rows in Arrow's types, strings as binary.
    pub(crate) async fn arrow(
        &self,
        sql: &str,
    ) -> Result<Vec<arrow_array::RecordBatch>, StoreError> {
        let query = self
            .query(sql)
            .with_setting("output_format_arrow_string_as_string", "0")
            // The default is lz4, which the reader is built without: most of what is read here is hashes.
            .with_setting("output_format_arrow_compression_method", "none");
        let mut cursor = query
            .fetch_bytes("ArrowStream")
            .map_err(|error| self.error(error))?;
        let bytes = cursor.collect().await.map_err(|error| self.error(error))?;
        decode_stream(bytes)
    }

    /// Inserts all rows of `batch` as one block, or none. A second insert under the same `token` changes nothing, which makes
    /// an insert of unknown outcome safe to repeat.
    pub(crate) async fn insert(&self, batch: &TableBatch, token: &str) -> Result<(), StoreError> {
        let columns: Vec<_> = batch
            .table
            .columns
            .iter()
            .map(|column| column.name)
            .collect();
        let sql = format!(
            "INSERT INTO {} ({}) FORMAT ArrowStream",
            batch.table.name,
            columns.join(", ")
        );
        let mut insert = self
            .client
            .insert_formatted_with(sql)
            .with_setting("async_insert", "0")
            .with_setting("insert_deduplication_token", token)
            .with_setting("input_format_null_as_default", "0")
            .with_setting("input_format_arrow_allow_missing_columns", "0")
            .with_setting("max_insert_block_size", u32::MAX.to_string())
            .with_timeouts(Some(INSERT_TIMEOUT), Some(INSERT_TIMEOUT));
        let stream = encode_stream(&batch.rows)?;
        insert
            .send(stream)
            .await
            .map_err(|error| self.error(error))?;
        insert.end().await.map_err(|error| self.error(error))
    }

    /// Inserts bookkeeping rows.
    pub(crate) async fn insert_rows<T: TableRows>(
        &self,
        rows: T,
        token: &str,
    ) -> Result<(), StoreError> {
        self.insert(
            &TableBatch {
                table: T::def(),
                rows: rows.finish(),
            },
            token,
        )
        .await
    }

    fn error(&self, error: clickhouse::error::Error) -> StoreError {
        StoreError::from_client(error, &self.config.url)
    }
}
