//! Streams through real proxies: at once, whole, and to their end wherever they break.

use llm_proxy_test_support::{Behaviour, EgressProxy, TlsFront, start_socks};
use rstest::rstest;

use super::egress::{over_tls, squid, through};
use crate::harness::{
    CHAT, ConfigFile, SOON, Scheme, Targets, TestService, chat, data_of, entry, get, post, streamed,
};

/// A proxy that is spoken to like that, TLS before it if need be, and its URL.
fn proxy(protocol: &str, targets: &Targets, scheme: Scheme) -> (EgressProxy, Option<TlsFront>, String) {
    let proxy = if protocol.starts_with("socks") { start_socks(false) } else { squid(targets, scheme) };
    let front = (protocol == "https").then(|| over_tls(&proxy, targets));
    let url = front.as_ref().map_or_else(|| proxy.url(protocol), TlsFront::url);
    (proxy, front, url)
}

/// The upstream writes two events and nothing more: what comes was held back by nobody.
#[rstest]
#[actix_web::test]
async fn the_first_chunk_comes_at_once(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[values("http", "https", "socks5", "socks5h")] protocol: &str,
) {
    let targets = Targets::start();
    targets.upstream.default_behaviour(Behaviour::chat_stream(["one", "two"]).stall_after_events(2));
    let (_proxy, _front, url) = proxy(protocol, &targets, scheme);
    let service = targets.service(scheme, &through(&url));
    let mut client = service.connect().await;
    let head = client.begin(&post(CHAT, streamed("m"))).await;
    assert_eq!(head.status, 200);
    let events = client.events(2).await;
    assert_eq!(events[1].json()["choices"][0]["delta"]["content"], "one", "{events:?}");
}

#[rstest]
#[actix_web::test]
async fn a_stream_arrives_whole(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[values("http", "https", "socks5", "socks5h")] protocol: &str,
) {
    let targets = Targets::start();
    targets.upstream.default_behaviour(Behaviour::chat_stream(["one ", "two ", "three"]));
    let (_proxy, _front, url) = proxy(protocol, &targets, scheme);
    let service = targets.service(scheme, &through(&url));
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    assert_eq!(data_of(&answer.events()).last().map(String::as_str), Some("[DONE]"));
    assert_eq!(service.usage(answer.id()).await["end"], "complete");
}

#[rstest]
#[case::squid("http")]
#[case::squid_over_tls("https")]
#[case::socks("socks5")]
#[actix_web::test]
async fn a_proxy_that_dies_in_the_middle_ends_the_stream_with_an_error(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] protocol: &str,
) {
    let targets = Targets::start();
    targets.upstream.default_behaviour(Behaviour::chat_stream(["one", "two"]).stall_after_events(2));
    let (proxy, _front, url) = proxy(protocol, &targets, scheme);
    let service = targets.service(scheme, &through(&url));
    let mut client = service.connect().await;
    let head = client.begin(&post(CHAT, streamed("m"))).await;
    assert_eq!(head.status, 200);
    assert_eq!(client.events(2).await.len(), 2);
    proxy.kill();
    let (rest, _) = client.all_events().await;
    let last = rest.last().expect("an error").json();
    assert_eq!(last["error"]["code"], "tunnel_dropped", "{last}");
    assert!(rest.iter().all(|event| !event.is_done()));
    assert_eq!(service.usage(head.id()).await["end"], "truncated");
    let told = &service.ask(&get("/v1/llm/health")).await.json()[url];
    assert_eq!((&told["state"], &told["last_error"]["code"]), (&"failing".into(), &"tunnel_dropped".into()));
}

#[rstest]
#[case::squid("http")]
#[case::squid_over_tls("https")]
#[case::socks("socks5")]
#[actix_web::test]
async fn a_proxy_that_dies_before_the_answer_is_told(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] protocol: &str,
    #[values(chat("m"), streamed("m"))] body: serde_json::Value,
) {
    let targets = Targets::start();
    targets.upstream.default_behaviour(Behaviour::stall_before_head());
    let (proxy, _front, url) = proxy(protocol, &targets, scheme);
    let service = targets.service(scheme, &through(&url));
    let request = post(CHAT, body);
    let killed = async {
        targets.upstream.wait_for_requests(1, SOON).await.expect("a request");
        proxy.kill();
    };
    let (answer, ()) = tokio::join!(service.ask(&request), killed);
    assert_eq!(answer.assert_refused(502).code, "tunnel_dropped");
}

/// A service behind Squid with this timeout.
fn with_timeout(name: &str, targets: &Targets, scheme: Scheme) -> (TestService, EgressProxy) {
    let proxy = squid(targets, scheme);
    let said = format!("ca_file: \"{}\", {}", targets.ca(), through(&proxy.url("http")));
    let yaml =
        format!("model_list:\n{}router_settings: {{num_retries: 0}}\n", entry(&targets.url(scheme), &said));
    (TestService::start(|vars| vars.native(ConfigFile::yaml(yaml)).set(name, 0.3)), proxy)
}

#[rstest]
#[actix_web::test]
async fn an_answer_that_does_not_begin_in_time_is_told_behind_the_proxy(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[values(chat("m"), streamed("m"))] body: serde_json::Value,
) {
    let targets = Targets::start();
    targets.upstream.default_behaviour(Behaviour::stall_before_head());
    let (service, _proxy) = with_timeout("FIRST_BYTE_TIMEOUT_S", &targets, scheme);
    let error = service.ask(&post(CHAT, body)).await.assert_refused(504);
    assert_eq!(error.code, "first_byte_timeout");
}

#[rstest]
#[actix_web::test]
async fn a_stream_that_stops_is_told_behind_the_proxy(#[values(Scheme::Http, Scheme::Https)] scheme: Scheme) {
    let targets = Targets::start();
    targets.upstream.default_behaviour(Behaviour::chat_stream(["one", "two"]).stall_after_events(2));
    let (service, _proxy) = with_timeout("IDLE_TIMEOUT_S", &targets, scheme);
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    let events = answer.events();
    assert_eq!(events.last().unwrap().json()["error"]["code"], "idle_timeout");
}

#[rstest]
#[actix_web::test]
async fn whoever_leaves_is_noticed_behind_the_proxy(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[values("http", "https", "socks5")] protocol: &str,
) {
    let targets = Targets::start();
    targets.upstream.default_behaviour(Behaviour::chat_stream(["one", "two"]).stall_after_events(2));
    let (_proxy, _front, url) = proxy(protocol, &targets, scheme);
    let service = targets.service(scheme, &through(&url));
    let mut client = service.connect().await;
    client.begin(&post(CHAT, streamed("m"))).await;
    client.events(2).await;
    client.leave();
    let closure = targets.upstream.wait_for_closure(SOON).await.expect("the upstream is left");
    assert!(closure.while_answering);
}
