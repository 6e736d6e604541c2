//! Endpoints, a row each.

use super::{Line, Tone};
use crate::watch::clean::duration;
use crate::watch::endpoint::Endpoint;

/// A head, and a row an endpoint; nothing where there are none.
pub fn lines(endpoints: &[Endpoint]) -> Vec<Line> {
    let widest = endpoints.iter().map(|endpoint| endpoint.name.chars().count()).max();
    let Some(widest) = widest else { return Vec::new() };
    let width = widest.max("ENDPOINT".len());
    let columns = format!(
        "{:width$}  {:<8}  {:>7}  {:>8}  {:>9}  {:>7}  {:>7}  {:>8}",
        "ENDPOINT", "STATE", "SUCCESS", "REQUESTS", "IN FLIGHT", "P50", "P95", "FAILURES"
    );
    let rows = endpoints.iter().map(|endpoint| row(endpoint, width));
    std::iter::once(vec![Tone::Dim.of(columns)]).chain(rows).collect()
}

fn row(endpoint: &Endpoint, width: usize) -> Line {
    let latency = endpoint.latency_ms.unwrap_or_default();
    let success = endpoint.success_rate.map(|rate| format!("{:.1} %", 100.0 * rate));
    let numbers = format!(
        "  {:>7}  {:>8}  {:>9}  {:>7}  {:>7}  {:>8}",
        or_dash(success),
        or_dash(endpoint.requests),
        or_dash(endpoint.in_flight),
        or_dash(latency.p50.map(duration)),
        or_dash(latency.p95.map(duration)),
        or_dash(endpoint.consecutive_failures),
    );
    let probes = endpoint.probes_at.as_ref().map(|at| at.get(11..19).unwrap_or(at));
    let probes = probes.map(|at| Tone::Dim.of(format!("  until {at}")));
    let known = [
        Tone::Plain.of(format!("{:width$}  ", endpoint.name)),
        tone(&endpoint.state).of(format!("{:<8}", endpoint.state)),
        Tone::Plain.of(numbers),
    ];
    known.into_iter().chain(probes).collect()
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

fn tone(state: &str) -> Tone {
    match state {
        "healthy" => Tone::Green,
        "degraded" => Tone::Yellow,
        "probing" => Tone::Turquoise,
        "open" | "failing" => Tone::Red,
        _ => Tone::Plain,
    }
}
