//! How long an upstream may take, and how long a stream may be silent.

use std::time::Duration;

use serde::Deserialize;

use super::read::{Reader, Text, Zero};
use super::settings::SettingsError;
use crate::domain::endpoint::Deadlines;

/// The deadlines' variables, as text.
#[derive(Deserialize)]
pub(super) struct Variables {
    connect_timeout_s: Text,
    first_byte_timeout_s: Text,
    idle_timeout_s: Text,
    request_timeout_s: Text,
}

/// Reads and checks them.
pub(super) fn deadlines(r: &mut Reader, vars: Variables) -> Result<Deadlines, SettingsError> {
    Ok(Deadlines {
        connect: r.seconds("CONNECT_TIMEOUT_S", vars.connect_timeout_s, 5.0, Zero::Refused)?,
        first_byte: r.seconds("FIRST_BYTE_TIMEOUT_S", vars.first_byte_timeout_s, 120.0, Zero::Refused)?,
        idle: r.seconds("IDLE_TIMEOUT_S", vars.idle_timeout_s, 60.0, Zero::Refused)?,
        total: r.seconds("REQUEST_TIMEOUT_S", vars.request_timeout_s, 600.0, Zero::Refused)?,
    })
}

/// Silence in a stream before a keep-alive comment; `None` sends none.
pub(super) fn keepalive(r: &mut Reader, text: Text) -> Result<Option<Duration>, SettingsError> {
    let interval = r.seconds("KEEPALIVE_INTERVAL_S", text, 15.0, Zero::TurnsOff)?;
    Ok(Some(interval).filter(|interval| !interval.is_zero()))
}
