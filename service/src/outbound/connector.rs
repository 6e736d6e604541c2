//! From an endpoint to an open socket: name, TCP, the proxy's tunnel, TLS.
//!
//! Every step is a function of its own with errors of its own, so that whoever looks for a fault can take
//! them one by one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::deadline::Deadline;
use super::failure;
use super::socket::Socket;
use super::way::Way;
use super::{http_tunnel, socks, tls};
use crate::domain::egress::TlsOptions;
use crate::domain::endpoint::{BaseUrl, Endpoint};
use crate::domain::proxy::{Protocol, Proxy};
use crate::error::{Error, Result};

/// Opens sockets. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    tcp: HttpConnector,
}

impl Default for Connector {
    fn default() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        Self { tcp }
    }
}

/// How long connecting may take, all its steps together.
#[derive(Clone, Copy)]
pub struct Patience {
    /// For connecting.
    pub limit: Duration,
    /// For the whole request.
    pub deadline: Deadline,
    /// When connecting began.
    pub since: Instant,
}

impl Patience {
    /// The output of a step, if there is time for it; `too_slow` is told the whole limit.
    async fn step<T>(
        self,
        step: impl Future<Output = Result<T>>,
        too_slow: impl FnOnce(Duration) -> Error,
    ) -> Result<T> {
        let left = self.limit.saturating_sub(self.since.elapsed());
        self.deadline.within(left, step, || too_slow(self.limit)).await?
    }
}

impl Connector {
    /// An open socket to `endpoint`, and the way that it took.
    ///
    /// # Errors
    /// [`Kind::BackendUnavailable`](crate::error::Kind): unresolvable, refused, unreachable, too slow.
    /// A kind of `Blame::Egress`: a proxy or TLS stands in the way.
    pub async fn connect(&self, endpoint: &Endpoint, patience: Patience) -> Result<(Socket, Way)> {
        let (url, tls) = (&endpoint.url, &endpoint.egress.tls);
        match endpoint.egress.proxy_for(url) {
            None => {
                let socket = self.directly(url, tls);
                let socket = patience.step(socket, |limit| failure::unreachable_in_time(url, limit)).await?;
                Ok((socket, Way::Direct))
            }
            Some(proxy) => self.through(proxy, url, tls, patience).await,
        }
    }

    async fn directly(&self, url: &BaseUrl, options: &Arc<TlsOptions>) -> Result<Socket> {
        let tcp = self.to_target(url).await?;
        if url.scheme != Scheme::HTTPS {
            return Ok(Socket::Plain(tcp));
        }
        let tls = tls::with_target(tcp, url, options, None).await?;
        Ok(Socket::Tls(Box::new(tls)))
    }

    async fn through(
        &self,
        proxy: &Proxy,
        url: &BaseUrl,
        options: &Arc<TlsOptions>,
        patience: Patience,
    ) -> Result<(Socket, Way)> {
        let tcp = self.to_proxy(proxy);
        let tcp = patience.step(tcp, |limit| failure::proxy_unreachable_in_time(proxy, limit)).await?;
        let is_https = url.scheme == Scheme::HTTPS;
        let tunnel = async {
            Ok(match (proxy.protocol, is_https) {
                (Protocol::Http, false) => Socket::Plain(tcp),
                (Protocol::Https, false) => {
                    Socket::Tls(Box::new(tls::with_proxy(tcp, proxy, options).await?))
                }
                (Protocol::Http, true) => {
                    let tunnel = http_tunnel::open(tcp, proxy, url).await?;
                    Socket::Tls(Box::new(tls::with_target(tunnel, url, options, Some(proxy)).await?))
                }
                (Protocol::Https, true) => {
                    let tls = tls::with_proxy(tcp, proxy, options).await?;
                    let tunnel = http_tunnel::open(tls, proxy, url).await?;
                    Socket::TlsInTls(Box::new(tls::with_target(tunnel, url, options, Some(proxy)).await?))
                }
                (Protocol::Socks5 | Protocol::Socks5h, false) => {
                    Socket::Plain(socks::open(tcp, proxy, url).await?)
                }
                (Protocol::Socks5 | Protocol::Socks5h, true) => {
                    let tunnel = socks::open(tcp, proxy, url).await?;
                    Socket::Tls(Box::new(tls::with_target(tunnel, url, options, Some(proxy)).await?))
                }
            })
        };
        let tunnel = Box::pin(tunnel);
        let socket = patience.step(tunnel, |limit| failure::no_tunnel_in_time(proxy, url, limit)).await?;
        Ok((socket, Way::through(proxy, is_https)))
    }

    /// TCP to a target.
    ///
    /// # Errors
    /// [`Kind::BackendUnavailable`](crate::error::Kind).
    pub async fn to_target(&self, url: &BaseUrl) -> Result<TcpStream> {
        let tcp = self.dial(url.authority.clone(), url.scheme.clone()).await;
        tcp.map_err(|error| failure::unreachable(url, &*error))
    }

    /// TCP to a proxy.
    ///
    /// # Errors
    /// [`Kind::ProxyUnavailable`](crate::error::Kind).
    pub async fn to_proxy(&self, proxy: &Proxy) -> Result<TcpStream> {
        let tcp = match proxy.address().parse() {
            Ok(authority) => self.dial(authority, Scheme::HTTP).await,
            Err(error) => Err(Box::from(error)),
        };
        tcp.map_err(|error| failure::proxy_unreachable(proxy, &*error))
    }

    async fn dial(
        &self,
        authority: Authority,
        scheme: Scheme,
    ) -> Result<TcpStream, Box<dyn std::error::Error + Send + Sync>> {
        let origin = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build()?;
        let connected = self.tcp.clone().call(origin).await;
        Ok(connected.map(TokioIo::into_inner)?)
    }
}

/// The addresses of a name, at least one.
///
/// # Errors
/// Why there is none.
pub async fn resolve(host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}
