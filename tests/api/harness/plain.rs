//! A client for calls of which only the outcome matters: awc.

use std::time::Instant;

use awc::ClientResponse;
use awc::http::Method;
use serde_json::Value;

use super::{Answer, Head, KEY, SOON, TestService};

/// The largest answer that it reads.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Calls one service, with the key.
pub struct Plain {
    client: awc::Client,
    root: String,
}

impl Plain {
    pub fn new(service: &TestService) -> Self {
        let client = awc::Client::builder()
            .timeout(SOON)
            .disable_redirects()
            .add_default_header(("x-internal-auth", KEY))
            .finish();
        let root = service.url("");
        Self { client, root }
    }

    pub async fn get(&self, path: &str) -> Answer {
        let started = Instant::now();
        let request = self.client.request(Method::GET, format!("{}{path}", self.root));
        let response = request.send().await.unwrap();
        read(response, started).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let started = Instant::now();
        let request = self.client.post(format!("{}{path}", self.root));
        let response = request.send_json(body).await.unwrap();
        read(response, started).await
    }
}

/// The answer that awc has read the head of.
pub async fn read<S>(mut response: ClientResponse<S>, started: Instant) -> Answer
where
    S: futures_core::Stream<Item = Result<bytes::Bytes, awc::error::PayloadError>> + Unpin,
{
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), text(value.as_bytes())));
    let head = Head {
        version: format!("{:?}", response.version()),
        status: response.status().as_u16(),
        headers: headers.collect(),
        raw: format!("{:?}\n", response.headers()),
    };
    let body = response.body().limit(MAX_ANSWER_BYTES).await;
    let complete = body.is_ok();
    let body = body.unwrap_or_default().to_vec();
    let took = started.elapsed();
    Answer { head, body, complete, took }
}
