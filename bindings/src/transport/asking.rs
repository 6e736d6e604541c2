//! Asking until there is an answer, where that is safe.

use std::time::Duration;

use llm_proxy::error::RetrySafety;
use llm_proxy::resilience::backoff::Backoff;

use super::answering::Request;
use super::plan::Backend;
use super::reply::Reply;
use crate::failure::{Failure, told};
use crate::mailbox::Head;

/// The waits before the service is asked again, where it does not say how long.
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(8) };

/// The longest wait that the service may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// A successful answer's beginning, after as many calls as it may take.
///
/// # Errors
/// Why there is none.
pub async fn reply(backend: &Backend, request: &Request) -> Result<Reply, Failure> {
    let mut failures = 0;
    loop {
        let missed = match ask(backend, request).await {
            Ok(reply) => return Ok(reply),
            Err(missed) => missed,
        };
        failures += 1;
        let wait = match missed.remedy {
            Remedy::Nothing => return Err(missed.failure),
            _ if failures > request.max_retries => return Err(missed.failure),
            Remedy::AgainAfter(wait) => wait,
            Remedy::Again => BACKOFF.wait(failures, random()),
        };
        tokio::time::sleep(wait).await;
    }
}

/// A call that failed.
struct Missed {
    failure: Failure,
    remedy: Remedy,
}

/// What may help.
enum Remedy {
    Nothing,
    /// The same call, after a wait.
    Again,
    /// The same, after the wait that the service asks for.
    AgainAfter(Duration),
}

async fn ask(backend: &Backend, request: &Request) -> Result<Reply, Missed> {
    let mut reply = match backend.send(request).await {
        Ok(reply) if reply.is_success() => return Ok(reply),
        Ok(reply) => reply,
        Err(error) => {
            let is_safe = error.kind().retry_safety() == RetrySafety::Safe;
            let remedy = if is_safe { Remedy::Again } else { Remedy::Nothing };
            return Err(Missed { failure: Failure::Connection(error.message().to_owned()), remedy });
        }
    };
    match reply.whole().await {
        Ok(body) => {
            let remedy = remedy(&reply.head, &body);
            Err(Missed { failure: Failure::Status(reply.head, body), remedy })
        }
        Err(broken) => Err(Missed { failure: Failure::Connection(broken), remedy: Remedy::Nothing }),
    }
}

/// The service that did nothing about the request may do so in a moment. What an upstream says is no matter
/// of the client's: the service has tried again by itself.
fn remedy(head: &Head, body: &[u8]) -> Remedy {
    if head.status != 503 || !matches!(told(body).code(), "shutting_down" | "overloaded") {
        return Remedy::Nothing;
    }
    match head.header("retry-after").and_then(|seconds| seconds.parse().ok()) {
        Some(seconds) => Remedy::AgainAfter(Duration::from_secs(seconds).min(MAX_RETRY_AFTER)),
        None => Remedy::Again,
    }
}

/// From 0 to 1, of the random part of a version 7 id.
fn random() -> f64 {
    let [.., high, low] = uuid::Uuid::now_v7().into_bytes();
    f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
}
