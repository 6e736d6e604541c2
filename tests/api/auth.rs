//! The door: who gets in, and what who does not is told.

use llm_proxy::api::ROUTES;
use rstest::rstest;

use crate::harness::{CHAT, KEY, TestService, Variables, app, chat, get, post};

type Headers = &'static [(&'static str, &'static str)];

const BEARER: &str = "Bearer internal-test-key-4711";

#[rstest]
#[case::internal(&[("x-internal-auth", KEY)], 200)]
#[case::internal_in_capitals(&[("X-INTERNAL-AUTH", KEY)], 200)]
#[case::bearer(&[("authorization", BEARER)], 200)]
#[case::bearer_in_small_letters(&[("authorization", "bearer internal-test-key-4711")], 200)]
#[case::both_the_same(&[("x-internal-auth", KEY), ("authorization", BEARER)], 200)]
#[case::nothing(&[], 401)]
#[case::a_wrong_key(&[("x-internal-auth", "internal-test-key-4712")], 401)]
#[case::a_wrong_bearer(&[("authorization", "Bearer internal-test-key-4712")], 401)]
#[case::the_beginning_of_the_key(&[("x-internal-auth", "internal-test-key-471")], 401)]
#[case::more_than_the_key(&[("x-internal-auth", "internal-test-key-47111")], 401)]
#[case::another_case(&[("x-internal-auth", "INTERNAL-TEST-KEY-4711")], 401)]
#[case::an_empty_key(&[("x-internal-auth", "")], 401)]
#[case::an_empty_bearer(&[("authorization", "Bearer ")], 401)]
#[case::the_key_without_a_scheme(&[("authorization", KEY)], 401)]
#[case::another_scheme(&[("authorization", "Basic aW50ZXJuYWwtdGVzdC1rZXktNDcxMQ==")], 401)]
#[case::the_default_key(&[("x-internal-auth", "change-me-internal-key")], 401)]
#[case::both_wrong_the_same(&[("x-internal-auth", "x"), ("authorization", "Bearer x")], 401)]
#[case::both_different(&[("x-internal-auth", KEY), ("authorization", "Bearer x")], 400)]
#[case::both_different_the_other_way(&[("x-internal-auth", "x"), ("authorization", BEARER)], 400)]
#[case::internal_twice(&[("x-internal-auth", KEY), ("x-internal-auth", KEY)], 400)]
#[case::internal_twice_different(&[("x-internal-auth", KEY), ("x-internal-auth", "x")], 400)]
#[case::bearer_twice(&[("authorization", BEARER), ("authorization", BEARER)], 400)]
#[actix_web::test]
async fn the_door_answers(#[case] headers: Headers, #[case] status: u16) {
    let app = app(Variables::mock);
    let mut request = app.request("GET", "/v1/models");
    for header in headers {
        request = request.append_header(*header);
    }
    let answer = app.answer(request).await;
    assert_eq!(answer.status, status, "{}", answer.text());
    if status == 200 {
        return;
    }
    let error = answer.assert_refused(status);
    let expected = if status == 401 { "authentication_error" } else { "invalid_request_error" };
    assert_eq!(error.kind, expected);
    assert!(!answer.text().contains(KEY));
    let challenge = (status == 401).then_some("Bearer");
    assert_eq!(answer.header("www-authenticate"), challenge);
}

#[rstest]
#[case::bytes_that_are_no_text(b"\xff\xfe\x80")]
#[case::utf8("schlüssel".as_bytes())]
#[case::the_key_and_a_zero(b"internal-test-key-4711\x00")]
#[actix_web::test]
async fn a_strange_key_is_a_wrong_one(#[case] key: &[u8]) {
    let service = TestService::mock();
    let request = get("/v1/models").without_key().header("x-internal-auth", key);
    let answer = service.ask(&request).await;
    assert!([400, 401].contains(&answer.status), "{}", answer.raw);
    service.assert_serves().await;
}

#[actix_web::test]
async fn a_very_long_key_is_a_wrong_one() {
    let request = get("/v1/models").without_key();
    let request = request.header("x-internal-auth", vec![b'k'; 60_000]);
    TestService::mock().ask(&request).await.assert_refused(401);
}

fn is_open(path: &str) -> bool {
    path.starts_with("/health") || path.starts_with("/docs") || path == "/openapi.json"
}

#[rstest]
#[case::get("GET")]
#[case::post("POST")]
#[case::options("OPTIONS")]
#[case::an_invented_method("BREW")]
#[actix_web::test]
async fn everything_that_is_not_open_is_closed(#[case] method: &str) {
    let app = app(Variables::mock);
    let unknown = ["/", "/v1", "/v2/models", "/healthz", "/metrics/", "/docsx", "/v1/models/x"];
    for path in ROUTES.iter().copied().chain(unknown).filter(|path| !is_open(path)) {
        let answer = app.answer(app.request(method, path)).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        if path.starts_with("/api/") {
            assert!(answer.json()["error"].as_str().unwrap().contains("key"), "{path}");
        } else {
            answer.assert_refused(401);
        }
    }
}

#[rstest]
#[case::dots("/health/../v1/models")]
#[case::encoded_dots("/health/%2e%2e/v1/models")]
#[case::encoded_slashes("/health%2f..%2fv1%2fmodels")]
#[case::docs_and_dots("/docs/../v1/models")]
#[case::two_slashes("//v1/models")]
#[case::an_absolute_form("http://llm-proxy.test/v1/models")]
#[case::an_open_query("/v1/models?/health")]
#[case::an_open_fragment("/v1/models#/health")]
#[case::capitals("/V1/MODELS")]
#[actix_web::test]
async fn no_way_of_writing_a_path_opens_the_door(#[case] path: &str) {
    let service = TestService::mock();
    let answer = service.ask(&get(path).without_key()).await;
    assert!((400..500).contains(&answer.status), "{}", answer.raw);
    assert!(!answer.text().contains("mock-stall"), "{}", answer.text());
}

/// A body that is still on its way must not become the next request.
#[actix_web::test]
async fn who_is_turned_away_in_the_middle_of_a_body_leaves_no_request_behind() {
    let service = TestService::mock();
    let smuggled = String::from_utf8(get("/v1/models").bytes()).unwrap();
    let request = post(CHAT, smuggled.as_str()).without_key();
    let mut client = service.connect().await;
    client.ask(&request).await.assert_refused(401);
    let next = get("/health/live").id("the-next-one");
    if client.try_send(next.bytes()).await.is_ok()
        && let Some(answer) = client.try_answer().await
    {
        assert_eq!((answer.status, answer.id()), (200, "the-next-one"));
    }
    service.assert_serves().await;
}

#[actix_web::test]
async fn a_key_is_asked_for_in_every_request_of_a_connection() {
    let service = TestService::mock();
    let mut client = service.connect().await;
    assert_eq!(client.ask(&post(CHAT, chat("m"))).await.status, 200);
    client.ask(&get("/v1/models").without_key()).await.assert_refused(401);
    assert_eq!(client.ask(&post(CHAT, chat("m"))).await.status, 200);
}
