//! The small calls that the service makes for itself.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;

use super::client::Client;
use super::deadline::Deadline;
use super::tls;
use crate::domain::call::{Call, HttpCall};
use crate::domain::endpoint::{BaseUrl, Deadlines, Endpoint};

/// Whether `endpoint`, reached as its requests are, answers `path` with a success within `limit`; the
/// reason where it does not.
///
/// # Errors
/// One line for the health page.
pub async fn endpoint_answers(
    client: &Client,
    endpoint: &Endpoint,
    path: &str,
    limit: Duration,
) -> Result<(), String> {
    let uri = endpoint.url.join(path).map_err(|error| error.to_string())?;
    let call = HttpCall { method: Method::GET, uri, headers: Vec::new(), body: Bytes::new() };
    let limits = Deadlines { connect: limit, first_byte: limit, idle: limit, total: limit };
    let deadline = Deadline::after(Instant::now(), limit);
    let answer = client.call(endpoint, Call::Http(call), &limits, deadline).await;
    let status = answer.map_err(|error| error.message().to_owned())?.status;
    verdict(path, status)
}

/// Whether `url` answers `path` with a success within `limit`: directly, inside of an actix system.
///
/// # Errors
/// As [`endpoint_answers`].
pub async fn answers(url: &BaseUrl, path: &str, limit: Duration) -> Result<(), String> {
    let response = client(url, limit).get(format!("{url}{path}")).send().await;
    verdict(path, response.map_err(|error| error.to_string())?.status().as_u16())
}

fn verdict(path: &str, status: u16) -> Result<(), String> {
    if (200..300).contains(&status) { Ok(()) } else { Err(format!("{path} answered {status}")) }
}

/// A client for small calls of `url`, each of which gets its answer's head within `limit`.
pub fn client(url: &BaseUrl, limit: Duration) -> awc::Client {
    let client = awc::Client::builder().timeout(limit).disable_redirects();
    if url.scheme == http::uri::Scheme::HTTPS {
        client.connector(awc::Connector::new().rustls_0_23(tls::default_config())).finish()
    } else {
        client.finish()
    }
}
