//! One configured upstream, as plain data.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::domain::abilities::Abilities;
use crate::domain::egress::Egress;
use crate::domain::host::{port, to_ascii};
use crate::domain::secret::Secret;

/// A vendor's wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// OpenAI, and everybody who speaks its format: see [`super::vendors`].
    Openai,
    /// OpenAI's models at Microsoft: the same format under other paths.
    Azure,
    /// The Messages API.
    Anthropic,
    /// `generateContent`.
    Gemini,
    /// OpenAI's format, nearly.
    Mistral,
    /// The chat API, version 2.
    Cohere,
    /// `/api/chat`, newline-delimited.
    Ollama,
    /// A LiteLLM proxy: OpenAI's format, and its own headers.
    Litellm,
    /// The deterministic stand-in inside this process.
    Mock,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 9] = [
        Self::Openai,
        Self::Azure,
        Self::Anthropic,
        Self::Gemini,
        Self::Mistral,
        Self::Cohere,
        Self::Ollama,
        Self::Litellm,
        Self::Mock,
    ];

    /// The provider's name in configurations, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Azure => "azure",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Mistral => "mistral",
            Self::Cohere => "cohere",
            Self::Ollama => "ollama",
            Self::Litellm => "litellm",
            Self::Mock => "mock",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where an endpoint listens: scheme, authority and a path prefix without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// `http` or `https`.
    pub scheme: http::uri::Scheme,
    /// `host` or `host:port`, IPv6 literals in brackets; no user information.
    pub authority: http::uri::Authority,
    /// `""` or `/prefix`.
    pub prefix: String,
}

impl BaseUrl {
    /// The URL of `path`, which starts with a slash, under the prefix: in origin form, as an HTTP/1.1
    /// request line to the server itself has it.
    ///
    /// # Errors
    /// `path` is no path.
    pub fn join(&self, path: &str) -> Result<http::Uri, http::uri::InvalidUri> {
        format!("{}{path}", self.prefix).parse()
    }

    /// The name or address; IPv6 without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host().trim_matches(['[', ']'])
    }

    /// The port, the scheme's own where none is said.
    #[must_use]
    pub fn port(&self) -> u16 {
        let own = if self.scheme == http::uri::Scheme::HTTPS { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(own)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

impl std::str::FromStr for BaseUrl {
    type Err = &'static str;

    /// Reads an absolute URL. The error says what was expected.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "an absolute http:// or https:// URL without query or credentials";
        let uri: http::Uri = with_ascii_host(text.trim()).ok_or(EXPECTED)?.parse().map_err(|_| EXPECTED)?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.filter(|s| ["http", "https"].contains(&s.as_str()));
        let authority = parts.authority.filter(|a| !a.as_str().contains('@') && !a.host().is_empty());
        let authority = authority.filter(|authority| port(authority).is_some());
        let path = parts.path_and_query.filter(|path| path.query().is_none());
        match (scheme, authority, path) {
            (Some(scheme), Some(authority), Some(path)) => {
                Ok(Self { scheme, authority, prefix: path.path().trim_end_matches('/').to_owned() })
            }
            _ => Err(EXPECTED),
        }
    }
}

/// The same URL with an international host in its ASCII form.
fn with_ascii_host(url: &str) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return Some(url.to_owned()) };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    Some(format!("{scheme}://{}{path}", to_ascii(authority)?))
}

/// How long each part of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// DNS, TCP, the proxy's tunnel and TLS together.
    pub connect: Duration,
    /// From the request's last byte to the answer's head.
    pub first_byte: Duration,
    /// Between two chunks of an answer.
    pub idle: Duration,
    /// The whole request, attempts and answer included.
    pub total: Duration,
}

/// One configured upstream.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name in headers, logs, metrics and health; unique.
    pub name: String,
    /// The wire format it speaks.
    pub provider: Provider,
    /// Whose it is, by LiteLLM's prefix, where the configuration says that: see [`super::vendors`].
    pub vendor: Option<&'static str>,
    /// Where it listens; the mock's is never called.
    pub url: BaseUrl,
    /// Our key for it, if it wants one.
    pub key: Option<Secret>,
    /// Its timeouts for answers that are not streamed.
    pub deadlines: Deadlines,
    /// Its timeouts for streams.
    pub stream_deadlines: Deadlines,
    /// What it calls the model.
    pub model: UpstreamModel,
    /// Which version of its API is asked, where the provider has several: Azure's `api-version`,
    /// Anthropic's `anthropic-version`.
    pub api_version: Option<String>,
    /// Headers of every request to it, as the operator wrote them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is done to every request's members.
    pub params: Params,
    /// What it can take, for the choice among several.
    pub share: Share,
    /// Whether it can stream; where it cannot, a whole answer is streamed at once.
    pub streams: bool,
    /// The way to it.
    pub egress: Arc<Egress>,
    /// Whether it goes on with an answer that another endpoint has begun, where the operator says that;
    /// else its vendor's documents decide.
    pub continues: Option<bool>,
    /// Whether others go on with its streams of plain text that break off, without the caller asking for it.
    pub continue_streams: bool,
    /// How long a stream is read on whose caller has left, where its provider bills all of it anyway and
    /// says at its end how much; `None`: it is cancelled at once.
    pub drain_cancelled: Option<Duration>,
    /// What the operator says that its model can do: told to callers, and nothing else.
    pub abilities: Abilities,
}

impl Endpoint {
    /// An endpoint with nothing unusual about it.
    #[must_use]
    pub fn new(name: impl Into<String>, provider: Provider, url: BaseUrl, deadlines: Deadlines) -> Self {
        Self {
            name: name.into(),
            provider,
            vendor: None,
            url,
            key: None,
            deadlines,
            stream_deadlines: deadlines,
            model: UpstreamModel::AsAsked,
            api_version: None,
            headers: Vec::new(),
            params: Params::default(),
            share: Share::default(),
            streams: true,
            egress: Egress::direct(),
            continues: None,
            continue_streams: false,
            drain_cancelled: None,
            abilities: Abilities::default(),
        }
    }
}

/// What an endpoint calls the model that a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamModel {
    /// As the caller does.
    AsAsked,
    /// Always this.
    Named(String),
    /// For a model `prefix*`: what stands where the star does, put into this pattern's star.
    Pattern(String),
}

/// What is done to every request's members before they go to an endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// Members that a request gets unless it has them: `temperature`, `max_tokens`…
    pub defaults: Map<String, Value>,
    /// Members that are always left out.
    pub dropped: Vec<String>,
    /// Whether members that the vendor does not take are left out rather than refused; they are named
    /// in the answer's `x-llm-proxy-dropped-params`.
    pub drop_unsupported: bool,
}

impl Params {
    /// Whether every request is changed.
    #[must_use]
    pub fn change_requests(&self) -> bool {
        !self.defaults.is_empty() || !self.dropped.is_empty()
    }
}

/// How much of a model's traffic an endpoint takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Endpoints of a lower order are asked first; those without one are the last.
    pub order: Option<u32>,
    /// Its part among those of the same order.
    pub weight: Option<f64>,
    /// Requests a minute that it takes.
    pub rpm: Option<u64>,
    /// Tokens a minute that it takes.
    pub tpm: Option<u64>,
    /// Requests that it may have in flight.
    pub max_parallel: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_bare_host("http://localhost:4000", "http://localhost:4000")]
    #[case::a_slash_at_the_end("https://llm.example/v1/", "https://llm.example/v1")]
    #[case::an_ipv6_literal("http://[::1]:4000/a/b", "http://[::1]:4000/a/b")]
    #[case::an_international_name("https://bücher.test:8443/v1", "https://xn--bcher-kva.test:8443/v1")]
    fn a_base_url_loses_only_its_last_slash(#[case] text: &str, #[case] expected: &str) {
        let url: Result<BaseUrl, _> = text.parse();
        assert_eq!(url.map(|url| url.to_string()), Ok(expected.to_owned()));
    }

    #[rstest]
    #[case::no_scheme("localhost:4000")]
    #[case::another_scheme("ftp://localhost")]
    #[case::credentials("http://user:pass@localhost")]
    #[case::a_query("http://localhost/?a=b")]
    #[case::a_port_that_is_none("http://localhost:99999")]
    #[case::nothing("")]
    fn what_is_no_base_url_is_refused(#[case] text: &str) {
        assert!(text.parse::<BaseUrl>().is_err());
    }
}
