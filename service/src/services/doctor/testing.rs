//! An endpoint for tests of this room.

use std::time::Duration;

use super::Options;
use super::patient::Patient;
use super::place::Place;
use crate::adapters::MockTiming;
use crate::domain::endpoint::{Deadlines, Endpoint, Provider, UpstreamModel};
use crate::domain::secret::Secret;

pub fn endpoint(url: &str) -> Endpoint {
    let limit = Duration::from_secs(1);
    let deadlines = Deadlines { connect: limit, first_byte: limit, idle: limit, total: limit };
    let url = url.parse().expect("a URL");
    let mut endpoint = Endpoint::new("eu", Provider::Openai, url, deadlines);
    endpoint.key = Some(Secret::new("our-own-key"));
    endpoint.model = UpstreamModel::Named("gpt-a".to_owned());
    endpoint
}

pub fn patient(endpoint: &Endpoint) -> Patient<'_> {
    let options = Options { spend: false, mock_timing: MockTiming { chunk_delay: Duration::ZERO } };
    Patient { endpoint, place: Place::Yaml, default_model: None, options }
}
