//! A client that sees bytes: what a library would hide is what is tested.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{Answer, Event, Head, Request, SOON, soon, sse};

/// How the rest of the body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// A part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Data(Vec<u8>),
    /// The end that the framing promised.
    End,
    /// The connection is gone before that.
    Cut,
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    /// What was read from the socket, and not taken yet.
    input: Vec<u8>,
    framing: Framing,
    /// What was taken from the body, and is no whole event yet.
    event: String,
    asked: Instant,
}

impl Client {
    pub async fn connect(port: u16) -> Self {
        let stream = soon("a connection", TcpStream::connect(("127.0.0.1", port))).await;
        Self::over(stream.unwrap())
    }

    /// With a receive buffer so small that who does not read is stuck at once.
    pub async fn connect_narrowly(port: u16) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = soon("a connection", socket.connect(([127, 0, 0, 1], port).into())).await;
        Self::over(stream.unwrap())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            input: Vec::new(),
            framing: Framing::Length(0),
            event: String::new(),
            asked: Instant::now(),
        }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// Sends as much as the service takes.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.asked = Instant::now();
        let sent = self.stream.write_all(bytes.as_ref());
        soon("the service to take what is sent", sent).await
    }

    /// Sends a request and reads its whole answer.
    pub async fn ask(&mut self, request: &Request) -> Answer {
        self.send(request.bytes()).await;
        self.answer().await
    }

    /// Sends a request and reads the head of its answer.
    pub async fn begin(&mut self, request: &Request) -> Head {
        self.send(request.bytes()).await;
        self.head().await
    }

    /// Reads the next head; one like `100 Continue` too.
    pub async fn head(&mut self) -> Head {
        let head = self.try_head().await;
        head.unwrap_or_else(|| panic!("no head, but {:?}", String::from_utf8_lossy(&self.input)))
    }

    /// Reads the next head; none where the connection ends before it.
    pub async fn try_head(&mut self) -> Option<Head> {
        let end = loop {
            if let Some(at) = find(&self.input, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill().await {
                return None;
            }
        };
        let head = Head::parse(&self.input[..end]);
        self.input.drain(..end);
        self.framing = framing(&head);
        self.event.clear();
        Some(head)
    }

    /// Reads head and body of an answer, heads like `100 Continue` passed over.
    pub async fn answer(&mut self) -> Answer {
        let answer = self.try_answer().await;
        answer.unwrap_or_else(|| panic!("no answer, but {:?}", String::from_utf8_lossy(&self.input)))
    }

    /// The same; none where the connection ends before the head.
    pub async fn try_answer(&mut self) -> Option<Answer> {
        let mut head = self.try_head().await?;
        while head.status < 200 {
            head = self.try_head().await?;
        }
        let (body, complete) = self.rest().await;
        let took = self.asked.elapsed();
        Some(Answer { head, body, complete, took })
    }

    /// The rest of the body, and whether it ended as it should.
    pub async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            match self.piece().await {
                Piece::Data(data) => body.extend(data),
                Piece::End => return (body, true),
                Piece::Cut => return (body, false),
            }
        }
    }

    /// The next part of the body, a chunk where it is chunked.
    pub async fn piece(&mut self) -> Piece {
        match self.framing {
            Framing::Length(0) => Piece::End,
            Framing::Length(left) => {
                if self.input.is_empty() && !self.fill().await {
                    return Piece::Cut;
                }
                let here = left.min(self.input.len());
                self.framing = Framing::Length(left - here);
                Piece::Data(self.input.drain(..here).collect())
            }
            Framing::Chunked => self.chunk().await,
            Framing::UntilClose => {
                if self.input.is_empty() && !self.fill().await {
                    return Piece::End;
                }
                Piece::Data(std::mem::take(&mut self.input))
            }
        }
    }

    async fn chunk(&mut self) -> Piece {
        let Some(line) = self.until(b"\r\n").await else {
            return Piece::Cut;
        };
        let size = std::str::from_utf8(&line[..line.len() - 2]).unwrap();
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        while self.input.len() < size + 2 {
            if !self.fill().await {
                return Piece::Cut;
            }
        }
        let chunk = self.input.drain(..size).collect();
        assert_eq!(self.input.drain(..2).collect::<Vec<_>>(), b"\r\n");
        if size == 0 {
            self.framing = Framing::Length(0);
            return Piece::End;
        }
        Piece::Data(chunk)
    }

    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = find(&self.input, end) {
                return Some(self.input.drain(..at + end.len()).collect());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next event of a stream, as soon as it is whole; none at the end of the body.
    pub async fn event(&mut self) -> Option<Event> {
        loop {
            let (mut events, _) = sse::split(&self.event);
            if !events.is_empty() {
                let event = events.remove(0);
                self.event.drain(..event.raw.len());
                return Some(event);
            }
            match self.piece().await {
                Piece::Data(data) => self.event += std::str::from_utf8(&data).unwrap(),
                Piece::End | Piece::Cut => return None,
            }
        }
    }

    /// So many events.
    pub async fn events(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            let event = self.event().await;
            events.push(event.unwrap_or_else(|| panic!("the stream ended after {events:?}")));
        }
        events
    }

    /// All events that are left, and whether the body ended as it should.
    pub async fn all_events(&mut self) -> (Vec<Event>, bool) {
        let (body, complete) = self.rest().await;
        let text = std::mem::take(&mut self.event) + std::str::from_utf8(&body).unwrap();
        let (events, rest) = sse::split(&text);
        assert_eq!(rest, "", "the body ends inside an event");
        (events, complete)
    }

    /// Whether the service closes the connection within `limit`; what it still sends is dropped.
    pub async fn is_closed_within(&mut self, limit: Duration) -> bool {
        let closed = async { while self.fill().await {} };
        timeout(limit, closed).await.is_ok()
    }

    /// Whether nothing at all comes within `limit`.
    pub async fn is_silent_for(&mut self, limit: Duration) -> bool {
        self.input.is_empty() && timeout(limit, self.fill()).await.is_err()
    }

    /// Says that nothing more will be sent.
    pub async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Leaves with a FIN, or a reset where unread bytes lie in the socket, as any client does.
    pub fn leave(self) -> Instant {
        drop(self.stream);
        Instant::now()
    }

    /// Leaves with a reset.
    pub fn reset(self) -> Instant {
        self.stream.set_zero_linger().unwrap();
        self.leave()
    }

    /// False at the end of the connection.
    async fn fill(&mut self) -> bool {
        let read = timeout(SOON, self.stream.read_buf(&mut self.input)).await;
        let Ok(read) = read else {
            let read = String::from_utf8_lossy(&self.input);
            panic!("the service is silent after {read:?} {:?}", self.event);
        };
        matches!(read, Ok(1..))
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

fn framing(head: &Head) -> Framing {
    let chunked = head.header("transfer-encoding");
    let length = head.header("content-length");
    match (head.status, chunked, length) {
        (100..200 | 204 | 304, _, _) => Framing::Length(0),
        (_, Some(coding), None) => {
            assert_eq!(coding, "chunked");
            Framing::Chunked
        }
        (_, None, Some(length)) => Framing::Length(length.parse().unwrap()),
        (_, None, None) => Framing::UntilClose,
        (_, Some(_), Some(_)) => panic!("two framings: {}", head.raw),
    }
}
