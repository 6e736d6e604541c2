//! Requests in Ollama's format, as callers send them.

use bytes::Bytes;
use llm_proxy::adapters::ollama::inbound::{self, Inbound};
use llm_proxy::adapters::{Ask, ClientFormat};
use llm_proxy::domain::endpoint::Provider;
use llm_proxy::domain::envelope::Envelope;
use llm_proxy::error::Blame;

/// The formats, by the first byte of an input.
const FORMATS: [ClientFormat; 4] = [
    ClientFormat::OllamaChat,
    ClientFormat::OllamaGenerate,
    ClientFormat::OllamaEmbed,
    ClientFormat::OllamaEmbeddings,
];

/// The input is: the format, the body.
pub fn ask(input: &[u8]) {
    let [format, body @ ..] = input else { return };
    let format = FORMATS[usize::from(*format) % FORMATS.len()];
    let original = Bytes::copy_from_slice(body);
    match inbound::parse(format, &original) {
        Ok(inbound) if inbound.errand.is_none() => prepared(format, &original, &inbound),
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind().blame(), Blame::Client, "{error}"),
    }
}

/// What was made of it is a request in OpenAI's form, which every provider can be asked, or refuses as the
/// caller's fault.
fn prepared(format: ClientFormat, original: &Bytes, inbound: &Inbound) {
    let envelope = match Envelope::parse(inbound.operation, &inbound.body) {
        Ok(envelope) => envelope,
        Err(error) => return assert_eq!(error.kind().blame(), Blame::Client, "{error}"),
    };
    assert_eq!((&envelope.model, envelope.stream), (&inbound.model, inbound.stream));
    let ask = Ask {
        operation: inbound.operation,
        body: &inbound.body,
        envelope: &envelope,
        original: Some((format, original)),
        model: "upstream-model",
        request_id: "req-1",
        headers: &[],
    };
    for provider in Provider::ALL {
        super::requests::prepared(&super::endpoint(provider), &ask);
    }
}
