//! Asks endpoints that are out whether they are back, so that no caller has to wait for the answer.
//!
//! Endpoints that are in are never asked: their callers do that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::completion::Engine;
use super::routing::{Routing, Vitals};
use crate::adapters;
use crate::domain::endpoint::{Deadlines, Endpoint};
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;
use crate::resilience::health::Health;

/// How long an endpoint may take to connect, and to begin its answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks once every so often, for ever.
pub async fn watch(engine: Arc<Engine>, every: Duration) {
    let client = Client::default();
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        round(&engine.routing, &client).await;
    }
}

/// Asks every endpoint that is out, all at once, and tells its health what came of it.
pub async fn round(routing: &Routing, client: &Client) {
    let mut probes = JoinSet::new();
    for vitals in routing.vitals() {
        let open = open(&vitals);
        if !open.is_empty() {
            probes.spawn(probe(client.clone(), vitals.endpoint, open));
        }
    }
    while probes.join_next().await.is_some() {}
}

/// What is out: the endpoint, or some of its models.
fn open(vitals: &Vitals) -> Vec<Arc<Health>> {
    vitals.health.all().into_iter().filter(|health| health.is_open()).collect()
}

async fn probe(client: Client, endpoint: Arc<Endpoint>, open: Vec<Arc<Health>>) {
    let Some(verdict) = ask(&client, &endpoint).await else { return };
    tracing::debug!(endpoint = endpoint.name, up = verdict, "probed");
    let now = Instant::now();
    open.iter().for_each(|health| health.probed(verdict, now));
}

/// Whether it is up; `None` where that cannot be told. A refusal tells nothing: a server may keep its list to
/// itself, or have none, and answer requests all the same.
async fn ask(client: &Client, endpoint: &Endpoint) -> Option<bool> {
    let call = adapters::probe(endpoint)?;
    let limits = endpoint.deadlines;
    let (connect, first_byte) = (limits.connect.min(TIMEOUT), limits.first_byte.min(TIMEOUT));
    let limits = Deadlines { connect, first_byte, ..limits };
    let deadline = Deadline::after(Instant::now(), TIMEOUT * 3);
    match client.call(endpoint, call, &limits, deadline).await {
        Ok(answer) => (200..300).contains(&answer.status).then_some(true),
        Err(error) => error.counts_against_the_endpoint().then_some(false),
    }
}
