//! A tunnel through a SOCKS5 proxy.
//! Source: <https://www.rfc-editor.org/rfc/rfc1928>, <https://www.rfc-editor.org/rfc/rfc1929>

use std::net::IpAddr;

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
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(TargetAddr::Ip((address, port).into()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_name_for_the_proxy_to_look_up("socks5h", "https://llm.test", "llm.test:443")]
    #[case::a_name_that_is_looked_up_here("socks5", "https://localhost:8443", "127.0.0.1:8443")]
    #[case::an_address("socks5h", "http://10.1.2.3", "10.1.2.3:80")]
    #[case::an_address_of_ipv6("socks5h", "https://[2001:db8::1]:8443", "[2001:db8::1]:8443")]
    #[case::an_international_name("socks5h", "https://bücher.test", "xn--bcher-kva.test:443")]
    #[tokio::test]
    async fn the_scheme_says_who_looks_names_up(
        #[case] scheme: &str,
        #[case] url: &str,
        #[case] expected: &str,
    ) {
        let proxy = format!("{scheme}://proxy.test").parse().expect("a proxy");
        let target = target(&proxy, &url.parse().expect("a URL")).await.expect("a target");
        let told = match target {
            TargetAddr::Ip(address) => address.to_string(),
            TargetAddr::Domain(name, port) => format!("{name}:{port}"),
        };
        assert_eq!(told, expected);
    }
}
