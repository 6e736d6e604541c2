//! What failed, whose fault it is, and whether trying again is safe.
//!
//! Everything that can go wrong on the way of a request is one [`Error`]. Whoever creates it decides
//! its [`Kind`]; [`Kind`] alone decides blame, retry safety and HTTP status. No other room looks at
//! status codes to find out what happened.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The result of anything that can fail on a caller's behalf.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to change something for the request to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The caller sent something that cannot be served.
    Client,
    /// The endpoint, or the way it answered.
    Upstream,
    /// What stands between us and the endpoint: a proxy, certificates that are not to be trusted.
    Egress,
    /// This service.
    Us,
}

/// Whether the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetrySafety {
    /// Nothing was processed upstream: sending again cannot duplicate anything.
    Safe,
    /// The upstream may have processed (and billed) the request already.
    MayDuplicate,
    /// Sending again cannot help.
    Never,
}

/// What may help a request that failed at one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: every endpoint would say the same, or there is no time left.
    Nothing,
    /// Another endpoint. This one would say the same again.
    AnotherEndpoint,
    /// Another endpoint, or the same one later.
    Again,
}

/// The account at the vendor is empty, or over its limit for good.
pub const INSUFFICIENT_QUOTA: &str = "insufficient_quota";

/// The endpoint's vendor does not take a member of the request.
pub const UNSUPPORTED_PARAMETER: &str = "unsupported_parameter";

/// The endpoint's vendor has nothing of the kind that the request asks for.
pub const UNSUPPORTED_OPERATION: &str = "unsupported_operation";

/// The connection through a proxy ended in the middle. Which of its two ends dropped it cannot be told.
pub const TUNNEL_DROPPED: &str = "tunnel_dropped";

/// Somebody between shows certificates of their own.
pub const TLS_INTERCEPTION: &str = "tls_interception";

/// What happened. Variants are ordered by whom they blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed or inconsistent (400).
    InvalidRequest,
    /// No credentials, or wrong ones (401).
    Unauthenticated,
    /// No such route, or no such model (404).
    NotFound,
    /// The route exists, the method does not (405).
    MethodNotAllowed,
    /// The caller was too slow to send its request (408).
    RequestTimeout,
    /// The body exceeds `MAX_BODY_BYTES` (413).
    PayloadTooLarge,
    /// The content type or encoding of the body is not understood (415).
    UnsupportedMediaType,
    /// The upstream refused the content of the request; its status is passed on (4xx).
    RefusedByUpstream,
    /// The upstream limits the rate (429).
    RateLimited,
    /// No connection to the upstream: refused, unresolvable, unreachable, TLS (503).
    BackendUnavailable,
    /// The upstream rejected *our* credentials (502).
    BackendAuthentication,
    /// The upstream answered with a server error (502, or 503 and 504 as it said).
    UpstreamFailure,
    /// The upstream closed the connection before it answered (502).
    UpstreamDisconnected,
    /// The upstream did not connect, answer, or go on answering in time (504).
    UpstreamTimeout,
    /// The answer ended before it was complete (502).
    Truncated,
    /// The answer is not what the upstream's protocol promises (502).
    MalformedAnswer,
    /// No connection to the proxy: refused, unresolvable, unreachable, its TLS, too slow (503).
    ProxyUnavailable,
    /// The proxy does not let us through: our credentials, its rules (502).
    ProxyRefused,
    /// The proxy is there, and no way through it to the endpoint: a name without an address, no
    /// connection, a tunnel that broke (502).
    TunnelFailed,
    /// TLS with the endpoint failed: its certificate, or somebody else's in its place (502).
    TlsFailure,
    /// The whole request took longer than `REQUEST_TIMEOUT_S` (504).
    DeadlineExceeded,
    /// As many requests are in flight as may be (503).
    Overloaded,
    /// The service is stopping (503).
    ShuttingDown,
    /// A fault of this service (500).
    Internal,
}

impl Kind {
    /// Every kind, in the order of the enum: for tables and metrics.
    pub const ALL: [Self; 24] = [
        Self::InvalidRequest,
        Self::Unauthenticated,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::RefusedByUpstream,
        Self::RateLimited,
        Self::BackendUnavailable,
        Self::BackendAuthentication,
        Self::UpstreamFailure,
        Self::UpstreamDisconnected,
        Self::UpstreamTimeout,
        Self::Truncated,
        Self::MalformedAnswer,
        Self::ProxyUnavailable,
        Self::ProxyRefused,
        Self::TunnelFailed,
        Self::TlsFailure,
        Self::DeadlineExceeded,
        Self::Overloaded,
        Self::ShuttingDown,
        Self::Internal,
    ];

    /// The kind's stable name: a metric label, and the default `code` of the error envelope.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthenticated => "invalid_api_key",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RefusedByUpstream => "refused_by_upstream",
            Self::RateLimited => "rate_limit_exceeded",
            Self::BackendUnavailable => "backend_unavailable",
            Self::BackendAuthentication => "backend_authentication",
            Self::UpstreamFailure => "upstream_failure",
            Self::UpstreamDisconnected => "upstream_disconnected",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::Truncated => "stream_truncated",
            Self::MalformedAnswer => "malformed_answer",
            Self::ProxyUnavailable => "proxy_unreachable",
            Self::ProxyRefused => "proxy_refused",
            Self::TunnelFailed => "tunnel_failed",
            Self::TlsFailure => "tls_error",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Overloaded => "overloaded",
            Self::ShuttingDown => "shutting_down",
            Self::Internal => "internal_error",
        }
    }

    /// Whose fault this is.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::InvalidRequest
            | Self::Unauthenticated
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::RequestTimeout
            | Self::PayloadTooLarge
            | Self::UnsupportedMediaType
            | Self::RefusedByUpstream => Blame::Client,
            Self::RateLimited
            | Self::BackendUnavailable
            | Self::BackendAuthentication
            | Self::UpstreamFailure
            | Self::UpstreamDisconnected
            | Self::UpstreamTimeout
            | Self::Truncated
            | Self::MalformedAnswer => Blame::Upstream,
            Self::ProxyUnavailable | Self::ProxyRefused | Self::TunnelFailed | Self::TlsFailure => {
                Blame::Egress
            }
            Self::DeadlineExceeded | Self::Overloaded | Self::ShuttingDown | Self::Internal => Blame::Us,
        }
    }

    /// Whether the same request may be sent again, to this endpoint or to another.
    #[must_use]
    pub const fn retry_safety(self) -> RetrySafety {
        match self {
            Self::RateLimited
            | Self::BackendUnavailable
            | Self::BackendAuthentication
            | Self::ProxyUnavailable
            | Self::ProxyRefused
            | Self::TunnelFailed
            | Self::TlsFailure => RetrySafety::Safe,
            Self::UpstreamFailure
            | Self::UpstreamDisconnected
            | Self::UpstreamTimeout
            | Self::Truncated
            | Self::MalformedAnswer => RetrySafety::MayDuplicate,
            _ => RetrySafety::Never,
        }
    }

    /// The HTTP status a caller gets for it, unless the upstream's own is passed on.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::RefusedByUpstream => 400,
            Self::Unauthenticated => 401,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::BackendAuthentication
            | Self::UpstreamFailure
            | Self::UpstreamDisconnected
            | Self::Truncated
            | Self::MalformedAnswer
            | Self::ProxyRefused
            | Self::TunnelFailed
            | Self::TlsFailure => 502,
            Self::BackendUnavailable | Self::ProxyUnavailable | Self::Overloaded | Self::ShuttingDown => 503,
            Self::UpstreamTimeout | Self::DeadlineExceeded => 504,
        }
    }

    /// `error.type` of the OpenAI envelope.
    /// Source: <https://platform.openai.com/docs/guides/error-codes>
    #[must_use]
    pub const fn openai_type(self) -> &'static str {
        match self {
            Self::Unauthenticated => "authentication_error",
            Self::RateLimited => "rate_limit_error",
            _ => match self.blame() {
                Blame::Client => "invalid_request_error",
                Blame::Upstream => "upstream_error",
                Blame::Egress => "egress_error",
                Blame::Us => "server_error",
            },
        }
    }
}

/// One failure, with everything a caller is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
    details: Option<Box<Details>>,
}

/// The rarer parts of an [`Error`], boxed so that results stay small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Details {
    status: Option<u16>,
    openai_type: Option<String>,
    param: Option<String>,
    code: Option<String>,
    retry_after: Option<RetryAfter>,
}

/// How long an upstream asked to wait.
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// That long.
    Delay(Duration),
    /// Until that HTTP date.
    Date(String),
}

impl Error {
    /// A failure of `kind`; `message` is for the caller and must hold no secret and no prompt.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), details: None }
    }

    /// A request the caller has to change: `param` names the field.
    pub fn invalid(param: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::InvalidRequest, message).with_param(param)
    }

    /// Names the field of the request that is at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.details_mut().param = Some(param.into());
        self
    }

    /// A more specific `code` than the kind's name.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.details_mut().code = Some(code.into());
        self
    }

    /// The upstream's own `type`.
    #[must_use]
    pub fn with_type(mut self, openai_type: impl Into<String>) -> Self {
        self.details_mut().openai_type = Some(openai_type.into());
        self
    }

    /// The upstream's own status, where it is the caller's to know.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.details_mut().status = Some(status);
        self
    }

    /// How long the upstream asked to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: RetryAfter) -> Self {
        self.details_mut().retry_after = Some(wait);
        self
    }

    fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    fn detail<T>(&self, get: impl FnOnce(&Details) -> Option<T>) -> Option<T> {
        self.details.as_deref().and_then(get)
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// For the caller; free of secrets and prompts.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status for the caller.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.detail(|d| d.status).unwrap_or(self.kind.status())
    }

    /// `error.type` of the envelope.
    #[must_use]
    pub fn openai_type(&self) -> &str {
        let own = self.details.as_deref().and_then(|d| d.openai_type.as_deref());
        own.unwrap_or(self.kind.openai_type())
    }

    /// The field at fault, if one is.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        self.details.as_deref().and_then(|d| d.param.as_deref())
    }

    /// The machine-readable code.
    #[must_use]
    pub fn code(&self) -> &str {
        let own = self.details.as_deref().and_then(|d| d.code.as_deref());
        own.unwrap_or(self.kind.name())
    }

    /// What may help.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match (self.kind, self.code()) {
            (_, INSUFFICIENT_QUOTA | UNSUPPORTED_PARAMETER | UNSUPPORTED_OPERATION)
            | (Kind::BackendAuthentication | Kind::ProxyRefused | Kind::TlsFailure, _) => {
                Remedy::AnotherEndpoint
            }
            (kind, _) if kind.retry_safety() == RetrySafety::Never => Remedy::Nothing,
            _ => Remedy::Again,
        }
    }

    /// Whether it says that the endpoint is sick. One that limits the rate is not, and a sick proxy is not
    /// a sick endpoint.
    #[must_use]
    pub fn counts_against_the_endpoint(&self) -> bool {
        match self.kind {
            Kind::RateLimited => self.code() == INSUFFICIENT_QUOTA,
            _ if self.code() == TUNNEL_DROPPED => false,
            kind => kind.blame() == Blame::Upstream,
        }
    }

    /// Whether it says that the proxy on the way is what is in the way: it is not there, refuses, opens no tunnel,
    /// drops one, or reads along.
    #[must_use]
    pub fn counts_against_the_proxy(&self) -> bool {
        matches!(self.kind, Kind::ProxyUnavailable | Kind::ProxyRefused | Kind::TunnelFailed)
            || matches!(self.code(), TUNNEL_DROPPED | TLS_INTERCEPTION)
    }

    /// Whether the upstream itself said so: then the way to it is free.
    #[must_use]
    pub const fn is_an_answer(&self) -> bool {
        matches!(
            self.kind,
            Kind::RefusedByUpstream | Kind::RateLimited | Kind::BackendAuthentication | Kind::UpstreamFailure
        )
    }

    /// How long the upstream asked to wait, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<&RetryAfter> {
        self.details.as_deref().and_then(|d| d.retry_after.as_ref())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message)
    }
}

impl std::error::Error for Error {}

/// The failure as OpenAI's error object, for a body or an SSE event:
/// `{"error": {"message", "type", "param", "code"}}`.
impl serde::Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Envelope<'a> {
            error: Object<'a>,
        }
        #[derive(serde::Serialize)]
        struct Object<'a> {
            message: &'a str,
            r#type: &'a str,
            param: Option<&'a str>,
            code: &'a str,
        }
        let error = Object {
            message: &self.message,
            r#type: self.openai_type(),
            param: self.param(),
            code: self.code(),
        };
        Envelope { error }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_kind_is_listed_once_with_its_own_name() {
        let mut names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn the_status_class_follows_the_blame() {
        for kind in Kind::ALL {
            let client_status = kind.status() < 500;
            let told_to_client = kind.blame() == Blame::Client || kind == Kind::RateLimited;
            assert_eq!(client_status, told_to_client, "{kind:?}");
        }
    }

    #[rstest]
    #[case::a_fault_of_the_client(Kind::InvalidRequest, RetrySafety::Never)]
    #[case::a_refused_connection(Kind::BackendUnavailable, RetrySafety::Safe)]
    #[case::a_proxy_without_a_tunnel(Kind::TunnelFailed, RetrySafety::Safe)]
    #[case::a_cut_answer(Kind::Truncated, RetrySafety::MayDuplicate)]
    #[case::our_own_deadline(Kind::DeadlineExceeded, RetrySafety::Never)]
    fn a_retry_asks_the_kind(#[case] kind: Kind, #[case] expected: RetrySafety) {
        assert_eq!(kind.retry_safety(), expected);
    }

    #[rstest]
    #[case::a_full_server(Error::new(Kind::UpstreamFailure, ""), Remedy::Again, true)]
    #[case::a_rate_limit(Error::new(Kind::RateLimited, ""), Remedy::Again, false)]
    #[case::an_empty_account(
        Error::new(Kind::RateLimited, "").with_code(INSUFFICIENT_QUOTA), Remedy::AnotherEndpoint, true)]
    #[case::a_wrong_key(Error::new(Kind::BackendAuthentication, ""), Remedy::AnotherEndpoint, true)]
    #[case::what_the_vendor_cannot_do(
        Error::invalid("n", "").with_code(UNSUPPORTED_PARAMETER), Remedy::AnotherEndpoint, false)]
    #[case::a_fault_of_the_client(Error::invalid("n", ""), Remedy::Nothing, false)]
    #[case::a_dead_proxy(Error::new(Kind::ProxyUnavailable, ""), Remedy::Again, false)]
    #[case::a_proxy_with_a_rule(Error::new(Kind::ProxyRefused, ""), Remedy::AnotherEndpoint, false)]
    #[case::a_proxy_that_finds_nobody(Error::new(Kind::TunnelFailed, ""), Remedy::Again, false)]
    #[case::a_certificate(Error::new(Kind::TlsFailure, ""), Remedy::AnotherEndpoint, false)]
    #[case::a_proxy_that_drops(Error::new(Kind::Truncated, "").with_code(TUNNEL_DROPPED), Remedy::Again, false)]
    #[case::our_own_deadline(Error::new(Kind::DeadlineExceeded, ""), Remedy::Nothing, false)]
    fn an_error_says_what_may_help_and_whether_the_endpoint_is_sick(
        #[case] error: Error,
        #[case] remedy: Remedy,
        #[case] is_sick: bool,
    ) {
        assert_eq!((error.remedy(), error.counts_against_the_endpoint()), (remedy, is_sick));
    }

    #[test]
    fn the_envelope_is_openais() {
        let error = Error::invalid("messages", "`messages` must be an array").with_code("wrong_type");
        let json = serde_json::to_string(&error).unwrap_or_default();
        assert_eq!(
            json,
            r#"{"error":{"message":"`messages` must be an array","type":"invalid_request_error","param":"messages","code":"wrong_type"}}"#
        );
    }
}
