//! Reads requests from a socket. Strict, because a proxy under test must not send nonsense.

use std::io;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::record::RecordedRequest;

const MAX_HEADERS: usize = 128;
const MAX_HEAD_BYTES: usize = 256 * 1024;

/// Why there is no request.
pub(crate) enum ReadError {
    /// Between requests, as peers do.
    Left,
    /// In the middle of one; what there was, if its head was complete.
    LeftInside(Option<Box<RecordedRequest>>),
    /// Not HTTP/1.1 as it should be.
    Malformed(String),
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        Self::LeftInside(None)
    }
}

enum BodyLength {
    Known(usize),
    Chunked,
}

/// The bytes read and not yet used: the start of the next request, if the peer pipelines.
#[derive(Default)]
pub(crate) struct Reader {
    input: Vec<u8>,
}

impl Reader {
    /// The head as a request without its body; the connection's numbers are filled in later.
    pub async fn head(&mut self, stream: &mut TcpStream) -> Result<RecordedRequest, ReadError> {
        loop {
            if let Some((request, length)) = parse_head(&self.input)? {
                self.input.drain(..length);
                return Ok(request);
            }
            if self.input.len() > MAX_HEAD_BYTES {
                return Err(ReadError::Malformed("a head without end".to_owned()));
            }
            let is_first = self.input.is_empty();
            match stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) if is_first => return Err(ReadError::Left),
                Ok(0) | Err(_) => return Err(ReadError::LeftInside(None)),
                Ok(_) => {}
            }
        }
    }

    /// Fills in the body, or at most `limit` bytes of it.
    pub async fn body(
        &mut self,
        stream: &mut TcpStream,
        request: &mut RecordedRequest,
        limit: Option<usize>,
    ) -> Result<(), ReadError> {
        let length = body_length(request)?;
        let limit = limit.unwrap_or(usize::MAX);
        let is_waiting = request.header("expect").is_some() && self.input.is_empty();
        if is_waiting && limit > 0 {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let mut body = Vec::new();
        let read = match length {
            BodyLength::Known(length) => {
                let read = self.take(stream, &mut body, length.min(limit)).await;
                read.map(|()| length <= limit)
            }
            BodyLength::Chunked => self.chunks(stream, &mut body, limit).await,
        };
        request.body = body;
        request.received_at = Instant::now();
        match read {
            Ok(complete) => request.body_complete = complete,
            Err(ReadError::LeftInside(_)) => {
                return Err(ReadError::LeftInside(Some(Box::new(request.clone()))));
            }
            Err(malformed) => return Err(malformed),
        }
        Ok(())
    }

    /// Chunks until the terminator; false if the limit comes first.
    async fn chunks(
        &mut self,
        stream: &mut TcpStream,
        body: &mut Vec<u8>,
        limit: usize,
    ) -> Result<bool, ReadError> {
        let malformed = |what: &str| ReadError::Malformed(format!("chunked body: {what}"));
        loop {
            let size = match httparse::parse_chunk_size(&self.input) {
                Ok(httparse::Status::Complete((line, size))) => {
                    self.input.drain(..line);
                    usize::try_from(size).map_err(|_| malformed("a size too big"))?
                }
                Ok(httparse::Status::Partial) => {
                    self.fill(stream).await?;
                    continue;
                }
                Err(_) => return Err(malformed("a size that is none")),
            };
            if size == 0 {
                return self.trailers(stream).await.map(|()| true);
            }
            let wanted = size.min(limit - body.len());
            self.take(stream, body, wanted).await?;
            if wanted < size || body.len() == limit {
                return Ok(false);
            }
            let mut end = Vec::new();
            self.take(stream, &mut end, 2).await?;
            if end != b"\r\n" {
                return Err(malformed("a chunk longer than its size"));
            }
        }
    }

    /// Lines up to an empty one.
    async fn trailers(&mut self, stream: &mut TcpStream) -> Result<(), ReadError> {
        loop {
            let line = self.input.windows(2).position(|two| two == b"\r\n");
            match line {
                Some(length) => drop(self.input.drain(..length + 2)),
                None => self.fill(stream).await?,
            }
            if line == Some(0) {
                return Ok(());
            }
        }
    }

    /// Moves so many bytes to `to`, as they come.
    async fn take(
        &mut self,
        stream: &mut TcpStream,
        to: &mut Vec<u8>,
        mut wanted: usize,
    ) -> Result<(), ReadError> {
        while wanted > 0 {
            if self.input.is_empty() {
                self.fill(stream).await?;
            }
            let here = wanted.min(self.input.len());
            to.extend(self.input.drain(..here));
            wanted -= here;
        }
        Ok(())
    }

    async fn fill(&mut self, stream: &mut TcpStream) -> Result<(), ReadError> {
        match stream.read_buf(&mut self.input).await? {
            0 => Err(ReadError::LeftInside(None)),
            _ => Ok(()),
        }
    }
}

/// The request and the length of its head, once it is complete.
fn parse_head(input: &[u8]) -> Result<Option<(RecordedRequest, usize)>, ReadError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(ReadError::Malformed(format!("head: {error}"))),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = head.headers.iter();
    let target = head.path.unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let request = RecordedRequest {
        connection_id: 0,
        number_on_connection: 0,
        method: head.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query,
        minor_version: head.version.unwrap_or(1),
        headers: headers.map(|header| (header.name.to_owned(), text(header.value))).collect(),
        body: Vec::new(),
        body_complete: false,
        received_at: Instant::now(),
    };
    Ok(Some((request, length)))
}

fn body_length(request: &RecordedRequest) -> Result<BodyLength, ReadError> {
    let malformed = |what: &str| Err(ReadError::Malformed(what.to_owned()));
    let encodings: Vec<_> = request.headers("transfer-encoding").collect();
    let lengths: Vec<_> = request.headers("content-length").collect();
    match (encodings.as_slice(), lengths.as_slice()) {
        ([], []) => Ok(BodyLength::Known(0)),
        ([encoding], []) if encoding.eq_ignore_ascii_case("chunked") => Ok(BodyLength::Chunked),
        ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            let length = length.parse();
            length.map_or_else(
                |_| malformed("a content-length that is none"),
                |length| Ok(BodyLength::Known(length)),
            )
        }
        _ => malformed("transfer-encoding or content-length twice, both, or unknown"),
    }
}
