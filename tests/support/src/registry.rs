//! Which behaviour a request gets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::behaviour::Behaviour;

/// The key of the default behaviour.
pub(crate) const DEFAULT: &str = "*";

/// Behaviours by model, by path (a key with a leading slash), and `*`.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    sequences: Mutex<BTreeMap<String, VecDeque<Arc<Behaviour>>>>,
}

impl Registry {
    /// Replaces what was there; an empty sequence removes it.
    pub fn set(&self, key: &str, sequence: Vec<Behaviour>) {
        let mut sequences = self.lock();
        if sequence.is_empty() {
            sequences.remove(key);
        } else {
            let sequence = sequence.into_iter().map(Arc::new).collect();
            sequences.insert(key.to_owned(), sequence);
        }
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The models that have a behaviour of their own.
    pub fn models(&self) -> Vec<String> {
        let sequences = self.lock();
        let models = sequences.keys().filter(|key| *key != DEFAULT && !key.starts_with('/'));
        models.cloned().collect()
    }

    /// A behaviour that wants to act before the request's body, and so its model, is known.
    pub fn take_early(&self, method: &str, path: &str) -> Option<Arc<Behaviour>> {
        let mut sequences = self.lock();
        let key = keys(method, path, "").find(|key| sequences.contains_key(*key))?;
        let sequence = sequences.get_mut(key)?;
        sequence.front()?.read_request_bytes?;
        next(sequence)
    }

    /// The behaviour for the model, else for the path, else the default.
    pub fn take(&self, method: &str, path: &str, model: &str) -> Arc<Behaviour> {
        let mut sequences = self.lock();
        let found = keys(method, path, model).find(|key| sequences.contains_key(*key));
        found.and_then(|key| next(sequences.get_mut(key)?)).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, VecDeque<Arc<Behaviour>>>> {
        self.sequences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Probes (`GET` of models and health) obey only their own path, so that they neither fail with
/// the default behaviour nor use up its sequence.
fn keys<'a>(method: &str, path: &'a str, model: &'a str) -> impl Iterator<Item = &'a str> {
    let default = (method != "GET").then_some(DEFAULT);
    let model = (!model.is_empty()).then_some(model);
    model.into_iter().chain([path]).chain(default)
}

/// The last one stays.
fn next(sequence: &mut VecDeque<Arc<Behaviour>>) -> Option<Arc<Behaviour>> {
    if sequence.len() > 1 { sequence.pop_front() } else { sequence.front().cloned() }
}
