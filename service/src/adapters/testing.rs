//! Endpoints and requests for the adapters' own tests.

use std::time::Duration;

use crate::domain::endpoint::{Deadlines, Endpoint, Provider};
use crate::domain::secret::Secret;

/// An endpoint of `provider` at `url` with the key `hunter2hunter2`.
pub fn endpoint(provider: Provider, url: &str) -> Endpoint {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    let mut endpoint = Endpoint::new(provider.name(), provider, url.parse().expect("a URL"), deadlines);
    endpoint.key = Some(Secret::new("hunter2hunter2"));
    endpoint
}
