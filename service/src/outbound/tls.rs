//! TLS towards targets and proxies: rustls, HTTP/1.1 only.

use std::io;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failure;
use crate::domain::egress::TlsOptions;
use crate::domain::endpoint::BaseUrl;
use crate::domain::proxy::Proxy;
use crate::error::{Error, Kind, Result, TLS_INTERCEPTION};

mod configuration;
pub mod shown;
mod verify;

use verify::{Reason, Untrusted};

/// TLS with a target, to which `io` leads, through a proxy or not.
///
/// # Errors
/// [`Kind::TlsFailure`]: it cannot be trusted, or does not speak TLS. Where the connection breaks,
/// [`Kind::BackendUnavailable`] or [`Kind::TunnelFailed`].
pub async fn with_target<T>(
    io: T,
    url: &BaseUrl,
    options: &Arc<TlsOptions>,
    proxy: Option<&Proxy>,
) -> Result<TlsStream<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let name = options.server_name.as_deref().unwrap_or(url.host());
    let connected = handshake(io, name, configuration_of(options)?).await;
    connected.map_err(|error| of_target(url, proxy, &error))
}

/// TLS with a proxy, to which `io` leads. It has to prove who it is, whatever targets have to: it is shown
/// our credentials.
///
/// # Errors
/// [`Kind::ProxyUnavailable`].
pub async fn with_proxy<T>(io: T, proxy: &Proxy, options: &TlsOptions) -> Result<TlsStream<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let options = Arc::new(TlsOptions { ca: options.ca.clone(), ..TlsOptions::default() });
    let connected = handshake(io, &proxy.host, configuration_of(&options)?).await;
    connected.map_err(|error| {
        let why = untrusted(&error).map_or_else(|| error.to_string(), ToString::to_string);
        let message = format!("cannot reach the proxy {proxy}: TLS: {why}");
        Error::new(Kind::ProxyUnavailable, message).with_code("proxy_tls_error")
    })
}

async fn handshake<T>(io: T, name: &str, configuration: Arc<ClientConfig>) -> io::Result<TlsStream<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let name = name.strip_suffix('.').unwrap_or(name);
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(configuration).connect(name, io).await
}

/// What the verifier found, if it was the verifier.
fn untrusted(error: &io::Error) -> Option<&Untrusted> {
    match rustls_error(error)? {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => other.0.downcast_ref(),
        _ => None,
    }
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

fn of_target(url: &BaseUrl, proxy: Option<&Proxy>, error: &io::Error) -> Error {
    let target = &url.authority;
    let Some(found) = untrusted(error) else {
        if rustls_error(error).is_none() {
            return failure::broken_in_tls(url, proxy, error);
        }
        let message = format!("cannot reach {target}: TLS: {error}");
        return Error::new(Kind::TlsFailure, message);
    };
    if let (Reason::UnknownIssuer, Some(proxy)) = (found.reason, proxy) {
        let message = format!(
            "the certificate of {target} was issued by {}, whom nobody here trusts: somebody between, like the proxy \
             {proxy}, reads along",
            found.issuer
        );
        return Error::new(Kind::TlsFailure, message).with_code(TLS_INTERCEPTION);
    }
    Error::new(Kind::TlsFailure, format!("cannot trust {target}: {found}")).with_code(found.reason.code())
}

/// The alert that a connection ended with.
pub fn alert(error: &hyper::Error) -> Option<&rustls::Error> {
    let source = std::error::Error::source(error)?.downcast_ref()?;
    rustls_error(source).filter(|error| matches!(error, rustls::Error::AlertReceived(_)))
}

/// The configuration for endpoints without TLS settings of their own. The system's roots are read at
/// the first https connection, so that a service without one does not hold them in memory.
pub fn default_config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| Arc::new(configuration::default())))
}

/// Options that are in use, and what was made of them: TLS sessions are resumed through it.
static CONFIGURATIONS: Mutex<Vec<(Arc<TlsOptions>, Arc<ClientConfig>)>> = Mutex::new(Vec::new());

/// As many are kept.
const MAX_CONFIGURATIONS: usize = 64;

/// The configuration of these options, one for all that are equal.
pub fn configuration_of(options: &Arc<TlsOptions>) -> Result<Arc<ClientConfig>> {
    if **options == TlsOptions::default() {
        return Ok(default_config());
    }
    let mut known = CONFIGURATIONS.lock();
    if let Some((_, configuration)) = known.iter().find(|(own, _)| own == options) {
        return Ok(Arc::clone(configuration));
    }
    let configuration = configuration::of(options).map_err(|error| {
        Error::new(Kind::Internal, format!("the TLS settings of an endpoint cannot be used: {error}"))
    })?;
    let configuration = Arc::new(configuration);
    if known.len() == MAX_CONFIGURATIONS {
        known.remove(0);
    }
    known.push((Arc::clone(options), Arc::clone(&configuration)));
    Ok(configuration)
}
