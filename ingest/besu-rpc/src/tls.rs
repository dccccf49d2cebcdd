//! One TLS configuration for HTTPS and WSS: ring, and the certificate store of the operating system, so that the
//! authority of a private network that is installed there is trusted by both.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::{endpoint::EndpointUrls, error::RpcError};

/// A machine without certificates can still reach nodes by `http://` and `ws://`.
pub(crate) fn client_config(endpoints: &[EndpointUrls]) -> Result<ClientConfig, RpcError> {
    let tls = |error: rustls::Error| RpcError::Tls {
        cause: error.to_string(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(tls)?;
    let builder = if endpoints.iter().any(EndpointUrls::is_encrypted) {
        builder.with_platform_verifier().map_err(tls)?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}
