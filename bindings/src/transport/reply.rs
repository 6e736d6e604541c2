//! An answer as it comes, from either home.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use llm_proxy::outbound::answer::Answer;
use llm_proxy::startup::in_process;

use crate::mailbox::Head;

/// An answer whose body is still on its way. Dropping it tells the other side that nobody reads any more.
pub struct Reply {
    /// Its status and headers.
    pub head: Head,
    body: Body,
}

enum Body {
    Service(Box<Answer>),
    InProcess(in_process::Body),
}

impl Reply {
    /// The service's.
    pub fn of_service(mut answer: Answer) -> Self {
        let head = head(answer.status, &answer.headers);
        // They would keep a buffer of the connection's for as long as the answer lasts.
        answer.forget_headers();
        Self { head, body: Body::Service(Box::new(answer)) }
    }

    /// That of the routes in this process.
    pub fn in_process(answer: http::Response<in_process::Body>) -> Self {
        let head = head(answer.status().as_u16(), answer.headers());
        Self { head, body: Body::InProcess(answer.into_body()) }
    }

    /// Whether it is a success.
    pub const fn is_success(&self) -> bool {
        self.head.status >= 200 && self.head.status < 300
    }

    /// The next bytes; `None` at the proper end.
    ///
    /// # Errors
    /// Why the connection broke.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, String>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The same as [`Reply::chunk`], for who polls.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        self.body.poll_chunk(cx)
    }

    /// All of it.
    ///
    /// # Errors
    /// Why the connection broke.
    pub async fn whole(&mut self) -> Result<Bytes, String> {
        let Some(first) = self.chunk().await.transpose()? else { return Ok(Bytes::new()) };
        let mut all = BytesMut::new();
        while let Some(more) = self.chunk().await.transpose()? {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&more);
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }
}

impl Body {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        match self {
            Self::Service(answer) => answer
                .poll_chunk(cx)
                .map(|chunk| chunk.map(|chunk| chunk.map_err(|error| error.message().to_owned()))),
            Self::InProcess(body) => body.poll_chunk(cx).map(|chunk| chunk.map(Ok)),
        }
    }
}

fn head(status: u16, headers: &http::HeaderMap) -> Head {
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Head { status, headers: headers.iter().map(text).collect() }
}
