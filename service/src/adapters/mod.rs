//! One folder a wire format: what it is, as values in and values out.
//!
//! Knows vendors' documents. Refuses to know clocks, sockets, the environment and HTTP servers: an
//! adapter turns a request into a [`Call`], an answer into [`Delta`]s and a refusal into an [`Error`].
//!
//! Every provider's folder has the same files: `mod.rs` (the vendor's pages and quirks), `request.rs`
//! (OpenAI's request into the vendor's), `response.rs` (its answer into deltas), `stream.rs` (its stream
//! into deltas), `error.rs` (its refusals). A format that callers use as well has `render.rs` (deltas
//! into answers) and, unless it is OpenAI's, `inbound.rs` (its request into OpenAI's).

mod anthropic;
mod azure;
mod body;
mod bounds;
mod cohere;
pub mod continuation;
mod contract;
mod gemini;
pub mod listing;
mod litellm;
mod mistral;
pub mod mock;
pub mod ollama;
mod openai;
mod params;
#[cfg(test)]
mod testing;

pub use contract::{
    Ask, ClientFormat, Event, Expect, Flow, Framing, Machine, MockTiming, Prepared, Refusal, Render,
    RenderContext, Timing,
};
pub use openai::error::in_band;

use crate::domain::call::Call;
use crate::domain::delta::Delta;
use crate::domain::embedding::Embeddings;
use crate::domain::endpoint::{Endpoint, Provider};
use crate::domain::envelope::Envelope;
use crate::error::{Error, Result};
use crate::wire::{ndjson, sse};

/// The call that asks `endpoint`.
///
/// # Errors
/// The request cannot be expressed in the provider's format: [`crate::error::Kind::InvalidRequest`]
/// naming the member.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>, timing: MockTiming) -> Result<Prepared> {
    if !endpoint.params.change_requests() {
        return dispatch(endpoint, ask, timing);
    }
    let (body, dropped) = params::applied(endpoint, ask.body)?;
    let envelope = Envelope::parse(ask.operation, &body)?;
    let ask = Ask { body: &body, envelope: &envelope, original: None, ..*ask };
    let prepared = dispatch(endpoint, &ask, timing)?;
    Ok(Prepared { dropped: [dropped, prepared.dropped].concat(), ..prepared })
}

fn dispatch(endpoint: &Endpoint, ask: &Ask<'_>, timing: MockTiming) -> Result<Prepared> {
    match endpoint.provider {
        Provider::Openai => openai::request::prepare(endpoint, ask),
        Provider::Azure => azure::request::prepare(endpoint, ask),
        Provider::Anthropic => anthropic::request::prepare(endpoint, ask),
        Provider::Gemini => gemini::request::prepare(endpoint, ask),
        Provider::Mistral => mistral::request::prepare(endpoint, ask),
        Provider::Cohere => cohere::request::prepare(endpoint, ask),
        Provider::Ollama => ollama::request::prepare(endpoint, ask),
        Provider::Litellm => litellm::request::prepare(endpoint, ask),
        Provider::Mock => mock::request::prepare(endpoint, ask, timing),
    }
}

/// What a refusal by `endpoint` means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    match endpoint.provider {
        Provider::Openai | Provider::Azure => openai::error::refusal(endpoint, refusal),
        Provider::Anthropic => anthropic::error::refusal(endpoint, refusal),
        Provider::Gemini => gemini::error::refusal(endpoint, refusal),
        Provider::Mistral => mistral::error::refusal(endpoint, refusal),
        Provider::Cohere => cohere::error::refusal(endpoint, refusal),
        Provider::Ollama => ollama::error::refusal(endpoint, refusal),
        Provider::Litellm => litellm::error::refusal(endpoint, refusal),
        Provider::Mock => mock::error::refusal(endpoint, refusal),
    }
}

/// Whether `endpoint` answers in the caller's format already, so that its bytes are passed on.
#[must_use]
pub fn is_relayed(endpoint: &Endpoint, format: ClientFormat) -> bool {
    let provider = endpoint.provider;
    match format {
        ClientFormat::Openai => {
            matches!(provider, Provider::Openai | Provider::Azure | Provider::Litellm | Provider::Mock)
        }
        // What the operator changes is changed in OpenAI's form.
        _ => provider == Provider::Ollama && !endpoint.params.change_requests(),
    }
}

/// How `provider` cuts its streams.
#[must_use]
pub const fn framing(provider: Provider) -> Framing {
    match provider {
        Provider::Ollama => Framing::Ndjson,
        _ => Framing::Sse,
    }
}

/// What a whole chat answer says.
///
/// # Errors
/// It reports a failure under a status of success, or is not what the vendor documents.
pub fn answer(endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Vec<Delta>> {
    let mut deltas = read(endpoint, expect, body)?;
    bounds::check(&endpoint.name, &mut deltas, 0)?;
    Ok(deltas)
}

fn read(endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Vec<Delta>> {
    match endpoint.provider {
        Provider::Openai | Provider::Azure | Provider::Litellm | Provider::Mock => {
            openai::response::deltas(endpoint, expect, body)
        }
        Provider::Anthropic => anthropic::response::deltas(endpoint, expect, body),
        Provider::Gemini => gemini::response::deltas(endpoint, expect, body),
        Provider::Mistral => mistral::response::deltas(endpoint, expect, body),
        Provider::Cohere => cohere::response::deltas(endpoint, expect, body),
        Provider::Ollama => ollama::response::deltas(endpoint, expect, body),
    }
}

/// What reads a stream of `endpoint`'s.
#[must_use]
pub fn machine(endpoint: &Endpoint, expect: &Expect) -> Box<dyn Machine> {
    Box::new(bounds::Bounded::new(endpoint, vendors_machine(endpoint, expect)))
}

fn vendors_machine(endpoint: &Endpoint, expect: &Expect) -> Box<dyn Machine> {
    match endpoint.provider {
        Provider::Openai | Provider::Azure | Provider::Litellm | Provider::Mock => {
            Box::new(openai::stream::Stream::new(endpoint, expect))
        }
        Provider::Anthropic => Box::new(anthropic::stream::Stream::new(endpoint, expect)),
        Provider::Gemini => Box::new(gemini::stream::Stream::new(endpoint, expect)),
        Provider::Mistral => Box::new(mistral::stream::Stream::new(endpoint, expect)),
        Provider::Cohere => Box::new(cohere::stream::Stream::new(endpoint, expect)),
        Provider::Ollama => Box::new(ollama::stream::Stream::new(endpoint, expect)),
    }
}

/// The vectors in an answer.
///
/// # Errors
/// The answer is not what the vendor documents.
pub fn embeddings(endpoint: &Endpoint, body: &[u8]) -> Result<Embeddings> {
    match endpoint.provider {
        Provider::Openai | Provider::Azure | Provider::Litellm | Provider::Mock | Provider::Mistral => {
            openai::embeddings::read(endpoint, body)
        }
        Provider::Gemini => gemini::embeddings::read(endpoint, body),
        Provider::Cohere => cohere::embeddings::read(endpoint, body),
        Provider::Ollama => ollama::embeddings::read(endpoint, body),
        Provider::Anthropic => Err(params::no_embeddings(endpoint)),
    }
}

/// What writes answers in `format`.
#[must_use]
pub fn renderer(format: ClientFormat, context: RenderContext) -> Box<dyn Render> {
    match format {
        ClientFormat::Openai => Box::new(openai::render::Renderer::new(context)),
        _ => Box::new(ollama::render::Renderer::new(format, context)),
    }
}

/// The failure as the last thing that a stream in `format` says.
#[must_use]
pub fn error_event(format: ClientFormat, error: &Error) -> Vec<u8> {
    match format {
        ClientFormat::Openai => openai::render::error_event(error),
        _ => {
            let mut line = ollama::error::error_body(error);
            line.push(b'\n');
            line
        }
    }
}

/// The failure as the body of an HTTP answer to a caller of `format`.
#[must_use]
pub fn error_body(format: ClientFormat, error: &Error) -> Vec<u8> {
    match format {
        ClientFormat::Openai => openai::render::error_body(error),
        _ => ollama::error::error_body(error),
    }
}

/// Whether the last of these whole events or lines of a stream in `format` says that it is complete.
#[must_use]
pub fn says_complete(format: ClientFormat, events: &[u8]) -> bool {
    match format {
        ClientFormat::Openai => sse::events(events).last().is_some_and(
            |event| matches!(sse::parse(event), sse::Event::Data { data, .. } if sse::is_done(&data)),
        ),
        _ => ndjson::lines(events).last().is_some_and(ollama::stream::says_done),
    }
}

/// What a stream in `format` is called.
#[must_use]
pub const fn stream_type(format: ClientFormat) -> &'static str {
    match format {
        ClientFormat::Openai => "text/event-stream; charset=utf-8",
        _ => "application/x-ndjson",
    }
}

/// What keeps idle timers from firing in a stream of `format`; empty where there is nothing that its
/// clients would pass over.
#[must_use]
pub const fn keep_alive(format: ClientFormat) -> &'static [u8] {
    match format {
        ClientFormat::Openai => sse::KEEP_ALIVE,
        _ => b"",
    }
}

/// The call that lists `endpoint`'s models; `None` where the list is known without asking.
#[must_use]
pub fn list_models(endpoint: &Endpoint) -> Option<Call> {
    match endpoint.provider {
        Provider::Litellm => litellm::request::list_models(endpoint).ok().map(Call::Http),
        _ => None,
    }
}

/// A call that costs nothing and tells whether `endpoint` is up: the list of its models, with its own key;
/// `None` where there is nobody to ask, or the key cannot be sent.
#[must_use]
pub fn probe(endpoint: &Endpoint) -> Option<Call> {
    let call = match endpoint.provider {
        Provider::Openai => openai::request::list_models(endpoint),
        Provider::Azure => azure::request::list_models(endpoint),
        Provider::Anthropic => anthropic::request::list_models(endpoint),
        Provider::Gemini => gemini::request::list_models(endpoint),
        Provider::Mistral => mistral::request::list_models(endpoint),
        Provider::Cohere => cohere::request::list_models(endpoint),
        Provider::Ollama => ollama::request::list_models(endpoint),
        // Its list is its own configuration's, which it has while everything behind it is down.
        Provider::Litellm => litellm::request::liveness(endpoint),
        Provider::Mock => return None,
    };
    call.ok().map(Call::Http)
}

/// The path that tells whether an endpoint is up, without a key and without spending anything.
#[must_use]
pub const fn liveness_path(provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Litellm => Some(litellm::LIVENESS_PATH),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::UpstreamModel;
    use rstest::rstest;

    #[rstest]
    #[case::openai(Provider::Openai, "https://x/v1", "/v1/models", "authorization")]
    #[case::a_compatible_server_without_a_version(Provider::Openai, "https://x", "/models", "authorization")]
    #[case::azure(Provider::Azure, "https://x", "/openai/models?api-version=2024-10-21", "api-key")]
    #[case::azure_with_a_deployment(
        Provider::Azure,
        "https://x/gw/openai/deployments/gpt",
        "/gw/openai/models?api-version=2024-10-21",
        "api-key"
    )]
    #[case::azures_first_version(Provider::Azure, "https://x/openai/v1", "/openai/v1/models", "api-key")]
    #[case::anthropic(Provider::Anthropic, "https://x", "/v1/models", "x-api-key")]
    #[case::anthropics_operation(Provider::Anthropic, "https://x/p/v1/messages", "/p/v1/models", "x-api-key")]
    #[case::gemini(Provider::Gemini, "https://x", "/v1beta/models", "x-goog-api-key")]
    #[case::geminis_version(Provider::Gemini, "https://x/v1", "/v1/models", "x-goog-api-key")]
    #[case::mistral(Provider::Mistral, "https://x/v1", "/v1/models", "authorization")]
    #[case::cohere(Provider::Cohere, "https://x/v2", "/v1/models", "authorization")]
    #[case::ollama(Provider::Ollama, "http://x", "/api/tags", "authorization")]
    #[case::litellm(Provider::Litellm, "http://x/p", "/p/health/liveliness", "authorization")]
    fn an_endpoint_is_probed_by(
        #[case] provider: Provider,
        #[case] base: &str,
        #[case] path: &str,
        #[case] key: &str,
    ) {
        let mut endpoint = testing::endpoint(provider, base);
        endpoint.model = UpstreamModel::Named("m".to_owned());
        let Some(Call::Http(call)) = probe(&endpoint) else { panic!("no call") };
        assert_eq!((call.method, call.uri.to_string().as_str()), (http::Method::GET, path));
        assert!(call.headers.iter().any(|(name, _)| name == key), "{:?}", call.headers);
        assert!(call.body.is_empty());
    }

    #[test]
    fn the_mock_is_not_probed() {
        assert!(probe(&testing::endpoint(Provider::Mock, "http://x")).is_none());
    }
}
