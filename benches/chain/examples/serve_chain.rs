//! Makes a synthetic chain and serves it until interrupted: a node for other tools, and for a look by hand.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use lastro_bench_chain::{ChainOptions, Fork, ReplayNode, ReplayOptions, ServedChain};

#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 20_000)]
    blocks: u64,
    #[arg(long, default_value_t = 10)]
    transactions_per_block: u32,
    /// Everything in it instead of plain transfers, by the rules of Prague.
    #[arg(long)]
    mixed: bool,
    /// Keeps the signatures, so that the same chain is made faster the next time.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Threads that serve.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    #[arg(long, default_value_t = 0)]
    http_port: u16,
    #[arg(long, default_value_t = 0)]
    ws_port: u16,
    /// Shows one more block per so many milliseconds, from `--head` on.
    #[arg(long)]
    period_ms: Option<u64>,
    /// The last block to show at first.
    #[arg(long)]
    head: Option<u64>,
    /// Where to write the genesis file.
    #[arg(long)]
    genesis: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let base = if arguments.mixed {
        ChainOptions::mixed(arguments.blocks, Fork::Prague)
    } else {
        ChainOptions::bench(arguments.blocks)
    };
    let options = ChainOptions {
        transactions_per_block: arguments.transactions_per_block,
        ..base
    };
    let chain = ServedChain::make(&options, arguments.cache.as_deref(), &|_| {})?;
    if let Some(path) = arguments.genesis {
        std::fs::write(path, chain.genesis_json())?;
    }
    let replay = ReplayOptions {
        head: arguments.head,
        n_threads: arguments.threads,
        http_port: arguments.http_port,
        ws_port: arguments.ws_port,
        ..ReplayOptions::default()
    };
    println!(
        "{} blocks, {} bytes of JSON",
        chain.head() + 1,
        chain.n_bytes()
    );
    let node = ReplayNode::start(chain, replay)?;
    if let Some(period) = arguments.period_ms {
        node.advance_every(Duration::from_millis(period));
    }
    println!("{}\n{}", node.http_url, node.ws_url);
    loop {
        std::thread::park();
    }
}
