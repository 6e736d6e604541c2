//! Through real proxies: to plain targets and to TLS, and what is told when a proxy is in the way.

use std::collections::BTreeSet;

use llm_proxy_test_support::{
    Authority, Behaviour, Blackhole, EgressProxy, FaultUpstream, PROXY_PASSWORD, PROXY_PASSWORD_ENCODED,
    PROXY_USER, Squid, TlsFront, refused_url, start_socks,
};
use rstest::rstest;

use crate::harness::{
    Answer, CHAT, ConfigFile, Scheme, TARGET_KEY, Targets, TestService, chat, entry, get, post, service_at,
    service_of, streamed, wait_for,
};

/// The proxy for either scheme.
pub fn through(url: &str) -> String {
    format!("proxy_http: \"{url}\", proxy_https: \"{url}\"")
}

/// TLS before a proxy, with a certificate of the targets' authority.
pub fn over_tls(proxy: &EgressProxy, targets: &Targets) -> TlsFront {
    let ip = proxy.address().ip().to_string();
    TlsFront::before(proxy.address(), &targets.authority.certify(&[&ip]))
}

/// A Squid that lets us through to this target.
pub fn squid(targets: &Targets, scheme: Scheme) -> EgressProxy {
    Squid { tunnel_port: Some(targets.port(scheme)), ..Squid::default() }.start()
}

pub async fn ask(service: &TestService) -> Answer {
    service.ask(&post(CHAT, chat("m"))).await
}

/// Fails unless the service reached the target.
pub async fn assert_reaches(service: &TestService, targets: &Targets) {
    let answer = ask(service).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let requests = targets.upstream.take_requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TARGET_KEY}").as_str()));
    assert_eq!(request.header("proxy-authorization"), None);
    let all = format!("{request:?}");
    assert!(!all.contains(PROXY_PASSWORD) && !all.contains(PROXY_PASSWORD_ENCODED), "{all}");
}

/// Fails unless the service refuses like this, and blames the way.
pub async fn assert_in_the_way(service: &TestService, status: u16, code: &str) {
    for body in [chat("m"), streamed("m")] {
        let answer = service.ask(&post(CHAT, body)).await;
        let error = answer.assert_refused(status);
        assert_eq!((error.code.as_str(), error.kind.as_str()), (code, "egress_error"), "{}", error.message);
        assert!(
            !error.message.contains(PROXY_PASSWORD) && !error.message.contains("wrong-word"),
            "{}",
            error.message
        );
    }
}

/// What stands in Squid's log of a way to this target.
pub async fn logged(proxy: &EgressProxy, what: &str) {
    wait_for("a line in the log of Squid", || proxy.access_log().contains(what).then_some(())).await;
}

#[rstest]
#[actix_web::test]
async fn without_a_proxy_a_target_is_reached_directly(#[values(Scheme::Http, Scheme::Https)] scheme: Scheme) {
    let targets = Targets::start();
    assert_reaches(&targets.service(scheme, ""), &targets).await;
}

#[rstest]
#[case::in_absolute_form(Scheme::Http, "POST http://127.0.0.1:PORT/v1/chat/completions")]
#[case::by_connect(Scheme::Https, "CONNECT 127.0.0.1:PORT")]
#[actix_web::test]
async fn an_open_proxy_passes_on(#[case] scheme: Scheme, #[case] line: &str) {
    let targets = Targets::start();
    let proxy = squid(&targets, scheme);
    let service = targets.service(scheme, &through(&proxy.url("http")));
    assert_reaches(&service, &targets).await;
    drop(service);
    logged(&proxy, &line.replace("PORT", &targets.port(scheme).to_string())).await;
}

#[rstest]
#[case::in_the_url("http://me:p%40ss%3Aword@ADDRESS", "")]
#[case::beside_the_url("http://ADDRESS", "proxy_username: me, proxy_password: \"p@ss:word\"")]
#[actix_web::test]
async fn a_proxy_is_shown_its_password_and_nobody_else_is(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] url: &str,
    #[case] beside: &str,
) {
    let targets = Targets::start();
    let proxy = Squid { tunnel_port: Some(targets.port(scheme)), password: true, ..Squid::default() }.start();
    let url = url.replace("ADDRESS", &format!("127.0.0.1:{}", proxy.port()));
    let service = targets.service(scheme, &format!("{}, {beside}", through(&url)));
    assert_reaches(&service, &targets).await;
    let lines = format!("{:?}", service.lines.text());
    assert!(!lines.contains(PROXY_PASSWORD) && !lines.contains(PROXY_PASSWORD_ENCODED), "{lines}");
}

#[rstest]
#[case::a_wrong_password("http://me:wrong-word@ADDRESS")]
#[case::no_password("http://ADDRESS")]
#[actix_web::test]
async fn a_proxy_that_wants_another_password_is_told(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] url: &str,
) {
    let targets = Targets::start();
    let proxy = Squid { tunnel_port: Some(targets.port(scheme)), password: true, ..Squid::default() }.start();
    let url = url.replace("ADDRESS", &format!("127.0.0.1:{}", proxy.port()));
    let service = targets.service(scheme, &through(&url));
    assert_in_the_way(&service, 502, "proxy_authentication_required").await;
    assert!(targets.upstream.requests().is_empty());
}

#[rstest]
#[case::a_plain_target(Scheme::Http)]
#[case::a_target_with_tls(Scheme::Https)]
#[actix_web::test]
async fn a_proxy_with_a_rule_against_the_target_is_told(#[case] scheme: Scheme) {
    let targets = Targets::start();
    let proxy =
        Squid { tunnel_port: Some(targets.port(scheme)), rules: "http_access deny all", ..Squid::default() };
    let proxy = proxy.start();
    let service = targets.service(scheme, &through(&proxy.url("http")));
    assert_in_the_way(&service, 502, "proxy_forbidden").await;
    assert!(targets.upstream.requests().is_empty());
}

#[actix_web::test]
async fn squids_own_rule_lets_tunnels_through_to_443_only_and_plain_requests_anywhere() {
    let targets = Targets::start();
    let proxy = Squid::default().start();
    let said = through(&proxy.url("http"));
    assert_in_the_way(&targets.service(Scheme::Https, &said), 502, "proxy_forbidden").await;
    assert_reaches(&targets.service(Scheme::Http, &said), &targets).await;
}

#[rstest]
#[actix_web::test]
async fn a_dead_proxy_is_told(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[values("http", "https", "socks5", "socks5h")] protocol: &str,
) {
    let targets = Targets::start();
    let dead = refused_url().unwrap().replace("http", protocol);
    assert_in_the_way(&targets.service(scheme, &through(&dead)), 503, "proxy_unreachable").await;
}

#[rstest]
#[case::that_accepts_nobody(503, "proxy_timeout")]
#[actix_web::test]
async fn a_proxy_that_is_too_slow_is_told(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] status: u16,
    #[case] code: &str,
) {
    let (targets, blackhole) = (Targets::start(), Blackhole::start().unwrap());
    let said = through(&blackhole.url());
    let yaml = format!("model_list:\n{}", entry(&targets.url(scheme), &said));
    let service = TestService::start(|vars| {
        vars.native(ConfigFile::yaml(yaml)).set("CONNECT_TIMEOUT_S", 0.3).set("REQUEST_TIMEOUT_S", 2)
    });
    assert_in_the_way(&service, status, code).await;
}

#[actix_web::test]
async fn a_proxy_that_never_answers_connect_is_told() {
    let (targets, silent) = (Targets::start(), FaultUpstream::start());
    silent.on("/", Behaviour::stall_before_head());
    silent.default_behaviour(Behaviour::stall_before_head());
    let yaml = format!("model_list:\n{}", entry(&targets.url(Scheme::Https), &through(&silent.url())));
    let service = TestService::start(|vars| {
        vars.native(ConfigFile::yaml(yaml)).set("CONNECT_TIMEOUT_S", 0.3).set("REQUEST_TIMEOUT_S", 2)
    });
    assert_in_the_way(&service, 502, "tunnel_timeout").await;
}

#[rstest]
#[actix_web::test]
async fn a_socks_proxy_passes_on(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[values("socks5", "socks5h")] protocol: &str,
    #[values(false, true)] password: bool,
    #[values("127.0.0.1", "localhost")] host: &str,
) {
    let targets = Targets::start();
    let proxy = start_socks(password);
    let url = if password { proxy.url_with(protocol, PROXY_PASSWORD_ENCODED) } else { proxy.url(protocol) };
    let target = targets.url(scheme).replace("127.0.0.1", host);
    let service = service_at(&target, &format!("ca_file: \"{}\", {}", targets.ca(), through(&url)));
    assert_reaches(&service, &targets).await;
}

#[rstest]
#[case::a_wrong_password(true)]
#[case::no_password(false)]
#[actix_web::test]
async fn a_socks_proxy_that_wants_another_password_is_told(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] wrong: bool,
) {
    let targets = Targets::start();
    let proxy = start_socks(true);
    let url = if wrong { proxy.url_with("socks5", "wrong-word") } else { proxy.url("socks5") };
    let service = targets.service(scheme, &through(&url));
    assert_in_the_way(&service, 502, "proxy_authentication_required").await;
}

#[rstest]
#[actix_web::test]
async fn a_proxy_may_be_spoken_to_over_tls(#[values(Scheme::Http, Scheme::Https)] scheme: Scheme) {
    let targets = Targets::start();
    let proxy = squid(&targets, scheme);
    let front = over_tls(&proxy, &targets);
    assert_reaches(&targets.service(scheme, &through(&front.url())), &targets).await;
}

#[rstest]
#[actix_web::test]
async fn a_proxy_whose_certificate_nobody_trusts_is_shown_no_password(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
) {
    let targets = Targets::start();
    let proxy = FaultUpstream::start();
    let front = TlsFront::start(proxy.port(), &Authority::new("Nobody").certify(&["127.0.0.1"]));
    let url = front.url().replace("://", &format!("://{PROXY_USER}:{PROXY_PASSWORD_ENCODED}@"));
    let service = targets.service(scheme, &format!("{}, ssl_verify: false", through(&url)));
    assert_in_the_way(&service, 503, "proxy_tls_error").await;
    assert_eq!((front.handshakes(), proxy.requests().len()), (0, 0));
}

/// The ports that Squid was called from, once it has noted that many requests.
async fn callers(proxy: &EgressProxy, count: usize) -> BTreeSet<String> {
    let lines = wait_for("the requests in Squid's log", || {
        // One that asked nothing looked whether Squid listens.
        let log = proxy.access_log();
        let lines: Vec<String> =
            log.lines().filter(|line| !line.contains(" - ")).map(str::to_owned).collect();
        (lines.len() >= count).then_some(lines)
    })
    .await;
    assert_eq!(lines.len(), count, "{lines:?}");
    lines.iter().filter_map(|line| line.split_once(' ')).map(|(port, _)| port.to_owned()).collect()
}

/// Squid opens a connection of its own for every `POST`: ours to Squid are counted.
#[actix_web::test]
async fn connections_to_a_proxy_are_used_again_for_plain_targets() {
    let targets = Targets::start();
    let proxy = squid(&targets, Scheme::Http);
    let service = targets.service(Scheme::Http, &through(&proxy.url("http")));
    for _ in 0..3 {
        assert_reaches(&service, &targets).await;
    }
    assert_eq!(callers(&proxy, 3).await.len(), 1);
}

#[rstest]
#[case::of_squid("http")]
#[case::of_socks("socks5h")]
#[actix_web::test]
async fn tunnels_are_used_again(#[case] protocol: &str) {
    let targets = Targets::start();
    let proxy = if protocol == "http" { squid(&targets, Scheme::Https) } else { start_socks(false) };
    let service = targets.service(Scheme::Https, &through(&proxy.url(protocol)));
    for _ in 0..3 {
        assert_reaches(&service, &targets).await;
    }
    assert_eq!(targets.upstream.connections().accepted, 1);
}

#[rstest]
#[case::plain(Scheme::Http, 2)]
#[case::tunnels(Scheme::Https, 1)]
#[actix_web::test]
async fn connections_of_different_ways_are_never_mixed(#[case] scheme: Scheme, #[case] calls: usize) {
    let targets = Targets::start();
    let proxy = squid(&targets, scheme);
    let (url, ca) = (targets.url(scheme), format!("ca_file: \"{}\"", targets.ca()));
    let direct = entry(&url, &ca).replace("model_name: m", "model_name: direct");
    let proxied = entry(&url, &format!("{ca}, {}", through(&proxy.url("http"))));
    let service = service_of(&format!("{direct}{proxied}"));
    for model in ["direct", "m", "direct", "m"] {
        let answer = service.ask(&post(CHAT, chat(model))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(targets.upstream.connections().accepted, 1 + calls as u64);
    proxy.kill();
    let answer = service.ask(&post(CHAT, chat("direct"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_in_the_way(&service, 503, "proxy_unreachable").await;
}

#[rstest]
#[actix_web::test]
async fn a_route_goes_on_where_a_proxy_is_dead(#[values(Scheme::Http, Scheme::Https)] scheme: Scheme) {
    let targets = Targets::start();
    let (url, ca) = (targets.url(scheme), format!("ca_file: \"{}\"", targets.ca()));
    let dead = entry(&url, &through(&refused_url().unwrap())).replace("api_key", "order: 1, api_key");
    let direct = entry(&url, &ca).replace("api_key", "order: 2, api_key");
    let service = service_of(&format!("{dead}{direct}"));
    let answer = ask(&service).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-llm-proxy-attempts"), Some("2"));
}

#[rstest]
#[case::a_name_without_an_address("http://no-such-host.invalid")]
#[case::a_name_without_an_address_behind_connect("https://no-such-host.invalid")]
#[case::nobody_there("NOBODY")]
#[case::nobody_there_behind_connect("NOBODY-TLS")]
#[actix_web::test]
async fn a_target_that_squid_does_not_reach_is_told(#[case] url: &str) {
    let nobody = refused_url().unwrap();
    let url = url.replace("NOBODY-TLS", &nobody.replace("http", "https")).replace("NOBODY", &nobody);
    let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let proxy = Squid { tunnel_port: port, ..Squid::default() }.start();
    let service = service_at(&url, &through(&proxy.url("http")));
    assert_in_the_way(&service, 502, "target_unreachable").await;
}

#[rstest]
#[case::a_name_without_an_address("https://no-such-host.invalid")]
#[case::nobody_there("NOBODY")]
#[actix_web::test]
async fn a_target_that_a_socks_proxy_does_not_reach_is_told(#[case] url: &str) {
    let proxy = start_socks(false);
    let url = url.replace("NOBODY", &refused_url().unwrap());
    let service = service_at(&url, &through(&proxy.url("socks5h")));
    assert_in_the_way(&service, 502, "target_unreachable").await;
}

#[actix_web::test]
async fn litellm_and_its_readiness_are_reached_the_default_way() {
    let upstream = FaultUpstream::start();
    let proxy = Squid { password: true, ..Squid::default() }.start();
    let service = TestService::start(|vars| {
        let vars = vars.before(&upstream).set("PROXY_HTTP", proxy.url("http"));
        vars.set("PROXY_USERNAME", PROXY_USER).set("PROXY_PASSWORD", PROXY_PASSWORD)
    });
    let answer = ask(&service).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(service.ask(&get("/health/ready")).await.status, 200);
    drop(service);
    logged(&proxy, "POST http://127.0.0.1").await;
    logged(&proxy, "GET http://127.0.0.1").await;
}

#[actix_web::test]
async fn a_readiness_behind_a_dead_proxy_says_so() {
    let upstream = FaultUpstream::start();
    let dead = refused_url().unwrap();
    let service = TestService::start(|vars| vars.before(&upstream).set("PROXY_HTTP", dead));
    let answer = service.ask(&get("/health/ready")).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("proxy"), "{}", answer.text());
}

#[rstest]
#[case::litellms_member("api_base")]
#[case::the_sdks_member("base_url")]
#[case::a_proxy("proxy_http")]
#[actix_web::test]
async fn no_request_chooses_the_host(#[case] member: &str) {
    let (targets, other) = (Targets::start(), FaultUpstream::start());
    let service = targets.service(Scheme::Http, "");
    let mut body = chat("m");
    body[member] = other.url().into();
    let request = post(CHAT, body).header("x-forwarded-host", "other.test");
    let request = request.without("host").header("host", "other.test");
    let answer = service.ask(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!((targets.upstream.requests().len(), other.connections().accepted), (1, 0));
    let host = format!("127.0.0.1:{}", targets.upstream.port());
    assert_eq!(targets.upstream.requests()[0].header("host"), Some(host.as_str()));
}
