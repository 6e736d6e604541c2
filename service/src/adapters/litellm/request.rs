//! The caller's bytes, with LiteLLM's key in place of the caller's.

use http::Uri;
use http::header::HeaderName;

use super::LIVENESS_PATH;
use crate::adapters::openai::request::{bearer, body, get, header_value, headers, relay, uri, usual_uri};
use crate::adapters::{Ask, Prepared};
use crate::domain::call::HttpCall;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::Operation;
use crate::error::Result;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The call that asks for a completion or embeddings.
///
/// # Errors
/// [`crate::error::Kind::Internal`]: the endpoint's URL or key cannot be sent.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let mut headers = headers(endpoint, bearer(endpoint)?);
    headers.push((REQUEST_ID, header_value(ask.request_id)?));
    headers.extend_from_slice(ask.headers);
    relay(ask, operation_uri(endpoint, ask.operation)?, headers, body(ask))
}

/// The call that lists the models.
///
/// # Errors
/// As for [`prepare`].
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    Ok(get(uri(endpoint, "/v1/models")?, headers(endpoint, bearer(endpoint)?)))
}

/// The call that asks whether the proxy is up.
///
/// # Errors
/// As for [`prepare`].
pub fn liveness(endpoint: &Endpoint) -> Result<HttpCall> {
    Ok(get(uri(endpoint, LIVENESS_PATH)?, headers(endpoint, bearer(endpoint)?)))
}

fn operation_uri(endpoint: &Endpoint, operation: Operation) -> Result<Uri> {
    if endpoint.url.prefix.is_empty() { Ok(usual_uri(operation)) } else { uri(endpoint, operation.path()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    #[rstest]
    #[case::at_the_root("http://litellm:4000", "/v1/chat/completions")]
    #[case::under_a_prefix("http://gateway/llm", "/llm/v1/chat/completions")]
    fn the_version_is_part_of_the_path(#[case] url: &str, #[case] expected: &str) {
        let uri = operation_uri(&endpoint(Provider::Litellm, url), Operation::Chat);
        assert_eq!(uri.expect("a URL"), expected);
    }
}
