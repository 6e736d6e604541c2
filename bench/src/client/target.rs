//! Whom to ask and what: the same command-line options for both clients.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use clap::Args;

/// The request that is sent again and again.
#[derive(Debug, Args)]
pub struct Target {
    /// The proxy, or the upstream itself.
    #[arg(long)]
    pub address: SocketAddr,
    /// The path of the request.
    #[arg(long, default_value = "/v1/chat/completions")]
    pub path: String,
    /// A file with the JSON body.
    #[arg(long)]
    pub body: PathBuf,
    /// A further header, `name: value`; may be given more than once.
    #[arg(long = "header")]
    pub headers: Vec<String>,
}

impl Target {
    /// The bytes of one request.
    ///
    /// # Errors
    /// The body's file cannot be read.
    pub fn request(&self) -> io::Result<Vec<u8>> {
        let body = fs::read(&self.body)?;
        let (path, host, length) = (&self.path, self.address, body.len());
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n"
        );
        for header in &self.headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend_from_slice(&body);
        Ok(request)
    }

    /// A fresh connection, non-blocking once it stands.
    ///
    /// # Errors
    /// Nobody listens, or no descriptors or ports are left.
    pub fn connect(&self) -> io::Result<TcpStream> {
        // On loopback the kernel completes this within the call.
        let socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}
