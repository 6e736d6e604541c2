//! The health of every endpoint, kept by its name across replacements of the models. Shared by all workers.
//!
//! An endpoint that serves many models is judged by each of them apart: one sick model behind a proxy must
//! not take all others out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use foldhash::HashMap;
use parking_lot::{Mutex, RwLock};

use super::{Hop, Load};
use crate::domain::egress::Egress;
use crate::domain::endpoint::{BaseUrl, Endpoint, UpstreamModel};
use crate::domain::secret::Secret;
use crate::resilience::breaker::BreakerSettings;
use crate::resilience::health::{Health, HealthReport};
use crate::resilience::proxy::ProxyHealth;

/// How many models of one endpoint are judged apart: callers choose the names.
const MAX_MODELS: usize = 256;

/// Models with longer names are judged together.
const MAX_NAME_BYTES: usize = 256;

/// What reports call those that are judged together.
const OTHERS: &str = "(others)";

/// One configured endpoint, and what is known of it.
#[derive(Clone, Debug)]
pub struct Vitals {
    /// Who it is.
    pub endpoint: Arc<Endpoint>,
    /// What it is doing.
    pub load: Arc<Load>,
    /// How it is doing.
    pub health: Arc<EndpointHealth>,
    /// How the proxy on the way to it is doing.
    pub proxy: Option<Arc<ProxyHealth>>,
}

impl Vitals {
    /// A hop of a route to it, for the model that it calls `model`.
    pub fn hop(&self, model: String) -> Hop {
        let (endpoint, load) = (Arc::clone(&self.endpoint), Arc::clone(&self.load));
        Hop { endpoint, health: self.health.of(&model), model, load, proxy: self.proxy.clone() }
    }
}

/// The health of one endpoint.
#[derive(Debug)]
pub enum EndpointHealth {
    /// It serves one model.
    Whole(Arc<Health>),
    /// It serves many.
    PerModel(ModelHealths),
}

/// The healths of the models of one endpoint, by the names that it knows them by.
#[derive(Debug)]
pub struct ModelHealths {
    settings: BreakerSettings,
    known: RwLock<HashMap<String, Arc<Health>>>,
    /// That of all models for which there is no room.
    others: Arc<Health>,
    /// How often the breakers opened of models that were forgotten.
    forgotten_openings: AtomicU64,
}

impl EndpointHealth {
    fn new(is_per_model: bool, settings: BreakerSettings) -> Self {
        let health = Arc::new(Health::new(settings));
        if !is_per_model {
            return Self::Whole(health);
        }
        Self::PerModel(ModelHealths {
            settings,
            known: RwLock::default(),
            others: health,
            forgotten_openings: AtomicU64::new(0),
        })
    }

    /// The health of what answers for `model`, as the endpoint calls it.
    pub fn of(&self, model: &str) -> Arc<Health> {
        match self {
            Self::Whole(health) => Arc::clone(health),
            Self::PerModel(models) => models.of(model),
        }
    }

    /// Every health there is: of the endpoint, or of its models.
    pub fn all(&self) -> Vec<Arc<Health>> {
        match self {
            Self::Whole(health) => vec![Arc::clone(health)],
            Self::PerModel(models) => {
                let others = std::iter::once(Arc::clone(&models.others));
                models.known.read().values().map(Arc::clone).chain(others).collect()
            }
        }
    }

    /// The reports on its models of which anything is known, by name; `None` where it serves one.
    pub fn models(&self, now: Instant) -> Option<Vec<(String, HealthReport)>> {
        let Self::PerModel(models) = self else { return None };
        let known = models.known.read();
        let named = known.iter().map(|(name, health)| (name.as_str(), health));
        let told = named.chain([(OTHERS, &models.others)]).filter(|(_, health)| !health.is_idle(now));
        let mut reports: Vec<_> = told.map(|(name, health)| (name.to_owned(), health.report(now))).collect();
        reports.sort_by(|(a, _), (b, _)| a.cmp(b));
        Some(reports)
    }

    /// The report on the whole endpoint: on all of its models together, where it serves many.
    pub fn report(&self, now: Instant) -> HealthReport {
        match self {
            Self::Whole(health) => health.report(now),
            Self::PerModel(models) => {
                let known = self.all().into_iter().filter(|health| !health.is_idle(now));
                let reports: Vec<_> = known.map(|health| health.report(now)).collect();
                let mut sum = HealthReport::of_all(&reports);
                sum.openings += models.forgotten_openings.load(Ordering::Relaxed);
                sum
            }
        }
    }
}

impl ModelHealths {
    fn of(&self, model: &str) -> Arc<Health> {
        if let Some(health) = self.known.read().get(model) {
            return Arc::clone(health);
        }
        self.add(model, Instant::now())
    }

    #[cold]
    fn add(&self, model: &str, now: Instant) -> Arc<Health> {
        let mut known = self.known.write();
        if known.len() >= MAX_MODELS {
            self.forget_idle(&mut known, now);
        }
        if let Some(health) = known.get(model) {
            return Arc::clone(health);
        }
        if known.len() >= MAX_MODELS || model.len() > MAX_NAME_BYTES {
            return Arc::clone(&self.others);
        }
        let health = Arc::new(Health::new(self.settings));
        known.insert(model.to_owned(), Arc::clone(&health));
        health
    }

    /// Forgets models that nobody asks for now, and of which nothing is known.
    fn forget_idle(&self, known: &mut HashMap<String, Arc<Health>>, now: Instant) {
        known.retain(|_, health| {
            let stays = Arc::strong_count(health) > 1 || !health.is_idle(now);
            if !stays {
                self.forgotten_openings.fetch_add(health.openings(), Ordering::Relaxed);
            }
            stays
        });
    }
}

/// The healths of all endpoints, by name.
pub struct Healths {
    settings: BreakerSettings,
    by_name: Mutex<HashMap<String, (Identity, Arc<EndpointHealth>)>>,
}

/// What an endpoint's outcomes depend on: with another address, key, model or way to it, it is another one, which may
/// well answer where the one before did not.
#[derive(PartialEq)]
struct Identity(BaseUrl, Option<Secret>, UpstreamModel, Arc<Egress>);

impl Healths {
    /// None yet; breakers open as `settings` say.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, by_name: Mutex::default() }
    }

    /// The health of `endpoint`; a new one where none of its name is known, or that was another endpoint.
    pub fn of(&self, endpoint: &Endpoint) -> Arc<EndpointHealth> {
        let identity = Identity(
            endpoint.url.clone(),
            endpoint.key.clone(),
            endpoint.model.clone(),
            Arc::clone(&endpoint.egress),
        );
        let mut by_name = self.by_name.lock();
        match by_name.get(&endpoint.name) {
            Some((known, health)) if *known == identity => Arc::clone(health),
            _ => {
                let is_per_model = !matches!(endpoint.model, UpstreamModel::Named(_));
                let health = Arc::new(EndpointHealth::new(is_per_model, self.settings));
                by_name.insert(endpoint.name.clone(), (identity, Arc::clone(&health)));
                health
            }
        }
    }
}

#[cfg(test)]
#[path = "vitals_tests.rs"]
mod tests;
