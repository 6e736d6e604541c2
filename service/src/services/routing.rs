//! From a model's public name to the endpoints that serve it.

use std::sync::Arc;

use crate::domain::endpoint::Endpoint;

/// The routes. Today one endpoint serves every model.
#[derive(Clone, Debug)]
pub struct Routing {
    endpoint: Arc<Endpoint>,
}

impl Routing {
    /// Every model is served by `endpoint`.
    #[must_use]
    pub fn to(endpoint: Endpoint) -> Self {
        Self { endpoint: Arc::new(endpoint) }
    }

    /// The endpoint that serves.
    #[must_use]
    pub const fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }
}
