//! A proxy that passes an answer on when it has all of it, as some that look for viruses do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A proxy for plain targets on 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub struct BufferingProxy {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl BufferingProxy {
    /// Starts it.
    ///
    /// # Panics
    /// If it cannot be started: a test has nothing to test then.
    #[expect(clippy::expect_used, reason = "a test without its proxy cannot go on")]
    pub fn start() -> Self {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a listener");
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! { _ended = accept(listener) => {} _dropped = stopped => {} }
            });
        });
        Self { address, _stop: stop }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept(listener: StdListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(pass_on(client));
    }
}

/// One request, and its answer at once; the end of the connection is the end of the answer.
async fn pass_on(mut client: TcpStream) -> io::Result<()> {
    let request = read_request(&mut client).await?;
    let text = String::from_utf8_lossy(&request).into_owned();
    let (method, rest) = text.split_once(" http://").ok_or(io::ErrorKind::InvalidData)?;
    let at = rest.find('/').ok_or(io::ErrorKind::InvalidData)?;
    let (authority, rest) = rest.split_at(at);
    let (line, rest) = rest.split_once("\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let mut target = TcpStream::connect(authority).await?;
    target.write_all(format!("{method} {line}\r\nconnection: close\r\n{rest}").as_bytes()).await?;
    let mut answer = Vec::new();
    target.read_to_end(&mut answer).await?;
    client.write_all(&answer).await?;
    client.shutdown().await
}

/// The head, and as much of a body as it says.
async fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        if client.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let head = request.windows(4).position(|end| end == b"\r\n\r\n");
        let Some(end) = head.map(|at| at + 4) else { continue };
        if request.len() >= end + content_length(&request[..end]) {
            return Ok(request);
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.and_then(|length| length.trim().parse().ok()).unwrap_or_default()
}
