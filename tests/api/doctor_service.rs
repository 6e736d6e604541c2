//! The doctor of a running service: `GET /v1/llm/doctor`.

use llm_proxy_test_support::FaultUpstream;
use rstest::rstest;
use serde_json::json;

use crate::harness::{TARGET_KEY, TestService, entry, get, service_of};

/// A service with one endpoint that works and one without its secret.
fn service(upstream: &FaultUpstream) -> TestService {
    let used = entry(&upstream.url(), "").replace("openai/up", "openai/fault-model");
    let left_out = entry("http://llm.test", "").replace(TARGET_KEY, "os.environ/NO_SUCH_KEY");
    service_of(&format!("{used}{}", left_out.replace("model_name: m", "model_name: lacking")))
}

#[rstest]
#[case::without_spending("", "skipped", 1)]
#[case::spending("&spend=true", "ok", 3)]
#[actix_web::test]
async fn a_service_examines_one_endpoint(#[case] spend: &str, #[case] last: &str, #[case] requests: usize) {
    let upstream = FaultUpstream::start();
    let service = service(&upstream);
    let health = service.ask(&get("/v1/llm/health")).await.json();
    let name = health.as_object().unwrap().keys().next().unwrap().clone();
    let answer = service.ask(&get(&format!("/v1/llm/doctor?endpoint={name}{spend}"))).await;
    let report = answer.json();
    assert_eq!((answer.status, &report["endpoint"], &report["verdict"]), (200, &json!(name), &json!("ok")));
    let steps = report["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["verdict"], last, "{report:#}");
    assert_eq!(upstream.requests().len(), requests);
}

#[actix_web::test]
async fn a_service_examines_an_endpoint_that_it_leaves_out() {
    let report = service(&FaultUpstream::start()).ask(&get("/v1/llm/doctor?endpoint=lacking")).await.json();
    let step = &report["steps"][1];
    assert_eq!((&step["step"], &step["verdict"]), (&json!("secrets"), &json!("failed")), "{report:#}");
    assert!(step["advice"].as_str().unwrap().contains("NO_SUCH_KEY"), "{step}");
}

#[rstest]
#[case::nobody_of_that_name(
    "?endpoint=lackin",
    404,
    "endpoint_not_found",
    "endpoint",
    "did you mean lacking?"
)]
#[case::no_name("", 400, "invalid_value", "endpoint", "`endpoint`")]
#[case::neither_true_nor_false("?endpoint=lacking&spend=1", 400, "invalid_value", "spend", "`spend`")]
#[actix_web::test]
async fn what_cannot_be_asked_is_told(
    #[case] query: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] param: &str,
    #[case] said: &str,
) {
    let service = service(&FaultUpstream::start());
    let error = service.ask(&get(&format!("/v1/llm/doctor{query}"))).await.assert_refused(status);
    assert_eq!((error.code.as_str(), error.param.as_deref()), (code, Some(param)));
    assert!(error.message.contains(said), "{}", error.message);
}

#[actix_web::test]
async fn examining_asks_for_the_key() {
    let service = TestService::mock();
    let answer = service.ask(&get("/v1/llm/doctor?endpoint=mock").without("x-internal-auth")).await;
    answer.assert_refused(401);
}
