//! Every route answers, under its path and no other.

use std::collections::BTreeSet;

use awc::http::header::{ALLOW, CONTENT_TYPE};
use llm_proxy::api::ROUTES;
use llm_proxy_test_support::{Behaviour, FaultUpstream, refused_url};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{KEY, TestService, Variables, app, wait_for};

#[rstest]
#[case::health("/health")]
#[case::live("/health/live")]
#[case::ready("/health/ready")]
#[case::openapi("/openapi.json")]
#[case::docs("/docs/")]
#[actix_web::test]
async fn an_open_route_answers_without_a_key(#[case] path: &str) {
    let answer = app(Variables::mock).get(path).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.is_empty());
}

#[rstest]
#[case::health("/health")]
#[case::live("/health/live")]
#[case::ready("/health/ready")]
#[actix_web::test]
async fn health_tells_status_version_and_mode(#[case] path: &str) {
    let app = app(|vars| vars.mock().set("VERSION", "9.8.7"));
    let answer = app.get(path).await;
    let expected = json!({"status": "ok", "version": "9.8.7", "mode": "mock"});
    assert_eq!(answer.json(), expected);
}

#[actix_web::test]
async fn it_is_alive_but_not_ready_while_nobody_listens_behind_it() {
    let url = refused_url().unwrap();
    let app = app(|vars| vars.set("LITELLM_PROXY_URL", &url));
    assert_eq!(app.get("/health/live").await.status, 200);
    let answer = app.get("/health/ready").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["status"], "unavailable");
    assert!(answer.json()["reason"].is_string());
}

#[actix_web::test]
async fn it_is_not_ready_while_litellm_says_that_it_is_not_alive() {
    let upstream = FaultUpstream::start();
    upstream.on("/health/liveliness", Behaviour::status(503));
    let answer = app(|vars| vars.before(&upstream)).get("/health/ready").await;
    assert_eq!(answer.status, 503);
}

#[actix_web::test]
async fn it_becomes_ready_when_litellm_comes_back() {
    let upstream = FaultUpstream::start();
    upstream.sequence("/health/liveliness", [Behaviour::status(503), Behaviour::default()]);
    let app = app(|vars| vars.before(&upstream));
    assert_eq!(app.get("/health/ready").await.status, 503);
    let deadline = std::time::Instant::now() + crate::harness::SOON;
    while app.get("/health/ready").await.status != 200 {
        assert!(std::time::Instant::now() < deadline, "never ready again");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[rstest]
#[case::while_it_is_up(Behaviour::default(), 200)]
#[case::while_it_is_down(Behaviour::status(500), 503)]
#[actix_web::test]
async fn a_hundred_probes_are_one_request_to_litellm(#[case] behaviour: Behaviour, #[case] status: u16) {
    let upstream = FaultUpstream::start();
    upstream.on("/health/liveliness", behaviour);
    let service = TestService::start(|vars| vars.before(&upstream).set("WORKERS", 2));
    let probes = (0..100).map(|_| async { service.plain().get("/health/ready").await.status });
    let statuses = futures_util::future::join_all(probes).await;
    assert_eq!(statuses, [status; 100]);
    assert_eq!(upstream.requests().len(), 1);
}

#[rstest]
#[case::chat("GET", "/v1/chat/completions", "POST")]
#[case::chat_by_put("PUT", "/v1/chat/completions", "POST")]
#[case::chat_alias("GET", "/chat/completions", "POST")]
#[case::completions("GET", "/v1/completions", "POST")]
#[case::embeddings("DELETE", "/v1/embeddings", "POST")]
#[case::models("POST", "/v1/models", "GET")]
#[case::llm_models("POST", "/v1/llm/models", "GET")]
#[case::events("POST", "/v1/llm/events", "GET")]
#[case::llm_health("POST", "/v1/llm/health", "GET")]
#[case::doctor("POST", "/v1/llm/doctor", "GET")]
#[case::health("POST", "/health", "GET")]
#[case::live("POST", "/health/live", "GET")]
#[case::ready("DELETE", "/health/ready", "GET")]
#[case::metrics("POST", "/metrics", "GET")]
#[case::openapi("POST", "/openapi.json", "GET")]
#[case::docs("POST", "/docs", "GET")]
#[actix_web::test]
async fn a_wrong_method_is_405_and_told_the_right_one(
    #[case] method: &str,
    #[case] path: &str,
    #[case] allowed: &str,
) {
    let app = app(Variables::mock);
    let request = app.request(method, path);
    let answer = app.answer(request.insert_header(("x-internal-auth", KEY))).await;
    let error = answer.assert_refused(405);
    let told = answer.header(ALLOW.as_str()).unwrap();
    assert!(told.split(", ").any(|method| method == allowed), "{told}");
    assert_eq!(error.kind, "invalid_request_error");
    assert!(error.message.contains(path), "{}", error.message);
}

#[rstest]
#[case::nothing_like_it("/v2/chat/completions")]
#[case::the_root("/")]
#[case::a_slash_more("/v1/models/")]
#[case::below_health("/health/other")]
#[actix_web::test]
async fn an_unknown_path_is_404_for_who_has_the_key(#[case] path: &str) {
    let app = app(Variables::mock);
    let request = app.request("GET", path);
    let answer = app.answer(request.insert_header(("x-internal-auth", KEY))).await;
    assert_eq!(answer.assert_refused(404).code, "unknown_path");
}

#[rstest]
#[case::closed(false, 401)]
#[case::opened(true, 200)]
#[actix_web::test]
async fn metrics_are_closed_unless_they_are_opened(#[case] open: bool, #[case] status: u16) {
    let app = app(|vars| vars.mock().set("METRICS_OPEN", open));
    assert_eq!(app.get("/metrics").await.status, status);
}

#[actix_web::test]
async fn metrics_are_there_for_who_has_the_key() {
    let page = TestService::mock().plain().get("/metrics").await;
    assert_eq!(page.status, 200);
    let content_type = page.header(CONTENT_TYPE.as_str()).unwrap();
    assert!(content_type.starts_with("application/openmetrics-text"));
}

async fn openapi() -> Value {
    app(Variables::mock).get("/openapi.json").await.json()
}

#[actix_web::test]
async fn the_openapi_page_lists_every_route() {
    let openapi = openapi().await;
    let listed: BTreeSet<_> = openapi["paths"].as_object().unwrap().keys().collect();
    let about_itself = ["/openapi.json", "/docs"];
    let routes = ROUTES.iter().filter(|route| !about_itself.contains(route));
    let missing: Vec<_> = routes.filter(|route| !listed.contains(&(**route).to_owned())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What every OpenAPI 3.1 reader insists on.
#[actix_web::test]
async fn the_openapi_page_is_valid() {
    let openapi = openapi().await;
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3."));
    assert!(openapi["info"]["title"].is_string());
    assert!(openapi["info"]["version"].is_string());
    let mut ids = BTreeSet::new();
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            let responses = operation["responses"].as_object().unwrap();
            assert!(!responses.is_empty(), "{method} {path}");
            let described = responses.values().all(|r| r["description"].is_string());
            assert!(described, "{method} {path}");
        }
    }
    assert!(ids.len() > 5);
}

#[actix_web::test]
async fn the_openapi_page_refers_to_nothing_that_is_not_there() {
    fn references(json: &Value, found: &mut Vec<String>) {
        match json {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let openapi = openapi().await;
    let mut found = Vec::new();
    references(&openapi, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(openapi.pointer(pointer).is_some(), "{reference}");
    }
    let schemes = openapi["components"]["securitySchemes"].as_object().unwrap();
    assert!(schemes.contains_key("internal_auth") && schemes.contains_key("bearer"));
}

#[actix_web::test]
async fn the_openapi_page_says_which_routes_are_open() {
    let openapi = openapi().await;
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let own = operation.get("security");
            let security = own.unwrap_or(&openapi["security"]).as_array().unwrap();
            let is_open = security.contains(&json!({}));
            assert_eq!(is_open, path.starts_with("/health"), "{path}");
        }
    }
}

#[actix_web::test]
async fn the_short_address_of_the_docs_leads_to_them() {
    let answer = app(Variables::mock).get("/docs").await;
    assert_eq!((answer.status, answer.header("location")), (307, Some("/docs/")));
}

/// What an HTML page makes a browser fetch.
fn fetched(page: &str) -> Vec<&str> {
    let attributes = ["src=\"", "href=\""].into_iter();
    let values = attributes.flat_map(|attribute| page.split(attribute).skip(1));
    values.filter_map(|rest| rest.split('"').next()).collect()
}

#[actix_web::test]
async fn the_docs_need_no_other_host() {
    let app = app(Variables::mock);
    let page = app.get("/docs/").await.text();
    let files = fetched(&page);
    assert!(files.len() > 2, "{page}");
    for file in files {
        assert!(!file.contains("//"), "{file}");
        let file = app.get(&format!("/docs/{}", file.trim_start_matches("./"))).await;
        assert_eq!(file.status, 200, "{}", file.raw);
    }
    let start = app.get("/docs/swagger-initializer.js").await.text();
    assert!(start.contains("/openapi.json"), "{start}");
    assert!(!start.contains("://"), "{start}");
}

/// Swagger UI sends the description's address to swagger.io to have it validated, unless told not to.
#[actix_web::test]
async fn the_docs_ask_nobody_to_validate_them() {
    let app = app(Variables::mock);
    let start = app.get("/docs/swagger-initializer.js").await.text();
    let told = start.split("\"validatorUrl\": ").nth(1);
    let is_off = told.is_some_and(|told| told.starts_with("\"none\"") || told.starts_with("null"));
    assert!(is_off, "{start}");
}

#[actix_web::test]
async fn an_access_line_names_the_path_without_its_query() {
    let service = TestService::mock();
    let answer = service.plain().get("/health?key=secret-in-a-query").await;
    let line = service.access(answer.id()).await;
    assert_eq!((&line["path"], &line["status"]), (&json!("/health"), &json!(200)));
    let text = wait_for("lines", || Some(service.lines.text())).await;
    assert!(!text.contains("secret-in-a-query"), "{text}");
}
