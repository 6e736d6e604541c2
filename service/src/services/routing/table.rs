//! The configured models, ready to be looked up.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::choose::ordered;
use super::known::Known;
use super::vitals::Vitals;
use super::{Hop, Route, SUMMARIZER, TITLE_GENERATOR, unknown_model};
use crate::domain::endpoint::{Endpoint, UpstreamModel};
use crate::domain::model::{Model, Models};
use crate::error::{Error, Kind, RetryAfter};

/// Aliases of aliases are followed so far: a circle must not be followed for ever.
const MAX_ALIASES: usize = 8;

/// How many near names an unknown one is answered with.
const MAX_NEAR: usize = 3;

/// The models of one configuration.
pub struct Table {
    models: Models,
    by_name: HashMap<String, usize>,
    /// Those with a star, the most particular ones first.
    wildcards: Vec<usize>,
    /// What is known of each endpoint, by its name.
    vitals: HashMap<String, Vitals>,
}

/// A model, and what its name's star stands for.
struct Found<'a> {
    model: &'a Model,
    star: Option<&'a str>,
}

impl Table {
    /// A table of `models`.
    pub fn new(models: Models, known: &Known) -> Self {
        let named = models.groups.iter().enumerate();
        let by_name = named.clone().map(|(at, model)| (model.name.clone(), at)).collect();
        let mut wildcards: Vec<usize> =
            named.filter(|(_, model)| model.name.contains('*')).map(|(at, _)| at).collect();
        wildcards.sort_by_key(|at| std::cmp::Reverse(models.groups[*at].name.len()));
        let endpoints = models.groups.iter().flat_map(|model| &model.endpoints);
        let vitals = endpoints.map(|endpoint| (endpoint.name.clone(), known.vitals(endpoint))).collect();
        Self { models, by_name, wildcards, vitals }
    }

    /// The configuration's default model.
    pub fn default_model(&self) -> Option<&str> {
        self.models.default_model.as_deref()
    }

    /// Whether a model of that name is configured.
    pub fn serves(&self, name: &str) -> bool {
        self.find(self.resolved(name)).is_some()
    }

    /// Which model does the job of that name: `None` where it is no job, `Some(None)` where the default
    /// model does it. A model that really has the name comes first.
    pub fn role(&self, name: &str) -> Option<Option<&str>> {
        let role = match name {
            SUMMARIZER => self.models.roles.summarizer.as_deref(),
            TITLE_GENERATOR => self.models.roles.title_generator.as_deref(),
            _ => return None,
        };
        let is_a_model = self.by_name.contains_key(name) || self.models.aliases.contains_key(name);
        (!is_a_model).then_some(role)
    }

    /// Whether nobody but this service knows the name.
    pub fn is_ours_alone(&self, name: &str) -> bool {
        let model = self.by_name.get(name).and_then(|at| self.models.groups.get(*at));
        model.is_some_and(|model| !model.listed)
    }

    /// Whether there is any model.
    pub const fn has_models(&self) -> bool {
        !self.models.groups.is_empty()
    }

    /// The names that are to be listed: models without a star, then aliases.
    pub fn listed(&self) -> Vec<String> {
        let models = self.models.groups.iter().filter(|model| model.listed && !model.name.contains('*'));
        let aliases = self.models.aliases.iter().filter(|(_, alias)| alias.listed);
        models.map(|model| model.name.clone()).chain(aliases.map(|(name, _)| name.clone())).collect()
    }

    /// What is known of each endpoint, in the order of the configuration.
    pub fn vitals(&self) -> Vec<Vitals> {
        let mut seen = HashSet::new();
        let endpoints = self.models.groups.iter().flat_map(|model| &model.endpoints);
        let first = endpoints.filter(|endpoint| seen.insert(endpoint.name.as_str()));
        first.filter_map(|endpoint| self.vitals.get(&endpoint.name)).cloned().collect()
    }

    /// The endpoints of a model.
    pub fn endpoints_of(&self, name: &str) -> Vec<Arc<Endpoint>> {
        self.find(self.resolved(name)).map_or_else(Vec::new, |found| found.model.endpoints.clone())
    }

    /// The route of a model: its own endpoints, then those of its fallbacks. Without hops where nobody
    /// serves it.
    pub fn route(&self, name: &str) -> Route {
        if self.models.groups.is_empty() {
            return Route::default();
        }
        let name = self.resolved(name);
        let fallbacks = &self.models.fallbacks;
        let own = self.hops(name);
        let is_known = self.serves(name);
        let behind = match fallbacks.general.get(name).or_else(|| fallbacks.general.get("*")) {
            Some(names) => names.as_slice(),
            None if is_known => fallbacks.default.as_slice(),
            None => &[],
        };
        let instead = |lists: &std::collections::BTreeMap<String, Vec<String>>| {
            let names = lists.get(name).or_else(|| lists.get("*"));
            self.chain(name, Vec::new(), names.map_or(&[][..], Vec::as_slice))
        };
        Route {
            hops: self.chain(name, own, behind),
            context_window: instead(&fallbacks.context_window),
            content_policy: instead(&fallbacks.content_policy),
            attempts: self.models.retries.map(|retries| retries + 1),
        }
    }

    /// `hops`, and behind them those of `names`, each endpoint once.
    fn chain(&self, own: &str, mut hops: Vec<Hop>, names: &[String]) -> Vec<Hop> {
        for name in names.iter().map(|name| self.resolved(name)).filter(|name| *name != own) {
            for hop in self.hops(name) {
                let is_there =
                    hops.iter().any(|h| h.endpoint.name == hop.endpoint.name && h.model == hop.model);
                if !is_there {
                    hops.push(hop);
                }
            }
        }
        hops
    }

    /// The endpoints of one model, in the order in which they are asked.
    fn hops(&self, name: &str) -> Vec<Hop> {
        let Some(found) = self.find(name) else { return Vec::new() };
        let hops = found.model.endpoints.iter().filter_map(|endpoint| {
            let vitals = self.vitals.get(&endpoint.name)?;
            Some(vitals.hop(upstream_model(&endpoint.model, name, found.star)))
        });
        ordered(hops.collect(), self.models.strategy, &mut fastrand::f64)
    }

    fn resolved<'a>(&'a self, name: &'a str) -> &'a str {
        let mut name = name;
        for _ in 0..MAX_ALIASES {
            match self.models.aliases.get(name) {
                Some(alias) if !self.by_name.contains_key(name) => name = &alias.model,
                _ => break,
            }
        }
        name
    }

    fn find<'a>(&'a self, name: &'a str) -> Option<Found<'a>> {
        // Ollama's clients say `name:latest` for `name`.
        let at = self.by_name.get(name).or_else(|| self.by_name.get(name.strip_suffix(":latest")?));
        if let Some(at) = at {
            return Some(Found { model: self.models.groups.get(*at)?, star: None });
        }
        self.wildcards.iter().find_map(|at| {
            let model = self.models.groups.get(*at)?;
            let (before, behind) = model.name.split_once('*')?;
            let star = name.strip_prefix(before)?.strip_suffix(behind)?;
            Some(Found { model, star: Some(star) })
        })
    }

    /// Why nobody serves `name`: no such model, or its limits are used up.
    pub fn unavailable(&self, name: &str) -> Error {
        let resolved = self.resolved(name);
        let Some(found) = self.find(resolved) else { return unknown_model(name, &self.near(name)) };
        let endpoints = found.model.endpoints.iter();
        let vitals = endpoints.filter_map(|endpoint| self.vitals.get(&endpoint.name));
        let wait = vitals.map(|vitals| vitals.load.next_minute()).min().unwrap_or_default();
        let message = format!("every endpoint of {resolved:?} has used up its rpm or tpm for this minute");
        Error::new(Kind::RateLimited, message).with_retry_after(RetryAfter::Delay(wait))
    }

    fn near(&self, name: &str) -> Vec<String> {
        let name = name.to_lowercase();
        let mut near: Vec<(f64, String)> = self
            .listed()
            .into_iter()
            .map(|listed| (strsim::jaro_winkler(&listed.to_lowercase(), &name), listed))
            .filter(|(likeness, _)| *likeness > 0.75)
            .collect();
        near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        near.into_iter().take(MAX_NEAR).map(|(_, listed)| listed).collect()
    }
}

fn upstream_model(model: &UpstreamModel, asked: &str, star: Option<&str>) -> String {
    match (model, star) {
        (UpstreamModel::AsAsked, _) => asked.to_owned(),
        (UpstreamModel::Named(name), _) => name.clone(),
        (UpstreamModel::Pattern(pattern), Some(star)) => pattern.replacen('*', star, 1),
        (UpstreamModel::Pattern(pattern), None) => pattern.clone(),
    }
}
