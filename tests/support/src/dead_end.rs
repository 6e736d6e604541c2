//! Addresses that are no upstream at all.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// A port where connecting never ends: the queue of its listener is full, and the kernel drops
/// what comes. (As Linux does it; elsewhere it may refuse.)
#[derive(Debug)]
pub struct Blackhole {
    address: SocketAddr,
    _listener: Socket,
    _queued: Vec<Socket>,
}

impl Blackhole {
    /// Takes a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If there is none.
    pub fn start() -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        listener.listen(0)?;
        let address = listener.local_addr()?.as_socket().ok_or(io::ErrorKind::Unsupported)?;
        let queued = (0..4).map(|_| fill(address)).collect::<io::Result<_>>()?;
        Ok(Self { address, _listener: listener, _queued: queued })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A connection that is queued, or that waits to be.
fn fill(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // "In progress" is what is wanted.
    drop(socket.connect(&address.into()));
    Ok(socket)
}

/// The URL of a port where nobody listens: the kernel refuses. Free at this moment; one that the
/// system hands out to another socket soon is unlikely.
///
/// # Errors
/// If no port is free.
pub fn refused_url() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    Ok(format!("http://{address}"))
}
