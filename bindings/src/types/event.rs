//! Notices: what happens to requests, live. A service's `domain/notice.rs` is where they are made.

use std::borrow::Cow;

use serde::Deserialize;

use super::declare::*;
use super::reader;
use super::repeats::Repeats;
use crate::json;

/// A class of notices: its own members, and those that all notices have.
macro_rules! event {
    ($(#[$doc:meta])* $name:ident { $($members:tt)* }) => {
        notice! {
            [] $(#[$doc])* $name, Event [Event] { $($members)* }
            {
                /// Makes one of a dict with the members' names in JSON.
                #[classmethod]
                #[pyo3(signature = (members, /))]
                fn from_dict(_class: &Bound<'_, PyType>, members: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                    reader::revive(members, $name::class(), None)
                }
            }
        }
    };
}

macro_rules! notice {
    ([$($flag:ident)?] $(#[$doc:meta])* $name:ident, $base:ident $between:tt { $($members:tt)* } $methods:tt) => {
        class! {
            [$($flag)?] $(#[$doc])* $name in "llm_proxy.events", $base $between {
                $($members)*
                /// The request that it happened to.
                request_id: "request_id" => Value,
                /// The model that was asked for.
                model: "model" => Value,
                /// When it happened, as RFC 3339 has it.
                at: "at" => Value,
                /// What happened: `retry`, `failover`, `recovered`, `continued` or `outage`.
                r#type: "type" => Value,
            }
            others Value;
            $methods
        }
    };
}

notice! {
    [subclass]
    /// Something that happened to a request while it was answered.
    ///
    /// What a newer service tells is of this class itself, with all its members.
    ///
    /// >>> Event.from_dict({"type": "failover", "from": "eu", "to": "us"})
    /// FailoverEvent(type='failover', from_='eu', to='us')
    Event, Record [] {}
    {
        /// Makes one of a dict with the members' names in JSON, of the class that its `type` names.
        #[classmethod]
        #[pyo3(signature = (members, /))]
        fn from_dict(_class: &Bound<'_, PyType>, members: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
            read(members.py(), &json::write(members)?)
        }
    }
}

event! {
    /// The same endpoint is asked again, after a wait.
    ///
    /// >>> event = RetryEvent.from_dict({"type": "retry", "endpoint": "eu", "attempt": 2, "of": 3, "wait_ms": 700})
    /// >>> event.attempt, event.delay, event["wait_ms"]
    /// (2, 0.7, 700)
    RetryEvent {
        /// The endpoint.
        endpoint: "endpoint" => Value,
        /// Which attempt at this endpoint comes next, from 2 on.
        attempt: "attempt" => Value,
        /// How many attempts it may get.
        of: "of" => Value,
        /// The wait before it, in seconds.
        delay: "wait_ms" => Milliseconds,
        /// Why the last attempt failed: an error's code.
        reason: "reason" => Value,
    }
}

event! {
    /// Another endpoint takes over.
    ///
    /// >>> event = FailoverEvent.from_dict({"type": "failover", "from": "eu", "to": "us"})
    /// >>> event.from_, event.to
    /// ('eu', 'us')
    FailoverEvent {
        /// The endpoint that failed.
        from_: "from" => Value,
        /// The endpoint that is asked instead.
        to: "to" => Value,
        /// Why: an error's code.
        reason: "reason" => Value,
    }
}

event! {
    /// The request is being answered after all.
    ///
    /// >>> RecoveredEvent.from_dict({"type": "recovered", "endpoint": "us", "attempts": 3}).attempts
    /// 3
    RecoveredEvent {
        /// The endpoint that answers.
        endpoint: "endpoint" => Value,
        /// Upstream calls that it took.
        attempts: "attempts" => Value,
        /// Whether this closed the endpoint's breaker.
        breaker_closed: "breaker_closed" => Value,
    }
}

event! {
    /// An answer that broke off in the middle is continued by another endpoint: the seam is here.
    ///
    /// >>> ContinuedEvent.from_dict({"type": "continued", "from": "eu", "to": "us"}).to
    /// 'us'
    ContinuedEvent {
        /// The endpoint that broke off.
        from_: "from" => Value,
        /// The endpoint that goes on.
        to: "to" => Value,
        /// Why: an error's code.
        reason: "reason" => Value,
    }
}

event! {
    /// Nobody is left to ask: the request fails.
    ///
    /// >>> OutageEvent.from_dict({"type": "outage", "endpoint": "us", "retry_after_ms": 2000}).retry_after
    /// 2.0
    OutageEvent {
        /// The endpoint that failed last, where one was asked.
        endpoint: "endpoint" => Value,
        /// Why: an error's code.
        reason: "reason" => Value,
        /// When it is worth asking again, in seconds from then, where that is known.
        retry_after: "retry_after_ms" => Milliseconds,
    }
}

#[derive(Deserialize)]
struct Tagged<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// A notice, of the class that its `type` names.
pub(super) fn read(py: Python<'_>, json: &[u8]) -> PyResult<Py<PyAny>> {
    let class = match serde_json::from_slice(json).map(|tagged: Tagged<'_>| tagged.r#type).as_deref() {
        Ok("retry") => RetryEvent::class(),
        Ok("failover") => FailoverEvent::class(),
        Ok("recovered") => RecoveredEvent::class(),
        Ok("continued") => ContinuedEvent::class(),
        Ok("outage") => OutageEvent::class(),
        _ => Event::class(),
    };
    reader::read(py, class, json, None, &mut Repeats::default())
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Event>()?;
    module.add_class::<RetryEvent>()?;
    module.add_class::<FailoverEvent>()?;
    module.add_class::<RecoveredEvent>()?;
    module.add_class::<ContinuedEvent>()?;
    module.add_class::<OutageEvent>()
}
