//! One folder a provider: what its wire format is, as values in and values out.
//!
//! Knows vendors' documents. Refuses to know clocks, sockets, the environment and HTTP servers: an
//! adapter turns a request into a [`Call`] and a refusal into an [`Error`], and nothing else.
//!
//! Every folder has the same files: `mod.rs` (the vendor's pages and quirks), `request.rs`, and
//! `error.rs`. An OpenAI-format answer is relayed as it is, so it needs no `response.rs`.

mod litellm;
pub mod mock;
pub mod openai_error;

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use crate::domain::call::Call;
use crate::domain::endpoint::{Endpoint, Provider};
use crate::domain::envelope::{Envelope, Operation};
use crate::error::{Error, Result};

/// What a caller asks for, and what an adapter may see of it.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What is asked for.
    pub operation: Operation,
    /// The body as the caller sent it.
    pub body: &'a Bytes,
    /// The body's envelope.
    pub envelope: &'a Envelope,
    /// The model, the default filled in.
    pub model: &'a str,
    /// The id to pass on.
    pub request_id: &'a str,
    /// The caller's headers that may be passed on.
    pub headers: &'a [(HeaderName, HeaderValue)],
}

/// An answer that is no success, read whole.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Its HTTP status, 400 or more.
    pub status: u16,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, as far as it was read.
    pub body: &'a [u8],
}

/// What the mock needs to know beyond the request.
#[derive(Clone, Copy, Debug)]
pub struct MockTiming {
    /// The pause between two chunks of a stream.
    pub chunk_delay: Duration,
}

/// The call that asks `endpoint`.
///
/// # Errors
/// The request cannot be expressed in the provider's format.
pub fn call(endpoint: &Endpoint, ask: &Ask<'_>, timing: MockTiming) -> Result<Call> {
    match endpoint.provider {
        Provider::Litellm => litellm::request::call(endpoint, ask).map(Call::Http),
        Provider::Mock => mock::request::call(ask, timing).map(Call::Script),
    }
}

/// What a refusal by `endpoint` means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    match endpoint.provider {
        Provider::Litellm => litellm::error::refusal(endpoint, refusal),
        Provider::Mock => mock::error::refusal(endpoint, refusal),
    }
}

/// The call that lists `endpoint`'s models; `None` where the list is known without asking.
#[must_use]
pub fn list_models(endpoint: &Endpoint) -> Option<Call> {
    match endpoint.provider {
        Provider::Litellm => litellm::request::list_models(endpoint).ok().map(Call::Http),
        Provider::Mock => None,
    }
}

/// The path that tells whether an endpoint is up, without a key and without spending anything.
#[must_use]
pub const fn liveness_path(provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Litellm => Some(litellm::LIVENESS_PATH),
        Provider::Mock => None,
    }
}
