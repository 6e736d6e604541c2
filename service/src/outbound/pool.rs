//! Idle connections, by origin. One pool a worker: its lock is never contended.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::connection::Connection;
use crate::domain::endpoint::BaseUrl;

/// Idle connections kept for one origin; more are closed.
const MAX_IDLE: usize = 512;

/// How long an idle connection is kept.
const MAX_IDLE_TIME: Duration = Duration::from_secs(60);

struct Idle {
    connection: Box<Connection>,
    since: Instant,
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
    idle: Vec<Idle>,
}

impl Origin {
    fn is_of(&self, url: &BaseUrl) -> bool {
        self.authority == url.authority && self.scheme == url.scheme
    }
}

impl Pool {
    /// The connection to `url`'s origin that was used last, if one is still good.
    pub fn take(&self, url: &BaseUrl) -> Option<Box<Connection>> {
        let mut origins = self.origins.lock();
        let idle = &mut origins.iter_mut().find(|origin| origin.is_of(url))?.idle;
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
        let idle = Idle { connection, since: Instant::now() };
        match origins.iter_mut().find(|origin| origin.is_of(url)) {
            Some(origin) if origin.idle.len() < MAX_IDLE => origin.idle.push(idle),
            Some(_) => {}
            None => {
                let (scheme, authority) = (url.scheme.clone(), url.authority.clone());
                origins.push(Origin { scheme, authority, idle: vec![idle] });
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
