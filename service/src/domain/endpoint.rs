//! One configured upstream, as plain data.

use std::fmt;
use std::time::Duration;

use crate::domain::secret::Secret;

/// A vendor's wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// A LiteLLM proxy: OpenAI's format, and its own headers.
    Litellm,
    /// The deterministic stand-in inside this process.
    Mock,
}

impl Provider {
    /// The provider's name in configurations, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
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
        let uri: http::Uri = text.trim().parse().map_err(|_| EXPECTED)?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.filter(|s| ["http", "https"].contains(&s.as_str()));
        let authority = parts.authority.filter(|a| !a.as_str().contains('@') && !a.host().is_empty());
        let path = parts.path_and_query.filter(|path| path.query().is_none());
        match (scheme, authority, path) {
            (Some(scheme), Some(authority), Some(path)) => {
                Ok(Self { scheme, authority, prefix: path.path().trim_end_matches('/').to_owned() })
            }
            _ => Err(EXPECTED),
        }
    }
}

/// How long each part of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// DNS, TCP and TLS together.
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
    /// Its name in headers, logs, metrics and health.
    pub name: String,
    /// The wire format it speaks.
    pub provider: Provider,
    /// Where it listens; the mock's is never called.
    pub url: BaseUrl,
    /// Our key for it, if it wants one.
    pub key: Option<Secret>,
    /// Its timeouts.
    pub deadlines: Deadlines,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_bare_host("http://localhost:4000", "http://localhost:4000")]
    #[case::a_slash_at_the_end("https://llm.example/v1/", "https://llm.example/v1")]
    #[case::an_ipv6_literal("http://[::1]:4000/a/b", "http://[::1]:4000/a/b")]
    fn a_base_url_loses_only_its_last_slash(#[case] text: &str, #[case] expected: &str) {
        let url: Result<BaseUrl, _> = text.parse();
        assert_eq!(url.map(|url| url.to_string()), Ok(expected.to_owned()));
    }

    #[rstest]
    #[case::no_scheme("localhost:4000")]
    #[case::another_scheme("ftp://localhost")]
    #[case::credentials("http://user:pass@localhost")]
    #[case::a_query("http://localhost/?a=b")]
    #[case::nothing("")]
    fn what_is_no_base_url_is_refused(#[case] text: &str) {
        assert!(text.parse::<BaseUrl>().is_err());
    }
}
