//! From TLS options to rustls.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

use super::verify::{Naming, Unverified};
use crate::domain::egress::{TlsOptions, TlsVersion};

type Failure = Box<dyn std::error::Error>;

/// The system's roots and nothing else.
pub fn default() -> ClientConfig {
    let roots = system_roots();
    of_roots(&TlsOptions::default(), roots.clone()).unwrap_or_else(|_| {
        finish(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    })
}

/// What these options say. Their files were read and checked with the configuration.
pub fn of(options: &TlsOptions) -> Result<ClientConfig, Failure> {
    of_roots(options, system_roots())
}

fn of_roots(options: &TlsOptions, mut roots: RootCertStore) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(ring::default_provider());
    let versions = match options.min_version {
        TlsVersion::Tls12 => &[&TLS13, &TLS12][..],
        TlsVersion::Tls13 => &[&TLS13][..],
    };
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions)?;
    if let Some(ca) = &options.ca {
        for certificate in CertificateDer::pem_slice_iter(ca.text.as_bytes()) {
            roots.add(certificate?)?;
        }
    }
    let verifier: Arc<dyn ServerCertVerifier> = if options.verify {
        Arc::new(Naming::new(verifier(roots, provider)?))
    } else {
        Arc::new(Unverified::new(provider))
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let Some(identity) = &options.identity else { return Ok(finish(builder.with_no_client_auth())) };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(identity.chain.text.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())?;
    Ok(finish(builder.with_client_auth_cert(chain?, key)?))
}

fn verifier(
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
}

fn finish(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

fn system_roots() -> RootCertStore {
    let loaded = rustls_native_certs::load_native_certs();
    for error in &loaded.errors {
        tracing::warn!(%error, "a certificate of the system's store cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, _unusable) = roots.add_parsable_certificates(loaded.certs);
    if added == 0 {
        tracing::warn!("the system has no usable root certificates: only those of a `ca_file` are trusted");
    }
    roots
}
