//! An upstream's answer: its head at once, its body as it comes.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::Incoming;

use super::connection::Connection;
use super::decode::Decoder;
use super::pool::Pool;
use super::script::Player;
use crate::domain::endpoint::BaseUrl;
use crate::error::{Error, Kind, Result, TUNNEL_DROPPED};

/// An answer whose body is still on its way. Dropping it before the end closes the connection, which
/// is what tells an upstream to stop generating.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers; `content-encoding` and `content-length` are those of the wire, not of the chunks.
    pub headers: HeaderMap,
    /// Calls that it took: more than one where a pooled connection turned out to be closed.
    pub calls: u32,
    body: Source,
    decoder: Option<Decoder>,
}

/// Where the bytes come from.
enum Source {
    Network(Option<Box<Network>>),
    Script(Player),
}

/// A connection in the middle of an answer, and where it goes afterwards.
pub(super) struct Network {
    pub(super) connection: Box<Connection>,
    pub(super) incoming: Incoming,
    pub(super) pool: Arc<Pool>,
    pub(super) url: BaseUrl,
}

impl Answer {
    /// An answer from the network.
    pub(super) fn from_network(status: u16, headers: HeaderMap, network: Network) -> Result<Self> {
        let coding = headers.get(http::header::CONTENT_ENCODING);
        let decoder = match coding.map(|coding| coding.to_str().unwrap_or("?")) {
            None => None,
            Some(coding) => Decoder::for_coding(coding).map_err(|_| {
                let message = format!("the upstream's answer has an unknown content-encoding: {coding:?}");
                Error::new(Kind::MalformedAnswer, message)
            })?,
        };
        let body = Source::Network(Some(Box::new(network)));
        Ok(Self { status, headers, calls: 1, body, decoder })
    }

    /// An answer from a script.
    pub(super) fn from_script(status: u16, headers: HeaderMap, player: Player) -> Self {
        Self { status, headers, calls: 1, body: Source::Script(player), decoder: None }
    }

    /// Frees the headers: they hold the buffer that the head was read into.
    pub fn forget_headers(&mut self) {
        self.headers = HeaderMap::new();
    }

    /// The next plain bytes, never empty; `None` at the end of a body that its framing says is whole.
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`Kind::Truncated`]: the connection ended before the body. [`Kind::MalformedAnswer`]: broken
    /// chunk framing or compression.
    pub async fn chunk(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The same as [`Answer::chunk`], for drivers that poll.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                match decoder.step() {
                    Ok(Some(plain)) if plain.is_empty() => return self.poll_after_decoder(cx),
                    Ok(Some(plain)) => return Poll::Ready(Some(Ok(plain))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(undecodable(&error)))),
                }
            }
            let data = match ready!(self.body.poll_data(cx)) {
                Some(Ok(data)) if data.is_empty() => continue,
                Some(Ok(data)) => data,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => match &mut self.decoder {
                    Some(decoder) => {
                        decoder.finish();
                        continue;
                    }
                    None => return Poll::Ready(None),
                },
            };
            match &mut self.decoder {
                Some(decoder) => decoder.feed(data),
                None => return Poll::Ready(Some(Ok(data))),
            }
        }
    }

    /// The compressed body is whole: what is left is the end of its framing.
    fn poll_after_decoder(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            match ready!(self.body.poll_data(cx)) {
                Some(Ok(_padding)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Source {
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        match self {
            Self::Script(player) => player.poll_data(cx),
            Self::Network(slot) => {
                let Some(network) = slot else { return Poll::Ready(None) };
                let data = ready!(network.connection.poll_data(&mut network.incoming, cx));
                match data {
                    Some(Ok(data)) => Poll::Ready(Some(Ok(data))),
                    Some(Err(error)) => {
                        let broken = broken(&error, network.connection.way.proxy());
                        *slot = None;
                        Poll::Ready(Some(Err(broken)))
                    }
                    None => {
                        if let Some(Network { connection, pool, url, .. }) = slot.take().map(|n| *n) {
                            pool.put(&url, connection);
                        }
                        Poll::Ready(None)
                    }
                }
            }
        }
    }
}

fn broken(error: &hyper::Error, proxy: Option<&str>) -> Error {
    if error.is_parse() || is_invalid_data(error) {
        let message = format!("the upstream broke HTTP in the middle of its answer: {error}");
        return Error::new(Kind::MalformedAnswer, message);
    }
    if let Some(proxy) = proxy {
        let message = format!("the connection through the proxy {proxy} ended in the middle of the answer");
        return Error::new(Kind::Truncated, message).with_code(TUNNEL_DROPPED);
    }
    Error::new(Kind::Truncated, "the upstream closed the connection in the middle of its answer")
}

fn is_invalid_data(error: &hyper::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    let source = std::error::Error::source(error);
    let io = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| matches!(io.kind(), InvalidData | InvalidInput))
}

fn undecodable(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Error::new(Kind::Truncated, "the upstream's compressed answer ended too early")
        }
        _ => {
            Error::new(Kind::MalformedAnswer, format!("the upstream's compressed answer is broken: {error}"))
        }
    }
}
