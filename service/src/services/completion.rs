//! One request from its admission to its answer: admit, route, attempt, relay or collect, record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, TRANSFER_ENCODING};

use super::inspect;
use super::lifecycle::{InFlight, Lifecycle};
use super::relay::{PendingAnswer, Relay, RelayParts};
use super::routing::Routing;
use super::tap::UsageEvent;
use super::usage::{About, Recorder};
use crate::adapters::{self, Ask, MockTiming, Refusal};
use crate::domain::call::Call;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::{Envelope, Operation};
use crate::error::{Error, Kind, Result};
use crate::outbound::answer::Answer;
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;
use crate::ports::{UpstreamObserver, UsageSink};

/// A whole answer larger than this is refused: it would be held in memory.
const MAX_ANSWER_BYTES: usize = 128 << 20;

/// As much of an error body is read.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// Everything that requests share, in all workers.
pub struct Engine {
    /// Which endpoint serves.
    pub routing: Routing,
    /// The model of requests that name none.
    pub default_model: String,
    /// How fast the mock streams.
    pub mock_timing: MockTiming,
    /// Silence in a stream before a keep-alive comment.
    pub keepalive: Option<Duration>,
    /// Where records go.
    pub usage: Vec<Arc<dyn UsageSink>>,
    /// Who counts what upstreams do.
    pub observer: Arc<dyn UpstreamObserver>,
    /// Whether the service is stopping.
    pub lifecycle: Lifecycle,
}

/// A request, as the API takes it.
pub struct Asked {
    /// What is asked for.
    pub operation: Operation,
    /// The whole body.
    pub body: Bytes,
    /// The id that the caller gets back.
    pub request_id: String,
    /// When its head arrived.
    pub received: Instant,
    /// The caller's headers that may be passed on.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// Who answered, for the response's headers.
#[derive(Clone, Debug)]
pub struct ServedBy {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// Upstream calls made.
    pub attempts: u32,
}

/// An answer for the caller.
pub enum Served {
    /// A whole body.
    Whole {
        /// Who answered.
        by: ServedBy,
        /// The upstream's headers that are passed on.
        headers: Vec<(HeaderName, HeaderValue)>,
        /// The body.
        body: Bytes,
        /// To be kept until the body is on its way.
        in_flight: InFlight,
    },
    /// A stream of Server-Sent Events.
    Stream {
        /// Who answers.
        by: ServedBy,
        /// The upstream's headers that are passed on.
        headers: Vec<(HeaderName, HeaderValue)>,
        /// The events.
        relay: Box<Relay>,
    },
}

/// A request that got no answer.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// The endpoint that failed last, if one was asked.
    pub by: Option<ServedBy>,
    /// The headers of its refusal that are passed on.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, by: None, headers: Vec::new() }
    }
}

impl Engine {
    /// Answers a request.
    ///
    /// # Errors
    /// Everything that goes wrong before the first byte for the caller.
    pub async fn complete(self: &Arc<Self>, client: &Client, asked: Asked) -> Result<Served, Failed> {
        let in_flight = self.lifecycle.admit()?;
        let envelope = Envelope::parse(asked.operation, &asked.body)?;
        let endpoint = Arc::clone(self.routing.endpoint());
        let model = envelope.model.clone().unwrap_or_else(|| self.default_model.clone());
        let prepared = adapters::prepare(&endpoint, &ask(&asked, &envelope, &model), self.mock_timing)?;
        let call = prepared.call;
        let by = ServedBy { endpoint: Arc::clone(&endpoint), attempts: 1 };
        let recorder = Recorder::open(
            Arc::clone(self),
            About {
                request_id: asked.request_id,
                operation: asked.operation,
                model,
                endpoint,
                streamed: envelope.stream,
                prompt_bytes: envelope.prompt_bytes,
                received: asked.received,
                attempts: 1,
            },
        );
        let answered = if envelope.stream {
            self.stream(client, call, &envelope, recorder, in_flight, by.clone()).await
        } else {
            self.whole(client, call, recorder, in_flight, by.clone()).await
        };
        answered.map_err(|failed| Failed { by: Some(by), ..failed })
    }

    async fn whole(
        &self,
        client: &Client,
        call: Call,
        mut recorder: Recorder,
        in_flight: InFlight,
        by: ServedBy,
    ) -> Result<Served, Failed> {
        let endpoint = &by.endpoint;
        let deadline = Deadline::after(recorder.about.received, endpoint.deadlines.total);
        let cut = self.lifecycle.cut_signal();
        let collected = async {
            let mut answer = attempt(client, endpoint, call, &*self.observer, deadline).await?;
            let body = collect(&mut answer, endpoint, deadline).await?;
            check_whole(endpoint, &answer.headers, &body)?;
            Ok((answer, body))
        };
        let collected: Result<_, Failed> = tokio::select! {
            biased;
            collected = collected => collected,
            () = cut.cancelled() => Err(super::lifecycle::stopping().into()),
        };
        match collected {
            Ok((answer, body)) => {
                recorder.about.attempts = answer.calls;
                let by = ServedBy { attempts: answer.calls, ..by };
                account_whole(&mut recorder, &body);
                recorder.complete();
                Ok(Served::Whole { by, headers: passed_back(&answer.headers), body, in_flight })
            }
            Err(failed) => {
                recorder.fail(&failed.error);
                Err(failed)
            }
        }
    }

    async fn stream(
        &self,
        client: &Client,
        call: Call,
        envelope: &Envelope,
        mut recorder: Recorder,
        in_flight: InFlight,
        by: ServedBy,
    ) -> Result<Served, Failed> {
        let usage_event = if envelope.include_usage { UsageEvent::Wanted } else { UsageEvent::Hidden };
        let received = recorder.about.received;
        let deadline = Deadline::after(received, by.endpoint.deadlines.total);
        let mut pending = self.pending(client.clone(), Arc::clone(&by.endpoint), call, deadline);
        let first = self.first_of(&mut pending, received, deadline).await;
        let parts = |recorder| RelayParts {
            usage_event,
            recorder,
            keepalive: self.keepalive,
            cut: self.lifecycle.cut_signal(),
            in_flight,
        };
        match first {
            First::Answer(answer) => {
                recorder.about.attempts = answer.calls;
                let by = ServedBy { attempts: answer.calls, ..by };
                let headers = passed_back(&answer.headers);
                let relay = Box::new(Relay::flowing(answer, parts(recorder)));
                Ok(Served::Stream { by, headers, relay })
            }
            First::Failed(failed) => {
                recorder.fail(&failed.error);
                Err(failed)
            }
            First::KeepAliveDue => {
                let relay = Box::new(Relay::waiting(pending, parts(recorder)));
                Ok(Served::Stream { by, headers: Vec::new(), relay })
            }
        }
    }

    fn pending(
        &self,
        client: Client,
        endpoint: Arc<Endpoint>,
        call: Call,
        deadline: Deadline,
    ) -> PendingAnswer {
        let observer = Arc::clone(&self.observer);
        Box::pin(async move {
            let answer = attempt(&client, &endpoint, call, &*observer, deadline).await?;
            if is_event_stream(&answer.headers) {
                Ok(answer)
            } else {
                Err(instead_of_a_stream(answer, &endpoint, deadline).await.into())
            }
        })
    }

    /// The answer's head, or the moment when the caller has to be sent a keep-alive instead.
    async fn first_of(&self, pending: &mut PendingAnswer, received: Instant, deadline: Deadline) -> First {
        let keepalive = self.keepalive.map(|interval| received + interval);
        let give_up_at = keepalive.map_or(deadline.at(), |at| at.min(deadline.at()));
        let cut = self.lifecycle.cut_signal();
        tokio::select! {
            biased;
            answer = pending => answer.map_or_else(First::Failed, First::Answer),
            () = tokio::time::sleep_until(give_up_at.into()) => {
                if give_up_at == deadline.at() { First::Failed(deadline.exceeded().into()) } else { First::KeepAliveDue }
            }
            () = cut.cancelled() => First::Failed(super::lifecycle::stopping().into()),
        }
    }
}

/// What comes first.
enum First {
    Answer(Answer),
    Failed(Failed),
    KeepAliveDue,
}

fn ask<'a>(asked: &'a Asked, envelope: &'a Envelope, model: &'a str) -> Ask<'a> {
    Ask {
        operation: asked.operation,
        body: &asked.body,
        envelope,
        original: None,
        model,
        request_id: &asked.request_id,
        headers: &asked.headers,
    }
}

/// One call of one endpoint: an answer that is a success, or what is known of the failure.
pub(super) async fn attempt(
    client: &Client,
    endpoint: &Endpoint,
    call: Call,
    observer: &dyn UpstreamObserver,
    deadline: Deadline,
) -> Result<Answer, Failed> {
    let started = Instant::now();
    let answered = async {
        let answer = client.call(endpoint, call, deadline).await?;
        if answer.status < 300 {
            return Ok(answer);
        }
        let headers = passed_back(&answer.headers);
        let error = refused(answer, endpoint, deadline).await;
        Err(Failed { error, by: None, headers })
    };
    let answered = answered.await;
    if answered.is_ok() {
        observer.upstream_head(&endpoint.name, started.elapsed());
    }
    answered
}

async fn refused(mut answer: Answer, endpoint: &Endpoint, deadline: Deadline) -> Error {
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
    let _incomplete = deadline.within(endpoint.deadlines.idle, read, too_slow).await;
    adapters::refusal(endpoint, &Refusal { status: answer.status, headers: &answer.headers, body: &body })
}

/// The whole body, if the upstream goes on sending it.
pub(super) async fn collect(answer: &mut Answer, endpoint: &Endpoint, deadline: Deadline) -> Result<Bytes> {
    let mut next = async || next_in_time(answer, endpoint, deadline).await;
    let Some(first) = next().await? else { return Ok(Bytes::new()) };
    let Some(second) = next().await? else { return Ok(first) };
    let mut body = BytesMut::with_capacity(2 * (first.len() + second.len()));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while let Some(chunk) = next().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            let message = format!("{}'s answer is larger than {MAX_ANSWER_BYTES} bytes", endpoint.name);
            return Err(Error::new(Kind::MalformedAnswer, message).with_code("answer_too_large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

async fn next_in_time(answer: &mut Answer, endpoint: &Endpoint, deadline: Deadline) -> Result<Option<Bytes>> {
    let limit = endpoint.deadlines.idle;
    deadline.within(limit, answer.chunk(), || idle(endpoint)).await?.transpose()
}

/// The upstream stopped in the middle of its answer.
pub(super) fn idle(endpoint: &Endpoint) -> Error {
    let message = format!("{} sent nothing for {} s", endpoint.name, endpoint.deadlines.idle.as_secs_f64());
    Error::new(Kind::UpstreamTimeout, message).with_code("idle_timeout")
}

/// A success must be a JSON object without an error in it.
fn check_whole(endpoint: &Endpoint, headers: &HeaderMap, body: &[u8]) -> Result<()> {
    if inspect::may_have_error(body)
        && let Some(error) = adapters::in_band(endpoint, body)
    {
        return Err(error);
    }
    // Without framing, a lost connection looks like an end: the JSON itself has to tell.
    let framed = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    let trimmed = body.trim_ascii();
    let looks_whole = trimmed.starts_with(b"{") && trimmed.ends_with(b"}");
    if looks_whole && (framed || inspect::is_object(body)) {
        return Ok(());
    }
    let message = format!("{} answered with something that is no JSON object", endpoint.name);
    Err(Error::new(Kind::MalformedAnswer, message))
}

fn account_whole(recorder: &mut Recorder, body: &[u8]) {
    recorder.token_seen();
    recorder.seen.tokens = inspect::whole_usage(body);
    recorder.seen.finish_reason = inspect::finish_reason(body).map(str::to_owned);
    recorder.seen.relayed.deltas = 1;
    if recorder.seen.tokens.is_none() {
        recorder.seen.relayed.text_bytes = inspect::text_bytes(body);
    }
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

/// Whether an answer is a stream of Server-Sent Events.
fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// The upstream's headers that tell the caller something: limits, waits, and what LiteLLM adds.
fn passed_back(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    const PREFIXES: [&str; 3] = ["x-ratelimit-", "x-litellm-", "llm_provider-"];
    let kept = headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || matches!(name, "retry-after" | "retry-after-ms" | "openai-processing-ms" | "content-type")
    });
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
