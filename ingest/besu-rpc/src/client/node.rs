//! One endpoint at work: requests with the verdicts they give on its health and load.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use lastro_schema::BlockRef;
use reqwest::{Url, header::HeaderValue};
use serde::Serialize;

use super::{
    health::{Capabilities, EndpointHealth, Health},
    limiter::{Limiter, Verdict},
    sizer::Sizer,
};
use crate::{
    endpoint::{EndpointId, EndpointName, EndpointUrls},
    envelope,
    error::{RpcError, ServerError},
    options::ClientOptions,
    transport::Transport,
    wire::SingleAnswer,
};

pub(crate) struct Node {
    pub(crate) id: EndpointId,
    pub(crate) name: EndpointName,
    pub(crate) ws: Option<Url>,
    pub(super) limiter: Limiter,
    pub(super) admission: tokio::sync::Mutex<()>,
    transport: Transport,
    options: ClientOptions,
    health: Mutex<Health>,
    sizer: Mutex<Sizer>,
    capabilities: Mutex<Option<Capabilities>>,
}

impl Node {
    pub(crate) fn new(
        id: EndpointId,
        urls: EndpointUrls,
        options: &ClientOptions,
        tls: rustls::ClientConfig,
    ) -> Result<Self, RpcError> {
        let transport = Transport::new(urls.http, options, tls)?;
        Ok(Self {
            id,
            name: transport.name.clone(),
            ws: urls.ws,
            limiter: Limiter::new(options.max_in_flight),
            admission: tokio::sync::Mutex::new(()),
            transport,
            options: options.clone(),
            health: Mutex::default(),
            sizer: Mutex::new(Sizer::new(options.batch_limit)),
            capabilities: Mutex::default(),
        })
    }

    /// One request; the raw JSON of its result, `null` included.
    pub(crate) async fn request_raw<P: Serialize>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<Bytes, RpcError> {
        let body = envelope::single(method, params).map_err(|error| {
            let endpoint = self.name.clone();
            RpcError::Malformed {
                endpoint,
                method,
                cause: format!("parameters that are no JSON: {error}"),
            }
        })?;
        let answer = self.post(method, body).await?;
        self.result_of(method, &answer)
    }

    /// One batch; the raw body, which is an array. `n_requests` is what `body` holds.
    pub(crate) async fn batch(
        &self,
        method: &'static str,
        body: Vec<u8>,
        n_requests: usize,
    ) -> Result<Bytes, RpcError> {
        let result = self
            .post(method, body)
            .await
            .and_then(|answer| self.array_of(method, answer, n_requests));
        match &result {
            Ok(_) => self.sizer().batch_accepted(n_requests),
            Err(RpcError::BatchLimit { .. } | RpcError::HttpStatus { status: 413, .. }) => {
                self.sizer().batch_refused(n_requests);
            }
            Err(_) => {}
        }
        result
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sizer(&self) -> MutexGuard<'_, Sizer> {
        self.sizer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Credentials of the WebSocket URL as a header, which the WebSocket library does not make of them.
    pub(crate) fn ws_authorization(&self) -> Option<HeaderValue> {
        self.transport.basic_authorization(self.ws.as_ref()?)
    }

    pub(crate) fn capabilities(&self) -> Option<Capabilities> {
        self.capabilities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_capabilities(&self, capabilities: Capabilities) {
        *self
            .capabilities
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(capabilities);
    }

    pub(crate) fn malformed(&self, method: &'static str, cause: impl Into<String>) -> RpcError {
        self.transport.malformed(method, cause)
    }

    pub(crate) fn set_head(&self, head: BlockRef) {
        self.health().head = Some(head);
    }

    pub(crate) fn failed(&self, error: &RpcError) {
        tracing::debug!(endpoint = %self.name, %error, "node endpoint failed");
        self.health().failed(error.clone(), &self.options);
    }

    pub(crate) fn status(&self) -> EndpointHealth {
        let capabilities = self.capabilities();
        let (requests_per_batch, blocks_per_range) = {
            let sizer = self.sizer();
            (sizer.requests_per_batch(), sizer.blocks_per_range())
        };
        let health = self.health();
        EndpointHealth {
            id: self.id,
            name: self.name.clone(),
            healthy: health.is_ready(),
            latency: health.latency,
            head: health.head,
            last_error: health.last_error.as_ref().map(RpcError::to_string),
            distrusted: health.distrusted.clone(),
            capabilities,
            max_in_flight: self.limiter.limit(),
            requests_per_batch,
            blocks_per_range,
        }
    }

    async fn post(&self, method: &'static str, body: Vec<u8>) -> Result<Bytes, RpcError> {
        let request = self.limiter.start().await;
        let started = Instant::now();
        let result = self.transport.post(method, body).await;
        let elapsed = started.elapsed();
        let verdict = match &result {
            Ok(_) if elapsed > slow(&self.options) => Verdict::Overloaded,
            Ok(_) => Verdict::Good,
            Err(error) if error.is_endpoint_fault() => Verdict::Overloaded,
            Err(_) => Verdict::Good,
        };
        self.limiter.finish(request, verdict);
        match &result {
            Ok(_) => self.health().succeeded(elapsed),
            Err(error) if error.is_endpoint_fault() => self.failed(error),
            Err(_) => {}
        }
        result
    }

    fn result_of(&self, method: &'static str, body: &Bytes) -> Result<Bytes, RpcError> {
        let answer: SingleAnswer<'_> = sonic_rs::from_slice(body)
            .map_err(|_| self.cut_short(method, "JSON that breaks off or is malformed"))?;
        if let Some(error) = answer.error {
            return Err(self.classify(method, error.into()));
        }
        Ok(match answer.result {
            Some(raw) => Bytes::copy_from_slice(raw.as_raw_str().as_bytes()),
            None => Bytes::from_static(b"null"),
        })
    }

    fn array_of(
        &self,
        method: &'static str,
        body: Bytes,
        n_requests: usize,
    ) -> Result<Bytes, RpcError> {
        if body.trim_ascii_start().first() == Some(&b'[') {
            return Ok(body);
        }
        let Ok(SingleAnswer {
            error: Some(error), ..
        }) = sonic_rs::from_slice::<SingleAnswer<'_>>(&body)
        else {
            return Err(self.cut_short(method, "an object in place of a batch answer"));
        };
        let error = ServerError::from(error);
        if error.asks_for_less() || error.code == -32005 {
            let endpoint = self.name.clone();
            return Err(RpcError::BatchLimit {
                endpoint,
                n_requests,
                cause: error.to_string(),
            });
        }
        Err(self.classify(method, error))
    }

    fn classify(&self, method: &'static str, error: ServerError) -> RpcError {
        let endpoint = self.name.clone();
        if error.is_method_not_found() {
            RpcError::MethodNotFound {
                endpoint,
                method,
                error,
            }
        } else if error.asks_for_less() {
            RpcError::RangeLimit {
                endpoint,
                method,
                error,
            }
        } else {
            RpcError::Server {
                endpoint,
                method,
                error,
            }
        }
    }

    fn cut_short(&self, method: &'static str, cause: &str) -> RpcError {
        let error = self.malformed(method, cause);
        self.failed(&error);
        error
    }
}

/// An answer that takes a good part of the time limit says that more at once would break it.
fn slow(options: &ClientOptions) -> Duration {
    options.request_timeout / 3
}
