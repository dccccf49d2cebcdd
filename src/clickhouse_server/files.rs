//! The embedded server's folder: its layout, and the configuration written into it at each start.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::provision;

use super::{
    ClickHouseOptions, ClickHouseServerError, READER, WRITER, credentials::Credentials,
    credentials::write_private, file_error,
};

/// What the owner of the tables may do, and no more: no users, no files, no URLs, no stopping of the server.
const WRITER_GRANTS: &[&str] = &[
    "SELECT, INSERT, ALTER, SHOW, TRUNCATE, OPTIMIZE, dictGet, KILL QUERY ON *.*",
    "CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE DICTIONARY, CREATE TEMPORARY TABLE ON *.*",
    "DROP DATABASE, DROP TABLE, DROP VIEW, DROP DICTIONARY ON *.*",
    "BACKUP, SYSTEM FLUSH LOGS, SYSTEM MERGES ON *.*",
    "TABLE ENGINE ON *",
];
const READER_GRANTS: &[&str] = &["SELECT, SHOW ON *.*"];
/// What the session needs that starts the listener; `default` cannot be reached over HTTP.
const STARTER_GRANTS: &[&str] = &["SYSTEM LISTEN ON *.*", "SELECT ON system.numbers"];

/// Paths in the data folder.
pub(super) struct Folders {
    data_dir: PathBuf,
}

impl Folders {
    /// Makes the folder, whose path must be usable in XML and SQL.
    pub(super) fn create(data_dir: &Path) -> Result<Self, ClickHouseServerError> {
        fs::create_dir_all(data_dir).map_err(file_error("create", data_dir))?;
        let data_dir = data_dir
            .canonicalize()
            .map_err(file_error("resolve", data_dir))?;
        let usable = data_dir
            .to_str()
            .is_some_and(|text| !text.chars().any(char::is_control));
        if !usable {
            return Err(ClickHouseServerError::UnusablePath { path: data_dir });
        }
        let folders = Self { data_dir };
        for folder in [folders.store(), folders.logs(), folders.backups()] {
            fs::create_dir_all(&folder).map_err(file_error("create", &folder))?;
        }
        Ok(folders)
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.data_dir.join("server.lock")
    }

    pub(super) fn credentials(&self) -> PathBuf {
        self.data_dir.join("credentials.json")
    }

    pub(super) fn config(&self) -> PathBuf {
        self.data_dir.join("config.xml")
    }

    /// Where the server writes the port it listens on.
    pub(super) fn port(&self) -> PathBuf {
        self.data_dir.join("http_port")
    }

    /// What the process wrote to its outputs since its last start.
    pub(super) fn output_log(&self) -> PathBuf {
        self.logs().join("output.log")
    }

    /// ClickHouse's own folder.
    pub(super) fn store(&self) -> PathBuf {
        self.data_dir.join("store")
    }

    /// Locked by ClickHouse as long as it runs.
    pub(super) fn status(&self) -> PathBuf {
        self.store().join("status")
    }

    fn users(&self) -> PathBuf {
        self.data_dir.join("users.xml")
    }

    fn logs(&self) -> PathBuf {
        self.data_dir.join("log")
    }

    fn backups(&self) -> PathBuf {
        self.data_dir.join("backups")
    }
}

/// What the configuration files are made from.
pub(super) struct ServerConfig<'a> {
    pub(super) folders: &'a Folders,
    pub(super) credentials: &'a Credentials,
    pub(super) options: &'a ClickHouseOptions,
}

impl ServerConfig<'_> {
    /// Writes the configuration anew and removes the port of an earlier run.
    pub(super) fn write(&self) -> Result<(), ClickHouseServerError> {
        write_private(&self.folders.users(), &self.users_xml())?;
        write_private(&self.folders.config(), &self.config_xml())?;
        let port = self.folders.port();
        match fs::remove_file(&port) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(file_error("remove", &port)(error))
            }
            _ => Ok(()),
        }
    }

    fn config_xml(&self) -> String {
        let folders = self.folders;
        let memory = match self.options.memory_limit_bytes {
            Some(bytes) => format!("<max_server_memory_usage>{bytes}</max_server_memory_usage>"),
            None => {
                "<max_server_memory_usage_to_ram_ratio>0.4</max_server_memory_usage_to_ram_ratio>"
                    .to_owned()
            }
        };
        CONFIG_XML
            .replace("@LOGS@", &xml(&folders.logs()))
            .replace("@STORE@", &xml(&folders.store()))
            .replace("@BACKUPS@", &xml(&folders.backups()))
            .replace("@USERS@", &xml(&folders.users()))
            .replace("@PORT@", &self.options.http_port.unwrap_or(0).to_string())
            .replace("@MEMORY@", &memory)
            .replace("@WRITER@", WRITER)
            .replace("@READER@", READER)
            .replace("@BASIC@", &basic_prefixes())
    }

    fn users_xml(&self) -> String {
        let users = [
            user(
                "default",
                "<password></password>",
                "starter",
                STARTER_GRANTS,
            ),
            user(
                WRITER,
                &password_digest(&self.credentials.writer_password),
                "writer",
                WRITER_GRANTS,
            ),
            user(
                READER,
                &password_digest(&self.credentials.reader_password),
                "reader",
                READER_GRANTS,
            ),
        ];
        USERS_XML.replace("@ENTRIES@", &users.concat())
    }
}

/// The listener serves the `http_port` of the configuration, or one that the system chooses when that is 0. The last
/// statement keeps the process alive: one row a second for thirty years.
pub(super) fn serving_query(folders: &Folders) -> String {
    let port_file = folders
        .port()
        .to_string_lossy()
        .replace('\\', "\\\\")
        .replace('\'', "\\'");
    format!(
        "SYSTEM START LISTEN HTTP; \
         SELECT getServerPort('http_port') INTO OUTFILE '{port_file}' TRUNCATE FORMAT TSV; \
         SELECT count() FROM numbers(1000000000) WHERE sleepEachRow(1) \
         SETTINGS function_sleep_max_microseconds_per_block = 2000000, max_block_size = 1 FORMAT Null"
    )
}

/// Caches are sized for a small machine: the index is read by key, not by full scans. Its own pools would have two
/// threads, which makes it log a warning each second.
const CONFIG_XML: &str = r#"<clickhouse>
  <log-level>information</log-level>
  <logger>
    <log>@LOGS@/server.log</log>
    <errorlog>@LOGS@/error.log</errorlog>
    <size>20M</size>
    <count>3</count>
  </logger>
  <path>@STORE@/</path>
  <backups><allowed_path>@BACKUPS@/</allowed_path></backups>
  <users_config>@USERS@</users_config>
  <listen_host>127.0.0.1</listen_host>
  <http_port>@PORT@</http_port>
  <timezone>UTC</timezone>
  @MEMORY@
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <mark_cache_size>134217728</mark_cache_size>
  <index_mark_cache_size>67108864</index_mark_cache_size>
  <primary_index_cache_size>134217728</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <compiled_expression_cache_size>33554432</compiled_expression_cache_size>
  <parquet_metadata_cache_size>0</parquet_metadata_cache_size>
  <http_handlers>
    <rule><url>/ping</url><handler><type>ping</type></handler></rule>
    <rule>
      <headers><X-ClickHouse-User>regex:(@WRITER@|@READER@)</X-ClickHouse-User></headers>
      <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>
    </rule>
    <rule>
      <headers><Authorization>regex:Basic (@BASIC@).*</Authorization></headers>
      <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>
    </rule>
  </http_handlers>
</clickhouse>
"#;

const USERS_XML: &str = r"<clickhouse>
  <profiles>
    <default/>
    <starter/>
    <writer/>
    <reader><readonly>2</readonly></reader>
  </profiles>
  <quotas><default/></quotas>
  <users>
@ENTRIES@  </users>
</clickhouse>
";

fn user(name: &str, password: &str, profile: &str, grants: &[&str]) -> String {
    let grants: String = grants
        .iter()
        .map(|grant| format!("<query>GRANT {grant}</query>"))
        .collect();
    format!(
        "    <{name}>{password}<networks><ip>127.0.0.1</ip></networks><profile>{profile}</profile>\
         <quota>default</quota><grants>{grants}</grants></{name}>\n"
    )
}

fn password_digest(password: &str) -> String {
    format!(
        "<password_sha256_hex>{}</password_sha256_hex>",
        provision::sha256_hex(&[password.as_bytes()])
    )
}

/// How an `Authorization: Basic` header of one of our users begins: base64 of `name:`, cut to whole groups.
fn basic_prefixes() -> String {
    use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
    [WRITER, READER]
        .map(|name| {
            let text = format!("{name}:");
            BASE64_STANDARD_NO_PAD.encode(&text.as_bytes()[..text.len() / 3 * 3])
        })
        .join("|")
}

fn xml(path: &Path) -> String {
    path.to_string_lossy()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
