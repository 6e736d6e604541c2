//! The models that callers can ask for, as the backend lists them, kept for some seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::Mutex;

use super::completion::{Engine, attempt, collect};
use crate::adapters::{self, mock};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;

/// How long a list is good.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// The last list. Shared by all workers: one question to the backend at a time.
#[derive(Default)]
pub struct Catalog {
    last: Mutex<Option<(Instant, Result<Bytes>)>>,
}

impl Catalog {
    /// OpenAI's list of models, as JSON.
    ///
    /// # Errors
    /// The backend does not answer, or not with a list.
    pub async fn list(&self, engine: &Engine, client: &Client) -> Result<Bytes> {
        let asked_at = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((at, list)) = &*last {
            let is_fresh = list.is_ok() && at.elapsed() < FRESH_FOR;
            // A failure is the answer to everybody who was waiting for it, and to nobody else.
            if is_fresh || *at > asked_at {
                return list.clone();
            }
        }
        let list = ask(engine, client, engine.routing.endpoint()).await;
        *last = Some((Instant::now(), list.clone()));
        list
    }
}

async fn ask(engine: &Engine, client: &Client, endpoint: &Arc<Endpoint>) -> Result<Bytes> {
    let Some(call) = adapters::list_models(endpoint) else {
        return Ok(mock_list());
    };
    let deadline = Deadline::after(Instant::now(), endpoint.deadlines.total);
    let answer = attempt(client, endpoint, call, &*engine.observer, deadline).await;
    let mut answer = answer.map_err(|failed| {
        engine.observer.upstream_error(&endpoint.name, failed.error.kind());
        // The caller did nothing wrong: this call is our own.
        if failed.error.kind() == Kind::RefusedByUpstream { no_list(endpoint) } else { failed.error }
    })?;
    let body = collect(&mut answer, endpoint, deadline).await?;
    let list: serde_json::Value = serde_json::from_slice(&body).map_err(|_| no_list(endpoint))?;
    if list.get("data").is_some_and(serde_json::Value::is_array) { Ok(body) } else { Err(no_list(endpoint)) }
}

fn no_list(endpoint: &Endpoint) -> Error {
    Error::new(Kind::MalformedAnswer, format!("{} did not answer with a list of models", endpoint.name))
}

fn mock_list() -> Bytes {
    let models = mock::MODELS.iter().map(|(id, description)| {
        json!({"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "llm-proxy", "description": description})
    });
    let models: Vec<_> = models.collect();
    json!({"object": "list", "data": models}).to_string().into()
}
