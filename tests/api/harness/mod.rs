//! What the tests share: a service to test, clients that see what there is to see, and readers of
//! what came back. Nothing in here decides what is right.

mod answer;
mod app;
mod client;
mod config;
mod log;
mod metrics;
mod plain;
mod program;
mod request;
mod service;
mod sse;
mod targets;

use std::future::Future;
use std::time::{Duration, Instant};

pub use answer::{Answer, Head, OpenAiError};
pub use app::app;
pub use client::Client;
pub use config::{ConfigFile, fill};
pub use log::Lines;
pub use metrics::Page;
pub use plain::Plain;
pub use program::Program;
pub use request::{CHAT, Request, chat, get, post, streamed};
pub use service::{TestService, Variables};
pub use sse::{Event, data_of, text_of};
pub use targets::{Scheme, TARGET_KEY, Targets, entry, service_at, service_of};

/// The key that callers have to show.
pub const KEY: &str = "internal-test-key-4711";

/// The service's own key for the upstream.
pub const LITELLM_KEY: &str = "sk-litellm-test-key-0815";

/// Longer than anything takes that is to happen at all, on a busy machine too.
pub const SOON: Duration = Duration::from_secs(10);

/// What "quickly" means in the rules.
pub const QUICKLY: Duration = Duration::from_secs(1);

/// Waits until `look` finds something.
pub async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// `future`, or a panic where it takes longer than [`SOON`].
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let answered = tokio::time::timeout(SOON, future).await;
    answered.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
