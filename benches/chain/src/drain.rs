//! Fetches every block and its receipts and looks at nothing: the limit that the node and the loopback set.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[derive(Clone, Copy, Debug)]
pub struct DrainOptions {
    pub first_block: u64,
    pub last_block: u64,
    /// Each costs two calls in its batch: block and receipts.
    pub blocks_per_batch: u64,
    /// Connections that are busy at the same time.
    pub n_connections: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Drained {
    pub n_blocks: u64,
    /// Bodies of the answers.
    pub n_bytes: u64,
    pub elapsed: Duration,
}

/// `http_url` is that of a [`ReplayNode`](crate::ReplayNode). The batches are dealt out to the connections in turn.
pub async fn drain(http_url: &str, options: DrainOptions) -> io::Result<Drained> {
    let address = http_url
        .strip_prefix("http://")
        .unwrap_or(http_url)
        .to_owned();
    let started = Instant::now();
    let mut connections = JoinSet::new();
    for turn in 0..options.n_connections.max(1) {
        connections.spawn(drain_connection(address.clone(), options, turn));
    }
    let mut n_bytes = 0;
    while let Some(drained) = connections.join_next().await {
        n_bytes += drained.map_err(io::Error::other)??;
    }
    let n_blocks = (options.last_block + 1).saturating_sub(options.first_block);
    Ok(Drained {
        n_blocks,
        n_bytes,
        elapsed: started.elapsed(),
    })
}

async fn drain_connection(address: String, options: DrainOptions, turn: u64) -> io::Result<u64> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let step = options.blocks_per_batch.max(1);
    let mut first = options
        .first_block
        .saturating_add(turn.saturating_mul(step));
    let mut buffer = vec![0; 256 * 1024];
    let mut n_bytes = 0;
    while first <= options.last_block {
        let last = options.last_block.min(first + step - 1);
        let body = batch(first, last);
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all([head.as_bytes(), body.as_bytes()].concat().as_slice())
            .await?;
        n_bytes += skip_answer(&mut stream, &mut buffer).await?;
        first = first.saturating_add(step.saturating_mul(options.n_connections.max(1)));
    }
    Ok(n_bytes)
}

fn batch(first: u64, last: u64) -> String {
    let calls: Vec<String> = (first..=last)
        .map(|number| {
            format!(
                r#"{{"jsonrpc":"2.0","id":{number},"method":"eth_getBlockByNumber","params":["{number:#x}",true]}},{{"jsonrpc":"2.0","id":{number},"method":"eth_getBlockReceipts","params":["{number:#x}"]}}"#
            )
        })
        .collect();
    format!("[{}]", calls.join(","))
}

/// Reads one answer to its end; gives the length of its body.
async fn skip_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<u64> {
    let mut filled = 0;
    let head_end = loop {
        filled += read_some(stream, &mut buffer[filled..]).await?;
        if let Some(end) = buffer[..filled]
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
        {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        return Err(io::Error::other(format!(
            "the node refused a batch: {head}"
        )));
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length
        .and_then(|value| value.trim().parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    let mut left = length - (filled - head_end);
    while left > 0 {
        let room = left.min(buffer.len());
        left -= read_some(stream, &mut buffer[..room]).await?;
    }
    Ok(u64::try_from(length).unwrap_or(u64::MAX))
}

async fn read_some(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    match stream.read(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        n => Ok(n),
    }
}
