//! What is told about requests from outside the engine, and the page of all counts.

use std::sync::Arc;

use crate::domain::access::AccessRecord;
use crate::ports::{AccessSink, EndpointState, MetricsPage};

/// Shared by all workers.
pub struct Observability {
    access: Vec<Arc<dyn AccessSink>>,
    page: Arc<dyn MetricsPage>,
}

impl Observability {
    /// Access records go to each of `access`; `page` shows the counts.
    #[must_use]
    pub fn new(access: Vec<Arc<dyn AccessSink>>, page: Arc<dyn MetricsPage>) -> Self {
        Self { access, page }
    }

    /// Passes a record on.
    pub fn access(&self, record: &AccessRecord<'_>) {
        for sink in &self.access {
            sink.access(record);
        }
    }

    /// The page for Prometheus; `endpoints` are those that are configured now.
    #[must_use]
    pub fn metrics_page(&self, endpoints: &[EndpointState]) -> String {
        self.page.page(endpoints)
    }
}
