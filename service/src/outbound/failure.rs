//! What keeps a connection from being there, in one line each.

use std::time::Duration;

use http::StatusCode;

use crate::domain::endpoint::BaseUrl;
use crate::domain::proxy::Proxy;
use crate::error::{Error, Kind};

/// The innermost cause, which names what really happened.
fn cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause
}

/// No TCP to a target.
pub fn unreachable(url: &BaseUrl, error: &(dyn std::error::Error + 'static)) -> Error {
    let message = format!("cannot reach {}: no connection: {}", url.authority, cause(error));
    Error::new(Kind::BackendUnavailable, message)
}

/// The same, after `limit`.
pub fn unreachable_in_time(url: &BaseUrl, limit: Duration) -> Error {
    let message = format!("cannot reach {}: no connection within {} s", url.authority, limit.as_secs_f64());
    Error::new(Kind::BackendUnavailable, message).with_code("connect_timeout")
}

/// No TCP, or no TLS, to a proxy.
pub fn proxy_unreachable(proxy: &Proxy, error: &(dyn std::error::Error + 'static)) -> Error {
    let message = format!("cannot reach the proxy {proxy}: {}", cause(error));
    Error::new(Kind::ProxyUnavailable, message)
}

/// The same, after `limit`.
pub fn proxy_unreachable_in_time(proxy: &Proxy, limit: Duration) -> Error {
    let message = format!("cannot reach the proxy {proxy}: no connection within {} s", limit.as_secs_f64());
    Error::new(Kind::ProxyUnavailable, message).with_code("proxy_timeout")
}

/// A proxy that was reached, and no target behind it after `limit`.
pub fn no_tunnel_in_time(proxy: &Proxy, url: &BaseUrl, limit: Duration) -> Error {
    let message = format!(
        "no connection to {} through the proxy {proxy} within {} s",
        url.authority,
        limit.as_secs_f64()
    );
    Error::new(Kind::TunnelFailed, message).with_code("tunnel_timeout")
}

/// A proxy that closes or breaks the connection instead of saying whether there is a tunnel.
pub fn no_answer_of_proxy(proxy: &Proxy, url: &BaseUrl, error: &hyper::Error) -> Error {
    if error.is_parse() {
        let message = format!("the proxy {proxy} does not answer in HTTP: {error}");
        return Error::new(Kind::ProxyRefused, message).with_code("proxy_refused");
    }
    no_tunnel(proxy, url, &cause(error).to_string())
}

/// A tunnel that is none, and why.
pub fn no_tunnel(proxy: &Proxy, url: &BaseUrl, why: &str) -> Error {
    let message = format!("the proxy {proxy} opened no tunnel to {}: {why}", url.authority);
    Error::new(Kind::TunnelFailed, message).with_code("tunnel_dropped")
}

/// A proxy that answers something else than a success or a refusal.
pub fn odd_answer_of_proxy(proxy: &Proxy, status: StatusCode) -> Error {
    let message = format!("the proxy {proxy} answered {} to CONNECT", status.as_u16());
    Error::new(Kind::ProxyRefused, message).with_code("proxy_refused")
}

/// TLS with a target that failed below TLS: the connection broke.
pub fn broken_in_tls(url: &BaseUrl, proxy: Option<&Proxy>, error: &std::io::Error) -> Error {
    match proxy {
        Some(proxy) => {
            let message = format!("the tunnel through the proxy {proxy} to {} broke: {error}", url.authority);
            Error::new(Kind::TunnelFailed, message).with_code("tunnel_dropped")
        }
        None => {
            let message = format!("cannot reach {}: no TLS: {error}", url.authority);
            Error::new(Kind::BackendUnavailable, message)
        }
    }
}
