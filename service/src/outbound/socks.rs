//! A tunnel through a SOCKS5 proxy.
//! Source: <https://www.rfc-editor.org/rfc/rfc1928>, <https://www.rfc-editor.org/rfc/rfc1929>

use tokio::net::TcpStream;
use tokio_socks::TargetAddr;
use tokio_socks::tcp::Socks5Stream;

use super::connector::resolve;
use super::failure;
use crate::domain::endpoint::BaseUrl;
use crate::domain::proxy::{Credentials, Protocol, Proxy};
use crate::error::{Error, Kind, Result};

/// Asks `proxy`, to which `tcp` leads, for a tunnel to `url`'s origin.
///
/// # Errors
/// [`Kind::BackendUnavailable`]: a name that is looked up here has no address.
/// [`Kind::ProxyRefused`], [`Kind::TunnelFailed`].
pub async fn open(tcp: TcpStream, proxy: &Proxy, url: &BaseUrl) -> Result<TcpStream> {
    let target = target(proxy, url).await?;
    let opened = match &proxy.credentials {
        None => Socks5Stream::connect_with_socket(tcp, target).await,
        Some(Credentials { username, password }) => {
            let password = password.expose();
            Socks5Stream::connect_with_password_and_socket(tcp, target, username, password).await
        }
    };
    opened.map(Socks5Stream::into_inner).map_err(|error| refused(proxy, url, &error))
}

/// An address, or a name where the proxy is to look it up.
async fn target(proxy: &Proxy, url: &BaseUrl) -> Result<TargetAddr<'static>> {
    let (host, port) = (url.host(), url.port());
    if let Ok(address) = host.parse() {
        return Ok(TargetAddr::Ip((std::net::IpAddr::to_owned(&address), port).into()));
    }
    if proxy.protocol == Protocol::Socks5h {
        return Ok(TargetAddr::Domain(host.to_owned().into(), port));
    }
    let addresses = resolve(host, port).await.map_err(|error| failure::unreachable(url, &error))?;
    Ok(TargetAddr::Ip(addresses[0]))
}

fn refused(proxy: &Proxy, url: &BaseUrl, error: &tokio_socks::Error) -> Error {
    use tokio_socks::Error as E;
    let (proxy, target) = (proxy.address(), &url.authority);
    let (kind, code, what) = match error {
        E::NoAcceptableAuthMethods
        | E::PasswordAuthFailure(_)
        | E::AuthorizationRequired
        | E::InvalidAuthValues(_) => (
            Kind::ProxyRefused,
            "proxy_authentication_required",
            "wants other credentials than ours".to_owned(),
        ),
        E::ConnectionNotAllowedByRuleset => {
            (Kind::ProxyRefused, "proxy_forbidden", format!("does not allow {target}"))
        }
        E::GeneralSocksServerFailure
        | E::NetworkUnreachable
        | E::HostUnreachable
        | E::ConnectionRefused
        | E::TtlExpired => (Kind::TunnelFailed, "target_unreachable", format!("cannot reach {target}")),
        E::Io(_) => (Kind::TunnelFailed, "tunnel_dropped", format!("opened no tunnel to {target}")),
        _ => (Kind::ProxyRefused, "proxy_refused", "does not speak SOCKS5 as it should".to_owned()),
    };
    Error::new(kind, format!("the proxy {proxy} {what}: {error}")).with_code(code)
}
