//! From an origin to an open socket: name, TCP, TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use super::tls;
use crate::domain::endpoint::BaseUrl;
use crate::error::{Error, Kind, Result};

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

impl Connector {
    /// An open socket to `url`'s origin.
    ///
    /// # Errors
    /// [`Kind::BackendUnavailable`]: unresolvable, refused, unreachable, or its TLS cannot be trusted.
    pub async fn connect(&self, url: &BaseUrl) -> Result<Socket> {
        let tcp = self.tcp(url).await?;
        if url.scheme != http::uri::Scheme::HTTPS {
            return Ok(Socket::Plain(tcp));
        }
        let name = ServerName::try_from(url.authority.host().trim_matches(['[', ']']).to_owned())
            .map_err(|error| unavailable(url, "its host is no server name", &error))?;
        let tls = TlsConnector::from(tls::default_config()).connect(name, tcp).await;
        let tls = tls.map_err(|error| unavailable(url, "TLS", &error).with_code("tls_error"))?;
        Ok(Socket::Tls(Box::new(tls)))
    }

    async fn tcp(&self, url: &BaseUrl) -> Result<TcpStream> {
        let origin = Uri::builder()
            .scheme(url.scheme.clone())
            .authority(url.authority.clone())
            .path_and_query("/")
            .build()
            .map_err(|error| unavailable(url, "its URL", &error))?;
        let connected = self.tcp.clone().call(origin).await;
        connected.map(TokioIo::into_inner).map_err(|error| unavailable(url, "no connection", &error))
    }
}

/// The failure in one line, with the innermost cause, which names what really happened.
fn unavailable(url: &BaseUrl, what: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let message = format!("cannot reach {}: {what}: {cause}", url.authority);
    Error::new(Kind::BackendUnavailable, message)
}

/// An open socket.
pub enum Socket {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
