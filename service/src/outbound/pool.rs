//! Idle connections, by origin and the way to it. One pool a worker: its lock is never contended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::connection::Connection;
use crate::domain::egress::Egress;
use crate::domain::endpoint::{BaseUrl, Endpoint};

/// Idle connections kept for one origin; more are closed.
const MAX_IDLE: usize = 512;

/// How long an idle connection is kept.
const MAX_IDLE_TIME: Duration = Duration::from_secs(60);

struct Idle {
    connection: Box<Connection>,
    since: Instant,
}

impl Idle {
    fn now(connection: Box<Connection>) -> Self {
        Self { connection, since: Instant::now() }
    }
}

/// The idle connections of one worker.
#[derive(Default)]
pub struct Pool {
    /// A handful of origins: searched one by one.
    origins: Mutex<Vec<Origin>>,
}

struct Origin {
    scheme: http::uri::Scheme,
    authority: http::uri::Authority,
    egress: Arc<Egress>,
    idle: Vec<Idle>,
}

impl Origin {
    /// Endpoints of one file share their way; after a reload an equal one may be another.
    fn is_of(&self, url: &BaseUrl, egress: &Arc<Egress>) -> bool {
        let is_same_way = || Arc::ptr_eq(&self.egress, egress) || self.egress == *egress;
        self.authority == url.authority && self.scheme == url.scheme && is_same_way()
    }
}

impl Pool {
    /// The connection to the endpoint's origin that was used last, if one is still good.
    pub fn take(&self, endpoint: &Endpoint) -> Option<Box<Connection>> {
        let Endpoint { url, egress, .. } = endpoint;
        let mut origins = self.origins.lock();
        let idle = &mut origins.iter_mut().find(|origin| origin.is_of(url, egress))?.idle;
        while let Some(Idle { mut connection, since }) = idle.pop() {
            if since.elapsed() < MAX_IDLE_TIME && connection.is_idle() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection whose answer was read to its end, if its peer does.
    pub fn put(&self, url: &BaseUrl, mut connection: Box<Connection>) {
        if !connection.rest() {
            return;
        }
        let mut origins = self.origins.lock();
        match origins.iter_mut().find(|origin| origin.is_of(url, &connection.egress)) {
            Some(origin) if origin.idle.len() < MAX_IDLE => origin.idle.push(Idle::now(connection)),
            Some(_) => {}
            None => {
                let (scheme, authority) = (url.scheme.clone(), url.authority.clone());
                let egress = Arc::clone(&connection.egress);
                origins.push(Origin { scheme, authority, egress, idle: vec![Idle::now(connection)] });
            }
        }
    }

    /// Closes the connections that their peers have closed, and those idle for too long.
    pub fn reap(&self) {
        self.origins.lock().retain_mut(|Origin { idle, .. }| {
            idle.retain_mut(|idle| idle.since.elapsed() < MAX_IDLE_TIME && idle.connection.is_idle());
            !idle.is_empty()
        });
    }
}
