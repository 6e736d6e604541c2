//! OpenAI's request as Google's.
//! Source: <https://ai.google.dev/api/generate-content#method:-models.generatecontent>

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Uri};
use serde_json::{Map, Value};

use super::contents::Contents;
use super::generation::Generation;
use super::{config, embeddings, tools};
use crate::adapters::openai::request::{get, headers, secret_value, uri};
use crate::adapters::params::{Unsupported, no_completions};
use crate::adapters::{Ask, Expect, Prepared};
use crate::domain::call::{Call, HttpCall};
use crate::domain::chat::ChatRequest;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::Operation;
use crate::error::Result;

const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// The call that asks: `{base}/v1beta/models/{model}:generateContent`, or `:streamGenerateContent?alt=sse`,
/// or `:batchEmbedContents`.
///
/// # Errors
/// The request cannot be expressed in Google's format.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    match ask.operation {
        Operation::Chat => chat(endpoint, ask),
        Operation::Embeddings => embeddings::prepare(endpoint, ask),
        Operation::Completions => Err(no_completions(endpoint)),
    }
}

fn chat(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let request = ChatRequest::parse(ask.body)?;
    let mut unsupported = Unsupported::by(endpoint);
    let body = body(endpoint, ask.model, request, &mut unsupported)?;
    let method = if ask.envelope.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    call(endpoint, ask, method, body, unsupported)
}

/// Members of the vendor's that the adapter writes itself are not overwritten by the caller's.
fn body(
    endpoint: &Endpoint,
    model: &str,
    request: ChatRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<Map<String, Value>> {
    let generation = Generation::of(model);
    let mut body = Map::new();
    let tools = tools::members(endpoint, &request, unsupported)?;
    let (config, rest) = config::members(&request, generation, unsupported)?;
    Contents::of(endpoint, generation, request.messages, unsupported)?.add_to(&mut body);
    body.extend(tools);
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), config.into());
    }
    for (name, value) in rest {
        body.entry(name).or_insert(value);
    }
    Ok(body)
}

/// A call of one of a model's methods.
pub(super) fn call(
    endpoint: &Endpoint,
    ask: &Ask<'_>,
    method: &str,
    body: Map<String, Value>,
    unsupported: Unsupported<'_>,
) -> Result<Prepared> {
    let mut headers = headers(endpoint, api_key(endpoint)?);
    headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    let uri = method_uri(endpoint, ask.model, method)?;
    let body = Value::from(body).to_string().into();
    let call = Call::Http(HttpCall { method: Method::POST, uri, headers, body });
    Ok(Prepared { call, expect: Expect::of(ask), dropped: unsupported.into_dropped() })
}

/// The call that lists the models.
/// Source: <https://ai.google.dev/api/models#method:-models.list>
///
/// # Errors
/// The endpoint's URL or key cannot be sent.
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    Ok(get(versioned_uri(endpoint, "models")?, headers(endpoint, api_key(endpoint)?)))
}

fn api_key(endpoint: &Endpoint) -> Result<Option<(HeaderName, HeaderValue)>> {
    endpoint.key.as_ref().map(|key| Ok((API_KEY, secret_value(key.expose())?))).transpose()
}

fn method_uri(endpoint: &Endpoint, model: &str, method: &str) -> Result<Uri> {
    versioned_uri(endpoint, &format!("{}:{method}", resource(model)))
}

/// A bare host gets the version. Behind a path comes nothing: LiteLLM adds no version to an `api_base`.
fn versioned_uri(endpoint: &Endpoint, path: &str) -> Result<Uri> {
    let prefix = endpoint.url.prefix.as_str();
    let is_versioned = ["/v1", "/v1beta", "/v1alpha"].iter().any(|end| prefix.ends_with(end));
    let version = match endpoint.api_version.as_deref() {
        _ if is_versioned => String::new(),
        Some(version) => format!("/{version}"),
        None if prefix.is_empty() => "/v1beta".to_owned(),
        None => String::new(),
    };
    uri(endpoint, &format!("{version}/{path}"))
}

/// A model's resource name: `models/gemini-3-flash`, `tunedModels/mine`; percent-encoded.
pub(super) fn resource(model: &str) -> String {
    let (collection, name) = match model.split_once('/') {
        Some((collection @ ("models" | "tunedModels"), name)) => (collection, name),
        _ => ("models", model),
    };
    format!("{collection}/{}", encoded(name))
}

/// Source: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
fn encoded(segment: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    segment.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    #[rstest]
    #[case::a_bare_host("https://g", None, "gemini-3-flash", "/v1beta/models/gemini-3-flash:m")]
    #[case::a_configured_version("https://g", Some("v1"), "x", "/v1/models/x:m")]
    #[case::a_version_in_the_base("https://g/v1beta", None, "x", "/v1beta/models/x:m")]
    #[case::another_one("https://g/proxy/v1", Some("v1beta"), "x", "/proxy/v1/models/x:m")]
    #[case::a_path("https://g/proxy", None, "x", "/proxy/models/x:m")]
    #[case::a_path_and_a_version("https://g/proxy", Some("v1"), "x", "/proxy/v1/models/x:m")]
    #[case::a_resource_name("https://g", None, "models/x", "/v1beta/models/x:m")]
    #[case::a_tuned_model("https://g", None, "tunedModels/mine", "/v1beta/tunedModels/mine:m")]
    #[case::odd_characters("https://g", None, "a b/ü?#", "/v1beta/models/a%20b%2F%C3%BC%3F%23:m")]
    fn a_methods_url_is(
        #[case] base: &str,
        #[case] version: Option<&str>,
        #[case] model: &str,
        #[case] expected: &str,
    ) {
        let mut endpoint = endpoint(Provider::Gemini, base);
        endpoint.api_version = version.map(str::to_owned);
        assert_eq!(method_uri(&endpoint, model, "m").expect("a URL"), expected);
    }
}
