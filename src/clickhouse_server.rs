//! A real ClickHouse server as a child process on loopback, for everybody who has none yet.
//!
//! Reading order: this file (start, stop), `files` (what is written into its folder), `command` (how each kind of
//! program is started), `credentials`. What is served is ClickHouse's own HTTP protocol; the rest of the program
//! connects to it as to any other ClickHouse, by URL.
//!
//! `clickhouse local` serves HTTP for as long as its query runs, and that query runs for ever. It logs its own session in
//! as `default` without a password, so `default` must exist, but may do nothing beyond starting the listener, and the
//! HTTP handlers admit requests only under the two users that have passwords.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use thiserror::Error;
use tokio::time::sleep;

use crate::{
    provision::ClickHouseProgram,
    server_process::{ServerProcess, log_tail, probe},
};

mod command;
mod credentials;
mod files;

pub use command::{EMBEDDED_COMMAND, EmbeddedCommandError, run_embedded};

use credentials::Credentials;
use files::{Folders, ServerConfig};

/// User that owns the tables: creates, inserts, alters, deletes.
pub const WRITER: &str = "lastro";
/// User that may only read.
pub const READER: &str = "lastro_reader";

const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(25);
/// How long a killed predecessor may take to let go of the data.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub struct ClickHouseOptions {
    /// Where the data, the logs and the passwords are kept; created when missing.
    pub data_dir: PathBuf,
    /// Port on 127.0.0.1; `None` lets the system choose.
    pub http_port: Option<u16>,
    /// Most memory the server may use; `None` for 40 % of the machine's.
    pub memory_limit_bytes: Option<u64>,
    /// This project's program, which loads the library in a process of its own.
    pub launcher: PathBuf,
}

impl ClickHouseOptions {
    /// Options with the running program as the launcher.
    ///
    /// # Errors
    /// The path of the running program is not known.
    pub fn new(data_dir: impl Into<PathBuf>) -> io::Result<Self> {
        let launcher = std::env::current_exe()?;
        Ok(Self {
            data_dir: data_dir.into(),
            http_port: None,
            memory_limit_bytes: None,
            launcher,
        })
    }
}

#[derive(Debug, Error)]
pub enum ClickHouseServerError {
    #[error(
        "another process uses the ClickHouse data in {data_dir}: stop it, or choose another folder"
    )]
    DataInUse { data_dir: PathBuf },
    #[error(
        "port {port} of 127.0.0.1 is taken: stop what listens there, or choose another port for ClickHouse"
    )]
    PortTaken { port: u16 },
    #[error("failed to {action} {path}")]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "{path} cannot be given to ClickHouse: a path must be UTF-8 without control characters"
    )]
    UnusablePath { path: PathBuf },
    #[error(
        "{path} does not hold the passwords of the embedded ClickHouse; move it away to have new ones made"
    )]
    MalformedCredentials {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("failed to start {program}")]
    NotStarted { program: PathBuf, source: io::Error },
    #[error("ClickHouse ended with {status} while starting, saying: {log_tail}; see {log}")]
    Ended {
        status: ExitStatus,
        log_tail: String,
        log: PathBuf,
    },
    #[error("ClickHouse did not answer within {} s, saying: {log_tail}; see {log}", waited.as_secs())]
    NoAnswer {
        waited: Duration,
        log_tail: String,
        log: PathBuf,
    },
}

/// A running server. Killed when it is dropped; [`Self::stop`] ends it in order.
pub struct EmbeddedClickHouse {
    // The process is dropped before the lock on its data.
    process: ServerProcess,
    url: String,
    credentials: Credentials,
    _data_lock: File,
}

impl EmbeddedClickHouse {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// The data are in use, the port is taken, or the server does not come up; the message quotes its log.
    pub async fn start(
        program: &ClickHouseProgram,
        options: &ClickHouseOptions,
    ) -> Result<Self, ClickHouseServerError> {
        let folders = Folders::create(&options.data_dir)?;
        let data_lock = lock_data(&folders)?;
        wait_for_predecessor(&folders).await?;
        let credentials = Credentials::load_or_create(&folders.credentials())?;
        let config = ServerConfig {
            folders: &folders,
            credentials: &credentials,
            options,
        };
        config.write()?;
        let log = folders.output_log();
        let output = File::create(&log).map_err(file_error("create", &log))?;
        let (command, path) = command::server_command(program, options, &folders);
        let process = ServerProcess::spawn(command, output).map_err(|source| {
            ClickHouseServerError::NotStarted {
                program: path,
                source,
            }
        })?;
        let url = wait_until_ready(&process, &folders, &credentials, options).await?;
        tracing::info!(
            url,
            process_id = process.id(),
            "embedded ClickHouse is ready"
        );
        Ok(Self {
            process,
            url,
            credentials,
            _data_lock: data_lock,
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// [`WRITER`].
    pub fn user(&self) -> &'static str {
        WRITER
    }

    pub fn password(&self) -> &str {
        &self.credentials.writer_password
    }

    /// [`READER`].
    pub fn reader_user(&self) -> &'static str {
        READER
    }

    pub fn reader_password(&self) -> &str {
        &self.credentials.reader_password
    }

    /// Number of the server's process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the server has ended, for whatever reason.
    pub async fn exited(&self) -> ExitStatus {
        self.process.exited().await
    }

    /// Ends the server in order, and kills it when that takes too long.
    pub async fn stop(self) -> ExitStatus {
        self.process.stop(STOP_PATIENCE).await
    }

    /// Kills the server as a power cut of its process would.
    pub async fn kill(self) -> ExitStatus {
        self.process.kill().await
    }
}

fn file_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> ClickHouseServerError {
    let path = path.to_owned();
    move |source| ClickHouseServerError::File {
        action,
        path,
        source,
    }
}

/// One of our processes per data folder, for as long as the file is open.
fn lock_data(folders: &Folders) -> Result<File, ClickHouseServerError> {
    let path = folders.lock();
    let file = File::create(&path).map_err(file_error("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClickHouseServerError::DataInUse {
            data_dir: folders.data_dir().to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(file_error("lock", &path)(source)),
    }
}

/// A server whose parent was killed dies at once, but not in no time. ClickHouse keeps its status file locked as long as
/// it lives; a server that is not ours may hold it as well.
async fn wait_for_predecessor(folders: &Folders) -> Result<(), ClickHouseServerError> {
    let path = folders.status();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(file_error("open", &path)(error)),
    };
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if started.elapsed() < PREDECESSOR_PATIENCE => {
                sleep(POLL).await
            }
            Err(TryLockError::WouldBlock) => {
                return Err(ClickHouseServerError::DataInUse {
                    data_dir: folders.data_dir().to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(file_error("lock", &path)(source)),
        }
    }
}

/// Gives the server's URL once it answers a query of the writer.
async fn wait_until_ready(
    process: &ServerProcess,
    folders: &Folders,
    credentials: &Credentials,
    options: &ClickHouseOptions,
) -> Result<String, ClickHouseServerError> {
    let started = Instant::now();
    let log = folders.output_log();
    loop {
        if let Some(status) = process.exit_status() {
            return Err(ended(status, folders, options));
        }
        if let Some(port) = written_port(folders)
            && answers(port, credentials).await
        {
            return Ok(format!("http://127.0.0.1:{port}"));
        }
        let waited = started.elapsed();
        if waited > START_DEADLINE {
            return Err(ClickHouseServerError::NoAnswer {
                waited,
                log_tail: log_tail(&log),
                log,
            });
        }
        sleep(POLL).await;
    }
}

/// Whether the server answers a query of the writer.
async fn answers(port: u16, credentials: &Credentials) -> bool {
    let request = format!(
        "GET /?query=SELECT%2042 HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nX-ClickHouse-User: {WRITER}\r\n\
         X-ClickHouse-Key: {}\r\n\r\n",
        credentials.writer_password
    );
    probe(port, &request)
        .await
        .is_some_and(|body| body.trim() == "42")
}

/// The port that the server wrote down after it began to listen.
fn written_port(folders: &Folders) -> Option<u16> {
    let text = fs::read_to_string(folders.port()).ok()?;
    // Without its line end the file may have been seen half written.
    text.strip_suffix('\n')?.parse().ok()
}

fn ended(
    status: ExitStatus,
    folders: &Folders,
    options: &ClickHouseOptions,
) -> ClickHouseServerError {
    let log = folders.output_log();
    let log_tail = log_tail(&log);
    match options.http_port {
        Some(port) if log_tail.contains("Address already in use") => {
            ClickHouseServerError::PortTaken { port }
        }
        _ if log_tail.contains("Cannot lock file") => ClickHouseServerError::DataInUse {
            data_dir: folders.data_dir().to_owned(),
        },
        _ => ClickHouseServerError::Ended {
            status,
            log_tail,
            log,
        },
    }
}
