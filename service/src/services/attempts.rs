//! Asking the endpoints of a route until one of them answers.
//!
//! Everything here happens before the caller has seen a byte of an answer, so another attempt may be made
//! as long as the error says that it may help: at the same endpoint after a wait, or at another one.
//! `resilience/failover` says which; this carries it out, within the retry budget and the deadline, and
//! tells what it does.

mod attempt;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

pub use attempt::{call, passed_back};

use super::completion::{Engine, Failed, ServedBy};
use super::in_use::InUse;
use super::passage::Passage;
use super::request::Request;
use super::routing::{Hop, Route};
use super::tap::{Passed, Seen};
use crate::domain::endpoint::Endpoint;
use crate::domain::notice::NoticeEvent;
use crate::error::{Blame, Error, Kind, Remedy, RetryAfter};
use crate::outbound::answer::Answer;
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;
use crate::resilience::failover::{Next, Plan, Policy, Standing};

/// Every endpoint that could serve a request has failed so often that it is left alone.
pub const ALL_ENDPOINTS_DOWN: &str = "all_endpoints_down";

/// A request on its way along its route.
pub struct Attempts {
    pub engine: Arc<Engine>,
    pub client: Client,
    pub request: Arc<Request>,
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

/// An endpoint answers.
pub struct Begun {
    pub by: ServedBy,
    /// The answer's headers.
    pub headers: HeaderMap,
    pub answer: Begin,
    pub in_use: InUse,
    /// Whether its endpoint's breaker was open until now.
    pub breaker_closed: bool,
    /// When the answer has to be over.
    pub deadline: Deadline,
}

/// What there is of an answer.
pub enum Begin {
    /// All of it, as the caller gets it.
    Whole(Bytes, Seen),
    /// A stream, up to its first token.
    Stream(Box<Stream>),
}

/// A stream that has begun.
pub struct Stream {
    /// What came of it so far.
    pub held: Passed,
    /// What happens to the rest.
    pub passage: Passage,
    /// The rest; none where the endpoint does not stream.
    pub rest: Option<Answer>,
}

/// One attempt's failure.
struct Miss {
    error: Error,
    /// The headers of a refusal that are passed on.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the endpoint was asked at all.
    was_asked: bool,
}

impl From<Error> for Miss {
    fn from(error: Error) -> Self {
        Self { error, headers: Vec::new(), was_asked: true }
    }
}

impl Miss {
    /// The endpoint was not asked.
    const fn before_the_call(error: Error) -> Self {
        Self { error, headers: Vec::new(), was_asked: false }
    }

    /// The endpoint's breaker has opened while the request waited for its turn.
    fn is_left_alone(&self) -> bool {
        !self.was_asked && self.error.kind() == Kind::BackendUnavailable
    }
}

/// The failure that the caller is told if nothing better comes.
struct Last {
    miss: Miss,
    endpoint: Arc<Endpoint>,
}

impl Attempts {
    /// Asks until an endpoint answers.
    ///
    /// # Errors
    /// The last failure, when nobody is left to ask or nothing can help.
    pub async fn begin(mut self, wanted: Wanted) -> Result<Begun, Failed> {
        let mut plan = self.plan();
        let mut last: Option<Last> = None;
        loop {
            let (at, wait) = match self.next(&plan) {
                Next::Ask { at, wait } => (at, wait),
                Next::Nobody { opens_at } => return Err(self.nobody(last, opens_at)),
            };
            let hop = &self.route.hops[at];
            if let Some(before) = &last {
                if !self.goes_on(before, hop, plan.failures(at), wait) {
                    return Err(self.nobody(last, None));
                }
                tokio::time::sleep(wait).await;
            }
            let miss = match self.attempt(hop, wanted).await {
                Ok(begun) => return Ok(self.answered(begun, last.is_some())),
                // The plan passes it over from now on.
                Err(miss) if miss.is_left_alone() => continue,
                Err(miss) => miss,
            };
            let (endpoint, now) = (Arc::clone(&hop.endpoint), Instant::now());
            if miss.was_asked && miss.error.kind().blame() != Blame::Us {
                self.engine.observer.upstream_error(&endpoint.name, miss.error.kind());
            }
            let is_over = match self.instead(&miss.error) {
                Some(hops) => {
                    self.route.hops = hops;
                    plan = self.plan();
                    false
                }
                None if !miss.was_asked => {
                    plan.leave_out(at);
                    false
                }
                None => {
                    plan.failed(at, &miss.error, now);
                    miss.error.remedy() == Remedy::Nothing
                }
            };
            // What an endpoint said tells more than that another one could not be asked.
            if miss.was_asked || last.is_none() {
                last = Some(Last { miss, endpoint });
            }
            if is_over {
                return Err(self.nobody(last, None));
            }
        }
    }

    fn plan(&self) -> Plan {
        let policy = Policy { attempts: self.attempts_an_endpoint(), ..self.engine.resilience.policy };
        Plan::new(policy, self.route.hops.len())
    }

    /// What the configuration says comes before the settings.
    fn attempts_an_endpoint(&self) -> u32 {
        self.route.attempts.unwrap_or(self.engine.resilience.policy.attempts)
    }

    fn next(&self, plan: &Plan) -> Next {
        let now = Instant::now();
        let turns = &self.engine.resilience.turns;
        plan.next(now, self.deadline.at(), fastrand::f64(), |at| {
            let hop = &self.route.hops[at];
            Standing {
                opens_at: hop.health.opens_at(now),
                rests: hop.health.rests_until(now).is_some() || turns.is_full(hop),
            }
        })
    }

    /// Tells that `hop` is asked next, unless the retry budget is used up.
    fn goes_on(&self, before: &Last, hop: &Hop, failures: u32, wait: Duration) -> bool {
        let Last { miss, endpoint } = before;
        if miss.was_asked && !self.engine.resilience.budget.withdraw(Instant::now()) {
            return false;
        }
        let reason = miss.error.code().to_owned().into();
        self.tell(if failures > 0 {
            NoticeEvent::Retry {
                endpoint: hop.endpoint.name.clone(),
                attempt: failures + 1,
                of: self.attempts_an_endpoint(),
                wait_ms: in_ms(wait),
                reason,
            }
        } else {
            NoticeEvent::Failover { from: endpoint.name.clone(), to: hop.endpoint.name.clone(), reason }
        });
        true
    }

    fn answered(&self, begun: Begun, was_told: bool) -> Begun {
        if was_told || begun.breaker_closed {
            self.tell(NoticeEvent::Recovered {
                endpoint: begun.by.endpoint.name.clone(),
                attempts: begun.by.attempts,
                breaker_closed: begun.breaker_closed,
            });
        }
        begun
    }

    /// The hops that take over for good where the route would say the same from end to end.
    fn instead(&mut self, error: &Error) -> Option<Vec<Hop>> {
        let hops = match error.code() {
            "context_length_exceeded" => std::mem::take(&mut self.route.context_window),
            "content_policy_violation" => std::mem::take(&mut self.route.content_policy),
            _ => Vec::new(),
        };
        Some(hops).filter(|hops| !hops.is_empty())
    }

    /// Nobody is left to ask, or nothing can help: what the caller is told.
    fn nobody(&self, last: Option<Last>, opens_at: Option<Instant>) -> Failed {
        let progress = self.request.progress();
        let (error, headers, endpoint) = match last {
            Some(Last { miss, endpoint }) => (miss.error, miss.headers, endpoint),
            None => (self.all_down(opens_at), Vec::new(), progress.endpoint),
        };
        if error.kind().blame() != Blame::Client {
            let retry_after = match error.retry_after() {
                Some(RetryAfter::Delay(wait)) => Some(*wait),
                _ => opens_at.map(|at| at.saturating_duration_since(Instant::now())),
            };
            self.tell(NoticeEvent::Outage {
                endpoint: (progress.calls > 0).then(|| endpoint.name.clone()),
                reason: error.code().to_owned().into(),
                retry_after_ms: retry_after.map(in_ms),
            });
        }
        Failed { error, by: Some(ServedBy::after(&endpoint, progress.calls)), headers }
    }

    /// The breakers of all endpoints are open.
    fn all_down(&self, opens_at: Option<Instant>) -> Error {
        let wait = opens_at.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default();
        let model: String = self.request.model.chars().take(80).collect();
        let message = format!(
            "every endpoint of {model:?} has failed and is left alone for now; the next one is asked again in {} s{}",
            wait.as_secs() + 1,
            self.last_failure().map_or_else(String::new, |code| format!("; the last failure was {code}"))
        );
        Error::new(Kind::BackendUnavailable, message)
            .with_code(ALL_ENDPOINTS_DOWN)
            .with_retry_after(RetryAfter::Delay(wait.max(Duration::from_secs(1))))
    }

    /// The code of the last failure of all. Its message may quote another caller's request.
    fn last_failure(&self) -> Option<String> {
        let failures = self.route.hops.iter().filter_map(|hop| hop.health.last_failure());
        failures.max_by_key(|(at, _)| *at).map(|(_, code)| code)
    }

    fn tell(&self, event: NoticeEvent) {
        self.request.tell(&self.engine.notices, event);
    }
}

fn in_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
