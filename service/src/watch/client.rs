//! The two calls that are made: endpoints' health, and notices.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use awc::http::StatusCode;
use awc::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_core::Stream;
use serde_json::Value;

use super::Target;
use crate::outbound::probe;
use crate::wire::sse;

const HEALTH: &str = "/v1/llm/health";
const EVENTS: &str = "/v1/llm/events";

/// How long the head of an answer may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Silence after which a connection counts as lost. The service sends a comment every 15 s, unless it is
/// told otherwise; who comes back too early misses nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// Larger than any notice.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// Why a call failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// It may be well again in a while.
    Passing(String),
    /// It will not.
    Lasting(String),
}

/// Calls one service.
pub struct Client {
    http: awc::Client,
    target: Target,
}

impl Client {
    /// Nothing is called yet.
    pub fn new(target: Target) -> Self {
        Self { http: probe::client(&target.url, HEAD_TIMEOUT), target }
    }

    /// The service's address.
    pub fn url(&self) -> String {
        self.target.url.to_string()
    }

    /// What is known of the endpoints.
    ///
    /// # Errors
    /// There is no answer, or it is no JSON.
    pub async fn health(&self) -> Result<Value, Problem> {
        let mut answer = self.get(HEALTH).send().await.map_err(|error| passing(&error))?;
        let body = answer.body().await.map_err(|error| passing(&error))?;
        self.judge(answer.status(), &body)?;
        serde_json::from_slice(&body).map_err(|error| passing(&error))
    }

    /// Events, from now on or from behind the one with the id `after`.
    ///
    /// # Errors
    /// There is no answer, or it is no stream of events.
    pub async fn events(&self, after: Option<&str>) -> Result<Events, Problem> {
        let mut request = self.get(EVENTS);
        if let Some(after) = after {
            request = request.insert_header(("last-event-id", after));
        }
        let mut answer = request.send().await.map_err(|error| passing(&error))?;
        if answer.status() != StatusCode::OK {
            let body = answer.body().await.unwrap_or_default();
            self.judge(answer.status(), &body)?;
        }
        let content_type = answer.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
        if !content_type.is_some_and(|value| value.starts_with(b"text/event-stream")) {
            return Err(Problem::Lasting(format!("{}{EVENTS} is no stream of events", self.url())));
        }
        Ok(Events { body: Box::pin(answer), splitter: sse::Splitter::default(), whole: VecDeque::new() })
    }

    fn get(&self, path: &str) -> awc::ClientRequest {
        let request = self.http.get(format!("{}{path}", self.target.url));
        request.insert_header(("x-internal-auth", self.target.key.expose()))
    }

    fn judge(&self, status: StatusCode, body: &[u8]) -> Result<(), Problem> {
        let envelope: Value = serde_json::from_slice(body).unwrap_or_default();
        let message = envelope["error"]["message"].as_str().unwrap_or("no reason given");
        let message = super::clean::clean(message);
        let url = &self.target.url;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED => Err(Problem::Lasting(format!("{url} refuses the key: {message}"))),
            status if status.is_client_error() => {
                Err(Problem::Lasting(format!("{url} answers {}: {message}", status.as_u16())))
            }
            status => Err(Problem::Passing(format!("it answers {}: {message}", status.as_u16()))),
        }
    }
}

fn passing(error: &dyn std::error::Error) -> Problem {
    Problem::Passing(super::clean::clean(&error.to_string()))
}

/// An event of the service, with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// To come back with.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// JSON.
    pub data: String,
}

/// Events as they come.
pub struct Events {
    body: Pin<Box<dyn Stream<Item = Result<Bytes, awc::error::PayloadError>>>>,
    splitter: sse::Splitter,
    whole: VecDeque<Event>,
}

impl Events {
    /// The next event.
    ///
    /// # Errors
    /// Why there will be no more on this connection.
    pub async fn next(&mut self) -> Result<Event, String> {
        loop {
            if let Some(event) = self.whole.pop_front() {
                return Ok(event);
            }
            let chunk = poll_fn(|cx| self.body.as_mut().poll_next(cx));
            let chunk = tokio::time::timeout(SILENCE, chunk).await;
            let chunk = chunk.map_err(|_elapsed| "it is silent".to_owned())?;
            let chunk = chunk.ok_or("it has ended the stream")?.map_err(|error| error.to_string())?;
            let whole = self.splitter.push(chunk, MAX_EVENT_BYTES);
            let whole = whole.map_err(|_too_large| "an event is too large".to_owned())?;
            self.whole.extend(sse::events(&whole).filter_map(read));
        }
    }
}

fn read(event: &[u8]) -> Option<Event> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let sse::Event::Data { name, data } = sse::parse(event) else { return None };
    Some(Event { id: sse::id(event).map(text), name: text(name.unwrap_or(b"message")), data: text(&data) })
}
