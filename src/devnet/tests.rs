//! Real networks of real nodes.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use alloy_primitives::{Address, address};

use super::*;
use crate::provision::Provisioner;

const FUNDED: Address = address!("0x1111111111111111111111111111111111111111");
const PATIENCE: Duration = Duration::from_secs(60);

async fn geth() -> PathBuf {
    Provisioner::new().unwrap().qbft_node().await.unwrap()
}

fn port_of(url: &str) -> u16 {
    url.rsplit_once(':').unwrap().1.parse().unwrap()
}

async fn head(network: &QbftNetwork, index: usize) -> Option<u64> {
    json_rpc::head(port_of(&network.http_url(index).unwrap())).await
}

async fn wait_for_head(network: &QbftNetwork, index: usize, at_least: u64) {
    let started = Instant::now();
    while head(network, index)
        .await
        .is_none_or(|head| head < at_least)
    {
        assert!(
            started.elapsed() < PATIENCE,
            "node {index} does not reach block {at_least}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn network_survives_the_loss_of_a_validator_and_takes_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = QbftOptions {
        rpc_nodes_extra: 1,
        funded: vec![FUNDED],
        ..QbftOptions::new(folder.path())
    };
    let mut network = QbftNetwork::start(&geth().await, &options).await.unwrap();
    assert_eq!((network.validators().len(), network.n_nodes()), (4, 5));
    assert!(network.genesis_path().is_file());

    network.kill(0).await.unwrap();
    assert_eq!(head(&network, 0).await, None);
    let before = head(&network, 4).await.unwrap();
    wait_for_head(&network, 4, before + 2).await;

    network.restart(0).await.unwrap();
    assert!(matches!(
        network.restart(0).await,
        Err(DevnetError::NodeIsRunning { index: 0 })
    ));
    assert!(matches!(
        network.kill(9).await,
        Err(DevnetError::NoSuchNode {
            index: 9,
            n_nodes: 5
        })
    ));
    let before = head(&network, 4).await.unwrap();
    wait_for_head(&network, 0, before).await;

    let error = QbftNetwork::start(&geth().await, &options)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, DevnetError::NetworkInUse { .. }), "{error}");
    network.stop_all().await;
    assert_eq!(head(&network, 1).await, None);
}

#[tokio::test]
async fn fast_network_continues_its_chain_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let options = QbftOptions {
        validators: 1,
        block_period: Duration::ZERO,
        chain_id: 4242,
        seed: 7,
        ..QbftOptions::new(folder.path())
    };
    let mut network = QbftNetwork::start(&geth().await, &options).await.unwrap();
    let validators = network.validators();
    wait_for_head(&network, 0, 10).await;
    let before = head(&network, 0).await.unwrap();
    network.stop_all().await;
    drop(network);

    let network = QbftNetwork::start(&geth().await, &options).await.unwrap();
    assert_eq!(network.validators(), validators);
    wait_for_head(&network, 0, before).await;
    drop(network);

    let other = QbftOptions { seed: 8, ..options };
    let error = QbftNetwork::start(&geth().await, &other)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, DevnetError::OtherNetwork { .. }), "{error}");
}

#[tokio::test]
async fn impossible_networks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let geth = Path::new("/nonexistent/geth");
    let start =
        async |options: QbftOptions| QbftNetwork::start(geth, &options).await.err().unwrap();
    let options = QbftOptions::new(folder.path());
    let error = start(QbftOptions {
        validators: 0,
        ..options.clone()
    })
    .await;
    assert!(matches!(error, DevnetError::NoValidators), "{error}");
    let error = start(QbftOptions {
        block_period: Duration::from_millis(500),
        ..options.clone()
    })
    .await;
    assert!(matches!(error, DevnetError::BlockPeriod { .. }), "{error}");
    let error = start(options).await;
    assert!(matches!(error, DevnetError::NotStarted { .. }), "{error}");
}

#[tokio::test]
async fn a_node_that_does_not_start_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let options = AnvilOptions {
        hardfork: Some("no-such-fork".to_owned()),
        ..AnvilOptions::new(folder.path())
    };
    let anvil = Provisioner::new().unwrap().anvil().await.unwrap();
    let error = Anvil::start(&anvil, &options).await.err().unwrap();
    assert!(
        matches!(&error, DevnetError::Ended { log_tail, .. } if log_tail.contains("no-such-fork")),
        "{error}"
    );
}

#[tokio::test]
async fn anvil_makes_blocks_and_dies_with_its_handle() {
    let folder = tempfile::tempdir().unwrap();
    let options = AnvilOptions {
        block_time: Some(Duration::from_millis(200)),
        ..AnvilOptions::new(folder.path())
    };
    let program = Provisioner::new().unwrap().anvil().await.unwrap();
    let anvil = Anvil::start(&program, &options).await.unwrap();
    let port = port_of(&anvil.http_url());
    let started = Instant::now();
    while json_rpc::head(port).await.unwrap() < 2 {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(anvil);
    assert_eq!(json_rpc::head(port).await, None);
}
