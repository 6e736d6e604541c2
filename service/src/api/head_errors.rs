//! Requests that are refused before they are requests: a head that is no HTTP, too large, or too slow.
//!
//! actix answers those itself, with a bare status and no body. This wrapper around the socket puts
//! OpenAI's envelope behind such a head. Every other answer carries `x-request-id` and passes through.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::error::{Error, Kind};

/// A client's socket.
pub struct Enveloping<S> {
    socket: S,
    /// The answer that is being written instead of actix's, and how much of it is out.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Enveloping<S> {
    /// Watches what is written to `socket`.
    pub const fn new(socket: S) -> Self {
        Self { socket, instead: None }
    }
}

/// The whole answer with an envelope, where `head` is one of actix's own refusals.
fn enveloped(head: &[u8]) -> Option<Vec<u8>> {
    let status = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    let error = match status.get(..3)? {
        b"400" => {
            Error::new(Kind::InvalidRequest, "this is no valid HTTP/1.1 request").with_code("malformed_http")
        }
        b"408" => Error::new(Kind::RequestTimeout, "the head of the request did not arrive in time"),
        b"431" => Error::new(Kind::InvalidRequest, "the head of the request is too large")
            .with_code("headers_too_large"),
        _ => return None,
    };
    let is_bare = head.ends_with(b"\r\n\r\n") && memmem::find(head, b"\r\nx-request-id: ").is_none();
    let length_at = memmem::find(head, b"content-length: 0\r\n").filter(|_| is_bare)?;
    let body = serde_json::to_string(&error).ok()?;
    let mut answer = head[..length_at].to_vec();
    answer.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    answer.extend_from_slice(b"content-type: application/json\r\n");
    answer.extend_from_slice(format!("x-request-id: {}\r\n", uuid::Uuid::now_v7().simple()).as_bytes());
    answer.extend_from_slice(&head[length_at + b"content-length: 0\r\n".len()..]);
    answer.extend_from_slice(body.as_bytes());
    Some(answer)
}

impl<S: AsyncRead + Unpin> AsyncRead for Enveloping<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Enveloping<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_none() && buf.starts_with(b"HTTP/1.") && buf.get(9) == Some(&b'4') {
            this.instead = enveloped(buf).map(|answer| (answer, 0));
        }
        let Some((answer, written)) = &mut this.instead else {
            return Pin::new(&mut this.socket).poll_write(cx, buf);
        };
        while *written < answer.len() {
            let more = ready!(Pin::new(&mut this.socket).poll_write(cx, &answer[*written..]))?;
            if more == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written += more;
        }
        this.instead = None;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::bad_request("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n", "malformed_http")]
    #[case::timeout(
        "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "request_timeout"
    )]
    fn a_bare_refusal_gets_the_envelope(#[case] head: &str, #[case] code: &str) {
        let answer = String::from_utf8(enveloped(head.as_bytes()).expect("replaced")).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(body.contains(&format!("\"code\":\"{code}\"")), "{body}");
    }

    #[rstest]
    #[case::a_success("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")]
    #[case::our_own("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-request-id: a\r\n\r\n")]
    #[case::one_with_a_body("HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\n")]
    fn every_other_answer_passes(#[case] head: &str) {
        assert_eq!(enveloped(head.as_bytes()), None);
    }
}
