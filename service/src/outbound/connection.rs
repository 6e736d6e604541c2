//! One HTTP/1.1 connection, driven by whoever uses it.
//!
//! hyper splits a connection into a handle and a task that does its I/O. Spawning that task costs a
//! wake-up and a task switch at every step of every request; here the request (and then the body)
//! polls it in place. A connection that nobody uses is not polled: whether it is still good is found
//! out when it is taken from the pool, and by the reaper.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::ending::Ending;
use super::gate::Gate;
use super::socket::Socket;
use super::way::Way;
use crate::domain::egress::Egress;

/// Upstream request bodies are always whole in memory.
pub type RequestBody = Full<Bytes>;

/// As much is read at once. hyper would begin with 8 KiB, and hold them twice while an answer's first
/// bytes are on their way: with thousands of open streams that is most of the memory.
const READ_BUFFER_BYTES: usize = 4096;

/// An open connection; dropping it ends it. Boxed, because it is handed on and large.
pub struct Connection {
    sender: http1::SendRequest<RequestBody>,
    driver: http1::Connection<TokioIo<Ending>, RequestBody>,
    gate: Gate,
    /// Whether it has served a request before: its peer may have closed it meanwhile.
    pub reused: bool,
    /// Which way it takes.
    pub way: Way,
    /// Whose way that is.
    pub egress: Arc<Egress>,
}

/// What became of a request that got no answer.
pub struct NoAnswer {
    /// What hyper says.
    pub error: hyper::Error,
    /// Whether nothing of an answer had arrived and the connection had served before: the peer closed
    /// an idle connection, and the request may go out again on a fresh one.
    pub stale: bool,
    /// The proxy that it went through.
    pub proxy: Option<String>,
}

impl Connection {
    /// Makes an HTTP/1.1 connection of a socket.
    pub async fn handshake(socket: Socket, way: Way, egress: Arc<Egress>) -> hyper::Result<Box<Self>> {
        let handshake = http1::Builder::new()
            .read_buf_exact_size(Some(READ_BUFFER_BYTES))
            .handshake(TokioIo::new(Ending(socket)));
        let (sender, driver) = handshake.await?;
        Ok(Box::new(Self { sender, driver, gate: Gate::default(), reused: false, way, egress }))
    }

    /// Sends a request and waits for the head of the answer. Dropping the future closes the socket.
    pub async fn send(
        mut self: Box<Self>,
        request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Box<Self>), NoAnswer> {
        let Self { sender, driver, gate, .. } = &mut *self;
        let mut response = pin!(sender.send_request(request));
        let mut closed = false;
        gate.open();
        let response = poll_fn(|cx| {
            gate.poll(cx, |cx| {
                if !closed {
                    closed = Pin::new(&mut *driver).poll(cx).is_ready();
                }
                response.as_mut().poll(cx)
            })
        });
        match response.await {
            Ok(response) => Ok((response, self)),
            Err(error) => {
                let nothing_received = error.is_canceled() || error.is_closed() || is_disconnect(&error);
                let stale = self.reused && nothing_received;
                let proxy = self.way.proxy().map(str::to_owned);
                Err(NoAnswer { error, stale, proxy })
            }
        }
    }

    /// The next bytes of the answer; `None` at its end. I/O happens in here.
    pub fn poll_data(&mut self, body: &mut Incoming, cx: &Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        let driver = &mut self.driver;
        self.gate.poll(cx, |cx| {
            if let Poll::Ready(data) = poll_body(body, cx) {
                return Poll::Ready(data);
            }
            // An error of the connection arrives through the body as well, with the reason.
            let _closed = Pin::new(&mut *driver).poll(cx);
            poll_body(body, cx)
        })
    }

    /// Whether it can serve another request, as far as is known without touching the socket: right
    /// behind an answer, whose bytes still fill its buffer.
    pub fn rest(&mut self) -> bool {
        self.gate.detach();
        self.reused = true;
        self.sender.is_ready() || self.is_idle()
    }

    /// Whether it can serve another request now: asks the socket.
    pub fn is_idle(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let closed = Pin::new(&mut self.driver).poll(&mut cx).is_ready();
        !closed && self.sender.is_ready()
    }
}

fn poll_body(body: &mut Incoming, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
    loop {
        match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                // Trailers carry nothing that any provider documents.
                if let Ok(data) = frame.into_data() {
                    return Poll::Ready(Some(Ok(data)));
                }
            }
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// The peer closed or reset the connection before the first byte of an answer.
fn is_disconnect(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    let io = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    let reset = io.is_some_and(|io| {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        matches!(io.kind(), ConnectionReset | BrokenPipe | ConnectionAborted)
    });
    error.is_incomplete_message() || reset
}
