//! Idle connections, by origin. One pool a worker: its lock is never contended.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::connection::Connection;
use crate::domain::endpoint::BaseUrl;

/// Idle connections kept for one origin; more are closed.
const MAX_IDLE: usize = 512;

/// How long an idle connection is kept.
const MAX_IDLE_TIME: Duration = Duration::from_secs(60);

struct Idle {
    connection: Connection,
    since: Instant,
}

/// The idle connections of one worker.
#[derive(Default)]
pub struct Pool {
    origins: Mutex<HashMap<Origin, Vec<Idle>>>,
}

#[derive(PartialEq, Eq, Hash, Clone)]
struct Origin {
    tls: bool,
    authority: http::uri::Authority,
}

impl Origin {
    fn of(url: &BaseUrl) -> Self {
        let tls = url.scheme == http::uri::Scheme::HTTPS;
        Self { tls, authority: url.authority.clone() }
    }
}

impl Pool {
    /// The connection to `url`'s origin that was used last, if one is still good.
    pub fn take(&self, url: &BaseUrl) -> Option<Connection> {
        let mut origins = self.origins.lock();
        let idle = origins.get_mut(&Origin::of(url))?;
        while let Some(Idle { mut connection, since }) = idle.pop() {
            if since.elapsed() < MAX_IDLE_TIME && connection.is_idle() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection whose answer was read to its end, if its peer does.
    pub fn put(&self, url: &BaseUrl, mut connection: Connection) {
        if !connection.is_idle() {
            return;
        }
        connection.reused = true;
        let mut origins = self.origins.lock();
        let idle = origins.entry(Origin::of(url)).or_default();
        if idle.len() < MAX_IDLE {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Closes the connections that their peers have closed, and those idle for too long.
    pub fn reap(&self) {
        self.origins.lock().retain(|_, idle| {
            idle.retain_mut(|idle| idle.since.elapsed() < MAX_IDLE_TIME && idle.connection.is_idle());
            !idle.is_empty()
        });
    }
}
