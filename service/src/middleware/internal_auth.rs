//! The door: `x-internal-auth: KEY` or `Authorization: Bearer KEY`, before anything else is looked at.

use actix_web::HttpMessage;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::web::Data;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::api::error_response::{format_of, unread};
use crate::domain::caller::Caller;
use crate::domain::secret::Secret;
use crate::error::{Error, Kind, Result};

/// Where callers show the key.
pub const INTERNAL_AUTH: HeaderName = HeaderName::from_static("x-internal-auth");

/// Who may come in.
pub struct InternalAuth {
    key_hash: [u8; 32],
    metrics_open: bool,
}

impl InternalAuth {
    /// Callers have to show `key`.
    #[must_use]
    pub fn new(key: &Secret, metrics_open: bool) -> Self {
        Self { key_hash: Sha256::digest(key.expose()).into(), metrics_open }
    }

    fn is_open(&self, path: &str) -> bool {
        matches!(path, "/health" | "/openapi.json" | "/docs")
            || path.starts_with("/health/")
            || path.starts_with("/docs/")
            || (self.metrics_open && path == "/metrics")
    }

    /// Lets a request in that shows the key, once or twice the same.
    ///
    /// # Errors
    /// [`Kind::InvalidRequest`]: a header twice, or two different keys. [`Kind::Unauthenticated`]: no key
    /// or a wrong one.
    fn check(&self, headers: &HeaderMap) -> Result<()> {
        // Hashes are compared, in constant time, so that neither length nor prefix of the key shows.
        let shown = shown_hash(headers)?;
        if shown.ct_eq(&self.key_hash).into() {
            Ok(())
        } else {
            Err(Error::new(Kind::Unauthenticated, "the key is wrong"))
        }
    }
}

/// The SHA-256 of the key that is shown.
fn shown_hash(headers: &HeaderMap) -> Result<[u8; 32]> {
    let internal = only(headers, &INTERNAL_AUTH)?;
    let bearer = only(headers, &AUTHORIZATION)?.and_then(bearer_token);
    match (internal, bearer) {
        (Some(internal), Some(bearer)) if internal != bearer => {
            let message = "`x-internal-auth` and `authorization` hold different keys: send one of them";
            Err(Error::invalid("x-internal-auth", message).with_code("conflicting_credentials"))
        }
        (Some(key), _) | (None, Some(key)) => Ok(Sha256::digest(key).into()),
        (None, None) => {
            let message = "a key is required: `x-internal-auth: KEY` or `authorization: Bearer KEY`";
            Err(Error::new(Kind::Unauthenticated, message).with_code("missing_api_key"))
        }
    }
}

/// Who asks, of those who were let in.
///
/// # Errors
/// As for being let in.
pub fn caller(headers: &HeaderMap) -> Result<Caller> {
    shown_hash(headers).map(Caller::of_key_hash)
}

/// The value of a header that may stand there once.
///
/// # Errors
/// It stands there twice.
pub fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>> {
    let mut values = headers.get_all(name);
    let first = values.next();
    if values.next().is_some() {
        let message = format!("the header `{name}` stands twice");
        return Err(Error::invalid(name.as_str(), message).with_code("duplicate_header"));
    }
    Ok(first.map(actix_web::http::header::HeaderValue::as_bytes))
}

fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Lets in who shows the key; everything but the open routes is closed, unknown paths included.
///
/// # Errors
/// None of its own: whoever is turned away gets an answer.
pub async fn internal_auth<B: MessageBody + 'static>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    match check(&req) {
        Ok(()) => next.call(req).await.map(ServiceResponse::map_into_left_body),
        Err(error) => {
            let (format, payload) = (format_of(req.path()), req.take_payload());
            Ok(req.into_response(unread(format, &error, payload)).map_into_right_body())
        }
    }
}

fn check(req: &ServiceRequest) -> Result<()> {
    let auth = req.app_data::<Data<InternalAuth>>();
    let auth = auth.ok_or_else(|| Error::new(Kind::Internal, "nobody knows the key"))?;
    if auth.is_open(req.path()) { Ok(()) } else { auth.check(req.headers()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn check(headers: &[(&'static str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), value.parse().expect("a header value"));
        }
        let auth = InternalAuth::new(&Secret::new("k-1"), false);
        auth.check(&map).map_or_else(|error| error.status(), |()| 200)
    }

    #[rstest]
    #[case::internal(&[("x-internal-auth", "k-1")], 200)]
    #[case::bearer(&[("authorization", "Bearer k-1")], 200)]
    #[case::bearer_in_lower_case(&[("authorization", "bearer k-1")], 200)]
    #[case::both_the_same(&[("x-internal-auth", "k-1"), ("authorization", "Bearer k-1")], 200)]
    #[case::none(&[], 401)]
    #[case::wrong(&[("x-internal-auth", "k-2")], 401)]
    #[case::a_prefix(&[("x-internal-auth", "k-")], 401)]
    #[case::empty(&[("x-internal-auth", "")], 401)]
    #[case::no_bearer(&[("authorization", "k-1")], 401)]
    #[case::basic(&[("authorization", "Basic ay0x")], 401)]
    #[case::both_different(&[("x-internal-auth", "k-1"), ("authorization", "Bearer k-2")], 400)]
    #[case::internal_twice(&[("x-internal-auth", "k-1"), ("x-internal-auth", "k-1")], 400)]
    #[case::bearer_twice(&[("authorization", "Bearer k-1"), ("authorization", "Bearer k-1")], 400)]
    fn the_door_answers(#[case] headers: &[(&'static str, &str)], #[case] status: u16) {
        assert_eq!(check(headers), status);
    }

    #[rstest]
    #[case::health("/health", true)]
    #[case::ready("/health/ready", true)]
    #[case::the_docs("/docs/index.html", true)]
    #[case::another_name("/healthz", false)]
    #[case::models("/v1/models", false)]
    #[case::metrics("/metrics", false)]
    fn open_routes_are_few(#[case] path: &str, #[case] open: bool) {
        assert_eq!(InternalAuth::new(&Secret::new("k"), false).is_open(path), open);
        assert!(InternalAuth::new(&Secret::new("k"), true).is_open("/metrics"));
    }
}
