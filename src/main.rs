//! The `lastro` program: parses the command line and composes the crates.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use lastro::{
    check::{CheckArgs, check},
    cli::{Cli, Command, UpArgs},
    clickhouse_server::{EMBEDDED_COMMAND, run_embedded},
    config::{REFERENCE, RawConfig},
    demo::{DemoSummary, demo},
    provision::Provisioner,
    up::up,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    // The embedded server takes over signals and threads, so it starts before anything else does.
    if args
        .next()
        .is_some_and(|command| command == EMBEDDED_COMMAND)
    {
        return match run_embedded(args) {
            Ok(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
            Err(error) => fail(&error.into()),
        };
    }
    let cli = Cli::parse();
    start_logging(cli.log.as_deref());
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

#[allow(clippy::print_stderr)]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("lastro: {error:#}");
    ExitCode::FAILURE
}

fn start_logging(filter: Option<&str>) {
    let filter = filter.map_or_else(
        || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        EnvFilter::new,
    );
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
}

#[tokio::main]
async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up(args) => run_up(&args).await?,
        Command::Demo(args) => demo(&args, stop_on_signal()?, print_demo).await?,
        Command::Check(args) => return run_check(&args).await,
        Command::Provision => provision().await?,
        Command::Config => print(REFERENCE),
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let report = check(args).await?;
    print(&report.to_string());
    Ok(match report.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

async fn run_up(args: &UpArgs) -> anyhow::Result<()> {
    let config = RawConfig::load(args)?.validate()?;
    up(config, stop_on_signal()?, |server, _| {
        print_urls(server.address())
    })
    .await
}

async fn provision() -> anyhow::Result<()> {
    let provisioner = Provisioner::new()?;
    let clickhouse = provisioner.clickhouse().await?;
    let qbft_node = provisioner.qbft_node().await?;
    let anvil = provisioner.anvil().await?;
    print(&format!(
        "ClickHouse  {clickhouse}\nQBFT node   {}\nanvil       {}\n",
        qbft_node.display(),
        anvil.display()
    ));
    Ok(())
}

/// Fires at SIGINT and SIGTERM: what is under way is finished. A second signal ends the process at once.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let cancellation = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    let fired = cancellation.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping; once more to stop at once");
        fired.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(130);
    });
    Ok(cancellation)
}

fn print_urls(api: std::net::SocketAddr) {
    print(&format!(
        "GraphQL     http://{api}/graphql\nExplorer    http://{api}/graphiql\nReadiness   http://{api}/readyz\n\
         Metrics     http://{api}/metrics\n"
    ));
}

fn print_demo(summary: &DemoSummary) {
    let DemoSummary {
        api,
        node,
        tokens,
        holder,
    } = summary;
    print_urls(*api);
    print(&format!(
        "Node        {node}\nCurrency    {}\nBond        {}\nDeed        {}\n\nA holder's balance, once its block is indexed:\n\
         curl -s http://{api}/graphql -H 'content-type: application/json' -d '{{\"query\":\"{{ balance(token: \\\"{}\\\", \
         account: \\\"{holder}\\\") {{ amount readAt {{ number hash proof anchor }} }} }}\"}}'\n\nCtrl-C ends it.\n",
        tokens.currency, tokens.bond, tokens.deed, tokens.currency,
    ));
}

/// Results go to standard output; everything else is a log line.
#[allow(clippy::print_stdout)]
fn print(text: &str) {
    print!("{text}");
}
