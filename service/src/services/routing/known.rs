//! What is known of endpoints and of the proxies before them, kept across replacements of the models. Shared by all
//! workers.

use std::sync::Arc;
use std::time::Instant;

use foldhash::HashMap;
use parking_lot::Mutex;

use super::load::Loads;
use super::vitals::{Healths, Vitals};
use crate::domain::endpoint::Endpoint;
use crate::domain::proxy::Proxy;
use crate::resilience::breaker::BreakerSettings;
use crate::resilience::proxy::ProxyHealth;

/// What is known.
pub struct Known {
    loads: Loads,
    healths: Healths,
    /// By the proxies' URLs: whoever we say that we are, a proxy is the same.
    proxies: Mutex<HashMap<String, Arc<ProxyHealth>>>,
}

impl Known {
    /// Nothing yet; breakers open as `settings` say.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { loads: Loads::default(), healths: Healths::new(settings), proxies: Mutex::default() }
    }

    /// What is known of `endpoint`.
    pub fn vitals(&self, endpoint: &Arc<Endpoint>) -> Vitals {
        Vitals {
            endpoint: Arc::clone(endpoint),
            load: self.loads.of(&endpoint.name),
            health: self.healths.of(endpoint),
            proxy: endpoint.egress.proxy_for(&endpoint.url).map(|proxy| self.proxy(proxy)),
        }
    }

    fn proxy(&self, proxy: &Proxy) -> Arc<ProxyHealth> {
        let mut proxies = self.proxies.lock();
        let health = proxies.entry(proxy.to_string());
        Arc::clone(health.or_insert_with(|| Arc::new(ProxyHealth::new(Instant::now()))))
    }
}
