//! One connection: reads a request, takes the steps of the plan, and watches for the peer to
//! leave all the while.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::behaviour::Behaviour;
use crate::control;
use crate::plan::{Step, plan};
use crate::record::{Record, RecordedRequest};
use crate::registry::Registry;
use crate::request::{ReadError, Reader};

/// How long the rest of the peer's bytes are read after a FIN. Closing at once would turn the FIN
/// into a reset if some were unread.
const LINGER: Duration = Duration::from_secs(2);

/// What all connections share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub record: Record,
    pub registry: Registry,
}

/// Why a connection ends.
enum End {
    PeerLeft { while_answering: bool },
    Close,
    Reset,
}

struct Connection {
    id: u64,
    requests: u64,
    stream: TcpStream,
    reader: Reader,
    shared: Arc<Shared>,
}

/// Serves requests until one side ends the connection.
pub(crate) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let id = shared.record.accepted();
    let reader = Reader::default();
    let mut connection = Connection { id, requests: 0, stream, reader, shared };
    let end = loop {
        if let Err(end) = connection.exchange().await {
            break end;
        }
    };
    connection.end(end).await;
}

impl Connection {
    /// One request and its response.
    async fn exchange(&mut self) -> Result<(), End> {
        let mut request = match self.reader.head(&mut self.stream).await {
            Ok(request) => request,
            Err(error) => return self.unreadable(error).await,
        };
        self.requests += 1;
        request.connection_id = self.id;
        request.number_on_connection = self.requests;
        let is_control = request.path.starts_with(control::PREFIX);
        let registry = &self.shared.registry;
        let early = (!is_control).then(|| registry.take_early(&request.method, &request.path));
        let early = early.flatten();
        let limit = early.as_ref().and_then(|behaviour| behaviour.read_request_bytes);
        if let Err(error) = self.reader.body(&mut self.stream, &mut request, limit).await {
            return self.unreadable(error).await;
        }
        if is_control {
            return self.control(&request).await;
        }
        let behaviour = early.unwrap_or_else(|| {
            let json = request.json();
            let model = json["model"].as_str().unwrap_or_default();
            self.shared.registry.take(&request.method, &request.path, model)
        });
        self.shared.record.received(request.clone());
        self.answer(&behaviour, &request).await
    }

    async fn answer(&mut self, behaviour: &Behaviour, request: &RecordedRequest) -> Result<(), End> {
        if let Some(bytes) = behaviour.send_buffer_bytes {
            // The kernel has the last word on sizes; a refusal changes no behaviour.
            drop(SockRef::from(&self.stream).set_send_buffer_size(bytes));
        }
        for step in plan(behaviour, request, &self.shared.registry.models()) {
            self.step(step).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), End> {
        match step {
            Step::Write(bytes) => self.write(&bytes).await,
            Step::Pause(Duration::ZERO) => {
                tokio::task::yield_now().await;
                Ok(())
            }
            Step::Pause(time) => tokio::select! {
                () = sleep(time) => Ok(()),
                end = self.peer_left() => Err(end),
            },
            Step::Forever(bytes) => loop {
                self.write(&bytes).await?;
                tokio::task::yield_now().await;
            },
            Step::Stall => Err(self.peer_left().await),
            Step::Reset => Err(End::Reset),
            Step::Close => Err(End::Close),
        }
    }

    async fn write(&self, bytes: &[u8]) -> Result<(), End> {
        tokio::select! {
            biased;
            written = self.write_all(bytes) => {
                written.map_err(|_| End::PeerLeft { while_answering: true })
            }
            end = self.peer_left() => Err(end),
        }
    }

    /// Counts what the kernel takes, as it takes it.
    async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        let record = &self.shared.record;
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(written) => {
                    record.wrote(self.id, written);
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    record.blocked(self.id);
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns once the peer has closed its side. Peeks, because what it may have sent belongs to
    /// the next request; while that lies unread, only the socket's state tells of the close.
    async fn peer_left(&self) -> End {
        let left = End::PeerLeft { while_answering: true };
        loop {
            match self.stream.peek(&mut [0]).await {
                Ok(0) | Err(_) => return left,
                Ok(_) => {}
            }
            match self.stream.ready(tokio::io::Interest::READABLE).await {
                Ok(ready) if !ready.is_read_closed() => sleep(Duration::from_millis(5)).await,
                _ => return left,
            }
        }
    }

    async fn control(&self, request: &RecordedRequest) -> Result<(), End> {
        if self.requests == 1 {
            self.shared.record.forget(self.id);
        }
        self.write(&control::answer(&self.shared, request)).await?;
        Err(End::Close)
    }

    async fn unreadable(&self, error: ReadError) -> Result<(), End> {
        let record = &self.shared.record;
        match error {
            ReadError::Left => Err(End::PeerLeft { while_answering: false }),
            ReadError::LeftInside(request) => {
                if let Some(request) = request {
                    record.received(*request);
                }
                Err(End::PeerLeft { while_answering: false })
            }
            ReadError::Malformed(what) => {
                record.protocol_error(what);
                let head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                self.write(head).await?;
                Err(End::Close)
            }
        }
    }

    /// Recorded before it is done, so that whoever sees it finds it recorded.
    async fn end(mut self, end: End) {
        let record = &self.shared.record;
        match end {
            End::PeerLeft { while_answering } => record.closed(self.id, true, while_answering),
            End::Reset => {
                record.closed(self.id, false, true);
                drop(SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)));
            }
            End::Close => {
                record.closed(self.id, false, true);
                drop(self.stream.shutdown().await);
                drop(timeout(LINGER, self.drain()).await);
            }
        }
    }

    async fn drain(&mut self) {
        let mut unwanted = vec![0; 16 * 1024];
        while matches!(self.stream.read(&mut unwanted).await, Ok(1..)) {}
    }
}
