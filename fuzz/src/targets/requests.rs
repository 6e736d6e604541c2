//! Requests, as every provider is asked.

use std::time::Duration;

use bytes::Bytes;
use llm_proxy::adapters::{self, Ask, ClientFormat, MockTiming};
use llm_proxy::domain::call::{Call, HttpCall};
use llm_proxy::domain::endpoint::{Endpoint, Provider};
use llm_proxy::domain::envelope::{Envelope, Operation};
use llm_proxy::error::Blame;
use serde_json::json;

/// A name that has to be escaped wherever it is put.
const ODD_MODEL: &str = "a/b \"c\"?d=é#%";

/// The input is: what is asked and how the endpoint is configured, the body.
pub fn prepare(input: &[u8]) {
    let [flags, body @ ..] = input else { return };
    let operation = Operation::ALL[usize::from(flags & 3) % Operation::ALL.len()];
    let body = Bytes::copy_from_slice(body);
    let Ok(envelope) = Envelope::parse(operation, &body) else { return };
    let ask = Ask {
        operation,
        body: &body,
        envelope: &envelope,
        original: None,
        model: if flags & 4 == 0 { "upstream-model" } else { ODD_MODEL },
        request_id: "req-1",
        headers: &[],
    };
    for provider in Provider::ALL {
        prepared(&endpoint(provider, *flags), &ask);
    }
}

fn endpoint(provider: Provider, flags: u8) -> Endpoint {
    let mut endpoint = super::endpoint(provider);
    endpoint.params.drop_unsupported = flags & 8 != 0;
    if flags & 16 != 0 {
        let defaults = json!({"temperature": 0.5, "max_tokens": 7});
        endpoint.params.defaults = defaults.as_object().cloned().unwrap_or_default();
        endpoint.params.dropped = vec!["seed".to_owned()];
    }
    if flags & 32 != 0 {
        endpoint.api_version = Some("v1".to_owned());
    }
    endpoint
}

/// It is a call, or the caller's fault.
pub(super) fn prepared(endpoint: &Endpoint, ask: &Ask<'_>) {
    match adapters::prepare(endpoint, ask, MockTiming { chunk_delay: Duration::ZERO }) {
        Ok(prepared) => {
            if let Call::Http(call) = prepared.call {
                sent(endpoint, ask, &call);
            }
        }
        Err(error) => assert_eq!(error.kind().blame(), Blame::Client, "{}: {error}", endpoint.name),
    }
}

/// The body is JSON, the key is marked as secret, and a relayed body is still what was asked.
fn sent(endpoint: &Endpoint, ask: &Ask<'_>, call: &HttpCall) {
    let json = serde_json::from_slice::<serde::de::IgnoredAny>(&call.body);
    assert!(json.is_ok(), "{}: no JSON: {:?}", endpoint.name, call.body);
    for (name, value) in &call.headers {
        let shows_key = value.as_bytes().windows(super::KEY.len()).any(|part| part == super::KEY.as_bytes());
        assert!(!shows_key || value.is_sensitive(), "{}: the key in {name}", endpoint.name);
    }
    assert!(!call.uri.to_string().contains(super::KEY), "{}: the key in the URL", endpoint.name);
    if adapters::is_relayed(endpoint, ClientFormat::Openai) {
        let envelope = Envelope::parse(ask.operation, &call.body);
        let asked = envelope.map(|envelope| (envelope.model, envelope.stream));
        assert_eq!(asked, Ok((Some(ask.model.to_owned()), ask.envelope.stream)), "{}", endpoint.name);
    }
}
