//! Endpoints and requests for the adapters' own tests.

use std::time::Duration;

use super::{Event, Flow, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::{Deadlines, Endpoint, Provider};
use crate::domain::secret::Secret;
use crate::error::Result;

/// An endpoint of `provider` at `url` with the key `hunter2hunter2`.
pub fn endpoint(provider: Provider, url: &str) -> Endpoint {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    let mut endpoint = Endpoint::new(provider.name(), provider, url.parse().expect("a URL"), deadlines);
    endpoint.key = Some(Secret::new("hunter2hunter2"));
    endpoint
}

/// What a machine says of a stream of these events, up to its end or the body's.
pub fn read(mut machine: impl Machine, events: &[&str]) -> (Vec<Delta>, Result<Flow>) {
    let mut deltas = Vec::new();
    for event in events {
        match machine.on_event(Event::Data { name: None, data: event.as_bytes() }, &mut deltas) {
            Ok(Flow::More) => {}
            end => return (deltas, end),
        }
    }
    let end = machine.on_event(Event::Eof, &mut deltas);
    (deltas, end)
}
