//! HTTP/1.1, as much of it as JSON-RPC clients use: keep-alive, bodies with a length, one request after another.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::rpc::{self, NoSubscriber};
use super::{Shared, SharedCounters};

const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Besu accepts bodies of this order.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

pub(super) async fn accept_all(
    shared: Arc<Shared>,
    listener: std::net::TcpListener,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let shared = shared.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(&shared, stream).await {
                tracing::debug!(%error, "an HTTP connection broke");
            }
        });
    }
}

async fn serve(shared: &Shared, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Vec::with_capacity(16 * 1024);
    loop {
        let Some(request) = read_request(&mut stream, &mut input).await? else {
            return Ok(());
        };
        let quirks = shared.quirks();
        if quirks.offline {
            return Ok(());
        }
        if !quirks.latency.is_zero() {
            tokio::time::sleep(quirks.latency).await;
        }
        match (request.method, request.length_known) {
            (Method::Post, true) => {
                answer(shared, &mut stream, &input[request.body_start..request.end]).await?
            }
            (Method::Post, false) => write_plain(&mut stream, "411 Length Required", "").await?,
            (Method::Get, _) => write_get(&mut stream, &request.path).await?,
            (Method::Other, _) => write_plain(&mut stream, "405 Method Not Allowed", "").await?,
        }
        if !request.keep_alive {
            return Ok(());
        }
        input.drain(..request.end);
    }
}

async fn answer(shared: &Shared, stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    let chain = shared.chain();
    let (reply, is_valid) = rpc::reply(shared, &chain, body, &mut NoSubscriber);
    let length = reply.len();
    SharedCounters::add(&shared.counters.http_requests, 1);
    SharedCounters::add(&shared.counters.bytes_out, length);
    let status = if is_valid {
        "200 OK"
    } else {
        "400 Bad Request"
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    reply.write_to(stream, &head).await
}

/// Besu answers a bare GET with 201, and has two pages for load balancers.
async fn write_get(stream: &mut TcpStream, path: &str) -> io::Result<()> {
    match path.split('?').next() {
        Some("/") => write_plain(stream, "201 Created", "").await,
        Some("/liveness" | "/readiness") => {
            write_plain(stream, "200 OK", "{\n  \"status\" : \"UP\"\n}").await
        }
        _ => write_plain(stream, "404 Not Found", "").await,
    }
}

async fn write_plain(stream: &mut TcpStream, status: &str, body: &str) -> io::Result<()> {
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Post,
    Get,
    Other,
}

/// A request that lies at the start of the input, whole.
struct Request {
    method: Method,
    path: String,
    keep_alive: bool,
    /// Otherwise the body came in chunks, which is not supported.
    length_known: bool,
    body_start: usize,
    end: usize,
}

/// `None` when the client has closed the connection between requests.
async fn read_request(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let head_end = loop {
        if let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if input.len() > MAX_HEAD_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the head of a request is too long",
            ));
        }
        if stream.read_buf(input).await? == 0 {
            return if input.is_empty() {
                Ok(None)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
    };
    let head = Head::parse(&input[..head_end])?;
    if head.expects_continue {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body_start = head_end + 4;
    let end = body_start + head.content_length;
    while input.len() < end {
        input.reserve(end - input.len());
        if stream.read_buf(input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let Head {
        method,
        path,
        keep_alive,
        is_chunked,
        ..
    } = head;
    Ok(Some(Request {
        method,
        path,
        keep_alive: keep_alive && !is_chunked,
        length_known: !is_chunked,
        body_start,
        end,
    }))
}

struct Head {
    method: Method,
    path: String,
    keep_alive: bool,
    content_length: usize,
    is_chunked: bool,
    expects_continue: bool,
}

impl Head {
    fn parse(head: &[u8]) -> io::Result<Self> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let head =
            std::str::from_utf8(head).map_err(|_| invalid("the head of a request is not text"))?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let method = match words.next() {
            Some("POST") => Method::Post,
            Some("GET") => Method::Get,
            _ => Method::Other,
        };
        let path = words.next().unwrap_or("/").to_owned();
        let mut parsed = Self {
            method,
            path,
            keep_alive: words.next() == Some("HTTP/1.1"),
            content_length: 0,
            is_chunked: false,
            expects_continue: false,
        };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                parsed.content_length = value
                    .parse()
                    .map_err(|_| invalid("the content length is no number"))?;
            } else if name.eq_ignore_ascii_case("connection") {
                parsed.keep_alive = !value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                parsed.is_chunked = true;
            } else if name.eq_ignore_ascii_case("expect") {
                parsed.expects_continue = true;
            }
        }
        if parsed.content_length > MAX_BODY_BYTES {
            return Err(invalid("the body of a request is too long"));
        }
        Ok(parsed)
    }
}
