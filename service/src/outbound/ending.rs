//! A socket whose drop is the end of its connection.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;

/// Closing a descriptor ends nothing while a forked child has inherited it, and the upstream would go on
/// generating: dropping this says the end first, in both directions.
pub struct Ending(pub Socket);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ended_already = SockRef::from(self.0.tcp()).shutdown(Shutdown::Both);
    }
}

impl AsyncRead for Ending {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Ending {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let connecting = TcpStream::connect(listener.local_addr().expect("an address"));
        let (ours, peer) = tokio::join!(connecting, listener.accept());
        (ours.expect("a connection"), peer.expect("a connection").0)
    }

    #[tokio::test]
    async fn the_peer_sees_the_end_of_a_dropped_connection_though_a_descriptor_of_it_is_left() {
        let (ours, mut peer) = pair().await;
        let inherited = ours.as_fd().try_clone_to_owned().expect("a descriptor");
        let ending = Ending(Socket::Plain(ours));
        peer.write_all(b"data").await.expect("sent");
        drop(ending);
        let read = timeout(Duration::from_secs(10), peer.read(&mut [0; 8])).await;
        assert_eq!(read.expect("an end").expect("no error"), 0);
        drop(inherited);
    }
}
