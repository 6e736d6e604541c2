//! Asking the endpoints of a route, one after the other, until one of them answers.
//!
//! Everything here happens before the caller has seen a byte, so another endpoint may take over as long
//! as the error says that sending again may help. What has begun to flow stays with its endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::completion::{Asked, Engine, Failed, ServedBy};
use super::routing::{Hop, InUse, Route};
use super::whole::{check, collect};
use crate::adapters::{self, Ask, Expect, Framing, Refusal};
use crate::domain::call::Call;
use crate::domain::endpoint::{Deadlines, Endpoint};
use crate::domain::envelope::Envelope;
use crate::error::{Error, Kind, Result, RetrySafety};
use crate::outbound::answer::Answer;
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;
use crate::ports::UpstreamObserver;

/// As much of an error body is read.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// The wait before the second round over a route; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A request on its way along its route.
pub struct Attempts {
    pub engine: Arc<Engine>,
    pub client: Client,
    pub asked: Arc<Asked>,
    pub envelope: Envelope,
    pub route: Route,
    pub deadline: Deadline,
}

/// What is asked of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A whole answer.
    Whole,
    /// A stream.
    Stream,
}

/// An endpoint has answered.
pub struct Begun {
    pub by: ServedBy,
    pub expect: Expect,
    /// Its body is read already where the answer is whole.
    pub answer: Answer,
    /// The body, where the endpoint was asked for a whole answer.
    pub body: Option<Bytes>,
    pub in_use: InUse,
    /// When the answer has to be over.
    pub deadline: Deadline,
}

/// Instead of which hops the route goes on.
enum Next {
    Hop,
    Instead(Vec<Hop>),
    Nothing,
}

impl Attempts {
    /// Asks until an endpoint answers.
    ///
    /// # Errors
    /// The last failure, when the route is at its end or nothing can help.
    pub async fn begin(mut self, wanted: Wanted) -> Result<Begun, Failed> {
        let mut calls = 0;
        let mut pause = FIRST_PAUSE;
        for round in 0..=self.route.retries {
            let mut at = 0;
            while let Some(hop) = self.route.hops.get(at) {
                let failed = match self.attempt(hop, wanted, &mut calls).await {
                    Ok(begun) => return Ok(begun),
                    Err(failed) => failed,
                };
                at += 1;
                let is_last =
                    at == self.route.hops.len() && (round == self.route.retries || !self.has_time_for(pause));
                let (endpoint, next) = (Arc::clone(&hop.endpoint), self.next(&failed.error));
                match next {
                    // The rest of the route would say the same.
                    Next::Instead(others) => (self.route.hops, at) = (others, 0),
                    Next::Hop if !is_last => {}
                    _ => return Err(failed),
                }
                self.moved_on(&endpoint, &failed.error);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(Error::new(Kind::Internal, "a route without an endpoint").into())
    }

    /// Who would have to answer behind the deadline is not asked: the failure is told at once.
    fn has_time_for(&self, pause: Duration) -> bool {
        self.deadline.at() > Instant::now() + pause
    }

    /// What a failure leaves to try.
    fn next(&mut self, error: &Error) -> Next {
        let instead = match error.code() {
            "context_length_exceeded" => std::mem::take(&mut self.route.context_window),
            "content_policy_violation" => std::mem::take(&mut self.route.content_policy),
            _ => Vec::new(),
        };
        match error.kind().retry_safety() {
            _ if !instead.is_empty() => Next::Instead(instead),
            RetrySafety::Never => Next::Nothing,
            RetrySafety::Safe | RetrySafety::MayDuplicate => Next::Hop,
        }
    }

    fn moved_on(&self, endpoint: &Endpoint, error: &Error) {
        self.engine.observer.upstream_error(&endpoint.name, error.kind());
        tracing::info!(
            request_id = %self.asked.request_id,
            endpoint = %endpoint.name,
            error = error.kind().name(),
            "moving on to the next endpoint"
        );
    }

    async fn attempt(&self, hop: &Hop, wanted: Wanted, calls: &mut u32) -> Result<Begun, Failed> {
        let endpoint = &hop.endpoint;
        let by = |attempts| ServedBy::after(endpoint, attempts);
        let prepared = self.prepare(hop, wanted);
        let prepared = prepared.map_err(|error| Failed { by: Some(by(*calls)), ..error.into() })?;
        *calls += 1;
        let wanted = if endpoint.streams { wanted } else { Wanted::Whole };
        let deadline = self.deadline.or_after(Instant::now(), deadlines(endpoint, wanted).total);
        let in_use = hop.load.begin();
        let answered = self.answer(endpoint, prepared.call, wanted, deadline, &in_use).await;
        let (answer, body) = answered.map_err(|failed| {
            let error = self.too_slow(endpoint, wanted, deadline, failed.error);
            Failed { by: Some(by(*calls)), error, ..failed }
        })?;
        *calls += answer.calls - 1;
        let dropped = [self.dropped_before(endpoint), &prepared.dropped].concat();
        let by = ServedBy { dropped, ..by(*calls) };
        Ok(Begun { by, expect: prepared.expect, answer, body, in_use, deadline })
    }

    /// An endpoint that is over its own time is too slow; another one may be faster.
    fn too_slow(&self, endpoint: &Endpoint, wanted: Wanted, deadline: Deadline, error: Error) -> Error {
        if error.kind() != Kind::DeadlineExceeded || deadline.at() == self.deadline.at() {
            return error;
        }
        let limit = deadlines(endpoint, wanted).total;
        let message = format!("{} did not answer within {} s", endpoint.name, limit.as_secs_f64());
        Error::new(Kind::UpstreamTimeout, message)
    }

    fn prepare(&self, hop: &Hop, wanted: Wanted) -> Result<adapters::Prepared> {
        let original = self.asked.original.as_ref();
        let is_relayed = adapters::is_relayed(&hop.endpoint, self.asked.format);
        if let (false, Some(error)) =
            (is_relayed, original.and_then(|original| original.refused_elsewhere.as_ref()))
        {
            return Err(error.clone());
        }
        let whole = (wanted == Wanted::Stream && !hop.endpoint.streams)
            .then(|| Envelope::not_streamed(self.asked.operation, &self.asked.body))
            .transpose()?;
        let (body, envelope) =
            whole.as_ref().map_or((&self.asked.body, &self.envelope), |(body, envelope)| (body, envelope));
        let ask = Ask {
            operation: self.asked.operation,
            body,
            envelope,
            original: original.map(|original| (self.asked.format, &original.body)),
            model: &hop.model,
            request_id: &self.asked.request_id,
            headers: &self.asked.headers,
        };
        adapters::prepare(&hop.endpoint, &ask, self.engine.mock_timing)
    }

    /// What the caller's own format has and OpenAI's has not; an endpoint of that format gets all of it.
    fn dropped_before(&self, endpoint: &Endpoint) -> &[String] {
        match &self.asked.original {
            Some(original) if !adapters::is_relayed(endpoint, self.asked.format) => &original.dropped,
            _ => &[],
        }
    }

    async fn answer(
        &self,
        endpoint: &Endpoint,
        call: Call,
        wanted: Wanted,
        deadline: Deadline,
        in_use: &InUse,
    ) -> Result<(Answer, Option<Bytes>), Failed> {
        let limits = deadlines(endpoint, wanted);
        let called = self::call(&self.client, endpoint, call, limits, &*self.engine.observer, deadline);
        let (mut answer, wait) = called.await?;
        in_use.answered(wait);
        match wanted {
            Wanted::Whole => {
                let body = collect(&mut answer, endpoint, deadline).await?;
                if adapters::is_relayed(endpoint, self.asked.format) {
                    check(endpoint, &answer.headers, &body)?;
                }
                Ok((answer, Some(body)))
            }
            Wanted::Stream if is_stream(endpoint, &answer.headers) => Ok((answer, None)),
            Wanted::Stream => Err(instead_of_a_stream(answer, endpoint, deadline).await.into()),
        }
    }
}

/// The endpoint's limits for an answer of that kind.
pub const fn deadlines(endpoint: &Endpoint, wanted: Wanted) -> &Deadlines {
    match wanted {
        Wanted::Whole => &endpoint.deadlines,
        Wanted::Stream => &endpoint.stream_deadlines,
    }
}

/// One call of one endpoint: an answer that is a success and how long its head took, or what is known of
/// the failure.
pub async fn call(
    client: &Client,
    endpoint: &Endpoint,
    call: Call,
    limits: &Deadlines,
    observer: &dyn UpstreamObserver,
    deadline: Deadline,
) -> Result<(Answer, Duration), Failed> {
    let started = Instant::now();
    let answer = client.call(endpoint, call, limits, deadline).await?;
    if answer.status >= 300 {
        let headers = passed_back(&answer.headers);
        let error = refused(answer, endpoint, limits, deadline).await;
        return Err(Failed { error, by: None, headers });
    }
    let wait = started.elapsed();
    observer.upstream_head(&endpoint.name, wait);
    Ok((answer, wait))
}

async fn refused(mut answer: Answer, endpoint: &Endpoint, limits: &Deadlines, deadline: Deadline) -> Error {
    if answer.status < 400 {
        let message = format!("{} redirects ({}): redirects are not followed", endpoint.name, answer.status);
        return Error::new(Kind::MalformedAnswer, message);
    }
    let mut body = BytesMut::new();
    let read = async {
        while let Some(Ok(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_REFUSAL_BYTES {
                break;
            }
        }
    };
    // What was read by then tells as much as there is to tell.
    let too_slow = || Error::new(Kind::UpstreamTimeout, "the explanation did not come");
    let _incomplete = deadline.within(limits.idle, read, too_slow).await;
    adapters::refusal(endpoint, &Refusal { status: answer.status, headers: &answer.headers, body: &body })
}

/// The upstream answered a request for a stream with something else: an error, if it says so.
async fn instead_of_a_stream(mut answer: Answer, endpoint: &Endpoint, deadline: Deadline) -> Error {
    let body = collect(&mut answer, endpoint, deadline).await;
    let error = body.ok().and_then(|body| adapters::in_band(endpoint, &body));
    error.unwrap_or_else(|| {
        let message = format!("{} did not answer with a stream of events", endpoint.name);
        Error::new(Kind::MalformedAnswer, message)
    })
}

/// Whether an answer is a stream of the kind that its provider has.
fn is_stream(endpoint: &Endpoint, headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is = |media_type: &[u8]| {
        content_type.len() >= media_type.len()
            && content_type[..media_type.len()].eq_ignore_ascii_case(media_type)
    };
    match adapters::framing(endpoint.provider) {
        Framing::Sse => is(b"text/event-stream"),
        // Servers like Ollama are not agreed on the name.
        Framing::Ndjson => {
            is(b"application/x-ndjson") || is(b"application/ndjson") || is(b"application/json")
        }
    }
}

/// The upstream's headers that tell the caller something: limits, waits, and what LiteLLM adds.
pub fn passed_back(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    const PREFIXES: [&str; 3] = ["x-ratelimit-", "x-litellm-", "llm_provider-"];
    let kept = headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || matches!(name, "retry-after" | "retry-after-ms" | "openai-processing-ms" | "content-type")
    });
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
