//! Handles by key, made at their first use.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::RwLock;

/// Never shrinks: its keys must be of a bounded set.
pub struct Handles<K, T>(RwLock<HashMap<K, Arc<T>>>);

impl<K, T> Default for Handles<K, T> {
    fn default() -> Self {
        Self(RwLock::new(HashMap::default()))
    }
}

impl<K: Hash + Eq, T> Handles<K, T> {
    /// The handles of `key`, made with their key by `make` if there are none.
    pub fn get<Q>(&self, key: &Q, make: impl FnOnce() -> (K, T)) -> Arc<T>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(found) = self.0.read().get(key) {
            return Arc::clone(found);
        }
        let (key, made) = make();
        Arc::clone(self.0.write().entry(key).or_insert_with(|| Arc::new(made)))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.read().len()
    }

    /// Whether `key` has handles.
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.read().contains_key(key)
    }
}
