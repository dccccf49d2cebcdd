//! Who an endpoint is: its id, its name without secrets, its URLs.

use std::{fmt, sync::Arc};

use reqwest::Url;

use crate::{error::RpcError, options::Endpoint};

/// Position of an endpoint in the list given to `connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u16);

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Scheme, host and port of an endpoint: what may be shown. User, password, path and query may be secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointName(Arc<str>);

impl EndpointName {
    pub(crate) fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or("?");
        let port = url
            .port_or_known_default()
            .map_or_else(String::new, |port| format!(":{port}"));
        let hidden = if url.path().trim_matches('/').is_empty() && url.query().is_none() {
            ""
        } else {
            "/…"
        };
        Self(format!("{}://{host}{port}{hidden}", url.scheme()).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The URLs of an endpoint, checked.
pub(crate) struct EndpointUrls {
    pub(crate) http: Url,
    pub(crate) ws: Option<Url>,
}

impl EndpointUrls {
    /// `position` counts from 1, for the message.
    pub(crate) fn parse(endpoint: &Endpoint, position: usize) -> Result<Self, RpcError> {
        let http = parse(&endpoint.http, position, "HTTP URL", ["http", "https"])?;
        let ws = endpoint
            .ws
            .as_ref()
            .map(|ws| parse(ws, position, "WebSocket URL", ["ws", "wss"]))
            .transpose()?;
        Ok(Self { http, ws })
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.http.scheme() == "https" || self.ws.as_ref().is_some_and(|ws| ws.scheme() == "wss")
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let address = host.trim_start_matches('[').trim_end_matches(']');
            address
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

fn parse(text: &str, position: usize, what: &str, schemes: [&str; 2]) -> Result<Url, RpcError> {
    let invalid = |cause: String| RpcError::InvalidEndpoint { position, cause };
    let url = Url::parse(text.trim())
        .map_err(|error| invalid(format!("its {what} is malformed ({error})")))?;
    if !schemes.contains(&url.scheme()) {
        let [plain, secure] = schemes;
        return Err(invalid(format!(
            "its {what} starts with neither {plain}:// nor {secure}://"
        )));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(invalid(format!("its {what} has no host")));
    }
    Ok(url)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_hide_everything_but_the_host() {
        let name = |url: &str| EndpointName::of(&Url::parse(url).unwrap()).to_string();
        assert_eq!(name("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
        assert_eq!(
            name("https://user:hunter2@node.example/v3/key"),
            "https://node.example:443/…"
        );
        assert_eq!(
            name("https://node.example/?key=hunter2"),
            "https://node.example:443/…"
        );
    }

    #[test]
    fn wrong_urls_are_refused_without_repeating_them() {
        for http in [
            "",
            "localhost:8545",
            "ftp://user:hunter2@host/",
            "http://user:hunter2@:99999/",
            "http://",
        ] {
            let endpoint = Endpoint {
                http: http.to_owned(),
                ws: None,
            };
            let error = EndpointUrls::parse(&endpoint, 1).err().unwrap();
            assert!(
                matches!(error, RpcError::InvalidEndpoint { position: 1, .. }),
                "{http}: {error}"
            );
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        let endpoint = Endpoint {
            http: "http://localhost".to_owned(),
            ws: Some("http://localhost".to_owned()),
        };
        assert!(EndpointUrls::parse(&endpoint, 1).is_err());
    }

    #[test]
    fn loopback_is_recognised() {
        for url in [
            "http://localhost:1",
            "http://127.0.0.1:1",
            "http://127.3.2.1",
            "http://[::1]:8545",
        ] {
            assert!(is_loopback(&Url::parse(url).unwrap()), "{url}");
        }
        assert!(!is_loopback(&Url::parse("http://10.0.0.1").unwrap()));
    }
}
