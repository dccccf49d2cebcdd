//! How the client behaves; every field has a default.

use std::time::Duration;

/// Where a node listens. The URLs may hold credentials and are therefore never printed.
#[derive(Clone)]
pub struct Endpoint {
    /// `http://` or `https://`.
    pub http: String,
    /// `ws://` or `wss://`, for head notifications; without it heads are polled.
    pub ws: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ws = if self.ws.is_some() {
            " and a WebSocket"
        } else {
            ""
        };
        write!(f, "Endpoint(HTTP{ws}, URLs not shown)")
    }
}

/// Whether to ask for compressed answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gzip {
    /// On, except for a node on this machine, where it costs time and saves nothing.
    #[default]
    Auto,
    On,
    Off,
}

#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// For one HTTP request, the whole answer included.
    pub request_timeout: Duration,
    pub connect_timeout: Duration,
    /// Largest HTTP answer taken, decompressed.
    pub max_response_bytes: usize,
    /// Most HTTP requests under way to one endpoint; the number in use adapts below it.
    pub max_in_flight: usize,
    /// Most requests in one batch. `None`: what the node accepts is found out.
    pub batch_limit: Option<usize>,
    pub gzip: Gzip,
    /// How often heads are polled where no WebSocket brings them.
    pub poll_interval: Duration,
    /// A subscription whose last head has been older than the polled one for this long is opened again.
    pub silent_after: Duration,
    /// Pause of a failing endpoint, doubled with every further failure …
    pub first_cool_down: Duration,
    /// … up to this.
    pub max_cool_down: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_response_bytes: 256 << 20,
            max_in_flight: 32,
            batch_limit: None,
            gzip: Gzip::Auto,
            poll_interval: Duration::from_secs(1),
            silent_after: Duration::from_secs(5),
            first_cool_down: Duration::from_millis(250),
            max_cool_down: Duration::from_secs(10),
        }
    }
}
