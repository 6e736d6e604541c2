//! What `/v1/llm/health` tells about proxies, and about targets that need not prove who they are.

use llm_proxy_test_support::{
    Behaviour, EgressProxy, FaultUpstream, PROXY_PASSWORD, PROXY_PASSWORD_ENCODED, Squid, refused_url,
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Scheme, TARGET_KEY, Targets, TestService, chat, entry, get, post, service_at, service_of,
};

async fn page(service: &TestService) -> Value {
    let answer = service.ask(&get("/v1/llm/health")).await;
    let text = answer.text();
    assert!(
        ![PROXY_PASSWORD, PROXY_PASSWORD_ENCODED, TARGET_KEY].iter().any(|it| text.contains(it)),
        "{text}"
    );
    answer.json()
}

async fn ask(service: &TestService, model: &str) -> Answer {
    service.ask(&post(CHAT, chat(model))).await
}

/// An endpoint of that name and model.
fn named(name: &str, url: &str, said: &str) -> String {
    let entry = entry(url, said).replace("model_name: m", &format!("model_name: {name}"));
    format!("{entry}  model_info: {{id: {name}}}\n")
}

/// Two endpoints behind one proxy, which each of them shows another password, and one that is reached directly.
fn three(targets: &Targets, proxy: &EgressProxy) -> TestService {
    let url = targets.url(Scheme::Http);
    let through = |password| format!("proxy_http: \"{}\"", proxy.url_with("http", password));
    let entries = [
        named("eu", &url, &through(PROXY_PASSWORD_ENCODED)),
        named("direct", &url, ""),
        named("us", &url, &through("wrong-word")),
    ];
    service_of(&entries.concat())
}

#[actix_web::test]
async fn a_proxy_is_told_once_behind_the_endpoints_before_anybody_is_asked() {
    let targets = Targets::start();
    let proxy = Squid { password: true, ..Squid::default() }.start();
    let page = page(&three(&targets, &proxy)).await;
    let names: Vec<_> = page.as_object().unwrap().keys().collect();
    assert_eq!(names, ["eu", "direct", "us", &proxy.url("http")]);
    let idle = json!({
        "proxy": format!("127.0.0.1:{}", proxy.port()), "scheme": "http", "endpoints": ["eu", "us"],
        "state": "healthy", "consecutive_failures": 0, "last_error": null, "last_success_at": null,
    });
    assert_eq!(page[proxy.url("http")], idle);
}

#[actix_web::test]
async fn a_proxys_failures_are_its_own_until_something_comes_through() {
    let targets = Targets::start();
    let proxy = Squid { password: true, ..Squid::default() }.start();
    let service = three(&targets, &proxy);
    for _ in 0..2 {
        ask(&service, "us").await.assert_refused(502);
    }
    let told = page(&service).await;
    let row = &told[proxy.url("http")];
    assert_eq!((&row["state"], &row["consecutive_failures"]), (&json!("failing"), &json!(2)), "{row}");
    assert_eq!(row["last_error"]["code"], "proxy_authentication_required");
    assert!(row["last_error"]["seconds_ago"].is_u64() && row["last_success_at"].is_null(), "{row}");
    let endpoint = &told["us"];
    assert_eq!(
        (&endpoint["state"], &endpoint["last_error"]),
        (&json!("healthy"), &Value::Null),
        "{endpoint}"
    );

    assert_eq!(ask(&service, "eu").await.status, 200);
    let row = &page(&service).await[proxy.url("http")];
    assert_eq!((&row["state"], &row["consecutive_failures"]), (&json!("healthy"), &json!(0)), "{row}");
    assert_eq!(row["last_error"]["code"], "proxy_authentication_required");
    assert!(row["last_success_at"].is_string(), "{row}");
}

#[rstest]
#[case::an_http_proxy("http")]
#[case::a_proxy_over_tls("https")]
#[case::socks("socks5")]
#[case::socks_with_remote_names("socks5h")]
#[actix_web::test]
async fn a_dead_proxy_is_failing(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] protocol: &str,
) {
    let targets = Targets::start();
    let dead = refused_url().unwrap().replace("http", protocol);
    let service = targets.service(scheme, &format!("proxy_http: \"{dead}\", proxy_https: \"{dead}\""));
    ask(&service, "m").await.assert_refused(503);
    let row = &page(&service).await[&dead];
    let expected = (json!("failing"), json!(protocol), json!("proxy_unreachable"));
    assert_eq!((row["state"].clone(), row["scheme"].clone(), row["last_error"]["code"].clone()), expected);
}

#[rstest]
#[case::a_wrong_key(401)]
#[case::a_limited_rate(429)]
#[case::a_fault(500)]
#[actix_web::test]
async fn a_targets_refusal_has_come_through(#[case] status: u16) {
    let targets = Targets::start();
    targets.upstream.default_behaviour(Behaviour::status(status));
    let proxy = Squid::default().start();
    let service = targets.service(Scheme::Http, &format!("proxy_http: \"{}\"", proxy.url("http")));
    assert!(ask(&service, "m").await.status >= 400);
    let row = &page(&service).await[proxy.url("http")];
    assert_eq!((&row["state"], &row["last_error"]), (&json!("healthy"), &Value::Null), "{row}");
    assert!(row["last_success_at"].is_string(), "{row}");
}

#[rstest]
#[case::that_no_endpoint_of_this_scheme_uses("proxy_https", "")]
#[case::that_every_endpoint_is_excepted_from("proxy_http", ", proxy_no_proxy: \"127.0.0.1\"")]
#[actix_web::test]
async fn a_proxy_is_not_told(#[case] key: &str, #[case] excepted: &str) {
    let upstream = FaultUpstream::start();
    let service = service_at(&upstream.url(), &format!("{key}: \"http://proxy.test:3128\"{excepted}"));
    let page = page(&service).await;
    assert_eq!(page.as_object().unwrap().len(), 1, "{page}");
}

#[rstest]
#[case::over_tls(Scheme::Https, "ssl_verify: false", json!(false))]
#[case::over_tls_and_verified(Scheme::Https, "ssl_verify: true", Value::Null)]
#[case::without_tls(Scheme::Http, "ssl_verify: false", Value::Null)]
#[actix_web::test]
async fn a_target_that_is_believed_whoever_it_is_is_told(
    #[case] scheme: Scheme,
    #[case] said: &str,
    #[case] expected: Value,
) {
    let targets = Targets::start();
    let page = page(&targets.service(scheme, said)).await;
    let row = page.as_object().unwrap().values().next().unwrap();
    assert_eq!(row["ssl_verify"], expected, "{row}");
}
