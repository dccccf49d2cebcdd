//! How fast a chain is made and served: milliseconds per block, blocks per second, and the node's own core time.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use lastro_bench_chain::{
    ChainOptions, DrainOptions, ReplayNode, ReplayOptions, ServedChain, drain,
};

#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 20_000)]
    blocks: u64,
    #[arg(long)]
    cache: Option<PathBuf>,
    #[arg(long, default_value_t = 50)]
    blocks_per_batch: u64,
    #[arg(long, default_value_t = 8)]
    connections: u64,
    /// Goes over the chain so many times.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let options = ChainOptions::bench(arguments.blocks);
    let chain = ServedChain::make(&options, arguments.cache.as_deref(), &|_| {})?;
    let elapsed = started.elapsed();
    let per_block = elapsed.as_secs_f64() * 1000.0 / f64::from(u32::try_from(arguments.blocks)?);
    println!(
        "made in {elapsed:.1?}: {per_block:.3} ms per block; {} bytes of JSON",
        chain.n_bytes()
    );

    let node = ReplayNode::start(chain, ReplayOptions::default())?;
    let drain_options = DrainOptions {
        first_block: 0,
        last_block: arguments.blocks,
        blocks_per_batch: arguments.blocks_per_batch,
        n_connections: arguments.connections,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // The thread has its name once it has answered.
    runtime.block_on(drain(
        &node.http_url,
        DrainOptions {
            last_block: 0,
            ..drain_options
        },
    ))?;
    for _ in 0..arguments.rounds {
        let before = core_time_of_node()?;
        let drained = runtime.block_on(drain(&node.http_url, drain_options))?;
        let node_time = core_time_of_node()? - before;
        let n_blocks = f64::from(u32::try_from(drained.n_blocks)?);
        println!(
            "{:.0} blocks/s, {:.0} MB/s, node {:.1} µs of core time per block",
            n_blocks / drained.elapsed.as_secs_f64(),
            f64::from(u32::try_from(drained.n_bytes / 1_000_000)?) / drained.elapsed.as_secs_f64(),
            node_time.as_secs_f64() * 1e6 / n_blocks,
        );
    }
    Ok(())
}

/// User and system time of the node's thread, in ticks of 10 ms.
fn core_time_of_node() -> anyhow::Result<Duration> {
    for task in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(task?.path().join("stat"))?;
        let Some((name, fields)) = stat.rsplit_once(") ") else {
            continue;
        };
        if name.ends_with("(replay-node") {
            let fields: Vec<&str> = fields.split(' ').collect();
            let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
            return Ok(Duration::from_millis(ticks * 10));
        }
    }
    None.context("the node's thread is not there")
}
