//! OpenAI's request under Azure's paths.

use std::fmt::Write;

use http::Uri;
use http::header::{HeaderName, HeaderValue};

use crate::adapters::openai::request::{
    body, body_without_usage, get, header_value, headers, operation_path, relay, secret_value, uri,
};
use crate::adapters::{Ask, Prepared};
use crate::domain::call::HttpCall;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

const API_KEY: HeaderName = HeaderName::from_static("api-key");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// The newest version that is no preview.
/// Source: <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference>
const DEFAULT_VERSION: &str = "2024-10-21";

/// The first version whose streams can report usage.
const FIRST_WITH_STREAM_OPTIONS: &str = "2024-09-01";

/// LiteLLM's marks of a model's family, in front of the deployment's name.
/// Source: <https://docs.litellm.ai/docs/providers/azure/>
const FAMILIES: [&str; 2] = ["o_series/", "gpt5_series/"];

/// The call that asks.
///
/// # Errors
/// [`crate::error::Kind::Internal`]: the endpoint's URL or key cannot be sent.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let ask = &Ask { model: deployment(ask.model), ..*ask };
    let api = Api::of(endpoint);
    let mut headers = headers(endpoint, api_key(endpoint)?);
    // Source: <https://azure.github.io/azure-sdk/general_azurecore.html#client-request-id>
    headers.push((CLIENT_REQUEST_ID, header_value(ask.request_id)?));
    let body = if api.has_stream_options() { body(ask) } else { body_without_usage(ask) };
    relay(ask, api.uri(endpoint, ask)?, headers, body)
}

/// The call that lists the resource's models.
/// Source: <https://learn.microsoft.com/en-us/rest/api/azureopenai/models/list>
///
/// # Errors
/// As for [`prepare`].
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    Ok(get(Api::of(endpoint).models_uri(endpoint)?, headers(endpoint, api_key(endpoint)?)))
}

fn deployment(model: &str) -> &str {
    FAMILIES.iter().find_map(|family| model.strip_prefix(family)).unwrap_or(model)
}

fn api_key(endpoint: &Endpoint) -> Result<Option<(HeaderName, HeaderValue)>> {
    let Some(key) = &endpoint.key else { return Ok(None) };
    Ok(Some((API_KEY, secret_value(key.expose())?)))
}

/// Which of Azure's APIs an endpoint has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api<'a> {
    /// A path for each deployment, and a dated version.
    Deployments(&'a str),
    /// OpenAI's paths, and the deployment as the model.
    V1 {
        /// Whether what is not generally available yet is asked for.
        preview: bool,
    },
}

impl<'a> Api<'a> {
    fn of(endpoint: &'a Endpoint) -> Self {
        let version = endpoint.api_version.as_deref().filter(|version| !version.is_empty());
        let preview = version == Some("preview");
        match version {
            Some("v1" | "preview" | "latest") => Self::V1 { preview },
            _ if endpoint.url.prefix.ends_with("/openai/v1") => Self::V1 { preview },
            dated => Self::Deployments(dated.unwrap_or(DEFAULT_VERSION)),
        }
    }

    /// Dates in this form are in order as texts.
    fn has_stream_options(self) -> bool {
        match self {
            Self::Deployments(version) => version >= FIRST_WITH_STREAM_OPTIONS,
            Self::V1 { .. } => true,
        }
    }

    fn uri(self, endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Uri> {
        let prefix = &endpoint.url.prefix;
        let root = if prefix.ends_with("/openai") { "" } else { "/openai" };
        let operation = operation_path(ask.operation);
        let path = match self {
            Self::V1 { preview } => {
                let root = if prefix.ends_with("/openai/v1") { String::new() } else { format!("{root}/v1") };
                let query = if preview { "?api-version=preview" } else { "" };
                format!("{root}{operation}{query}")
            }
            Self::Deployments(version) => {
                let named = prefix.contains("/openai/deployments/");
                let deployment = || format!("{root}/deployments/{}", encoded(ask.model));
                let deployment = if named { String::new() } else { deployment() };
                format!("{deployment}{operation}?api-version={}", encoded(version))
            }
        };
        uri(endpoint, &path)
    }

    fn models_uri(self, endpoint: &Endpoint) -> Result<Uri> {
        let mut endpoint = endpoint.clone();
        let prefix = &mut endpoint.url.prefix;
        let ends = ["/openai/deployments/", "/openai/v1", "/openai"];
        let resource = ends.iter().find_map(|end| Some(prefix.rsplit_once(end)?.0.len()));
        prefix.truncate(resource.unwrap_or(prefix.len()));
        match self {
            Self::V1 { preview: true } => uri(&endpoint, "/openai/v1/models?api-version=preview"),
            Self::V1 { preview: false } => uri(&endpoint, "/openai/v1/models"),
            Self::Deployments(version) => {
                uri(&endpoint, &format!("/openai/models?api-version={}", encoded(version)))
            }
        }
    }
}

/// Percent-encoded, for a path's segment or a query's value.
/// Source: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
