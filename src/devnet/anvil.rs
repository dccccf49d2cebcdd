//! A development node without consensus, whose chain can be made to reorganise.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::server_process::{ServerProcess, log_tail};

use super::{DevnetError, json_rpc};

const START_DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(25);
const LISTENING: &str = "Listening on 127.0.0.1:";

#[derive(Clone, Debug)]
pub struct AnvilOptions {
    /// Where the log is written; created when missing.
    pub data_dir: PathBuf,
    /// Time between blocks; `None` makes a block for each transaction.
    pub block_time: Option<Duration>,
    pub chain_id: u64,
    /// Rules in force from the first block, by anvil's name of the fork; `None` for its newest.
    pub hardfork: Option<String>,
}

impl AnvilOptions {
    /// A block for each transaction, under the newest rules.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            block_time: None,
            chain_id: 31337,
            hardfork: None,
        }
    }
}

/// A running anvil. Killed when it is dropped. Its accounts are the well-known ones that everybody has the keys of.
pub struct Anvil {
    process: ServerProcess,
    port: u16,
}

impl Anvil {
    /// Starts anvil on a port that the system chooses, and waits until it answers.
    ///
    /// # Errors
    /// It does not come up; the message quotes its log.
    pub async fn start(program: &Path, options: &AnvilOptions) -> Result<Self, DevnetError> {
        fs::create_dir_all(&options.data_dir)
            .map_err(DevnetError::file("create", &options.data_dir))?;
        let log = options.data_dir.join("anvil.log");
        let output = File::create(&log).map_err(DevnetError::file("create", &log))?;
        let process =
            ServerProcess::spawn(command(program, options), output).map_err(|source| {
                DevnetError::NotStarted {
                    program: program.to_owned(),
                    source,
                }
            })?;
        let port = wait_until_ready(&process, &log).await?;
        Ok(Self { process, port })
    }

    /// JSON-RPC over HTTP.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// JSON-RPC over WebSocket, on the same port.
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Kills the node at once (SIGKILL); its chain is lost.
    pub async fn kill(self) {
        self.process.kill().await;
    }
}

fn command(program: &Path, options: &AnvilOptions) -> Command {
    let mut anvil = Command::new(program);
    anvil
        .args(["--host", "127.0.0.1", "--port", "0"])
        .arg("--chain-id")
        .arg(options.chain_id.to_string());
    if let Some(block_time) = options.block_time {
        anvil
            .arg("--block-time")
            .arg(block_time.as_secs_f64().to_string());
    }
    if let Some(hardfork) = &options.hardfork {
        anvil.arg("--hardfork").arg(hardfork);
    }
    anvil
}

/// Gives the port once the node answers there.
async fn wait_until_ready(process: &ServerProcess, log: &Path) -> Result<u16, DevnetError> {
    let started = Instant::now();
    loop {
        if let Some(status) = process.exit_status() {
            let log_tail = log_tail(log);
            return Err(DevnetError::Ended {
                node: "anvil".to_owned(),
                status,
                log_tail,
                log: log.to_owned(),
            });
        }
        if let Some(port) = announced_port(&fs::read_to_string(log).unwrap_or_default())
            && json_rpc::head(port).await.is_some()
        {
            return Ok(port);
        }
        let waited = started.elapsed();
        if waited > START_DEADLINE {
            let log_tail = log_tail(log);
            return Err(DevnetError::NoBlock {
                node: "anvil".to_owned(),
                waited,
                log_tail,
                log: log.to_owned(),
            });
        }
        sleep(POLL).await;
    }
}

fn announced_port(log: &str) -> Option<u16> {
    let (_, after) = log.split_once(LISTENING)?;
    // Without its line end the number may have been seen half written.
    after.split_once('\n')?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_read_from_a_whole_line_only() {
        assert_eq!(
            announced_port("...\nListening on 127.0.0.1:40123\n"),
            Some(40123)
        );
        assert_eq!(announced_port("...\nListening on 127.0.0.1:401"), None);
        assert_eq!(announced_port(""), None);
    }
}
