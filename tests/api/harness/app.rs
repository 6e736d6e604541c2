//! The application without the server around it, under actix's own test server: for routes and doors.

use std::time::Instant;

use actix_test::TestServer;
use awc::ClientRequest;
use awc::http::Method;
use llm_proxy::outbound::client::Client;
use llm_proxy::startup::models::Source;
use llm_proxy::startup::{self, Shared};

use super::{Answer, Variables, plain};

/// An application under test.
pub struct App {
    server: TestServer,
}

/// Starts the application; `change` has the last word on its settings.
pub fn app(change: impl FnOnce(Variables) -> Variables) -> App {
    let settings = change(Variables::default()).settings();
    let shared = Shared::new(&settings, &Source::of(&settings), None, None).unwrap();
    let config = actix_test::config().workers(1).disable_redirects();
    let server = actix_test::start_with(config, move || startup::app(shared.clone(), Client::default()));
    App { server }
}

impl App {
    /// A request without a key.
    pub fn request(&self, method: &str, path: &str) -> ClientRequest {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.server.request(method, self.server.url(path))
    }

    /// The answer to a request without a body.
    pub async fn answer(&self, request: ClientRequest) -> Answer {
        let started = Instant::now();
        plain::read(request.send().await.unwrap(), started).await
    }

    /// The answer to a `GET` without a key.
    pub async fn get(&self, path: &str) -> Answer {
        self.answer(self.request("GET", path)).await
    }
}
