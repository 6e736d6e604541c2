//! The models that callers can ask for. What LiteLLM lists is kept for some seconds.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::attempts::call;
use super::completion::Engine;
use super::whole::collect;
use crate::adapters::{self, mock};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result, RetrySafety};
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;

/// How long a list is good.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// `created` of models of which nobody knows that.
const CREATED: u64 = 1_700_000_000;

/// LiteLLM's last list. Shared by all workers: one question to it at a time.
#[derive(Default)]
pub struct Catalog {
    last: Mutex<Option<(Instant, Result<Bytes>)>>,
}

impl Catalog {
    /// OpenAI's list of models, as JSON: LiteLLM's where one stands in front and answers; the
    /// configuration's own otherwise.
    ///
    /// # Errors
    /// The backend does not answer, or not with a list.
    pub async fn list(&self, engine: &Engine, client: &Client) -> Result<Bytes> {
        if engine.routing.is_mock() {
            return Ok(mock_list());
        }
        // Never kept: a request that follows a change of the configuration has to see it.
        let configured = engine.routing.listed();
        let Some(litellm) = engine.routing.litellm() else { return Ok(list(&configured)) };
        let stands_in =
            |error: &Error| !configured.is_empty() && error.kind().retry_safety() != RetrySafety::Never;
        match self.seldom(ask_litellm(engine, client, litellm), stands_in).await {
            Err(error) if stands_in(&error) => Ok(list(&configured)),
            answer => answer,
        }
    }

    /// What `ask` gives, or gave lately. A failure is good for as long as a list where something stands
    /// in for it.
    async fn seldom(
        &self,
        ask: impl Future<Output = Result<Bytes>>,
        stands_in: impl Fn(&Error) -> bool,
    ) -> Result<Bytes> {
        let asked_at = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((at, list)) = &*last {
            let is_fresh = list.as_ref().err().is_none_or(stands_in) && at.elapsed() < FRESH_FOR;
            // Else it is the answer to everybody who was waiting for it, and to nobody else.
            if is_fresh || *at > asked_at {
                return list.clone();
            }
        }
        let list = ask.await;
        *last = Some((Instant::now(), list.clone()));
        list
    }
}

async fn ask_litellm(engine: &Engine, client: &Client, endpoint: &Endpoint) -> Result<Bytes> {
    let Some(question) = adapters::list_models(endpoint) else { return Err(no_list(endpoint)) };
    let deadline = Deadline::after(Instant::now(), endpoint.deadlines.total);
    let answer = call(client, endpoint, question, &endpoint.deadlines, &*engine.observer, deadline).await;
    let (mut answer, _) = answer.map_err(|failed| {
        engine.observer.upstream_error(&endpoint.name, failed.error.kind());
        // The caller did nothing wrong: this call is our own.
        if failed.error.kind() == Kind::RefusedByUpstream { no_list(endpoint) } else { failed.error }
    })?;
    let body = collect(&mut answer, endpoint, deadline).await?;
    let list: Value = serde_json::from_slice(&body).map_err(|_| no_list(endpoint))?;
    if list.get("data").is_some_and(Value::is_array) { Ok(body) } else { Err(no_list(endpoint)) }
}

fn no_list(endpoint: &Endpoint) -> Error {
    Error::new(Kind::MalformedAnswer, format!("{} did not answer with a list of models", endpoint.name))
}

fn list(models: &[String]) -> Bytes {
    written(models.iter().map(|id| model(id)).collect())
}

fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": CREATED, "owned_by": "llm-proxy"})
}

fn written(models: Vec<Value>) -> Bytes {
    json!({"object": "list", "data": models}).to_string().into()
}

fn mock_list() -> Bytes {
    let described = |(id, description): &(&str, &str)| {
        let mut model = model(id);
        model["description"] = json!(description);
        model
    };
    written(mock::MODELS.iter().map(described).collect())
}
