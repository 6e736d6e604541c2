//! A caller: one connection, one request at a time, and it may leave at any moment.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use llm_proxy_bench::client::response::Response;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::program::KEY;
use crate::received::Received;

/// How long a caller waits for an answer; then it counts as none.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// `x-request-id`: letters, digits and `-`.
    pub id: String,
    /// The model's public name.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub streamed: bool,
}

impl Request {
    /// The bytes that go over the wire. The message is the id, so that upstreams of every format see it.
    pub fn bytes(&self) -> Vec<u8> {
        let Self { id, model, streamed } = self;
        let body = format!(
            r#"{{"model":"{model}","stream":{streamed},"messages":[{{"role":"user","content":"{id}"}}]}}"#
        );
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-internal-auth: {KEY}\r\n\
             x-request-id: {id}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

/// What became of a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Zero where none came.
    pub status: u16,
    /// The body.
    pub received: Received,
    /// Whether the body ended as its framing promised.
    pub ended: bool,
    /// When it was asked for.
    pub sent_at: Instant,
    /// From the request to the end of the answer.
    pub took: Duration,
}

impl Answer {
    /// Whether all of it came.
    pub fn is_success(&self) -> bool {
        self.status == 200 && self.ended && self.received.is_complete()
    }
}

/// A caller with a connection that is kept for as long as it can be used.
#[derive(Debug)]
pub struct Client {
    port: u16,
    socket: Option<TcpStream>,
}

/// A request whose answer is being read. Dropping it is leaving.
#[derive(Debug)]
pub struct Underway {
    socket: TcpStream,
    response: Response,
    /// What came so far.
    pub received: Received,
}

impl Client {
    /// A caller of the service at this port of 127.0.0.1; not connected yet.
    pub const fn new(port: u16) -> Self {
        Self { port, socket: None }
    }

    /// Asks and reads to the end.
    pub async fn ask(&mut self, request: &Request) -> Answer {
        let sent_at = Instant::now();
        let Ok(mut underway) = self.begin(request).await else {
            let received = Received::new(request.streamed);
            return Answer { status: 0, received, ended: false, sent_at, took: sent_at.elapsed() };
        };
        // Broken or too slow: the answer says so by what it lacks.
        let _ended = timeout(PATIENCE, underway.finish()).await;
        let Underway { socket, response, received } = underway;
        let ended = response.is_done();
        self.socket = Some(socket).filter(|_| ended);
        Answer { status: response.status(), received, ended, sent_at, took: sent_at.elapsed() }
    }

    /// Asks.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn begin(&mut self, request: &Request) -> io::Result<Underway> {
        let mut socket = self.connect().await?;
        socket.write_all(&request.bytes()).await?;
        let (response, received) = (Response::new(), Received::new(request.streamed));
        Ok(Underway { socket, response, received })
    }

    /// The kept connection unless it was closed meanwhile, or a fresh one.
    pub async fn connect(&mut self) -> io::Result<TcpStream> {
        if let Some(socket) = self.socket.take()
            && socket.try_read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        {
            return Ok(socket);
        }
        let socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }
}

impl Underway {
    /// Reads once; whether the answer has ended.
    ///
    /// # Errors
    /// The connection broke, or what came is no HTTP.
    pub async fn read(&mut self) -> io::Result<bool> {
        // No buffer is held while there is nothing to read: hundreds of callers wait at once.
        self.socket.readable().await?;
        let mut scratch = [0; 16 * 1024];
        let bytes = match self.socket.try_read(&mut scratch) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        let received = &mut self.received;
        let fed = self.response.feed(&scratch[..bytes], |piece| received.feed(piece));
        fed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
        Ok(self.response.is_done())
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// As [`Underway::read`].
    pub async fn finish(&mut self) -> io::Result<()> {
        while !self.read().await? {}
        Ok(())
    }

    /// Reads for so long, or to the end.
    pub async fn read_for(&mut self, time: Duration) {
        let _ended = timeout(time, self.finish()).await;
    }

    /// Whether the answer has ended.
    pub fn is_done(&self) -> bool {
        self.response.is_done()
    }

    /// Leaves, with a FIN or with a reset; when.
    pub fn leave(self, reset: bool) -> Instant {
        if reset {
            // Where the kernel refuses, it is a FIN.
            let _refused = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
        }
        let left_at = Instant::now();
        drop(self.socket);
        left_at
    }
}
