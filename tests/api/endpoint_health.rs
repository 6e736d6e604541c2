//! What is told about the endpoints: by `/v1/llm/health`, and by the gauges of `/metrics`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_proxy::domain::endpoint::{Deadlines, Endpoint, Provider, UpstreamModel};
use llm_proxy::domain::model::{Model, Models};
use llm_proxy::domain::secret::Secret;
use llm_proxy::error::{Error, Kind};
use llm_proxy::outbound::client::Client;
use llm_proxy::resilience::breaker::BreakerSettings;
use llm_proxy::resilience::health::Health;
use llm_proxy::services::probing;
use llm_proxy::services::routing::{DefaultModel, Front, Routing};
use llm_proxy_test_support::{Behaviour, FaultUpstream, refused_url};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{ConfigFile, Program, TestService, fill, get, wait_for};

const HEALTH: &str = "/v1/llm/health";
const STATE: &str = "llm_proxy_endpoint_state";

/// Two endpoints of one model, and one that serves whatever is asked for.
const THREE: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/a, api_base: UPSTREAM/v1, api_key: sk-secret-key}, model_info: {id: eu}}
- {model_name: m, litellm_params: {model: openai/b, api_base: UPSTREAM/v1, api_key: sk-secret-key}, model_info: {id: us}}
- {model_name: 'any/*', litellm_params: {model: 'openai/*', api_base: UPSTREAM/v1}, model_info: {id: any}}
";

async fn page(service: &TestService) -> Value {
    let answer = service.ask(&get(HEALTH)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn names(page: &Value) -> Vec<&str> {
    page.as_object().unwrap().keys().map(String::as_str).collect()
}

#[actix_web::test]
async fn every_endpoint_is_told_before_it_is_asked() {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, THREE);
    let page = page(&service).await;
    assert_eq!(names(&page), ["eu", "us", "any"]);
    let idle = json!({
        "provider": "openai", "in_flight": 0, "state": "healthy", "success_rate": 1.0, "requests": 0,
        "consecutive_failures": 0, "last_error": null, "latency_ms": {"p50": null, "p95": null},
        "opened_at": null, "probes_at": null, "rests_until": null,
    });
    assert_eq!(page["eu"], idle);
    assert_eq!(page["any"]["models"], json!({}));
    assert!(upstream.requests().is_empty(), "nobody is asked for it");
}

#[rstest]
#[case::the_mock(true, "mock")]
#[case::litellm(false, "litellm")]
#[actix_web::test]
async fn who_stands_in_front_is_told(#[case] is_mock: bool, #[case] expected: &str) {
    let service = TestService::start(|vars| if is_mock { vars.mock() } else { vars });
    let page = page(&service).await;
    assert_eq!(names(&page), [expected]);
    assert_eq!(page[expected]["provider"], expected);
}

#[actix_web::test]
async fn no_secret_is_told() {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, THREE);
    let text = service.ask(&get(HEALTH)).await.text();
    assert!(!text.contains("sk-secret-key") && !text.contains("127.0.0.1"), "{text}");
}

#[actix_web::test]
async fn metrics_tell_the_state_of_every_endpoint() {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, THREE);
    let metrics = service.metrics().await;
    for endpoint in ["eu", "us", "any"] {
        assert_eq!(metrics.sum(STATE, &[("endpoint", endpoint)]), 1.0, "in one state");
        assert_eq!(metrics.sum(STATE, &[("endpoint", endpoint), ("state", "healthy")]), 1.0);
        assert_eq!(metrics.sum("llm_proxy_endpoint_success_rate", &[("endpoint", endpoint)]), 1.0);
    }
    assert_eq!(metrics.samples.iter().filter(|sample| sample.name == STATE).count(), 12);
}

#[actix_web::test]
async fn an_endpoint_that_a_reload_removes_is_told_no_more() {
    let upstream = FaultUpstream::start();
    let file = ConfigFile::yaml(fill(THREE, &upstream));
    let program = Program::start(|vars| vars.native(file));
    let one = THREE.lines().filter(|line| !line.contains("id: us")).collect::<Vec<_>>().join("\n");
    program.config().write(fill(&one, &upstream));
    program.signal("HUP");
    let find = || program.messages().into_iter().find(|message| message.contains("was read again"));
    wait_for("the reload", find).await;
    let page = program.ask(&get(HEALTH)).await.json();
    assert_eq!(names(&page), ["eu", "any"]);
}

/// A routing to one endpoint whose breaker is open, and its health.
fn out(url: &str) -> (Routing, Arc<Health>) {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    let endpoint = Endpoint::new("eu", Provider::Openai, url.parse().unwrap(), deadlines);
    let model = UpstreamModel::Named("gpt".to_owned());
    let endpoint = Arc::new(Endpoint { key: Some(Secret::new("sk-eu")), model, ..endpoint });
    let groups = vec![Model { name: "m".to_owned(), endpoints: vec![endpoint], listed: true }];
    let breaker = BreakerSettings { failures: 1, open: Duration::from_secs(3_600) };
    let (front, default_model) = (Front::Nobody, DefaultModel::Set("m".to_owned()));
    let routing = Routing::new(front, default_model, Models { groups, ..Models::default() }, breaker);
    let health = Arc::clone(&routing.route("m").unwrap().hops[0].health);
    let now = Instant::now();
    assert!(health.begin(now).unwrap().failed(&Error::new(Kind::UpstreamFailure, ""), now));
    (routing, health)
}

#[rstest]
#[case::that_answers_lets_its_next_request_through(Behaviour::default(), true)]
#[case::that_refuses_the_key_does_not(Behaviour::status(401), false)]
#[case::that_is_overloaded_does_not(Behaviour::status(503), false)]
#[actix_web::test]
async fn an_endpoint_that_is_out(#[case] behaviour: Behaviour, #[case] is_let_through: bool) {
    let upstream = FaultUpstream::start();
    upstream.on("/v1/models", behaviour);
    let (routing, health) = out(&format!("{}/v1", upstream.url()));
    let probes_at = health.opens_at(Instant::now()).unwrap();
    probing::round(&routing, &Client::default()).await;
    let now = Instant::now();
    assert_eq!(health.opens_at(now), (!is_let_through).then_some(probes_at));
    let asked = upstream.requests();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/v1/models"));
    assert_eq!(asked[0].header("authorization"), Some("Bearer sk-eu"));
}

#[actix_web::test]
async fn an_endpoint_that_nobody_reaches_stays_out_for_longer() {
    let (routing, health) = out(&refused_url().unwrap());
    let probes_at = health.opens_at(Instant::now()).unwrap();
    let began = Instant::now();
    probing::round(&routing, &Client::default()).await;
    let later = health.opens_at(Instant::now()).unwrap();
    assert!(later >= probes_at.max(began + Duration::from_secs(3_600)));
}

#[actix_web::test]
async fn an_endpoint_that_is_in_is_not_probed() {
    let upstream = FaultUpstream::start();
    let (routing, health) = out(&format!("{}/v1", upstream.url()));
    let client = Client::default();
    probing::round(&routing, &client).await;
    let mut probe = health.begin(Instant::now()).unwrap();
    assert!(probe.is_probe());
    probing::round(&routing, &client).await;
    probe.succeeded(Instant::now());
    probing::round(&routing, &client).await;
    assert_eq!(upstream.requests().len(), 1);
}
