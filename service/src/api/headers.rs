//! Headers between actix (`http` 0.2) and the engine (`http` 1): only the few that are passed on.

use actix_web::HttpResponse;
use actix_web::http::ConnectionType;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

use crate::adapters::ClientFormat;
use crate::error::{Error, Result};
use crate::services::completion::ServedBy;
use crate::services::notices::NoticeForm;

const ENDPOINT: HeaderName = HeaderName::from_static("x-llm-proxy-endpoint");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-llm-proxy-attempts");
const CONTINUE: HeaderName = HeaderName::from_static("x-llm-proxy-continue");
const DROPPED_PARAMS: HeaderName = HeaderName::from_static("x-llm-proxy-dropped-params");

/// nginx and others in front of us must not collect events.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The caller's headers that go upstream: who it is, how it traces, what LiteLLM and OpenAI read.
/// Credentials, cookies, hop-by-hop headers and everything unknown stay here.
const PASSED_ON: [&str; 4] = ["user-agent", "traceparent", "tracestate", "baggage"];
const PASSED_ON_PREFIXES: [&str; 4] = ["x-litellm-", "openai-", "x-stainless-", "langfuse_"];

/// The caller's headers that go upstream.
pub fn passed_on(headers: &HeaderMap) -> Vec<(http::HeaderName, http::HeaderValue)> {
    let kept = headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        let prefixed = PASSED_ON_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        // LiteLLM takes a key here as well.
        (prefixed && name != "x-litellm-api-key") || PASSED_ON.contains(&name)
    });
    let converted = kept.filter_map(|(name, value)| {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        Some((name, http::HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    converted.collect()
}

/// Whether the caller wants notices in its stream, and how; and whether another endpoint may go on with a
/// stream that breaks off, where the caller says so. Lines of Ollama's format have no place for either.
///
/// # Errors
/// A header has another value than it may have.
pub fn wishes(format: ClientFormat, headers: &HeaderMap) -> Result<(Option<NoticeForm>, Option<bool>)> {
    let form = NoticeForm::parse(headers.get(NoticeForm::HEADER).map(HeaderValue::as_bytes))?;
    let continues = match headers.get(CONTINUE).map(HeaderValue::as_bytes) {
        None => None,
        Some(b"false") => Some(false),
        Some(b"true") => Some(true),
        Some(_) => {
            let message = "x-llm-proxy-continue holds an unknown value: expected true or false";
            return Err(Error::invalid(CONTINUE.as_str(), message));
        }
    };
    Ok(if format == ClientFormat::Openai { (form, continues) } else { (None, Some(false)) })
}

/// Adds the upstream's headers that are passed back.
pub fn add_upstream(to: &mut HeaderMap, headers: &[(http::HeaderName, http::HeaderValue)]) {
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            to.insert(name, value);
        }
    }
}

/// Adds the headers of an upstream that refused: its limits, not the type of its explanation.
pub fn add_upstream_limits(to: &mut HeaderMap, headers: &[(http::HeaderName, http::HeaderValue)]) {
    let limits = headers.iter().filter(|(name, _)| !matches!(name.as_str(), "content-type" | "retry-after"));
    let limits: Vec<_> = limits.cloned().collect();
    add_upstream(to, &limits);
}

/// Adds who served, after how many calls.
pub fn add_served_by(to: &mut HeaderMap, by: &ServedBy) {
    if let Ok(name) = HeaderValue::from_str(&by.endpoint.name) {
        to.insert(ENDPOINT, name);
    }
    to.insert(ATTEMPTS, HeaderValue::from(by.attempts));
    if !by.dropped.is_empty()
        && let Ok(dropped) = HeaderValue::from_str(&by.dropped.join(", "))
    {
        to.insert(DROPPED_PARAMS, dropped);
    }
}

/// Adds what keeps a stream from being collected or kept on its way.
pub fn add_unbuffered(to: &mut HeaderMap) {
    to.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    to.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
}

/// There are no chunks before HTTP/1.1: the end of the connection is the end of the stream.
pub fn end_with_the_connection(response: &mut HttpResponse) {
    response.head_mut().no_chunking(true);
    response.head_mut().set_connection_type(ConnectionType::Close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_unknown_headers_stay_here() {
        let mut headers = HeaderMap::new();
        for name in
            ["authorization", "x-internal-auth", "cookie", "x-litellm-api-key", "connection", "x-other"]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("secret"));
        }
        for name in ["user-agent", "traceparent", "x-litellm-tags", "openai-organization"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        let mut names: Vec<_> = passed_on(&headers).into_iter().map(|(name, _)| name.to_string()).collect();
        names.sort();
        assert_eq!(names, ["openai-organization", "traceparent", "user-agent", "x-litellm-tags"]);
    }
}
