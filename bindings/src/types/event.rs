//! Notices: what happens to requests, live. A service's `domain/notice.rs` is where they are made.

use std::borrow::Cow;

use serde::Deserialize;

use super::declare::*;

record! {
    /// The same endpoint is asked again, after a wait.
    ///
    /// >>> event = RetryEvent.from_dict({"type": "retry", "endpoint": "eu", "attempt": 2, "of": 3, "wait_ms": 700})
    /// >>> event.attempt, event.delay, event["wait_ms"]
    /// (2, 0.7, 700)
    RetryEvent in "llm_proxy.events" {
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
        /// The request that it happened to.
        request_id: "request_id" => Value,
        /// The model that was asked for.
        model: "model" => Value,
        /// When it happened, as RFC 3339 has it.
        at: "at" => Value,
        /// `retry`
        r#type: "type" => Value,
    }
}

record! {
    /// Another endpoint takes over.
    ///
    /// >>> event = FailoverEvent.from_dict({"type": "failover", "from": "eu", "to": "us"})
    /// >>> event.from_, event.to
    /// ('eu', 'us')
    FailoverEvent in "llm_proxy.events" {
        /// The endpoint that failed.
        from_: "from" => Value,
        /// The endpoint that is asked instead.
        to: "to" => Value,
        /// Why: an error's code.
        reason: "reason" => Value,
        /// The request that it happened to.
        request_id: "request_id" => Value,
        /// The model that was asked for.
        model: "model" => Value,
        /// When it happened, as RFC 3339 has it.
        at: "at" => Value,
        /// `failover`
        r#type: "type" => Value,
    }
}

record! {
    /// The request is being answered after all.
    ///
    /// >>> RecoveredEvent.from_dict({"type": "recovered", "endpoint": "us", "attempts": 3}).attempts
    /// 3
    RecoveredEvent in "llm_proxy.events" {
        /// The endpoint that answers.
        endpoint: "endpoint" => Value,
        /// Upstream calls that it took.
        attempts: "attempts" => Value,
        /// Whether this closed the endpoint's breaker.
        breaker_closed: "breaker_closed" => Value,
        /// The request that it happened to.
        request_id: "request_id" => Value,
        /// The model that was asked for.
        model: "model" => Value,
        /// When it happened, as RFC 3339 has it.
        at: "at" => Value,
        /// `recovered`
        r#type: "type" => Value,
    }
}

record! {
    /// An answer that broke off in the middle is continued by another endpoint: the seam is here.
    ///
    /// >>> ContinuedEvent.from_dict({"type": "continued", "from": "eu", "to": "us"}).to
    /// 'us'
    ContinuedEvent in "llm_proxy.events" {
        /// The endpoint that broke off.
        from_: "from" => Value,
        /// The endpoint that goes on.
        to: "to" => Value,
        /// Why: an error's code.
        reason: "reason" => Value,
        /// The request that it happened to.
        request_id: "request_id" => Value,
        /// The model that was asked for.
        model: "model" => Value,
        /// When it happened, as RFC 3339 has it.
        at: "at" => Value,
        /// `continued`
        r#type: "type" => Value,
    }
}

record! {
    /// Nobody is left to ask: the request fails.
    ///
    /// >>> OutageEvent.from_dict({"type": "outage", "endpoint": "us", "retry_after_ms": 2000}).retry_after
    /// 2.0
    OutageEvent in "llm_proxy.events" {
        /// The endpoint that failed last, where one was asked.
        endpoint: "endpoint" => Value,
        /// Why: an error's code.
        reason: "reason" => Value,
        /// When it is worth asking again, in seconds from then, where that is known.
        retry_after: "retry_after_ms" => Milliseconds,
        /// The request that it happened to.
        request_id: "request_id" => Value,
        /// The model that was asked for.
        model: "model" => Value,
        /// When it happened, as RFC 3339 has it.
        at: "at" => Value,
        /// `outage`
        r#type: "type" => Value,
    }
}

record! {
    /// Something that a newer service tells, or a gap: what of it is known to nobody here is in `extra`.
    ///
    /// >>> Event.from_dict({"type": "hedged", "endpoint": "eu"}).extra
    /// {'endpoint': 'eu'}
    Event in "llm_proxy.events" {
        /// What happened.
        r#type: "type" => Value,
        /// The request that it happened to.
        request_id: "request_id" => Value,
        /// The model that was asked for.
        model: "model" => Value,
        /// When it happened, as RFC 3339 has it.
        at: "at" => Value,
    }
}

#[derive(Deserialize)]
struct Tagged<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// The class that a notice's `type` names.
pub(super) fn class_of(json: &[u8]) -> &'static Class {
    match serde_json::from_slice(json).map(|tagged: Tagged<'_>| tagged.r#type).as_deref() {
        Ok("retry") => RetryEvent::class(),
        Ok("failover") => FailoverEvent::class(),
        Ok("recovered") => RecoveredEvent::class(),
        Ok("continued") => ContinuedEvent::class(),
        Ok("outage") => OutageEvent::class(),
        _ => Event::class(),
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<RetryEvent>()?;
    module.add_class::<FailoverEvent>()?;
    module.add_class::<RecoveredEvent>()?;
    module.add_class::<ContinuedEvent>()?;
    module.add_class::<OutageEvent>()?;
    module.add_class::<Event>()
}
