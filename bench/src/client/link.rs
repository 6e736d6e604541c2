//! A client's connection: the unsent rest of a request, and the answer underway.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use super::response::Response;

/// One connection and what is underway on it.
#[derive(Debug)]
pub struct Link {
    /// The socket, non-blocking.
    pub socket: TcpStream,
    /// The answer that is being read.
    pub response: Response,
    unsent: Vec<u8>,
}

impl Link {
    /// Nothing sent, nothing expected.
    #[must_use]
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, response: Response::new(), unsent: Vec::new() }
    }

    /// Sends `request`; what does not fit goes with a later [`Link::flush`]. Returns whether all
    /// of it is gone.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send(&mut self, request: &[u8]) -> io::Result<bool> {
        self.response.reset();
        match self.socket.write(request) {
            Ok(sent) => self.unsent.extend_from_slice(&request[sent..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.unsent.extend_from_slice(request);
            }
            Err(error) => return Err(error),
        }
        Ok(self.unsent.is_empty())
    }

    /// Sends what is left of the request. Returns whether all of it is gone.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn flush(&mut self) -> io::Result<bool> {
        if self.unsent.is_empty() {
            return Ok(true);
        }
        match self.socket.write(&self.unsent) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(self.unsent.is_empty())
    }

    /// Whether part of the request still waits for room.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Reads once and hands the body's pieces to `on_body`. Returns how many bytes came; zero for
    /// none yet.
    ///
    /// # Errors
    /// The connection is broken or was closed, or what came is not HTTP.
    pub fn receive(&mut self, scratch: &mut [u8], on_body: impl FnMut(&[u8])) -> io::Result<usize> {
        match self.socket.read(scratch) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => {
                let fed = self.response.feed(&scratch[..bytes], on_body);
                fed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
                Ok(bytes)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }
}
