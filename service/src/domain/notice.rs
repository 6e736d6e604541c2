//! Notices: what is told, live, about retries, failovers and outages.

use std::borrow::Cow;

use serde::Serialize;

/// Something happened on the way of a request that its caller may want to know while it waits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// What happened: `type` in JSON, and its members.
    #[serde(flatten)]
    pub event: NoticeEvent,
    /// The request that it happened to.
    pub request_id: String,
    /// The public name of the model that was asked for.
    pub model: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NoticeEvent {
    /// The same endpoint is asked again, after a wait.
    Retry {
        /// The endpoint.
        endpoint: String,
        /// Which attempt at this endpoint comes next, from 2 on.
        attempt: u32,
        /// How many attempts it may get.
        of: u32,
        /// The wait before it, in milliseconds.
        wait_ms: u64,
        /// Why the last attempt failed: an error's code.
        reason: Cow<'static, str>,
    },
    /// Another endpoint takes over.
    Failover {
        /// The endpoint that failed.
        from: String,
        /// The endpoint that is asked instead.
        to: String,
        /// Why: an error's code.
        reason: Cow<'static, str>,
    },
    /// The request is being answered after all.
    Recovered {
        /// The endpoint that answers.
        endpoint: String,
        /// Upstream calls that it took.
        attempts: u32,
        /// Whether this closed the endpoint's breaker.
        breaker_closed: bool,
    },
    /// An answer that broke off in the middle is continued by another endpoint: the seam is here.
    Continued {
        /// The endpoint that broke off.
        from: String,
        /// The endpoint that goes on.
        to: String,
        /// Why: an error's code.
        reason: Cow<'static, str>,
    },
    /// Nobody is left to ask: the request fails.
    Outage {
        /// The endpoint that failed last, where one was asked.
        endpoint: Option<String>,
        /// Why: an error's code.
        reason: Cow<'static, str>,
        /// When it is worth asking again, in milliseconds, where that is known.
        retry_after_ms: Option<u64>,
    },
}

impl NoticeEvent {
    /// A stable name: `type` in JSON, a log field, a metric label.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Failover { .. } => "failover",
            Self::Recovered { .. } => "recovered",
            Self::Continued { .. } => "continued",
            Self::Outage { .. } => "outage",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_flat_object() {
        let event = NoticeEvent::Retry {
            endpoint: "a".into(),
            attempt: 2,
            of: 3,
            wait_ms: 700,
            reason: "upstream_timeout".into(),
        };
        let notice = Notice { event, request_id: "r".into(), model: "m".into() };
        let json = serde_json::to_string(&notice).unwrap_or_default();
        assert_eq!(
            json,
            r#"{"type":"retry","endpoint":"a","attempt":2,"of":3,"wait_ms":700,"reason":"upstream_timeout","request_id":"r","model":"m"}"#
        );
        assert!(json.contains(&format!(r#""type":"{}""#, notice.event.name())));
    }
}
