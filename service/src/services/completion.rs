//! One request from its admission to its answer: admit, route, attempt, relay or translate, record.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::attempts::{Attempts, Begun, Wanted, passed_back};
use super::lifecycle::{InFlight, Lifecycle};
use super::notices::Notices;
use super::passage::Passage;
use super::relay::{Headed, PendingAnswer, Relay, RelayParts};
use super::routing::Routing;
use super::tap::{Seen, UsageEvent};
use super::usage::{About, Recorder};
use super::whole;
use crate::adapters::{self, ClientFormat, MockTiming, RenderContext};
use crate::domain::delta::ChatAnswer;
use crate::domain::embedding::EmbeddingsRequest;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::{Envelope, Operation};
use crate::error::{Error, Kind, Result};
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;
use crate::ports::{UpstreamObserver, UsageSink};

/// Everything that requests share, in all workers.
pub struct Engine {
    /// Which endpoints serve.
    pub routing: Routing,
    /// How fast the mock streams.
    pub mock_timing: MockTiming,
    /// Silence in a stream before a keep-alive comment.
    pub keepalive: Option<Duration>,
    /// How long a request may take, all of its attempts and its answer together.
    pub request_timeout: Duration,
    /// Where records go.
    pub usage: Vec<Arc<dyn UsageSink>>,
    /// Who counts what upstreams do.
    pub observer: Arc<dyn UpstreamObserver>,
    /// Where retries, failovers and outages are told.
    pub notices: Notices,
    /// Whether the service is stopping.
    pub lifecycle: Lifecycle,
}

/// A request, as the API takes it.
pub struct Asked {
    /// What is asked for.
    pub operation: Operation,
    /// The form in which the caller is answered.
    pub format: ClientFormat,
    /// The whole body in OpenAI's form.
    pub body: Bytes,
    /// The request as the caller sent it, where its format is another.
    pub original: Option<Original>,
    /// The id that the caller gets back.
    pub request_id: String,
    /// When its head arrived.
    pub received: Instant,
    /// The caller's headers that may be passed on.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// A request in another format than OpenAI's, as the caller sent it: what an endpoint of that format gets.
pub struct Original {
    /// The whole body.
    pub body: Bytes,
    /// Members that say nothing to other endpoints.
    pub dropped: Vec<String>,
    /// What other endpoints cannot do for it.
    pub refused_elsewhere: Option<Error>,
}

/// Who answered, for the response's headers.
#[derive(Clone, Debug)]
pub struct ServedBy {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// Upstream calls made.
    pub attempts: u32,
    /// Members of the request that were left out.
    pub dropped: Vec<String>,
}

impl ServedBy {
    /// `endpoint`, after so many calls.
    #[must_use]
    pub fn after(endpoint: &Arc<Endpoint>, attempts: u32) -> Self {
        Self { endpoint: Arc::clone(endpoint), attempts, dropped: Vec::new() }
    }
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
    /// A stream of events.
    Stream {
        /// Who answers; not known yet where the stream had to begin before an endpoint did.
        by: Option<ServedBy>,
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
        let model = envelope.model.clone().unwrap_or_else(|| self.routing.default_model());
        let route = self.routing.route(&model)?;
        let first =
            route.hops.first().ok_or_else(|| Error::new(Kind::Internal, "a route without an endpoint"))?;
        let about = About {
            request_id: asked.request_id.clone(),
            operation: asked.operation,
            endpoint: Arc::clone(&first.endpoint),
            streamed: envelope.stream,
            prompt_bytes: envelope.prompt_bytes,
            received: asked.received,
            attempts: 1,
            model,
        };
        let request = Request {
            streamed: envelope.stream,
            include_usage: envelope.include_usage,
            recorder: Recorder::open(Arc::clone(self), about),
            asked: Arc::new(asked),
            in_flight,
        };
        let attempts = Attempts {
            engine: Arc::clone(self),
            client: client.clone(),
            asked: Arc::clone(&request.asked),
            deadline: Deadline::after(request.asked.received, self.request_timeout),
            envelope,
            route,
        };
        if request.streamed {
            self.stream(attempts, request).await
        } else {
            self.whole(attempts, request).await
        }
    }

    async fn whole(&self, attempts: Attempts, mut request: Request) -> Result<Served, Failed> {
        let cut = self.lifecycle.cut_signal();
        let answered = async {
            let begun = attempts.begin(Wanted::Whole).await?;
            let body = request.whole_body(&begun);
            body.map(|body| (begun, body)).map_err(Failed::from)
        };
        let answered = tokio::select! {
            biased;
            answered = answered => answered,
            () = cut.cancelled() => Err(super::lifecycle::stopping().into()),
        };
        match answered {
            Ok((begun, (body, seen))) => {
                request.recorder.served_by(&begun.by, begun.in_use);
                request.recorder.token_seen();
                request.recorder.seen = seen;
                request.recorder.complete();
                let headers = request.headers(&begun.by.endpoint, &begun.answer.headers);
                Ok(Served::Whole { by: begun.by, headers, body, in_flight: request.in_flight })
            }
            Err(failed) => Err(request.failed(failed)),
        }
    }

    async fn stream(&self, attempts: Attempts, request: Request) -> Result<Served, Failed> {
        let deadline = attempts.deadline;
        let is_only = attempts.route.hops.len() == 1;
        let only = is_only.then(|| ServedBy::after(&request.recorder.about.endpoint, 1));
        let head = request.head();
        let mut pending: PendingAnswer = Box::pin(async move {
            let begun = attempts.begin(Wanted::Stream).await?;
            let passage = head.passage(&begun)?;
            Ok(Box::new(Headed { begun, passage }))
        });
        let first = self.first_of(&mut pending, &request, deadline).await;
        match first {
            First::Answer(headed) => {
                let by = headed.begun.by.clone();
                let headers = request.headers(&by.endpoint, &headed.begun.answer.headers);
                let relay = Box::new(Relay::flowing(headed, self.relay_parts(request, deadline)));
                Ok(Served::Stream { by: Some(by), headers, relay })
            }
            First::Failed(failed) => Err(request.failed(failed)),
            First::KeepAliveDue => {
                let relay = Box::new(Relay::waiting(pending, self.relay_parts(request, deadline)));
                Ok(Served::Stream { by: only, headers: Vec::new(), relay })
            }
        }
    }

    /// Silence before a keep-alive in a stream of that format; none where its clients would not pass over it.
    fn keepalive(&self, format: ClientFormat) -> Option<Duration> {
        self.keepalive.filter(|_| !adapters::keep_alive(format).is_empty())
    }

    fn relay_parts(&self, request: Request, deadline: Deadline) -> RelayParts {
        RelayParts {
            format: request.asked.format,
            recorder: request.recorder,
            keepalive: self.keepalive(request.asked.format),
            deadline,
            cut: self.lifecycle.cut_signal(),
            in_flight: request.in_flight,
        }
    }

    /// The answer's head, or the moment when the caller has to be sent a keep-alive instead.
    async fn first_of(&self, pending: &mut PendingAnswer, request: &Request, deadline: Deadline) -> First {
        let keepalive = self.keepalive(request.asked.format);
        let keepalive = keepalive.map(|interval| request.asked.received + interval);
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
    Answer(Box<Headed>),
    Failed(Failed),
    KeepAliveDue,
}

/// An admitted request, and its open record.
struct Request {
    asked: Arc<Asked>,
    streamed: bool,
    include_usage: bool,
    recorder: Recorder,
    in_flight: InFlight,
}

/// What a stream's passage is made of, apart from who answers.
struct Head {
    format: ClientFormat,
    usage_event: UsageEvent,
    context: RenderContext,
}

impl Request {
    /// Closes the record; the failure, with the endpoint that it happened at.
    fn failed(mut self, failed: Failed) -> Failed {
        if let Some(by) = &failed.by {
            self.recorder.failed_at(by);
        }
        self.recorder.fail(&failed.error);
        let about = &self.recorder.about;
        let first = || ServedBy::after(&about.endpoint, 1);
        Failed { by: Some(failed.by.unwrap_or_else(first)), ..failed }
    }

    /// The upstream's headers for the caller: the type of a translated answer is not the upstream's.
    fn headers(&self, endpoint: &Endpoint, headers: &http::HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
        let mut kept = passed_back(headers);
        if !adapters::is_relayed(endpoint, self.asked.format) || self.streamed {
            kept.retain(|(name, _)| name != CONTENT_TYPE);
        }
        kept
    }

    fn head(&self) -> Head {
        let usage_event = if self.include_usage { UsageEvent::Wanted } else { UsageEvent::Hidden };
        Head { format: self.asked.format, usage_event, context: self.context() }
    }

    fn context(&self) -> RenderContext {
        let about = &self.recorder.about;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        RenderContext {
            request_id: about.request_id.clone(),
            model: about.model.clone(),
            received: now.saturating_sub(about.received.elapsed()),
            include_usage: self.include_usage,
            prompt_bytes: about.prompt_bytes,
        }
    }

    /// The body for the caller, and what is accounted of it.
    fn whole_body(&self, begun: &Begun) -> Result<(Bytes, Seen)> {
        let endpoint = &begun.by.endpoint;
        let body = begun.body.clone().unwrap_or_default();
        if adapters::is_relayed(endpoint, self.asked.format) {
            let seen = whole::seen(endpoint, &begun.expect, self.asked.format, &body);
            return Ok((body, seen));
        }
        let renderer = adapters::renderer(self.asked.format, self.context());
        let timing = self.recorder.timing();
        if self.asked.operation == Operation::Embeddings {
            let encoding = EmbeddingsRequest::parse(&self.asked.body)?.encoding_format;
            let vectors = adapters::embeddings(endpoint, &body)?;
            let seen = Seen::of_tokens(vectors.usage);
            return Ok((renderer.embeddings(&vectors, encoding, timing).into(), seen));
        }
        let deltas = adapters::answer(endpoint, &begun.expect, &body)?;
        let seen = Seen::of(&deltas);
        Ok((renderer.whole(&ChatAnswer::of(deltas), timing).into(), seen))
    }
}

impl Head {
    /// What happens to the bytes of an answer on their way to the caller.
    fn passage(self, begun: &Begun) -> Result<Passage, Failed> {
        let endpoint = &begun.by.endpoint;
        let by = || Some(begun.by.clone());
        if let Some(body) = &begun.body {
            let deltas = adapters::answer(endpoint, &begun.expect, body);
            let deltas = deltas.map_err(|error| Failed { by: by(), ..error.into() })?;
            return Ok(Passage::said(deltas, adapters::renderer(self.format, self.context)));
        }
        Ok(if adapters::is_relayed(endpoint, self.format) {
            Passage::relayed(endpoint, &begun.expect, self.format, self.usage_event)
        } else {
            Passage::translated(endpoint, &begun.expect, adapters::renderer(self.format, self.context))
        })
    }
}
