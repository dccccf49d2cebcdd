//! A QBFT network of several nodes on this machine.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use futures::future::try_join_all;

use super::{
    DevnetError,
    genesis::Genesis,
    keys::NodeKey,
    node::{Node, NodePorts, NodeSettings},
    ports::free_ports,
};

/// Four nodes made their first block within three seconds of an idle machine; this is for a loaded one.
const START_DEADLINE: Duration = Duration::from_secs(90);
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How often other ports are tried when somebody took one of them.
const START_ATTEMPTS: usize = 3;

#[derive(Clone, Debug)]
pub struct QbftOptions {
    /// Keys, chain and logs of all nodes. A folder of an earlier run with the same options continues its chain.
    pub data_dir: PathBuf,
    pub validators: usize,
    /// Nodes that follow the chain without a vote. They come after the validators in the order of nodes.
    pub rpc_nodes_extra: usize,
    /// Whole seconds; zero makes blocks as fast as the nodes agree, about 25 a second, with repeated timestamps.
    pub block_period: Duration,
    /// Blocks after which votes on validators are forgotten.
    pub epoch_length: u64,
    pub chain_id: u64,
    /// Accounts that own ether from the start.
    pub funded: Vec<Address>,
    /// The nodes' keys are derived from it. Two networks with the same seed have the same validators.
    pub seed: u64,
}

impl QbftOptions {
    /// Four validators with a block each second.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            validators: 4,
            rpc_nodes_extra: 0,
            block_period: Duration::from_secs(1),
            epoch_length: 30_000,
            chain_id: 1337,
            funded: Vec::new(),
            seed: 0,
        }
    }
}

/// A running network. All its nodes are killed when it is dropped.
pub struct QbftNetwork {
    nodes: Vec<Node>,
    settings: NodeSettings,
    genesis_path: PathBuf,
    _lock: File,
}

impl QbftNetwork {
    /// Starts the nodes and waits until each has a block that the network made.
    ///
    /// # Errors
    /// The options make no network, the folder holds or runs another one, or no block is made in time; the message quotes
    /// the log of a node.
    pub async fn start(geth: &Path, options: &QbftOptions) -> Result<Self, DevnetError> {
        let settings = node_settings(geth, options)?;
        let folder = &options.data_dir;
        fs::create_dir_all(folder).map_err(DevnetError::file("create", folder))?;
        let lock = lock(folder)?;
        let keys: Vec<NodeKey> = (0..options.validators + options.rpc_nodes_extra)
            .map(|index| NodeKey::derive(options.seed, index))
            .collect();
        let genesis_path = write_genesis(
            options,
            settings.block_period_seconds,
            &keys[..options.validators],
        )?;
        let mut attempt = 1;
        let nodes = loop {
            match start_nodes(&settings, options, &keys, &genesis_path).await {
                Ok(nodes) => break nodes,
                Err(error) if error.is_port_taken() && attempt < START_ATTEMPTS => {
                    tracing::debug!(%error, "trying other ports");
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Self {
            nodes,
            settings,
            genesis_path,
            _lock: lock,
        })
    }

    /// The genesis file: the trust anchor of the chain.
    pub fn genesis_path(&self) -> &Path {
        &self.genesis_path
    }

    /// Addresses of the validators at the start, in the order of nodes.
    pub fn validators(&self) -> Vec<Address> {
        self.nodes
            .iter()
            .filter(|node| node.is_validator)
            .map(|node| node.key.address())
            .collect()
    }

    /// Validators and other nodes.
    pub fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// JSON-RPC over HTTP of node `index`.
    ///
    /// # Errors
    /// There is no such node; so for all methods with an index.
    pub fn http_url(&self, index: usize) -> Result<String, DevnetError> {
        Ok(format!("http://127.0.0.1:{}", self.node(index)?.ports.http))
    }

    /// JSON-RPC over WebSocket of node `index`.
    pub fn ws_url(&self, index: usize) -> Result<String, DevnetError> {
        Ok(format!("ws://127.0.0.1:{}", self.node(index)?.ports.ws))
    }

    /// Metrics of node `index` in Prometheus' format.
    pub fn metrics_url(&self, index: usize) -> Result<String, DevnetError> {
        Ok(format!(
            "http://127.0.0.1:{}/debug/metrics/prometheus",
            self.node(index)?.ports.metrics
        ))
    }

    /// The log of node `index`.
    pub fn log_path(&self, index: usize) -> Result<PathBuf, DevnetError> {
        Ok(self.node(index)?.log())
    }

    /// Kills node `index` at once (SIGKILL). The chain goes on while at least two thirds of the validators run.
    pub async fn kill(&mut self, index: usize) -> Result<(), DevnetError> {
        self.node_mut(index)?.kill().await;
        Ok(())
    }

    /// Starts node `index` again, on its old ports and data, and waits until it answers.
    ///
    /// # Errors
    /// The node is running, or does not come up.
    pub async fn restart(&mut self, index: usize) -> Result<(), DevnetError> {
        let settings = self.settings.clone();
        let node = self.node_mut(index)?;
        if node.is_running() {
            return Err(DevnetError::NodeIsRunning { index });
        }
        node.start(&settings)?;
        node.wait_for_block(0, Instant::now() + START_DEADLINE)
            .await
    }

    /// Stops all nodes in order.
    pub async fn stop_all(&mut self) {
        futures::future::join_all(self.nodes.iter_mut().map(|node| node.stop(STOP_PATIENCE))).await;
    }

    fn node(&self, index: usize) -> Result<&Node, DevnetError> {
        self.nodes.get(index).ok_or(DevnetError::NoSuchNode {
            index,
            n_nodes: self.nodes.len(),
        })
    }

    fn node_mut(&mut self, index: usize) -> Result<&mut Node, DevnetError> {
        let n_nodes = self.nodes.len();
        self.nodes
            .get_mut(index)
            .ok_or(DevnetError::NoSuchNode { index, n_nodes })
    }
}

fn node_settings(geth: &Path, options: &QbftOptions) -> Result<NodeSettings, DevnetError> {
    if options.validators == 0 {
        return Err(DevnetError::NoValidators);
    }
    if options.block_period.subsec_nanos() != 0 {
        return Err(DevnetError::BlockPeriod {
            period: options.block_period,
        });
    }
    let block_period_seconds = options.block_period.as_secs();
    Ok(NodeSettings {
        geth: geth.to_owned(),
        chain_id: options.chain_id,
        block_period_seconds,
    })
}

/// One network per folder, for as long as the file is open.
fn lock(folder: &Path) -> Result<File, DevnetError> {
    let path = folder.join("network.lock");
    let file = File::create(&path).map_err(DevnetError::file("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DevnetError::NetworkInUse {
            data_dir: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(DevnetError::file("lock", &path)(source)),
    }
}

/// Writes the genesis file, or checks that the one of an earlier run is the same.
fn write_genesis(
    options: &QbftOptions,
    block_period_seconds: u64,
    validators: &[NodeKey],
) -> Result<PathBuf, DevnetError> {
    let validators: Vec<Address> = validators.iter().map(NodeKey::address).collect();
    let genesis = Genesis {
        chain_id: options.chain_id,
        validators: &validators,
        epoch_length: options.epoch_length,
        block_period_seconds,
        funded: &options.funded,
    };
    let text =
        serde_json::to_string_pretty(&genesis.to_json()).map_err(|source| DevnetError::Encode {
            what: "the genesis block",
            source,
        })?;
    let path = options.data_dir.join("genesis.json");
    if path.exists() {
        let earlier = fs::read_to_string(&path).map_err(DevnetError::file("read", &path))?;
        if earlier != text {
            return Err(DevnetError::OtherNetwork {
                data_dir: options.data_dir.clone(),
            });
        }
    } else {
        fs::write(&path, text).map_err(DevnetError::file("write", &path))?;
    }
    Ok(path)
}

async fn start_nodes(
    settings: &NodeSettings,
    options: &QbftOptions,
    keys: &[NodeKey],
    genesis_path: &Path,
) -> Result<Vec<Node>, DevnetError> {
    let ports = free_ports(keys.len() * NodePorts::COUNT)?;
    let mut nodes: Vec<Node> = keys
        .iter()
        .zip(
            ports
                .chunks(NodePorts::COUNT)
                .filter_map(NodePorts::from_slice),
        )
        .enumerate()
        .map(|(index, (key, ports))| {
            Node::new(
                index,
                key.clone(),
                ports,
                index < options.validators,
                &options.data_dir,
            )
        })
        .collect();
    let enodes: Vec<String> = nodes
        .iter()
        .map(|node| node.key.enode(node.ports.p2p))
        .collect();
    try_join_all(
        nodes
            .iter()
            .map(|node| node.prepare(settings, genesis_path, &enodes)),
    )
    .await?;
    for node in &mut nodes {
        node.start(settings)?;
    }
    let deadline = Instant::now() + START_DEADLINE;
    try_join_all(nodes.iter().map(|node| node.wait_for_block(1, deadline))).await?;
    Ok(nodes)
}
