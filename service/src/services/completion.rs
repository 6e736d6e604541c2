//! One request from its admission to its answer: admit, route, attempt, relay or translate, record.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::attempts::{Attempts, Begin, Begun, Wanted, passed_back};
use super::goes_on::GoesOn;
use super::lifecycle::{InFlight, Lifecycle};
use super::notices::{NoticeForm, Notices};
use super::overload::Turns;
use super::relay::{PendingAnswer, Relay, RelayParts};
use super::request::{Progress, Request};
use super::routing::Routing;
use super::usage::Recorder;
use crate::adapters::{self, ClientFormat, MockTiming};
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::{Envelope, Operation};
use crate::error::{Error, Kind, Result};
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;
use crate::ports::{UpstreamObserver, UsageSink};
use crate::resilience::failover::Policy;
use crate::resilience::retry_budget::RetryBudget;

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
    /// How failures and load are stood.
    pub resilience: Resilience,
}

/// How failures and load are stood.
pub struct Resilience {
    /// When and where a failed request is tried again.
    pub policy: Policy,
    /// How many retries all requests may have together.
    pub budget: RetryBudget,
    /// How many requests may be in flight.
    pub turns: Turns,
}

/// A request, as the API takes it.
#[derive(Clone)]
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
    /// Whether the caller wants notices in its stream, and how.
    pub notices: Option<NoticeForm>,
    /// Whether a stream of plain text that breaks off may be continued by another endpoint; `None` leaves it
    /// to the endpoint.
    pub continues: Option<bool>,
}

/// A request in another format than OpenAI's, as the caller sent it: what an endpoint of that format gets.
#[derive(Clone)]
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
        let request = Arc::new(Request::new(asked, envelope, model, Arc::clone(&first.endpoint)));
        let mut admitted = Admitted {
            recorder: Recorder::open(Arc::clone(self), Arc::clone(&request)),
            request: Arc::clone(&request),
            in_flight,
        };
        let deadline = Deadline::after(request.asked.received, self.request_timeout);
        let attempts =
            Attempts { engine: Arc::clone(self), client: client.clone(), request, route, deadline };
        self.resilience.budget.request(Instant::now());
        match self.resilience.turns.of_all(deadline).await {
            Ok(turn) => admitted.in_flight = admitted.in_flight.with(turn),
            Err(error) => return Err(admitted.failed(error.into())),
        }
        if attempts.request.envelope.stream {
            self.stream(attempts, admitted).await
        } else {
            self.whole(attempts, admitted).await
        }
    }

    async fn whole(&self, attempts: Attempts, mut admitted: Admitted) -> Result<Served, Failed> {
        let cut = self.lifecycle.cut_signal();
        let answered = tokio::select! {
            biased;
            answered = attempts.begin(Wanted::Whole) => answered,
            () = cut.cancelled() => Err(super::lifecycle::stopping().into()),
        };
        match answered {
            Ok(Begun { by, headers, answer: Begin::Whole(body, seen), in_use, .. }) => {
                admitted.recorder.served_by(&by, in_use);
                admitted.recorder.token_seen();
                admitted.recorder.seen = seen;
                admitted.recorder.complete();
                let headers = admitted.headers(&by.endpoint, &headers);
                Ok(Served::Whole { by, headers, body, in_flight: admitted.in_flight })
            }
            Ok(_) => {
                Err(admitted.failed(Error::new(Kind::Internal, "a stream that nobody asked for").into()))
            }
            Err(failed) => Err(admitted.failed(failed)),
        }
    }

    async fn stream(&self, attempts: Attempts, admitted: Admitted) -> Result<Served, Failed> {
        let deadline = attempts.deadline;
        let only = attempts.route.only().map(|only| Arc::clone(&only.endpoint));
        let goes_on = GoesOn::of(&attempts);
        let mut pending: PendingAnswer =
            Box::pin(async move { attempts.begin(Wanted::Stream).await.map(Box::new) });
        match self.first_of(&mut pending, &admitted.request, deadline).await {
            First::Answer(begun) => {
                let by = begun.by.clone();
                let headers = admitted.headers(&by.endpoint, &begun.headers);
                let relay = Box::new(Relay::flowing(begun, self.relay_parts(admitted, deadline, goes_on)));
                Ok(Served::Stream { by: Some(by), headers, relay })
            }
            First::Failed(failed) => Err(admitted.failed(failed)),
            First::KeepAliveDue => {
                let calls = admitted.request.progress().calls;
                let only = only.map(|endpoint| ServedBy::after(&endpoint, calls));
                let relay = Box::new(Relay::waiting(pending, self.relay_parts(admitted, deadline, goes_on)));
                Ok(Served::Stream { by: only, headers: Vec::new(), relay })
            }
            First::NoticeDue => {
                let relay = Box::new(Relay::noticing(pending, self.relay_parts(admitted, deadline, goes_on)));
                Ok(Served::Stream { by: None, headers: Vec::new(), relay })
            }
        }
    }

    /// Silence before a keep-alive in a stream of that format; none where its clients would not pass over it.
    fn keepalive(&self, format: ClientFormat) -> Option<Duration> {
        self.keepalive.filter(|_| !adapters::keep_alive(format).is_empty())
    }

    fn relay_parts(&self, admitted: Admitted, deadline: Deadline, goes_on: Option<GoesOn>) -> RelayParts {
        RelayParts {
            keepalive: self.keepalive(admitted.request.asked.format),
            recorder: admitted.recorder,
            deadline,
            cut: self.lifecycle.cut_signal(),
            in_flight: admitted.in_flight,
            goes_on,
        }
    }

    /// The answer's beginning, or the moment when the caller has to be sent something else instead.
    async fn first_of(&self, pending: &mut PendingAnswer, request: &Request, deadline: Deadline) -> First {
        let keepalive = self.keepalive(request.asked.format);
        let keepalive = keepalive.map(|interval| request.asked.received + interval);
        let give_up_at = keepalive.map_or(deadline.at(), |at| at.min(deadline.at()));
        let cut = self.lifecycle.cut_signal();
        let answer = poll_fn(|cx| match pending.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.map_or_else(First::Failed, First::Answer)),
            Poll::Pending if request.has_notices() => Poll::Ready(First::NoticeDue),
            Poll::Pending => Poll::Pending,
        });
        tokio::select! {
            biased;
            first = answer => first,
            () = tokio::time::sleep_until(give_up_at.into()) => {
                if give_up_at == deadline.at() { First::Failed(deadline.exceeded().into()) } else { First::KeepAliveDue }
            }
            () = cut.cancelled() => First::Failed(super::lifecycle::stopping().into()),
        }
    }
}

/// What comes first.
enum First {
    Answer(Box<Begun>),
    Failed(Failed),
    KeepAliveDue,
    NoticeDue,
}

/// An admitted request, and its open record.
struct Admitted {
    request: Arc<Request>,
    recorder: Recorder,
    in_flight: InFlight,
}

impl Admitted {
    /// Closes the record; the failure, with the endpoint that it happened at.
    fn failed(mut self, failed: Failed) -> Failed {
        let by = failed.by.unwrap_or_else(|| {
            let Progress { endpoint, calls } = self.request.progress();
            ServedBy::after(&endpoint, calls)
        });
        self.recorder.failed_at(&by);
        self.recorder.fail(&failed.error);
        Failed { by: Some(by), ..failed }
    }

    /// The upstream's headers for the caller: the type of a translated answer is not the upstream's.
    fn headers(&self, endpoint: &Endpoint, headers: &http::HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
        let mut kept = passed_back(headers);
        if !self.request.is_relayed(endpoint) || self.request.envelope.stream {
            kept.retain(|(name, _)| name != CONTENT_TYPE);
        }
        kept
    }
}
