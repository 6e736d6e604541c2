//! What is told of the proxies that requests go through.

use super::{Moment, ToldError};
use crate::domain::proxy::Proxy;
use crate::services::routing::Vitals;

/// One proxy. What breaks on the way to an endpoint is told here, and not held against the endpoint.
#[derive(serde::Serialize)]
pub struct ProxyRow {
    /// `host:port`.
    proxy: String,
    scheme: &'static str,
    /// The names of those that are reached through it.
    endpoints: Vec<String>,
    state: &'static str,
    consecutive_failures: u32,
    last_error: Option<ToldError>,
    last_success_at: Option<String>,
}

/// The proxies on the ways to these endpoints, by their URLs without credentials, in the endpoints' order.
pub fn rows(vitals: &[Vitals], now: Moment) -> Vec<(String, ProxyRow)> {
    let mut rows: Vec<(String, ProxyRow)> = Vec::new();
    for vitals in vitals {
        let Some((url, row)) = row(vitals, now) else { continue };
        match rows.iter_mut().find(|(known, _)| *known == url) {
            Some((_, known)) => known.endpoints.extend(row.endpoints),
            None => rows.push((url, row)),
        }
    }
    rows
}

fn row(Vitals { endpoint, proxy: health, .. }: &Vitals, now: Moment) -> Option<(String, ProxyRow)> {
    let proxy: &Proxy = endpoint.egress.proxy_for(&endpoint.url)?;
    let report = health.as_ref()?.report(now.instant);
    let row = ProxyRow {
        proxy: proxy.address(),
        scheme: proxy.protocol.scheme(),
        endpoints: vec![endpoint.name.clone()],
        state: if report.is_failing() { "failing" } else { "healthy" },
        consecutive_failures: report.consecutive_failures,
        last_error: report.last_error.map(ToldError::of),
        last_success_at: report.last_success.map(|ago| now.before(ago)),
    };
    Some((proxy.to_string(), row))
}
