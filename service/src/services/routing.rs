//! From a model's public name to the endpoints that serve it, in the order in which they are asked.
//!
//! What is known of the models can be replaced while requests are served: each keeps the route that it
//! was given. What is known of an endpoint's load is kept by its name, across replacements; so is the health of
//! a proxy.

mod choose;
mod known;
mod load;
mod table;
mod vitals;

use std::sync::Arc;

use parking_lot::RwLock;

use known::Known;
pub use load::{InUse, Load};
use table::Table;
pub use vitals::{EndpointHealth, Vitals};

use crate::domain::endpoint::Endpoint;
use crate::domain::model::Models;
use crate::error::{Error, Kind, Result};
use crate::resilience::breaker::BreakerSettings;
use crate::resilience::health::Health;
use crate::resilience::proxy::ProxyHealth;

/// The model that summarizes conversations.
pub const SUMMARIZER: &str = "summarizer";

/// The model that finds titles for them.
pub const TITLE_GENERATOR: &str = "title-generator";

/// One endpoint on a route.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Who is asked.
    pub endpoint: Arc<Endpoint>,
    /// What it calls the model.
    pub model: String,
    /// What it is doing.
    pub load: Arc<Load>,
    /// How it is doing: the endpoint, or this model of it where it serves many.
    pub health: Arc<Health>,
    /// How the proxy on the way to it is doing.
    pub proxy: Option<Arc<ProxyHealth>>,
}

/// The endpoints to try for one request.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// In order; never empty.
    pub hops: Vec<Hop>,
    /// Instead, where the conversation is too long for the model.
    pub context_window: Vec<Hop>,
    /// Instead, where the vendor's policy refuses the content.
    pub content_policy: Vec<Hop>,
    /// Attempts an endpoint, where the configuration says so.
    pub attempts: Option<u32>,
}

impl Route {
    /// The only endpoint that can serve the request, where there is but one.
    #[must_use]
    pub fn only(&self) -> Option<&Hop> {
        match (&*self.hops, &*self.context_window, &*self.content_policy) {
            ([only], [], []) => Some(only),
            _ => None,
        }
    }
}

/// Who stands in front of the configured models.
#[derive(Clone, Debug)]
pub enum Front {
    /// A LiteLLM proxy, which is asked first for every model that it may know. The configured endpoints of
    /// the same model stand behind it.
    Litellm(Arc<Endpoint>),
    /// The mock, which serves every model.
    Mock(Arc<Endpoint>),
    /// Nobody: only the configured models are served.
    Nobody,
}

/// The routes.
pub struct Routing {
    front: Front,
    /// What is known of the endpoint in front, where there is one.
    front_vitals: Option<Vitals>,
    default_model: DefaultModel,
    known: Known,
    table: RwLock<Arc<Table>>,
}

/// The model of requests that name none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultModel {
    /// The operator named it.
    Set(String),
    /// The configuration may name another one; where nobody serves it, it is the first model.
    Unset(String),
}

impl Routing {
    /// `models` behind `front`; endpoints are left alone as `breaker` says.
    #[must_use]
    pub fn new(front: Front, default_model: DefaultModel, models: Models, breaker: BreakerSettings) -> Self {
        let known = Known::new(breaker);
        let table = RwLock::new(Arc::new(Table::new(models, &known)));
        let front_vitals = match &front {
            Front::Litellm(endpoint) | Front::Mock(endpoint) => Some(known.vitals(endpoint)),
            Front::Nobody => None,
        };
        Self { front, front_vitals, default_model, known, table }
    }

    /// From now on requests are routed by `models`.
    pub fn replace(&self, models: Models) {
        let table = Arc::new(Table::new(models, &self.known));
        *self.table.write() = table;
    }

    /// What is known of every endpoint that is configured now: the one in front, then those behind it.
    #[must_use]
    pub fn vitals(&self) -> Vec<Vitals> {
        let behind = if self.is_mock() { Vec::new() } else { self.table().vitals() };
        self.front_vitals.iter().cloned().chain(behind).collect()
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read())
    }

    /// The LiteLLM proxy, where one stands in front.
    #[must_use]
    pub const fn litellm(&self) -> Option<&Arc<Endpoint>> {
        match &self.front {
            Front::Litellm(endpoint) => Some(endpoint),
            Front::Mock(_) | Front::Nobody => None,
        }
    }

    /// Whether the mock serves.
    #[must_use]
    pub const fn is_mock(&self) -> bool {
        matches!(self.front, Front::Mock(_))
    }

    /// The names of the configured models that are to be listed, in order.
    #[must_use]
    pub fn listed(&self) -> Vec<String> {
        self.table().listed()
    }

    /// Whether any model is configured, listed or not.
    #[must_use]
    pub fn has_models(&self) -> bool {
        self.table().has_models()
    }

    /// The endpoints of a configured model, for those who describe it.
    #[must_use]
    pub fn endpoints_of(&self, model: &str) -> Vec<Arc<Endpoint>> {
        self.table().endpoints_of(model)
    }

    /// The model of requests that name none.
    #[must_use]
    pub fn default_model(&self) -> String {
        match &self.default_model {
            DefaultModel::Set(model) => model.clone(),
            DefaultModel::Unset(model) => {
                let table = self.table();
                let is_served = !matches!(self.front, Front::Nobody) || table.serves(model);
                let first = || table.listed().into_iter().next().filter(|_| !is_served);
                table.default_model().map(str::to_owned).or_else(first).unwrap_or_else(|| model.clone())
            }
        }
    }

    /// The route of `model`.
    ///
    /// # Errors
    /// [`Kind::NotFound`] with code `model_not_found`, and near names.
    pub fn route(&self, model: &str) -> Result<Route> {
        let table = self.table();
        let role = table.role(model);
        let asked = match role {
            Some(Some(model)) => model.to_owned(),
            Some(None) => self.default_model(),
            None => model.to_owned(),
        };
        let mut route = table.route(&asked);
        let front = self.front_vitals.as_ref().map(|front| front.hop(asked.clone()));
        match front {
            Some(mock) if self.is_mock() => Ok(Route { hops: vec![mock], ..Route::default() }),
            Some(litellm) if !table.is_ours_alone(&asked) => {
                route.hops.insert(0, litellm);
                // What the file says of retries is said to LiteLLM.
                route.attempts = None;
                Ok(route)
            }
            _ if route.hops.is_empty() => Err(table.unavailable(&asked)),
            _ => Ok(route),
        }
    }
}

/// Nobody serves a model of that name.
fn unknown_model(model: &str, near: &[String]) -> Error {
    let hint = match near {
        [] => "see /v1/models".to_owned(),
        near => format!("did you mean {}?", near.join(", ")),
    };
    let shown: String = model.chars().take(80).collect();
    Error::new(Kind::NotFound, format!("the model {shown:?} does not exist: {hint}"))
        .with_param("model")
        .with_code("model_not_found")
}

#[cfg(test)]
#[path = "routing_tests.rs"]
mod tests;
