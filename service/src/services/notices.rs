//! The hub of notices: each is numbered, written once, kept for a while, logged, and heard by everyone
//! who listens.
//!
//! Telling never waits for a listener. Listeners share the last notices and hold none of their own: each
//! is a place in them, and one that falls behind the oldest is dropped.

mod in_stream;
mod ring;
mod subscription;
mod tidy;

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

pub use self::in_stream::{Heard, NoticeForm, rendered};
use self::ring::Ring;
pub use self::subscription::{Subscription, Told};
use crate::domain::notice::{Notice, NoticeEvent};
use crate::ports::NoticeSink;

/// How many notices are kept for listeners that come back, or are slow.
pub const KEPT: usize = 1000;

/// `target` of the log's lines; lines of other targets than ours are taken for a library's.
const TARGET: &str = "llm_proxy::notice";

/// RFC 3339 with milliseconds, in UTC: `2026-07-01T12:00:00.250Z`.
const AT: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A notice as everyone hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Greater than every earlier one's, also after a restart of the service.
    pub id: u64,
    /// `{"type", the event's members, "request_id", "model", "at"}`
    pub json: Box<str>,
    /// The event's name, as in `type`.
    pub name: &'static str,
}

/// The hub; clones are the same hub.
#[derive(Clone)]
pub struct Notices {
    ring: Arc<Mutex<Ring>>,
    sink: Option<Arc<dyn NoticeSink>>,
}

impl Default for Notices {
    fn default() -> Self {
        Self::new()
    }
}

impl Notices {
    /// A hub that nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self { ring: Arc::new(Mutex::new(Ring::since(SystemTime::now()))), sink: None }
    }

    /// The same hub, with somebody who counts what it tells.
    #[must_use]
    pub fn counted_by(self, sink: Arc<dyn NoticeSink>) -> Self {
        Self { sink: Some(sink), ..self }
    }

    /// Tells everyone who listens, the log and the counter. Waits for nobody.
    pub fn publish(&self, notice: &Notice) -> Arc<Published> {
        let notice = &tidy::tidy(notice);
        log(notice);
        if let Some(sink) = &self.sink {
            sink.notice(&notice.event);
        }
        self.tell(notice.event.name(), written(notice, SystemTime::now()))
    }

    fn tell(&self, name: &'static str, json: Box<str>) -> Arc<Published> {
        let (published, listening) = self.ring.lock().push(name, json);
        for listener in listening {
            listener.wake();
        }
        published
    }

    /// Everything that is kept and came after the notice `after`, then what comes from now on. Without
    /// `after` only the latter.
    #[must_use]
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        Subscription::new(Arc::clone(&self.ring), after)
    }
}

#[derive(Serialize)]
struct Dated<'a> {
    #[serde(flatten)]
    notice: &'a Notice,
    at: String,
}

fn written(notice: &Notice, at: SystemTime) -> Box<str> {
    // A clock that no calendar can show leaves the member empty.
    let at = OffsetDateTime::from(at).format(AT).unwrap_or_default();
    serde_json::to_string(&Dated { notice, at }).unwrap_or_default().into()
}

fn log(notice: &Notice) {
    let Notice { event, request_id, model } = notice;
    match event {
        NoticeEvent::Retry { endpoint, attempt, of, wait_ms, reason } => {
            tracing::info!(target: TARGET, request_id, model, endpoint, attempt, of, wait_ms, %reason, "retry");
        }
        NoticeEvent::Failover { from, to, reason } => {
            tracing::info!(target: TARGET, request_id, model, from, to, %reason, "failover");
        }
        NoticeEvent::Recovered { endpoint, attempts, breaker_closed } => {
            tracing::info!(target: TARGET, request_id, model, endpoint, attempts, breaker_closed, "recovered");
        }
        NoticeEvent::Continued { from, to, reason } => {
            tracing::warn!(target: TARGET, request_id, model, from, to, %reason, "continued");
        }
        NoticeEvent::Outage { endpoint, reason, retry_after_ms } => {
            tracing::warn!(target: TARGET, request_id, model, endpoint, %reason, retry_after_ms, "outage");
        }
    }
}

#[cfg(test)]
mod tests;
