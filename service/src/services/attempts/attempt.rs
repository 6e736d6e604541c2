//! One attempt: a call of one endpoint, and its answer up to where it can be told that it is one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::{Attempts, Begin, Begun, Miss, Stream, Wanted};
use crate::adapters::continuation::{self, Seam};
use crate::adapters::{self, Ask, ClientFormat, Expect, Framing, Prepared, Refusal};
use crate::domain::call::Call;
use crate::domain::endpoint::{Deadlines, Endpoint};
use crate::domain::envelope::Envelope;
use crate::error::{Error, Kind, Result, RetryAfter};
use crate::outbound::answer::Answer;
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;
use crate::ports::UpstreamObserver;
use crate::services::completion::{Failed, ServedBy};
use crate::services::in_use::InUse;
use crate::services::routing::Hop;
use crate::services::tap::Passed;
use crate::services::whole;

/// As much of an error body is read.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// As much of a stream is held back until its first token: comments, and events that say nothing yet.
const MAX_HELD_BYTES: usize = 64 << 10;

/// How long an endpoint that limits the rate is left alone at most while others are there.
const MAX_REST: Duration = Duration::from_secs(60);

/// What an answer is read by.
struct Reading {
    expect: Expect,
    seam: Option<Seam>,
}

impl Attempts {
    /// Asks one endpoint.
    pub(super) async fn attempt(&self, hop: &Hop, wanted: Wanted) -> Result<Begun, Miss> {
        let (prepared, seam) = self.prepare(hop, wanted).map_err(Miss::before_the_call)?;
        let in_use = InUse::begin(hop, &self.engine.resilience.turns, self.deadline).await;
        let mut in_use = in_use.map_err(Miss::before_the_call)?;
        self.request.asks(&hop.endpoint, 1);
        let wanted = if hop.endpoint.streams { wanted } else { Wanted::Whole };
        let total = deadlines(&hop.endpoint, wanted).total;
        let deadline = self.deadline.or_after(Instant::now(), total);
        let Prepared { call, expect, dropped } = prepared;
        match self.ask(&hop.endpoint, call, Reading { expect, seam }, wanted, deadline).await {
            Ok((headers, answer, wait)) => {
                let breaker_closed = in_use.answered(wait);
                let dropped = [self.dropped_before(&hop.endpoint), &dropped].concat();
                let attempts = self.request.progress().calls;
                let by = ServedBy { endpoint: Arc::clone(&hop.endpoint), attempts, dropped };
                Ok(Begun { by, headers, answer, in_use, breaker_closed, deadline })
            }
            Err(miss) => {
                let error = self.too_slow(&hop.endpoint, total, deadline, miss.error);
                in_use.failed(&error);
                if error.kind() == Kind::RateLimited
                    && let Some(RetryAfter::Delay(wait)) = error.retry_after()
                {
                    hop.health.rest(Instant::now() + (*wait).min(MAX_REST));
                }
                Err(Miss { error, ..miss })
            }
        }
    }

    /// An endpoint that is over its own time is too slow; another one may be faster.
    fn too_slow(&self, endpoint: &Endpoint, total: Duration, deadline: Deadline, error: Error) -> Error {
        if error.kind() != Kind::DeadlineExceeded || deadline.at() == self.deadline.at() {
            return error;
        }
        let message = format!("{} did not answer within {} s", endpoint.name, total.as_secs_f64());
        Error::new(Kind::UpstreamTimeout, message)
    }

    /// The call; and where its answer meets the one that it goes on with.
    fn prepare(&self, hop: &Hop, wanted: Wanted) -> Result<(Prepared, Option<Seam>)> {
        match self.request.thread.as_ref().filter(|thread| !thread.text.is_empty()) {
            None => Ok((self.prepare_anew(hop, wanted)?, None)),
            Some(thread) => self.prepare_to_go_on(hop, &thread.text),
        }
    }

    fn prepare_to_go_on(&self, hop: &Hop, text: &str) -> Result<(Prepared, Option<Seam>)> {
        let asked = &self.request.asked;
        let continued = continuation::continued(&hop.endpoint, &asked.body, text)?;
        let envelope = Envelope::parse(asked.operation, &continued.body)?;
        let prepared = self.written(hop, &continued.body, &envelope, None)?;
        Ok((prepared, Some(Seam::new(text, &continued))))
    }

    fn prepare_anew(&self, hop: &Hop, wanted: Wanted) -> Result<Prepared> {
        let (asked, envelope) = (&self.request.asked, &self.request.envelope);
        let original = asked.original.as_ref();
        if !self.request.is_relayed(&hop.endpoint)
            && let Some(error) = original.and_then(|original| original.refused_elsewhere.as_ref())
        {
            return Err(error.clone());
        }
        let whole = (wanted == Wanted::Stream && !hop.endpoint.streams)
            .then(|| Envelope::not_streamed(asked.operation, &asked.body))
            .transpose()?;
        let (body, envelope) =
            whole.as_ref().map_or((&asked.body, envelope), |(body, envelope)| (body, envelope));
        self.written(hop, body, envelope, original.map(|original| (asked.format, &original.body)))
    }

    fn written(
        &self,
        hop: &Hop,
        body: &Bytes,
        envelope: &Envelope,
        original: Option<(ClientFormat, &Bytes)>,
    ) -> Result<Prepared> {
        let asked = &self.request.asked;
        let ask = Ask {
            operation: asked.operation,
            body,
            envelope,
            original,
            model: &hop.model,
            request_id: &asked.request_id,
            headers: &asked.headers,
        };
        adapters::prepare(&hop.endpoint, &ask, self.engine.mock_timing)
    }

    /// What the caller's own format has and OpenAI's has not; an endpoint of that format gets all of it.
    fn dropped_before(&self, endpoint: &Endpoint) -> &[String] {
        match &self.request.asked.original {
            Some(original) if !self.request.is_relayed(endpoint) => &original.dropped,
            _ => &[],
        }
    }

    /// The headers of an answer, what there is of it, and how long its head took.
    async fn ask(
        &self,
        endpoint: &Arc<Endpoint>,
        call: Call,
        reading: Reading,
        wanted: Wanted,
        deadline: Deadline,
    ) -> Result<(HeaderMap, Begin, Duration), Miss> {
        let limits = deadlines(endpoint, wanted);
        let called = self::call(&self.client, endpoint, call, limits, &*self.engine.observer, deadline);
        let (mut answer, wait) =
            called.await.map_err(|Failed { error, headers, .. }| Miss { error, headers, was_asked: true })?;
        if answer.calls > 1 {
            self.request.asks(endpoint, answer.calls - 1);
        }
        let begin = match wanted {
            Wanted::Whole => self.whole(endpoint, &reading.expect, &mut answer, deadline).await?,
            Wanted::Stream if is_stream(endpoint, &answer.headers) => {
                let headers = std::mem::take(&mut answer.headers);
                let begin = self.first_token(endpoint, reading, answer, deadline).await?;
                return Ok((headers, begin, wait));
            }
            Wanted::Stream => return Err(instead_of_a_stream(answer, endpoint, deadline).await.into()),
        };
        Ok((answer.headers, begin, wait))
    }

    /// All of an answer, as the caller gets it: as a stream where it wants one and the endpoint has none.
    async fn whole(
        &self,
        endpoint: &Endpoint,
        expect: &Expect,
        answer: &mut Answer,
        deadline: Deadline,
    ) -> Result<Begin> {
        let body = whole::collect(answer, endpoint, deadline).await?;
        if self.request.envelope.stream {
            let passage = self.request.said(endpoint, expect, &body)?;
            return Ok(Begin::Stream(Box::new(Stream { held: Passed::nothing(), passage, rest: None })));
        }
        let (body, seen) = self.request.whole(endpoint, expect, &answer.headers, body)?;
        Ok(Begin::Whole(body, seen))
    }

    /// A stream up to its first token. One that fails before has told the caller nothing, so that another
    /// attempt may be made.
    async fn first_token(
        &self,
        endpoint: &Endpoint,
        reading: Reading,
        mut answer: Answer,
        deadline: Deadline,
    ) -> Result<Begin> {
        let limit = endpoint.stream_deadlines.idle;
        let mut passage = self.request.passage(endpoint, &reading.expect, reading.seam);
        let mut held = Passed::nothing();
        loop {
            let chunk = deadline.within(limit, answer.chunk(), || whole::idle(endpoint, limit)).await?;
            let passed = match chunk.transpose()? {
                Some(chunk) => passage.chunk(endpoint, chunk, || self.request.timing()),
                None => passage.end(endpoint, || self.request.timing()),
            };
            let has_begun = passage.seen().has_begun();
            if let (Some(Err(error)), false) = (&passed.end, has_begun) {
                return Err(error.clone());
            }
            held = held.and(passed);
            if has_begun || held.end.is_some() || held.forward.len() > MAX_HELD_BYTES {
                return Ok(Begin::Stream(Box::new(Stream { held, passage, rest: Some(answer) })));
            }
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
    let body = whole::collect(&mut answer, endpoint, deadline).await;
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
