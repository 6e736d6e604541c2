//! What the service makes of failures, its upstreams' and its callers': every bad case before the fault
//! upstream.

mod breaker;
mod crowds;
mod failover;
mod health_page;
mod listeners;
mod notices_in_stream;
mod outage;
mod overload;
mod retry;
mod streams;

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Client, ConfigFile, Event, Page, Request, TestService, Variables, chat, fill, get, post,
    streamed, text_of,
};

/// One endpoint.
const ONE: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/first, api_base: UPSTREAM/v1, api_key: k}}
";

/// Two endpoints of one model, asked in this order.
const TWO: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/first, api_base: UPSTREAM/v1, api_key: k, order: 1}}
- {model_name: m, litellm_params: {model: openai/second, api_base: UPSTREAM/v1, api_key: k, order: 2}}
";

/// Three of them.
const THREE: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/first, api_base: UPSTREAM/v1, api_key: k, order: 1}}
- {model_name: m, litellm_params: {model: openai/second, api_base: UPSTREAM/v1, api_key: k, order: 2}}
- {model_name: m, litellm_params: {model: openai/third, api_base: UPSTREAM/v1, api_key: k, order: 3}}
";

/// A service in native mode. All of its endpoints are one upstream, which knows them by the model's name.
struct Scene {
    upstream: FaultUpstream,
    service: TestService,
}

impl Scene {
    /// Waits are so short that nobody sees them; `change` has the last word on the settings.
    fn with(yaml: &str, change: impl FnOnce(Variables) -> Variables) -> Self {
        let upstream = FaultUpstream::start();
        let file = ConfigFile::yaml(fill(yaml, &upstream));
        let service = TestService::start(|vars| change(vars.native(file).set("RETRY_BASE_MS", 1)));
        Self { upstream, service }
    }

    /// So many attempts an endpoint.
    fn attempts(yaml: &str, attempts: u32) -> Self {
        Self::with(yaml, |vars| vars.set("RETRY_ATTEMPTS", attempts))
    }

    async fn ask(&self, stream: bool) -> Answer {
        self.service.ask(&request(stream)).await
    }

    /// What the endpoints were asked for, by their names of the model.
    fn asked(&self) -> Vec<String> {
        let requests = self.upstream.requests().into_iter();
        requests.map(|request| request.json()["model"].as_str().unwrap().to_owned()).collect()
    }

    /// Fails unless this endpoint answered after so many calls, in the answer and on record; the record.
    async fn assert_by(&self, answer: &Answer, endpoint: &str, calls: u32) -> Value {
        let shown = (answer.header("x-llm-proxy-endpoint"), answer.header("x-llm-proxy-attempts"));
        assert_eq!(shown, (Some(endpoint), Some(&*calls.to_string())), "{}", answer.text());
        let record = self.service.usage(answer.id()).await;
        assert_eq!((&record["endpoint"], &record["attempts"]), (&json!(endpoint), &json!(calls)));
        record
    }

    async fn notices(&self) -> Notices {
        Notices::of(&self.service).await
    }
}

fn request(stream: bool) -> Request {
    post(CHAT, if stream { streamed("m") } else { chat("m") })
}

/// The text of a whole answer, or of a stream that ended as it should.
fn said(answer: &Answer, stream: bool) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    if !stream {
        return answer.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    }
    let events = answer.events();
    assert!(events.last().unwrap().is_done(), "{events:?}");
    text_of(&events)
}

/// A listener on `/v1/llm/events`.
struct Notices {
    client: Client,
    /// How many it has heard.
    heard: usize,
}

impl Notices {
    async fn of(service: &TestService) -> Self {
        let mut client = service.connect().await;
        assert_eq!(client.begin(&get("/v1/llm/events")).await.status, 200);
        client.events(1).await;
        Self { client, heard: 0 }
    }

    /// The next so many notices.
    async fn next(&mut self, count: usize) -> Vec<Value> {
        self.heard += count;
        self.client.events(count).await.iter().map(Event::json).collect()
    }

    /// Fails unless all that was told was heard; the types of the rest.
    async fn assert_next(&mut self, page: &Page, types: &[&str]) -> Vec<Value> {
        let notices = self.next(types.len()).await;
        let told: Vec<_> = notices.iter().map(|notice| notice["type"].as_str().unwrap()).collect();
        assert_eq!(told, types);
        assert_eq!(page.sum("llm_proxy_notices_total", &[]), self.heard as f64);
        notices
    }
}

/// What misbehaves in the same way every time.
fn always(upstream: &FaultUpstream, models: &[&str], behaviour: &Behaviour) {
    models.iter().for_each(|model| upstream.on(model, behaviour.clone()));
}
