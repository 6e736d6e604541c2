//! The targets, and what they share.

pub mod answers;
pub mod clients;
pub mod framing;
pub mod refusals;
pub mod requests;

use std::time::Duration;

use llm_proxy::domain::endpoint::{BaseUrl, Deadlines, Endpoint, Provider};
use llm_proxy::domain::secret::Secret;

/// The key of every endpoint here: it must never come out.
pub const KEY: &str = "hunter2hunter2";

/// An endpoint of `provider` with nothing unusual about it.
fn endpoint(provider: Provider) -> Endpoint {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    let url: BaseUrl = match "https://vendor.test/v1".parse() {
        Ok(url) => url,
        Err(error) => unreachable!("{error}"),
    };
    let mut endpoint = Endpoint::new(provider.name(), provider, url, deadlines);
    endpoint.key = Some(Secret::new(KEY));
    endpoint
}

/// `bytes` in parts whose sizes `how` decides; the same every time.
fn parts(bytes: &[u8], how: u8) -> Vec<&[u8]> {
    let mut random = crate::mutation::Random::new(u64::from(how));
    let largest = 1 + usize::from(how);
    let (mut parts, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (part, behind) = rest.split_at(rest.len().min(random.below(largest) + 1));
        parts.push(part);
        rest = behind;
    }
    parts
}
