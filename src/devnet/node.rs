//! One node of a QBFT network.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::server_process::{ServerProcess, log_tail};

use super::{DevnetError, json_rpc, keys::NodeKey};

const POLL: Duration = Duration::from_millis(50);

/// Where a node listens on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodePorts {
    pub(super) p2p: u16,
    pub(super) http: u16,
    pub(super) ws: u16,
    pub(super) metrics: u16,
}

impl NodePorts {
    pub(super) const COUNT: usize = 4;

    /// `ports` holds [`Self::COUNT`] of them.
    pub(super) fn from_slice(ports: &[u16]) -> Option<Self> {
        let &[p2p, http, ws, metrics] = ports else {
            return None;
        };
        Some(Self {
            p2p,
            http,
            ws,
            metrics,
        })
    }
}

/// What all nodes of a network share.
#[derive(Clone, Debug)]
pub(super) struct NodeSettings {
    pub(super) geth: PathBuf,
    pub(super) chain_id: u64,
    pub(super) block_period_seconds: u64,
}

pub(super) struct Node {
    pub(super) key: NodeKey,
    pub(super) ports: NodePorts,
    pub(super) is_validator: bool,
    name: String,
    folder: PathBuf,
    process: Option<ServerProcess>,
}

impl Node {
    pub(super) fn new(
        index: usize,
        key: NodeKey,
        ports: NodePorts,
        is_validator: bool,
        network: &Path,
    ) -> Self {
        let name = format!("node-{index}");
        let folder = network.join(&name);
        Self {
            key,
            ports,
            is_validator,
            name,
            folder,
            process: None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.process
            .as_ref()
            .is_some_and(|process| process.exit_status().is_none())
    }

    /// Writes the node's files, and its first block where it has none yet.
    pub(super) async fn prepare(
        &self,
        settings: &NodeSettings,
        genesis: &Path,
        enodes: &[String],
    ) -> Result<(), DevnetError> {
        let geth_folder = self.folder.join("geth");
        fs::create_dir_all(&geth_folder).map_err(DevnetError::file("create", &geth_folder))?;
        self.write("geth/nodekey", &self.key.secret_hex())?;
        let static_nodes = serde_json::to_string(enodes).map_err(|source| DevnetError::Encode {
            what: "the list of nodes",
            source,
        })?;
        self.write("static-nodes.json", &static_nodes)?;
        // geth has a flag for the port it listens on, but none for the address.
        self.write(
            "config.toml",
            &format!(
                "[Node.P2P]\nListenAddr = \"127.0.0.1:{}\"\n",
                self.ports.p2p
            ),
        )?;
        if geth_folder.join("chaindata").exists() {
            return Ok(());
        }
        let mut init = Command::new(&settings.geth);
        init.arg("--datadir")
            .arg(&self.folder)
            .arg("init")
            .arg(genesis);
        let init = self.spawn(settings, init)?;
        let status = init.exited().await;
        if status.success() {
            Ok(())
        } else {
            Err(self.ended(status))
        }
    }

    pub(super) fn start(&mut self, settings: &NodeSettings) -> Result<(), DevnetError> {
        self.process = Some(self.spawn(settings, self.command(settings))?);
        Ok(())
    }

    /// Waits until the node has block `number`.
    pub(super) async fn wait_for_block(
        &self,
        number: u64,
        deadline: Instant,
    ) -> Result<(), DevnetError> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.as_ref().and_then(ServerProcess::exit_status) {
                return Err(self.ended(status));
            }
            if json_rpc::head(self.ports.http)
                .await
                .is_some_and(|head| head >= number)
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                let log = self.log();
                let waited = started.elapsed();
                return Err(DevnetError::NoBlock {
                    node: self.name.clone(),
                    waited,
                    log_tail: log_tail(&log),
                    log,
                });
            }
            sleep(POLL).await;
        }
    }

    pub(super) async fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
    }

    pub(super) async fn stop(&mut self, patience: Duration) {
        if let Some(process) = self.process.take() {
            process.stop(patience).await;
        }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("node.log")
    }

    fn command(&self, settings: &NodeSettings) -> Command {
        let mut geth = Command::new(&settings.geth);
        geth.env("PRIVATE_CONFIG", "ignore");
        geth.arg("--config").arg(self.folder.join("config.toml"));
        geth.arg("--datadir").arg(&self.folder);
        geth.args([
            "--nodiscover",
            "--nat=none",
            "--netrestrict=127.0.0.0/8",
            "--bootnodes=",
            "--ipcdisable",
        ]);
        geth.args([
            "--syncmode=full",
            "--gcmode=archive",
            "--verbosity=3",
            "--revertreason",
        ]);
        geth.arg(format!("--networkid={}", settings.chain_id));
        geth.arg(format!(
            "--istanbul.blockperiod={}",
            settings.block_period_seconds
        ));
        // Load tests send thousands of transactions from one account at once, for nothing.
        geth.args([
            "--txpool.pricelimit=0",
            "--txpool.accountslots=8192",
            "--txpool.globalslots=65536",
        ]);
        geth.args([
            "--txpool.accountqueue=8192",
            "--txpool.globalqueue=65536",
            "--miner.gasprice=0",
        ]);
        geth.args([
            "--http",
            "--http.addr=127.0.0.1",
            "--http.api=admin,eth,net,web3,debug,istanbul,txpool",
        ]);
        geth.arg(format!("--http.port={}", self.ports.http));
        geth.args([
            "--ws",
            "--ws.addr=127.0.0.1",
            "--ws.api=admin,eth,net,web3,debug,istanbul,txpool",
        ]);
        geth.arg(format!("--ws.port={}", self.ports.ws));
        geth.args(["--metrics", "--metrics.addr=127.0.0.1"])
            .arg(format!("--metrics.port={}", self.ports.metrics));
        if self.is_validator {
            geth.arg("--mine");
        }
        geth
    }

    fn spawn(
        &self,
        settings: &NodeSettings,
        command: Command,
    ) -> Result<ServerProcess, DevnetError> {
        let path = self.log();
        let log = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(DevnetError::file("open", &path))?;
        ServerProcess::spawn(command, log).map_err(|source| DevnetError::NotStarted {
            program: settings.geth.clone(),
            source,
        })
    }

    fn write(&self, name: &str, text: &str) -> Result<(), DevnetError> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(DevnetError::file("write", &path))
    }

    fn ended(&self, status: std::process::ExitStatus) -> DevnetError {
        let log = self.log();
        DevnetError::Ended {
            node: self.name.clone(),
            status,
            log_tail: log_tail(&log),
            log,
        }
    }
}
