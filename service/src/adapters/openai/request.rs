//! The caller's bytes, with the endpoint's key in place of the caller's.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Uri};

use crate::adapters::{Ask, Expect, Prepared};
use crate::domain::call::{Call, HttpCall};
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::{Envelope, Operation};
use crate::error::{Error, Kind, Result};
use crate::wire::splice::{Edit, splice};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// The call that asks for a completion or embeddings: `{api_base}/chat/completions`.
///
/// # Errors
/// [`Kind::Internal`]: the endpoint's URL or key cannot be sent.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let mut headers = headers(endpoint, bearer(endpoint)?);
    // Source: <https://platform.openai.com/docs/api-reference/debugging-requests>
    headers.push((CLIENT_REQUEST_ID, header_value(ask.request_id)?));
    relay(ask, operation_uri(endpoint, ask.operation)?, headers, body(ask))
}

/// The call that lists the models: `{api_base}/models`.
/// Source: <https://platform.openai.com/docs/api-reference/models/list>
///
/// # Errors
/// As for [`prepare`].
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    Ok(get(uri(endpoint, "/models")?, headers(endpoint, bearer(endpoint)?)))
}

/// A call without a body.
pub const fn get(uri: Uri, headers: Vec<(HeaderName, HeaderValue)>) -> HttpCall {
    HttpCall { method: Method::GET, uri, headers, body: Bytes::new() }
}

/// A call whose answer is in OpenAI's format.
///
/// # Errors
/// None today.
pub fn relay(
    ask: &Ask<'_>,
    uri: Uri,
    mut headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
) -> Result<Prepared> {
    headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    let call = Call::Http(HttpCall { method: Method::POST, uri, headers, body });
    Ok(Prepared { call, expect: Expect::of(ask), dropped: Vec::new() })
}

/// The headers of every call: how the key is shown, nothing compressed, and the operator's own, which
/// win.
pub fn headers(
    endpoint: &Endpoint,
    key: Option<(HeaderName, HeaderValue)>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::with_capacity(8);
    headers.push((header::ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    headers.extend(key);
    headers.retain(|(name, _)| endpoint.headers.iter().all(|(own, _)| own != name));
    headers.extend_from_slice(&endpoint.headers);
    headers
}

/// `authorization: Bearer KEY`.
///
/// # Errors
/// [`Kind::Internal`]: the key cannot be sent.
pub fn bearer(endpoint: &Endpoint) -> Result<Option<(HeaderName, HeaderValue)>> {
    let Some(key) = &endpoint.key else { return Ok(None) };
    Ok(Some((header::AUTHORIZATION, secret_value(&format!("Bearer {}", key.expose()))?)))
}

/// A header's value that is a secret.
///
/// # Errors
/// [`Kind::Internal`]: it cannot be sent.
pub fn secret_value(text: &str) -> Result<HeaderValue> {
    let mut value = header_value(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A header's value.
///
/// # Errors
/// [`Kind::Internal`]: it cannot be sent.
pub fn header_value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| Error::new(Kind::Internal, "a header cannot be sent upstream"))
}

/// The URL of an operation under `/v1`: nearly every server has it there, so it is read once.
#[must_use]
pub fn usual_uri(operation: Operation) -> Uri {
    static USUAL: LazyLock<[Uri; Operation::ALL.len()]> =
        LazyLock::new(|| Operation::ALL.map(|operation| Uri::from_static(operation.path())));
    USUAL[operation as usize].clone()
}

fn operation_uri(endpoint: &Endpoint, operation: Operation) -> Result<Uri> {
    if endpoint.url.prefix == "/v1" {
        Ok(usual_uri(operation))
    } else {
        uri(endpoint, operation_path(operation))
    }
}

/// The URL of `path`, which may have a query, at the endpoint.
///
/// # Errors
/// [`Kind::Internal`]: it is no URL.
pub fn uri(endpoint: &Endpoint, path: &str) -> Result<Uri> {
    let message = "the endpoint's URL cannot be joined with a path";
    endpoint.url.join(path).map_err(|_| Error::new(Kind::Internal, message))
}

/// The path behind `api_base`, which ends with the version.
pub const fn operation_path(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat => "/chat/completions",
        Operation::Completions => "/completions",
        Operation::Embeddings => "/embeddings",
    }
}

/// The caller's bytes with the endpoint's name of the model, and the wish for usage in a stream.
pub fn body(ask: &Ask<'_>) -> Bytes {
    splice(ask.body, edits(ask))
}

/// The same without that wish, for servers that refuse it.
pub fn body_without_usage(ask: &Ask<'_>) -> Bytes {
    splice(ask.body, model_edit(ask).into_iter().collect())
}

fn edits(ask: &Ask<'_>) -> Vec<Edit> {
    let mut edits = Vec::new();
    edits.extend(model_edit(ask));
    if ask.envelope.stream && !ask.envelope.include_usage && ask.operation != Operation::Embeddings {
        edits.push(usage_edit(ask.envelope, ask.body));
    }
    edits
}

fn model_edit(ask: &Ask<'_>) -> Option<Edit> {
    if ask.envelope.model.as_deref() == Some(ask.model) {
        return None;
    }
    let model = serde_json::Value::from(ask.model);
    Some(match &ask.envelope.model_at {
        Some(range) => Edit { range: range.clone(), with: model.to_string() },
        None => insert(ask.envelope.first_member_at, format!("\"model\":{model},")),
    })
}

/// Asks for usage: the tap wants it, the caller will not see it.
fn usage_edit(envelope: &Envelope, body: &[u8]) -> Edit {
    const MEMBER: &str = "\"include_usage\":true";
    match (&envelope.include_usage_at, &envelope.stream_options_at) {
        (Some(value), _) => Edit { range: value.clone(), with: "true".to_owned() },
        (None, Some(options)) if body[options.start] == b'{' => {
            let is_empty = body[options.start + 1..options.end - 1].trim_ascii().is_empty();
            let comma = if is_empty { "" } else { "," };
            insert(options.start + 1, format!("{MEMBER}{comma}"))
        }
        (None, Some(null)) => Edit { range: null.clone(), with: format!("{{{MEMBER}}}") },
        (None, None) => insert(envelope.first_member_at, format!("\"stream_options\":{{{MEMBER}}},")),
    }
}

const fn insert(at: usize, with: String) -> Edit {
    Edit { range: at..at, with }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    fn sent(body: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let envelope = Envelope::parse(Operation::Chat, &body).expect("valid");
        let model = envelope.model.clone().unwrap_or_else(|| "fallback\"".to_owned());
        let ask = Ask {
            operation: Operation::Chat,
            body: &body,
            envelope: &envelope,
            original: None,
            model: &model,
            request_id: "r-1",
            headers: &[],
        };
        let prepared = prepare(&endpoint(Provider::Openai, "http://openai/v1"), &ask).expect("a call");
        let Call::Http(call) = prepared.call else { panic!("{prepared:?}") };
        assert_eq!(call.uri, "/v1/chat/completions");
        String::from_utf8(call.body.to_vec()).expect("UTF-8")
    }

    #[rstest]
    #[case::nothing_to_change(
        r#"{"model":"a","x":1.10,"messages":[{"role":"user"}]}"#,
        r#"{"model":"a","x":1.10,"messages":[{"role":"user"}]}"#
    )]
    #[case::no_model(
        r#" { "messages":[{"role":"user"}]}"#,
        r#" {"model":"fallback\"", "messages":[{"role":"user"}]}"#
    )]
    #[case::a_null_model(
        r#"{"model":null,"messages":[{"role":"user"}]}"#,
        r#"{"model":"fallback\"","messages":[{"role":"user"}]}"#
    )]
    #[case::a_stream(
        r#"{"model":"a","stream":true,"messages":[{"role":"user"}]}"#,
        r#"{"stream_options":{"include_usage":true},"model":"a","stream":true,"messages":[{"role":"user"}]}"#
    )]
    #[case::a_stream_with_usage(
        r#"{"model":"a","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]}"#,
        r#"{"model":"a","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]}"#
    )]
    #[case::a_stream_without_usage(
        r#"{"model":"a","stream":true,"stream_options":{"x":1.0,"include_usage":false},"messages":[{"role":"user"}]}"#,
        r#"{"model":"a","stream":true,"stream_options":{"x":1.0,"include_usage":true},"messages":[{"role":"user"}]}"#
    )]
    #[case::other_options(
        r#"{"model":"a","stream":true,"stream_options":{"x":1.0},"messages":[{"role":"user"}]}"#,
        r#"{"model":"a","stream":true,"stream_options":{"include_usage":true,"x":1.0},"messages":[{"role":"user"}]}"#
    )]
    #[case::empty_options(
        r#"{"model":"a","stream":true,"stream_options":{ },"messages":[{"role":"user"}]}"#,
        r#"{"model":"a","stream":true,"stream_options":{"include_usage":true },"messages":[{"role":"user"}]}"#
    )]
    #[case::null_options(
        r#"{"model":"a","stream":true,"stream_options":null,"messages":[{"role":"user"}]}"#,
        r#"{"model":"a","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]}"#
    )]
    fn a_body_is_changed_only_where_it_must_be(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(sent(body), expected);
    }

    #[test]
    fn our_key_goes_out_and_is_marked_sensitive() {
        let key = bearer(&endpoint(Provider::Openai, "http://openai/v1"));
        let (name, value) = key.expect("it can be sent").expect("a key");
        assert_eq!((name, value.to_str().expect("ASCII")), (header::AUTHORIZATION, "Bearer hunter2hunter2"));
        assert!(value.is_sensitive());
    }

    #[test]
    fn the_operators_headers_win() {
        let mut endpoint = endpoint(Provider::Openai, "http://openai/v1");
        endpoint.headers = vec![(header::AUTHORIZATION, HeaderValue::from_static("Basic x"))];
        let headers = headers(&endpoint, bearer(&endpoint).expect("it can be sent"));
        let shown: Vec<_> = headers.iter().filter(|(name, _)| name == header::AUTHORIZATION).collect();
        assert_eq!(shown, [&(header::AUTHORIZATION, HeaderValue::from_static("Basic x"))]);
    }
}
