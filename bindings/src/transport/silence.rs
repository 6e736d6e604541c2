//! How long a stream may be silent.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use super::reply::Reply;

/// Measures from the last event on: bytes that say nothing, like the comments that keep a connection open, do not
/// break it. Its timer is set again only when it fires: an event costs no timer.
pub struct Silence {
    limit: Option<Duration>,
    since: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    /// Begins now; without a `limit` it has no end.
    pub fn of(limit: Option<Duration>) -> Self {
        Self { limit, since: Instant::now(), timer: None }
    }

    /// Begins again: something was said, or it was not the stream that was silent.
    pub fn begins_anew(&mut self) {
        self.since = Instant::now();
    }

    /// The next bytes of `reply`; `None` when it was silent for too long.
    pub async fn bounds(&mut self, reply: &mut Reply) -> Option<Option<Result<Bytes, String>>> {
        poll_fn(|cx| match reply.poll_chunk(cx) {
            Poll::Ready(chunk) => Poll::Ready(Some(chunk)),
            Poll::Pending => self.poll_end(cx).map(|()| None),
        })
        .await
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(limit) = self.limit else { return Poll::Pending };
        let end = self.since + limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}
