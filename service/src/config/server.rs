//! What the HTTP server allows its clients.

use std::time::Duration;

use serde::Deserialize;

use super::read::{Reader, Text, Zero};
use super::settings::{SettingsError, narrow};

/// How much, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// Open connections a worker.
    pub max_connections: usize,
    /// For a request's head, from its connection on.
    pub header_timeout: Duration,
    /// For a request's body, from its head on.
    pub body_timeout: Duration,
    /// For open answers after SIGTERM.
    pub drain_timeout: Duration,
}

/// The variables, as text.
#[derive(Deserialize)]
pub(super) struct Variables {
    max_body_bytes: Text,
    max_connections: Text,
    header_timeout_s: Text,
    body_timeout_s: Text,
    drain_timeout_s: Text,
}

/// Reads and checks them.
pub(super) fn read(r: &mut Reader, vars: Variables) -> Result<ServerLimits, SettingsError> {
    Ok(ServerLimits {
        max_body_bytes: narrow(r.number("MAX_BODY_BYTES", vars.max_body_bytes, 16 << 20, (1024, 1 << 32))?),
        max_connections: narrow(r.number("MAX_CONNECTIONS", vars.max_connections, 25_000, (1, 1 << 20))?),
        header_timeout: r.whole_seconds("HEADER_TIMEOUT_S", vars.header_timeout_s, 10.0)?,
        body_timeout: r.seconds("BODY_TIMEOUT_S", vars.body_timeout_s, 30.0, Zero::Refused)?,
        drain_timeout: r.seconds("DRAIN_TIMEOUT_S", vars.drain_timeout_s, 30.0, Zero::TurnsOff)?,
    })
}
