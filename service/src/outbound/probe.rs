//! The small calls that the service makes for itself, inside an actix worker: awc.

use std::time::Duration;

use super::tls;
use crate::domain::endpoint::BaseUrl;

/// Whether `url` answers `path` with a success within `limit`; the reason where it does not.
///
/// # Errors
/// One line for the health page.
pub async fn answers(url: &BaseUrl, path: &str, limit: Duration) -> Result<(), String> {
    let response = client(url, limit).get(format!("{url}{path}")).send().await;
    let status = response.map_err(|error| error.to_string())?.status();
    if status.is_success() { Ok(()) } else { Err(format!("{path} answered {}", status.as_u16())) }
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
