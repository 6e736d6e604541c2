//! The models that callers can ask for, and who serves each: what a configuration says, as plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::endpoint::Endpoint;

/// Every model of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// In the configuration's order; names are unique.
    pub groups: Vec<Model>,
    /// Other names of models.
    pub aliases: BTreeMap<String, Alias>,
    /// Who stands in for whom.
    pub fallbacks: Fallbacks,
    /// How an endpoint is chosen among those of one model.
    pub strategy: Strategy,
    /// Attempts an endpoint after the first one, where the configuration says so.
    pub retries: Option<u32>,
    /// The model of requests that name none, where the configuration says so.
    pub default_model: Option<String>,
    /// Which models do the service's own jobs.
    pub roles: Roles,
}

/// A model, served by one or more endpoints.
#[derive(Clone, Debug)]
pub struct Model {
    /// The public name. With a `*` it is every name that fits: `openai/*`.
    pub name: String,
    /// Who serves it; never empty.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Whether it is in the list of models. One that is not does a job of the service's own: its name is
    /// nobody else's, and no LiteLLM knows it.
    pub listed: bool,
}

/// Another name of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The model's name.
    pub model: String,
    /// Whether it is in the list of models.
    pub listed: bool,
}

/// Who stands in for a model, in order, by the model's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fallbacks {
    /// When its endpoints fail.
    pub general: BTreeMap<String, Vec<String>>,
    /// When the conversation is too long for it.
    pub context_window: BTreeMap<String, Vec<String>>,
    /// When its vendor's policy refuses the content.
    pub content_policy: BTreeMap<String, Vec<String>>,
    /// When the endpoints of any model fail that has none of its own.
    pub default: Vec<String>,
}

/// How an endpoint is chosen among those of one model and one order.
/// Source: <https://docs.litellm.ai/docs/routing>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// At random, by weight, else by requests or tokens a minute.
    #[default]
    SimpleShuffle,
    /// The one with the fewest requests in flight.
    LeastBusy,
    /// The one that answered fastest lately.
    LatencyBased,
    /// The one that used the smallest part of its tokens this minute.
    UsageBased,
}

impl Strategy {
    /// LiteLLM's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SimpleShuffle => "simple-shuffle",
            Self::LeastBusy => "least-busy",
            Self::LatencyBased => "latency-based-routing",
            Self::UsageBased => "usage-based-routing",
        }
    }
}

/// Which models do the service's own jobs; `None` is the default model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// Serves `model: "summarizer"`.
    pub summarizer: Option<String>,
    /// Serves `model: "title-generator"`.
    pub title_generator: Option<String>,
}
