//! TLS towards upstreams: rustls with the system's roots, HTTP/1.1 only.

use std::sync::Arc;
use std::sync::OnceLock;

use rustls::{ClientConfig, RootCertStore};

/// The configuration for endpoints without TLS settings of their own. The system's roots are read at
/// the first https connection, so that a service without one does not hold them in memory.
pub fn default_config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| Arc::new(build())))
}

fn build() -> ClientConfig {
    let loaded = rustls_native_certs::load_native_certs();
    for error in &loaded.errors {
        tracing::warn!(%error, "a certificate of the system's store cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, _unusable) = roots.add_parsable_certificates(loaded.certs);
    if added == 0 {
        tracing::warn!("the system has no usable root certificates: every https upstream will be refused");
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
