//! Notices on their way to a listener.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::time::{Instant, Sleep, sleep};
use actix_web::web::Bytes;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::adapters::{ClientFormat, keep_alive};
use crate::services::notices::{Published, Subscription, Told};

/// When to come back, in milliseconds: the first thing that a listener is sent.
const RETRY: &[u8] = b"retry: 2000\n\n";
const DROPPED: &[u8] = b"event: dropped\ndata: {\"message\":\"too slow: come back with Last-Event-ID\"}\n\n";
const STOPPING: &[u8] = b": the service is stopping\n\n";

/// Events until the listener leaves, is dropped, or the service stops. It is no answer in flight: nobody
/// waits for its end.
pub struct EventsBody {
    subscription: Subscription,
    phase: Phase,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    keepalive: Option<(Duration, Pin<Box<Sleep>>)>,
}

enum Phase {
    Begins,
    Listens,
    IsOver,
}

impl EventsBody {
    /// What `subscription` is told, with a comment after each `keepalive` of silence, until `stopping`.
    pub fn new(subscription: Subscription, keepalive: Option<Duration>, stopping: CancellationToken) -> Self {
        let keepalive = keepalive.map(|interval| (interval, Box::pin(sleep(interval))));
        let stopping = Box::pin(stopping.cancelled_owned());
        Self { subscription, phase: Phase::Begins, stopping, keepalive }
    }

    fn listen(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Poll::Ready(told) = self.subscription.poll_next(cx) {
            self.restart_keepalive();
            if !matches!(told, Some(Told::Notice(_) | Told::Gap { .. })) {
                self.phase = Phase::IsOver;
            }
            return Poll::Ready(told.map(|told| written(&told)));
        }
        // Told all that there is: only now may the end come.
        if self.stopping.as_mut().poll(cx).is_ready() {
            self.phase = Phase::IsOver;
            return Poll::Ready(Some(Bytes::from_static(STOPPING)));
        }
        let due = self.keepalive.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready());
        if !due {
            return Poll::Pending;
        }
        self.restart_keepalive();
        Poll::Ready(Some(Bytes::from_static(keep_alive(ClientFormat::Openai))))
    }

    fn restart_keepalive(&mut self) {
        if let Some((interval, sleep)) = &mut self.keepalive {
            sleep.as_mut().reset(Instant::now() + *interval);
        }
    }
}

fn written(told: &Told) -> Bytes {
    match told {
        Told::Notice(notice) => {
            let Published { id, json, name } = &**notice;
            format!("id: {id}\nevent: {name}\ndata: {json}\n\n").into()
        }
        Told::Gap { missed: Some(missed) } => format!("event: gap\ndata: {{\"missed\":{missed}}}\n\n").into(),
        Told::Gap { missed: None } => Bytes::from_static(b"event: gap\ndata: {\"missed\":null}\n\n"),
        Told::Dropped => Bytes::from_static(DROPPED),
    }
}

impl MessageBody for EventsBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let body = self.get_mut();
        let next = match body.phase {
            Phase::Begins => {
                body.phase = Phase::Listens;
                Poll::Ready(Some(Bytes::from_static(RETRY)))
            }
            Phase::Listens => body.listen(cx),
            Phase::IsOver => Poll::Ready(None),
        };
        next.map(|next| next.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::domain::notice::{Notice, NoticeEvent};
    use crate::services::notices::{KEPT, Notices};

    const KEEPALIVE: Duration = Duration::from_secs(15);

    fn notice() -> Notice {
        let event = NoticeEvent::Outage { endpoint: None, reason: "r".into(), retry_after_ms: None };
        Notice { event, request_id: "1".into(), model: "m".into() }
    }

    /// A listener that has got the first line.
    async fn listener(hub: &Notices, after: Option<u64>, stopping: &CancellationToken) -> EventsBody {
        let mut body = EventsBody::new(hub.subscribe(after), Some(KEEPALIVE), stopping.clone());
        assert_eq!(next(&mut body).await.as_deref(), Some("retry: 2000\n\n"));
        body
    }

    async fn next(body: &mut EventsBody) -> Option<String> {
        let bytes = poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await?.expect("it cannot fail");
        Some(String::from_utf8(bytes.to_vec()).expect("text"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_notice_is_an_event_with_id_name_and_data() {
        let hub = Notices::new();
        let mut body = listener(&hub, None, &CancellationToken::new()).await;
        let published = hub.publish(&notice());
        let expected = format!("id: {}\nevent: outage\ndata: {}\n\n", published.id, published.json);
        assert_eq!(next(&mut body).await, Some(expected));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_comments_and_a_notice_begins_it_anew() {
        let hub = Notices::new();
        let mut body = listener(&hub, None, &CancellationToken::new()).await;
        let begun = Instant::now();
        assert_eq!(next(&mut body).await.as_deref(), Some(": keep-alive\n\n"));
        assert_eq!(begun.elapsed().as_secs(), KEEPALIVE.as_secs());
        sleep(KEEPALIVE / 2).await;
        hub.publish(&notice());
        assert!(next(&mut body).await.is_some_and(|event| event.contains("outage")));
        let told = Instant::now();
        assert_eq!(next(&mut body).await.as_deref(), Some(": keep-alive\n\n"));
        assert_eq!(told.elapsed().as_secs(), KEEPALIVE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_gone_is_told_before_what_is_left() {
        let hub = Notices::new();
        let first = hub.publish(&notice()).id;
        for _ in 0..KEPT {
            hub.publish(&notice());
        }
        let stopping = CancellationToken::new();
        let mut body = listener(&hub, Some(first - 1), &stopping).await;
        assert_eq!(next(&mut body).await.as_deref(), Some("event: gap\ndata: {\"missed\":1}\n\n"));
        let event = next(&mut body).await.expect("an event");
        assert!(event.starts_with(&format!("id: {}\n", first + 1)), "{event}");
        let mut stranger = listener(&hub, Some(1), &stopping).await;
        assert_eq!(next(&mut stranger).await.as_deref(), Some("event: gap\ndata: {\"missed\":null}\n\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_is_too_slow_is_told_so_and_nothing_else() {
        let hub = Notices::new();
        let mut body = listener(&hub, None, &CancellationToken::new()).await;
        for _ in 0..=KEPT {
            hub.publish(&notice());
        }
        let told = next(&mut body).await.expect("an event");
        assert!(told.starts_with("event: dropped\ndata: {"), "{told}");
        assert_eq!(next(&mut body).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_service_stops_the_last_notices_still_go_out() {
        let (hub, stopping) = (Notices::new(), CancellationToken::new());
        let mut body = listener(&hub, None, &stopping).await;
        hub.publish(&notice());
        stopping.cancel();
        assert!(next(&mut body).await.is_some_and(|event| event.contains("outage")));
        assert_eq!(next(&mut body).await.as_deref(), Some(": the service is stopping\n\n"));
        assert_eq!(next(&mut body).await, None);
    }
}
