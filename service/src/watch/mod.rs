//! `llm-proxy watch`: endpoints and notices of a running service, live.
//!
//! A client of the HTTP API. Knows what the API says, and nothing of what is behind it. In a terminal it
//! is a view; anywhere else it writes one line a notice.

mod clean;
mod client;
mod endpoint;
mod listener;
mod notice;
mod paint;
mod plain;
mod terminal;
mod view;

use std::io::IsTerminal;
use std::rc::Rc;

use self::client::Client;
use crate::domain::endpoint::BaseUrl;
use crate::domain::secret::Secret;

/// Whom to watch.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where the service listens.
    pub url: BaseUrl,
    /// Its `INTERNAL_API_KEY`.
    pub key: Secret,
}

/// Shows what the service tells until whoever watches has seen enough; to be called inside an actix runtime.
///
/// # Errors
/// In one line: the service refuses the key, is no llm-proxy, or the terminal cannot be used.
pub async fn watch(target: Target) -> Result<(), String> {
    let client = Rc::new(Client::new(target));
    if std::io::stdout().is_terminal() { terminal::show(client).await } else { plain::print(client).await }
}
