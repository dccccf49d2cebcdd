//! One HTTP POST: connection reuse, time limit, size limit, and what kind of answer it was.

use std::{
    error::Error as _,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    redirect::Policy,
};

use crate::{
    endpoint::{EndpointName, is_loopback},
    error::RpcError,
    options::{ClientOptions, Gzip},
    wire::SingleAnswer,
};

/// Most of an error page that is read.
const MAX_ERROR_PAGE_BYTES: usize = 64 << 10;
/// Most that is reserved for an answer before it arrives.
const MAX_RESERVED_BYTES: usize = 16 << 20;

pub(crate) struct Transport {
    pub(crate) name: EndpointName,
    http: Client,
    url: Url,
    options: ClientOptions,
    /// Size of the last answer: Besu announces no length, and growing a buffer copies it.
    last_response_bytes: AtomicUsize,
}

impl Transport {
    pub(crate) fn new(
        url: Url,
        options: &ClientOptions,
        tls: rustls::ClientConfig,
    ) -> Result<Self, RpcError> {
        let local = is_loopback(&url);
        let gzip = match options.gzip {
            Gzip::Auto => !local,
            Gzip::On => true,
            Gzip::Off => false,
        };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(options.connect_timeout)
            .timeout(options.request_timeout)
            .redirect(Policy::none())
            .gzip(gzip);
        if local {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| RpcError::Tls {
            cause: causes(error),
        })?;
        Ok(Self {
            name: EndpointName::of(&url),
            http,
            url,
            options: options.clone(),
            last_response_bytes: AtomicUsize::new(0),
        })
    }

    /// Sends a JSON-RPC body and reads the whole answer, which starts like JSON. `method` is for messages.
    pub(crate) async fn post(
        &self,
        method: &'static str,
        body: Vec<u8>,
    ) -> Result<Bytes, RpcError> {
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = request
            .send()
            .await
            .map_err(|error| self.failure(method, error))?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(self.refusal(method, response).await);
        }
        let body = self
            .read(method, response, self.options.max_response_bytes)
            .await?;
        match body.trim_ascii_start().first() {
            Some(b'{' | b'[') => Ok(body),
            Some(_) => Err(RpcError::NotEthereumNode {
                endpoint: self.name.clone(),
                found: self.excerpt(&body),
            }),
            None => Err(self.malformed(method, "an empty body")),
        }
    }

    /// The header that reqwest makes of user and password in a URL.
    pub(crate) fn basic_authorization(&self, ws: &Url) -> Option<HeaderValue> {
        let mut url = ws.clone();
        url.set_scheme("http").ok()?;
        self.http
            .get(url)
            .build()
            .ok()?
            .headers_mut()
            .remove(AUTHORIZATION)
    }

    pub(crate) fn malformed(&self, method: &'static str, cause: impl Into<String>) -> RpcError {
        RpcError::Malformed {
            endpoint: self.name.clone(),
            method,
            cause: cause.into(),
        }
    }

    async fn read(
        &self,
        method: &'static str,
        mut response: Response,
        limit: usize,
    ) -> Result<Bytes, RpcError> {
        let too_large = || RpcError::ResponseTooLarge {
            endpoint: self.name.clone(),
            method,
            limit_bytes: limit,
        };
        let announced = response
            .content_length()
            .and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let Some(first) = self.chunk(method, &mut response).await? else {
            return Ok(Bytes::new());
        };
        if announced == Some(first.len()) && first.len() <= limit {
            return Ok(first);
        }
        let reserve = announced.unwrap_or_else(|| self.last_response_bytes.load(Ordering::Relaxed));
        let mut body = Vec::with_capacity(reserve.min(MAX_RESERVED_BYTES).max(first.len()));
        let mut next = Some(first);
        while let Some(chunk) = next {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
            next = self.chunk(method, &mut response).await?;
        }
        self.last_response_bytes
            .store(body.len(), Ordering::Relaxed);
        if body.capacity() > 2 * body.len() {
            body.shrink_to_fit();
        }
        Ok(body.into())
    }

    async fn chunk(
        &self,
        method: &'static str,
        response: &mut Response,
    ) -> Result<Option<Bytes>, RpcError> {
        response
            .chunk()
            .await
            .map_err(|error| self.failure(method, error))
    }

    fn failure(&self, method: &'static str, error: reqwest::Error) -> RpcError {
        let endpoint = self.name.clone();
        if error.is_connect() {
            RpcError::Unreachable {
                endpoint,
                cause: causes(error),
            }
        } else if error.is_timeout() {
            RpcError::Timeout {
                endpoint,
                method,
                after: self.options.request_timeout,
            }
        } else if error.is_decode() {
            self.malformed(method, causes(error))
        } else {
            RpcError::ConnectionLost {
                endpoint,
                method,
                cause: causes(error),
            }
        }
    }

    /// Besu answers a malformed request with 400 and a JSON-RPC error; anything between us and it answers with a page.
    async fn refusal(&self, method: &'static str, response: Response) -> RpcError {
        let status = response.status();
        let page = self
            .read(method, response, MAX_ERROR_PAGE_BYTES)
            .await
            .unwrap_or_default();
        if let Ok(SingleAnswer {
            error: Some(error), ..
        }) = sonic_rs::from_slice::<SingleAnswer<'_>>(&page)
        {
            return RpcError::Server {
                endpoint: self.name.clone(),
                method,
                error: error.into(),
            };
        }
        let endpoint = self.name.clone();
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => RpcError::NotEthereumNode {
                endpoint,
                found: format!("HTTP status {}, {}", status.as_u16(), self.excerpt(&page)),
            },
            status if status.is_success() || status.is_redirection() => RpcError::NotEthereumNode {
                endpoint,
                found: format!("HTTP status {}", status.as_u16()),
            },
            status => RpcError::HttpStatus {
                endpoint,
                method,
                status: status.as_u16(),
                found: self.excerpt(&page),
            },
        }
    }

    /// Enough of a page to see what it is.
    fn excerpt(&self, page: &[u8]) -> String {
        const MAX_CHARS: usize = 80;
        let text = String::from_utf8_lossy(&page[..page.len().min(1024)]);
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return "an empty page".to_owned();
        }
        for secret in secrets(&self.url) {
            text = text.replace(&secret, "…");
        }
        let kind = if text.starts_with('<') {
            "a web page"
        } else {
            "a text"
        };
        let short: String = text
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_CHARS)
            .collect();
        format!("{kind} that starts with {short:?}")
    }
}

/// The whole chain in one line; reqwest puts the cause only into the sources, and the URL is taken out.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Parts of a URL that may be secret and that an error page may repeat.
fn secrets(url: &Url) -> Vec<String> {
    let parts = [
        url.path().trim_matches('/'),
        url.query().unwrap_or(""),
        url.username(),
        url.password().unwrap_or(""),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}
