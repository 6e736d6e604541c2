//! A tunnel through an HTTP proxy. Source: <https://www.rfc-editor.org/rfc/rfc9110#name-connect>

use bytes::Bytes;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::{self, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::failure;
use super::refusal::refusal;
use super::way::basic;
use crate::domain::endpoint::BaseUrl;
use crate::domain::proxy::Proxy;
use crate::error::Result;

/// Asks `proxy`, to which `io` leads, for a tunnel to `url`'s origin.
///
/// # Errors
/// [`Kind::ProxyRefused`](crate::error::Kind), [`Kind::TunnelFailed`](crate::error::Kind).
pub async fn open<T>(io: T, proxy: &Proxy, url: &BaseUrl) -> Result<T>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let dropped = |error: hyper::Error| failure::no_answer_of_proxy(proxy, url, &error);
    let (mut sender, driver) = http1::handshake(TokioIo::new(io)).await.map_err(dropped)?;
    let request = request(proxy, url).ok_or_else(|| failure::no_tunnel(proxy, url, "its URL has no host"))?;
    let answered = async {
        let response: Response<Incoming> = sender.send_request(request).await.map_err(dropped)?;
        if !response.status().is_success() {
            let refused = refusal(&proxy.address(), url, response.status(), response.headers());
            return Err(refused.unwrap_or_else(|| failure::odd_answer_of_proxy(proxy, response.status())));
        }
        upgrade::on(response).await.map_err(dropped)
    };
    let mut answered = std::pin::pin!(answered);
    let upgraded = tokio::select! {
        biased;
        upgraded = &mut answered => upgraded,
        _handed_over = driver.with_upgrades() => answered.await,
    };
    bare(upgraded?).ok_or_else(|| failure::no_tunnel(proxy, url, "it spoke before we did"))
}

fn request(proxy: &Proxy, url: &BaseUrl) -> Option<Request<Empty<Bytes>>> {
    let target = format!("{}:{}", url.authority.host(), url.port());
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = Uri::try_from(&target).ok()?;
    request.headers_mut().insert(HOST, HeaderValue::try_from(target).ok()?);
    if let Some(authorization) = proxy.credentials.as_ref().and_then(basic) {
        request.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
    }
    Some(request)
}

/// The socket, unless bytes were read from it that are for somebody else: a target does not speak first.
fn bare<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(upgraded: Upgraded) -> Option<T> {
    let parts = upgraded.downcast::<TokioIo<T>>().ok()?;
    parts.read_buf.is_empty().then(|| parts.io.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_name("https://llm.test/v1", "llm.test:443")]
    #[case::a_port("https://llm.test:8443", "llm.test:8443")]
    #[case::ipv6("https://[2001:db8::1]", "[2001:db8::1]:443")]
    #[case::an_international_name("https://bücher.test", "xn--bcher-kva.test:443")]
    fn a_tunnel_is_asked_for_by_host_and_port(#[case] url: &str, #[case] target: &str) {
        let proxy = "http://me:p%40ss%3Aword@proxy.test".parse().expect("a proxy");
        let request = request(&proxy, &url.parse().expect("a URL")).expect("a request");
        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::CONNECT, target));
        assert_eq!(request.headers()[HOST], target);
        // `me:p@ss:word`
        assert_eq!(request.headers()[PROXY_AUTHORIZATION], "Basic bWU6cEBzczp3b3Jk");
        let told = format!("{request:?}");
        assert!(!told.contains("bWU6cEBzczp3b3Jk"), "{told}");
    }
}
