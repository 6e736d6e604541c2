//! The caller's bytes, with LiteLLM's key in place of the caller's.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Uri};

use crate::adapters::Ask;
use crate::domain::call::HttpCall;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::{Envelope, Operation};
use crate::error::{Error, Kind, Result};
use crate::wire::splice::{Edit, splice};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The call that asks for a completion or embeddings.
///
/// # Errors
/// [`Kind::Internal`]: the endpoint's URL or key cannot be sent.
pub fn call(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<HttpCall> {
    let mut headers = credentials(endpoint)?;
    headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    headers.push((REQUEST_ID, header_value(ask.request_id)?));
    headers.extend_from_slice(ask.headers);
    Ok(HttpCall {
        method: Method::POST,
        uri: operation_uri(endpoint, ask.operation)?,
        headers,
        body: splice(ask.body, edits(ask)),
    })
}

/// The call that lists the models.
///
/// # Errors
/// As for [`call`].
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    Ok(HttpCall {
        method: Method::GET,
        uri: uri(endpoint, "/v1/models")?,
        headers: credentials(endpoint)?,
        body: Bytes::new(),
    })
}

fn credentials(endpoint: &Endpoint) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let mut headers = Vec::with_capacity(8);
    headers.push((header::ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    if let Some(key) = &endpoint.key {
        let mut value = header_value(&format!("Bearer {}", key.expose()))?;
        value.set_sensitive(true);
        headers.push((header::AUTHORIZATION, value));
    }
    Ok(headers)
}

fn header_value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| Error::new(Kind::Internal, "a header cannot be sent upstream"))
}

/// Most endpoints have no prefix: their URLs are read once.
fn operation_uri(endpoint: &Endpoint, operation: Operation) -> Result<Uri> {
    static WITHOUT_PREFIX: LazyLock<[Uri; Operation::ALL.len()]> =
        LazyLock::new(|| Operation::ALL.map(|operation| Uri::from_static(operation.path())));
    if endpoint.url.prefix.is_empty() {
        return Ok(WITHOUT_PREFIX[operation as usize].clone());
    }
    uri(endpoint, operation.path())
}

fn uri(endpoint: &Endpoint, path: &str) -> Result<Uri> {
    let message = "the endpoint's URL cannot be joined with a path";
    endpoint.url.join(path).map_err(|_| Error::new(Kind::Internal, message))
}

/// What is changed in the body: a missing model, and the wish for usage in a stream.
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
    use crate::domain::endpoint::{Deadlines, Provider};
    use crate::domain::secret::Secret;
    use rstest::rstest;
    use std::time::Duration;

    fn endpoint(url: &str) -> Endpoint {
        let second = Duration::from_secs(1);
        Endpoint {
            name: "litellm".to_owned(),
            provider: Provider::Litellm,
            url: url.parse().expect("a URL"),
            key: Some(Secret::new("sk-litellm")),
            deadlines: Deadlines { connect: second, first_byte: second, idle: second, total: second },
        }
    }

    fn sent(body: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let envelope = Envelope::parse(Operation::Chat, &body).expect("valid");
        let model = envelope.model.clone().unwrap_or_else(|| "fallback\"".to_owned());
        let ask = Ask {
            operation: Operation::Chat,
            body: &body,
            envelope: &envelope,
            model: &model,
            request_id: "r-1",
            headers: &[],
        };
        let call = call(&endpoint("http://litellm:4000/base"), &ask).expect("a call");
        assert_eq!(call.uri, "/base/v1/chat/completions");
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
        let call = list_models(&endpoint("http://litellm:4000")).expect("a call");
        let (_, value) = call.headers.iter().find(|(name, _)| name == header::AUTHORIZATION).expect("a key");
        assert_eq!(value.to_str().expect("ASCII"), "Bearer sk-litellm");
        assert!(value.is_sensitive());
    }
}
