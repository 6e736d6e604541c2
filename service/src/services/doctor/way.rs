//! The way to an endpoint, opened step by step as the connector opens it in one go.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;

use super::examination::{Examination, Found};
use super::patient::Patient;
use super::report::StepName;
use crate::domain::proxy::{Protocol, Proxy};
use crate::error::{Error, Kind, Result};
use crate::outbound::connector::{Connector, resolve};
use crate::outbound::socket::Socket;
use crate::outbound::{http_tunnel, socks, tls};

impl Examination<'_> {
    /// Everything up to where a request could be sent; `None` where there is no way on. A plain target
    /// behind an HTTP proxy has no tunnel: whether such a proxy lets us through, the request itself tells.
    pub async fn way(&mut self) -> Option<()> {
        let patient = self.patient;
        self.step(StepName::Dns, patient.dns()).await?;
        let mut socket = self.step(StepName::Tcp, patient.tcp()).await?;
        if let Some(proxy) = patient.proxy() {
            if proxy.protocol == Protocol::Https {
                socket = self.step(StepName::ProxyTls, patient.proxy_tls(socket, proxy)).await?;
            }
            if patient.is_forwarded() {
                return Some(());
            }
            let opened = self.step(StepName::ProxyConnect, patient.tunnel(socket, proxy)).await?;
            socket = self.note(StepName::ProxyAuth, patient.proxy_auth(opened)).await?;
        }
        if patient.is_https() { self.step(StepName::Tls, patient.tls(socket)).await } else { Some(()) }
    }
}

impl Patient<'_> {
    async fn dns(self) -> Found<()> {
        let hosts = self.hosts();
        let mut told = Vec::new();
        for (host, port, code) in hosts.iter().filter(|(host, ..)| host.parse::<IpAddr>().is_err()) {
            match self.in_time(code, look_up(host, *port, code)).await {
                Ok(found) => told.push(format!("{host} is {}", listed(&found))),
                Err(error) => return Found::error(self, &error),
            }
        }
        if told.is_empty() {
            return Found::skipped(format!("{} is an address", hosts[0].0), ());
        }
        Found::ok(told.join(", "), ())
    }

    /// Whom we connect to, and the target where a proxy wants its address from us; each with its port, and
    /// the code of a name without an address.
    fn hosts(&self) -> Vec<(&str, u16, &'static str)> {
        let target = (self.endpoint.url.host(), self.endpoint.url.port(), "dns_failure");
        let Some(proxy) = self.proxy() else { return vec![target] };
        let own = (proxy.protocol == Protocol::Socks5).then_some(target);
        [(proxy.host.as_str(), proxy.port, "proxy_dns_failure")].into_iter().chain(own).collect()
    }

    async fn tcp(self) -> Found<Socket> {
        let connector = Connector::default();
        let (code, whom) = match self.proxy() {
            None => ("connect_timeout", self.endpoint.url.authority.to_string()),
            Some(proxy) => ("proxy_timeout", format!("the proxy {proxy}")),
        };
        let connected = async {
            match self.proxy() {
                None => connector.to_target(&self.endpoint.url).await,
                Some(proxy) => connector.to_proxy(proxy).await,
            }
        };
        match self.in_time(code, connected).await {
            Ok(tcp) => Found::ok(format!("connected to {whom}"), Socket::Plain(tcp)),
            Err(error) => Found::error(self, &error),
        }
    }

    async fn proxy_tls(self, socket: Socket, proxy: &Proxy) -> Found<Socket> {
        let Socket::Plain(tcp) = socket else { return Found::ok("", socket) };
        let spoken = tls::with_proxy(tcp, proxy, &self.endpoint.egress.tls);
        match self.in_time("proxy_tls_error", spoken).await {
            Ok(tls) => Found::ok("the proxy proved itself", Socket::Tls(Box::new(tls))),
            Err(error) => Found::error(self, &error),
        }
    }

    /// The tunnel, or the proxy's wish for other credentials, which is no fault of the tunnel's.
    async fn tunnel(self, socket: Socket, proxy: &Proxy) -> Found<Result<Socket>> {
        let url = &self.endpoint.url;
        let opened = async {
            match socket {
                Socket::Plain(tcp) if !proxy.protocol.is_http() => {
                    socks::open(tcp, proxy, url).await.map(Socket::Plain)
                }
                socket => http_tunnel::open(socket, proxy, url).await,
            }
        };
        match self.in_time("tunnel_timeout", opened).await {
            Ok(socket) => Found::ok(format!("a tunnel to {}", url.authority), Ok(socket)),
            Err(error) if is_about_credentials(&error) => Found::ok("the proxy answers", Err(error)),
            Err(error) => Found::error(self, &error),
        }
    }

    fn proxy_auth(self, opened: Result<Socket>) -> Found<Socket> {
        match opened {
            Ok(socket) => Found::ok(self.let_through(), socket),
            Err(error) => Found::error(self, &error),
        }
    }

    /// What a proxy that lets us through says of our credentials.
    pub(super) fn let_through(self) -> &'static str {
        match self.proxy().and_then(|proxy| proxy.credentials.as_ref()) {
            Some(_) => "the proxy takes our user and password, or asks for none",
            None => "the proxy asks for no password",
        }
    }

    /// `step`, or a failure of that code.
    pub(super) async fn in_time<T>(self, code: &str, step: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.connect_limit();
        timeout(limit, step).await.unwrap_or_else(|_| Err(self.too_slow(code, limit)))
    }

    fn too_slow(self, code: &str, limit: Duration) -> Error {
        let proxy = self.proxy().filter(|_| code.starts_with("proxy_"));
        let whom =
            proxy.map_or_else(|| self.endpoint.url.authority.to_string(), |it| format!("the proxy {it}"));
        let what = if code.ends_with("dns_failure") { "address" } else { "answer" };
        let message = format!("no {what} of {whom} within {} s", limit.as_secs_f64());
        Error::new(Kind::BackendUnavailable, message).with_code(code)
    }
}

/// Whether a proxy wants other credentials than ours.
pub fn is_about_credentials(error: &Error) -> bool {
    error.code() == "proxy_authentication_required"
}

async fn look_up(host: &str, port: u16, code: &str) -> Result<Vec<SocketAddr>> {
    resolve(host, port).await.map_err(|error| {
        Error::new(Kind::BackendUnavailable, format!("{host} has no address: {error}")).with_code(code)
    })
}

/// The first two addresses of several.
fn listed(addresses: &[SocketAddr]) -> String {
    let mut told: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    told.dedup();
    if told.len() > 2 {
        told.truncate(2);
        told.push("others".to_owned());
    }
    told.join(" and ")
}
