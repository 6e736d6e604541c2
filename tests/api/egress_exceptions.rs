//! Who is reached without the proxy, by every form that `proxy_no_proxy` has.

use llm_proxy_test_support::refused_url;
use rstest::rstest;

use super::egress::{ask, assert_in_the_way, assert_reaches, through};
use crate::harness::{Scheme, Targets, service_at};

/// The proxy that nobody may ask: it is dead.
fn except(list: &str) -> String {
    format!("{}, proxy_no_proxy: \"{list}\"", through(&refused_url().unwrap()))
}

#[rstest]
#[case::an_address("127.0.0.1", "127.0.0.1")]
#[case::an_address_with_its_port("127.0.0.1", "127.0.0.1:PORT")]
#[case::a_network("127.0.0.1", "10.0.0.0/8,127.0.0.0/8")]
#[case::a_network_with_a_port("127.0.0.1", "127.0.0.0/8:PORT")]
#[case::everything("127.0.0.1", "*")]
#[case::everything_at_a_port("127.0.0.1", "*:PORT")]
#[case::a_name("localhost", "localhost")]
#[case::a_name_with_its_port("localhost", "localhost:PORT")]
#[case::a_suffix("localhost", "example.test .localhost")]
#[case::a_suffix_with_a_star("localhost", "*.localhost")]
#[actix_web::test]
async fn an_exception_is_reached_without_the_proxy(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] host: &str,
    #[case] list: &str,
) {
    let targets = Targets::start();
    let list = list.replace("PORT", &targets.port(scheme).to_string());
    let said = format!("ca_file: \"{}\", {}", targets.ca(), except(&list));
    let service = service_at(&targets.url(scheme).replace("127.0.0.1", host), &said);
    assert_reaches(&service, &targets).await;
}

#[rstest]
#[case::an_address("::1")]
#[case::an_address_in_brackets("[::1]")]
#[case::an_address_written_at_length("0:0:0:0:0:0:0:1")]
#[case::an_address_with_its_port("[::1]:PORT")]
#[case::a_network("fd00::/8,::/64")]
#[case::everything("*")]
#[actix_web::test]
async fn an_exception_of_ipv6_is_reached_without_the_proxy(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] list: &str,
) {
    let targets = Targets::on_ipv6();
    let list = list.replace("PORT", &targets.port(scheme).to_string());
    assert_reaches(&targets.service(scheme, &except(&list)), &targets).await;
}

#[rstest]
#[case::another_port("127.0.0.1:1")]
#[case::another_network("10.0.0.0/8")]
#[case::another_network_of_ipv6("::/0")]
#[case::a_network_at_another_port("127.0.0.0/8:1")]
#[case::everything_at_another_port("*:1")]
#[case::a_name("localhost")]
#[actix_web::test]
async fn what_is_no_exception_goes_through_the_proxy(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] list: &str,
) {
    let targets = Targets::start();
    assert_in_the_way(&targets.service(scheme, &except(list)), 503, "proxy_unreachable").await;
}

/// The name has no address: who says so was asked, the resolver here or the dead proxy.
#[rstest]
#[case::a_name_above_it("house.invalid", "backend_unavailable")]
#[case::a_suffix(".house.invalid", "backend_unavailable")]
#[case::a_suffix_with_a_star("*.house.invalid", "backend_unavailable")]
#[case::a_suffix_with_its_port(".house.invalid:PORT", "backend_unavailable")]
#[case::the_name_in_capitals("LLM.House.Invalid", "backend_unavailable")]
#[case::an_end_that_is_no_label("ouse.invalid", "proxy_unreachable")]
#[case::a_name_under_it("api.llm.house.invalid", "proxy_unreachable")]
#[case::a_suffix_at_another_port(".house.invalid:1", "proxy_unreachable")]
#[actix_web::test]
async fn names_are_matched_by_labels(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] list: &str,
    #[case] code: &str,
) {
    let (url, port) = match scheme {
        Scheme::Http => ("http://llm.house.invalid", "80"),
        Scheme::Https => ("https://llm.house.invalid", "443"),
    };
    let service = service_at(url, &except(&list.replace("PORT", port)));
    assert_eq!(ask(&service).await.assert_refused(503).code, code);
}
