//! Contracts: the committed artefacts are what the pinned compiler makes, and demo tokens and traffic do on real chains
//! what the expected balances say.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256, hex};
use anyhow::{Context, bail, ensure};
use lastro::devnet::{Anvil, AnvilOptions, QbftNetwork, QbftOptions};
use lastro::provision::{NpmProject, Provisioner};
use lastro_besu_rpc::{BesuClient, ClientOptions, Endpoint, RpcError};
use lastro_contracts::demo::{
    self, BalanceKey, DemoAccounts, DemoTokens, DemoTraffic, DeployError, Expected,
    ExpectedBalances, TrafficCounts, TrafficError, TrafficOptions,
};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const CONTRACTS: NpmProject<'_> = NpmProject {
    name: "contracts",
    package_json: include_str!("../../contracts/package.json"),
    package_lock: include_str!("../../contracts/package-lock.json"),
};
const PATIENCE: Duration = Duration::from_secs(120);
const N_HOLDERS: u32 = 12;

#[tokio::test]
async fn artefacts_are_byte_for_byte_what_the_compiler_makes() -> anyhow::Result<()> {
    let provisioner = Provisioner::new()?;
    let (node_js, modules) = (
        provisioner.node_js().await?,
        provisioner.npm_packages(&CONTRACTS).await?,
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts");
    let made = tempfile::tempdir()?;
    let compile = Command::new(node_js)
        .arg(folder.join("build/compile.mjs"))
        .arg("--modules")
        .arg(modules)
        .arg("--out")
        .arg(made.path())
        .output()
        .await?;
    ensure!(
        compile.status.success(),
        "compile.mjs failed: {}",
        String::from_utf8_lossy(&compile.stderr)
    );

    let (made, committed) = (
        read_folder(made.path())?,
        read_folder(&folder.join("artifacts"))?,
    );
    assert_eq!(
        made.keys().collect::<Vec<_>>(),
        committed.keys().collect::<Vec<_>>()
    );
    for (name, content) in &committed {
        assert!(
            made[name] == *content,
            "{name:?} differs: run `npm ci && npm run compile` in contracts/ and commit"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_on_a_qbft_network_are_the_expected_ones_although_nodes_die() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let geth = Provisioner::new()?.qbft_node().await?;
    let mut network = QbftNetwork::start(&geth, &QbftOptions::new(folder.path())).await?;
    let rpc = connect(&network.http_url(0)?).await?;
    let accounts = DemoAccounts::derive("qbft", N_HOLDERS)?;

    let tokens = demo::deploy(&rpc, &accounts).await?;
    assert!(tokens.access_lists, "the network follows Berlin rules");
    let running = Running::start(&rpc, tokens, &accounts).await?;
    running
        .wait_for("traffic", |counts| counts.succeeded > 50)
        .await?;

    // A validator that nobody asks, then the node that we talk to.
    network.kill(3).await?;
    let before = running.expected.counts().succeeded;
    running
        .wait_for("traffic with three validators", |counts| {
            counts.succeeded > before + 50
        })
        .await?;
    network.restart(3).await?;
    network.kill(0).await?;
    running
        .wait_for("errors of a dead node", |counts| counts.node_errors > 1)
        .await?;
    network.restart(0).await?;
    let before = running.expected.counts().succeeded;
    running
        .wait_for("traffic after a restart", |counts| {
            counts.succeeded > before + 50
        })
        .await?;

    running.wait_for_holders(tokens).await?;

    let (counts, expected) = running.stop().await?;
    assert_eq!(
        (counts.superseded, counts.unwound_blocks),
        (0, 0),
        "{counts:?}"
    );
    check_balances(&rpc, tokens, &expected).await?;

    let again = DemoTraffic::prepare(&rpc, tokens, accounts, TrafficOptions::default()).await;
    assert!(
        matches!(again, Err(TrafficError::TokenInUse { .. })),
        "traffic must not start from unknown balances"
    );
    network.stop_all().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn expected_balances_follow_a_reorganisation() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let options = AnvilOptions {
        block_time: Some(Duration::from_secs(1)),
        ..AnvilOptions::new(folder.path())
    };
    let (_anvil, rpc) = start_anvil(&options).await?;
    let accounts = DemoAccounts::derive("reorganisation", N_HOLDERS)?;
    fund(&rpc, &accounts).await?;
    let tokens = demo::deploy(&rpc, &accounts).await?;
    let running = Running::start(&rpc, tokens, &accounts).await?;
    for depth in [1, 3] {
        let before = running.expected.counts();
        running
            .wait_for("traffic", |counts| counts.succeeded > before.succeeded + 60)
            .await?;
        let _: Value = rpc.request("anvil_reorg", (depth, json!([]))).await?;
        running
            .wait_for("unwound blocks", |counts| {
                counts.unwound_blocks >= before.unwound_blocks + depth
            })
            .await?;
    }
    let before = running.expected.counts();
    running
        .wait_for("traffic afterwards", |counts| {
            counts.succeeded > before.succeeded + 60
        })
        .await?;
    running.wait_for_holders(tokens).await?;
    let (_, expected) = running.stop().await?;
    check_balances(&rpc, tokens, &expected).await
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_older_than_berlin_gets_legacy_transactions_only() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let options = AnvilOptions {
        hardfork: Some("istanbul".to_owned()),
        ..AnvilOptions::new(folder.path())
    };
    let (_anvil, rpc) = start_anvil(&options).await?;
    let accounts = DemoAccounts::derive("istanbul", N_HOLDERS)?;
    fund(&rpc, &accounts).await?;
    let tokens = demo::deploy(&rpc, &accounts).await?;
    assert!(!tokens.access_lists);
    let running = Running::start(&rpc, tokens, &accounts).await?;
    running
        .wait_for("traffic", |counts| counts.succeeded > 100)
        .await?;
    let (counts, expected) = running.stop().await?;
    assert_eq!(counts.refused, 0);
    check_balances(&rpc, tokens, &expected).await
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_deployment_says_why() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let accounts = DemoAccounts::derive("failure", 1)?;
    let (anvil, rpc) = start_anvil(&AnvilOptions::new(folder.path())).await?;
    let poor = demo::deploy(&rpc, &accounts)
        .await
        .err()
        .context("the issuer cannot pay")?;
    assert!(!poor.is_retryable());
    assert!(format!("{:#}", anyhow::Error::from(poor)).contains("nsufficient funds"));
    anvil.kill().await;

    // Our code needs instructions that came with Constantinople.
    let options = AnvilOptions {
        hardfork: Some("byzantium".to_owned()),
        ..AnvilOptions::new(folder.path())
    };
    let (_anvil, rpc) = start_anvil(&options).await?;
    fund(&rpc, &accounts).await?;
    let old = demo::deploy(&rpc, &accounts)
        .await
        .err()
        .context("the chain lacks an instruction")?;
    assert!(
        matches!(&old, DeployError::Reverted { contract, .. } if contract == "DemoCurrency"),
        "{old}"
    );

    let nobody = DemoTokens {
        currency: Address::repeat_byte(1),
        bond: Address::repeat_byte(2),
        deed: Address::repeat_byte(3),
        access_lists: false,
    };
    let traffic = DemoTraffic::prepare(&rpc, nobody, accounts, TrafficOptions::default()).await;
    assert!(matches!(traffic, Err(TrafficError::NoToken { token }) if token == nobody.currency));
    Ok(())
}

/// Traffic in the background.
struct Running {
    expected: Expected,
    stop: CancellationToken,
    task: JoinHandle<Result<TrafficCounts, TrafficError>>,
}

impl Running {
    async fn start(
        rpc: &BesuClient,
        tokens: DemoTokens,
        accounts: &DemoAccounts,
    ) -> anyhow::Result<Self> {
        let options = TrafficOptions {
            transactions_per_block: 20,
            ..TrafficOptions::default()
        };
        let traffic = DemoTraffic::prepare(rpc, tokens, accounts.clone(), options).await?;
        let (expected, stop) = (traffic.expected(), CancellationToken::new());
        let task = tokio::spawn(traffic.run(stop.clone()));
        Ok(Self {
            expected,
            stop,
            task,
        })
    }

    async fn wait_for(
        &self,
        what: &str,
        is_reached: impl Fn(&TrafficCounts) -> bool,
    ) -> anyhow::Result<()> {
        self.wait_until(what, || is_reached(&self.expected.counts()))
            .await
    }

    /// Waits until several accounts hold each of the three tokens.
    async fn wait_for_holders(&self, tokens: DemoTokens) -> anyhow::Result<()> {
        self.wait_until("holders of all tokens", || {
            let balances = self.expected.balances().balances;
            let n_holders = |token| {
                balances
                    .iter()
                    .filter(|(key, value)| key.token == token && !value.is_zero())
                    .count()
            };
            [tokens.currency, tokens.bond, tokens.deed]
                .into_iter()
                .all(|token| n_holders(token) > 2)
        })
        .await
    }

    async fn wait_until(&self, what: &str, is_reached: impl Fn() -> bool) -> anyhow::Result<()> {
        let reached = async {
            while !is_reached() && !self.task.is_finished() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let is_late = tokio::time::timeout(PATIENCE, reached).await.is_err();
        if is_late || !is_reached() {
            bail!(
                "no {what} within {PATIENCE:?}: {:?}",
                self.expected.counts()
            );
        }
        Ok(())
    }

    async fn stop(self) -> anyhow::Result<(TrafficCounts, ExpectedBalances)> {
        self.stop.cancel();
        let counts = self.task.await??;
        Ok((counts, self.expected.balances()))
    }
}

async fn connect(url: &str) -> anyhow::Result<BesuClient> {
    let endpoint = Endpoint {
        http: url.to_owned(),
        ws: None,
    };
    Ok(BesuClient::connect(vec![endpoint], ClientOptions::default()).await?)
}

async fn start_anvil(options: &AnvilOptions) -> anyhow::Result<(Anvil, BesuClient)> {
    let anvil = Anvil::start(&Provisioner::new()?.anvil().await?, options).await?;
    let rpc = connect(&anvil.http_url()).await?;
    Ok((anvil, rpc))
}

async fn fund(rpc: &BesuClient, accounts: &DemoAccounts) -> anyhow::Result<()> {
    for account in accounts.faucet_addresses() {
        let _: Value = rpc
            .request(
                "anvil_setBalance",
                (account, U256::from(10).pow(U256::from(24))),
            )
            .await?;
    }
    Ok(())
}

/// Asks the contracts for every balance at the block of the expected ones.
async fn check_balances(
    rpc: &BesuClient,
    tokens: DemoTokens,
    expected: &ExpectedBalances,
) -> anyhow::Result<()> {
    assert!(!expected.balances.is_empty());
    for (key, value) in &expected.balances {
        let stated = fetch_balance(rpc, tokens, key, expected).await?;
        assert_eq!(stated, *value, "{key:?} at block {}", expected.block);
    }
    Ok(())
}

async fn fetch_balance(
    rpc: &BesuClient,
    tokens: DemoTokens,
    key: &BalanceKey,
    expected: &ExpectedBalances,
) -> anyhow::Result<U256> {
    let account = U256::from_be_slice(key.account.as_slice());
    let (selector, arguments) = if key.token == tokens.currency {
        (hex!("70a08231"), vec![account]) // balanceOf(address)
    } else if key.token == tokens.bond {
        (hex!("00fdd58e"), vec![account, key.id]) // balanceOf(address,uint256)
    } else {
        (hex!("6352211e"), vec![key.id]) // ownerOf(uint256)
    };
    let words = arguments.iter().flat_map(|word| word.to_be_bytes::<32>());
    let input: Bytes = selector.into_iter().chain(words).collect();
    let call = (
        json!({ "to": key.token, "data": input }),
        json!({ "blockHash": expected.block.hash }),
    );
    let returned: Result<Bytes, RpcError> = rpc.request("eth_call", call).await;
    match returned {
        Ok(word) if key.token == tokens.deed => {
            Ok(U256::from(U256::from_be_slice(&word) == account))
        }
        Ok(word) => Ok(U256::from_be_slice(&word)),
        // A deed that was burned has no owner.
        Err(error) if key.token == tokens.deed && error.revert_reason().is_some() => Ok(U256::ZERO),
        Err(error) => Err(error.into()),
    }
}

fn read_folder(folder: &Path) -> anyhow::Result<BTreeMap<OsString, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.insert(entry.file_name(), std::fs::read(entry.path())?);
    }
    Ok(files)
}
