//! Addresses, names and users that are hard to write: IPv6, letters beyond ASCII, signs that mean something in a URL.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, TcpListener};

use llm_proxy_test_support::{PROXY_PASSWORD, Squid, start_socks_at};
use rstest::rstest;

use super::egress::{ask, assert_in_the_way, assert_reaches, logged, over_tls, through};
use crate::harness::{ConfigFile, Program, Scheme, Targets, entry, service_at};

/// As people write it, and as DNS and proxies know it.
const NAME: &str = "bücher.test";
const PUNYCODE: &str = "xn--bcher-kva.test";

#[rstest]
#[actix_web::test]
async fn a_target_at_an_ipv6_address_is_reached_directly(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
) {
    let targets = Targets::on_ipv6();
    assert_reaches(&targets.service(scheme, ""), &targets).await;
}

#[rstest]
#[case::in_absolute_form(Scheme::Http, "POST http://[::1]:PORT/v1/chat/completions")]
#[case::by_connect(Scheme::Https, "CONNECT [::1]:PORT")]
#[actix_web::test]
async fn a_target_at_an_ipv6_address_is_reached_through_squid(
    #[case] scheme: Scheme,
    #[case] line: &str,
    #[values(false, true)] ipv6: bool,
    #[values(false, true)] is_over_tls: bool,
) {
    let targets = Targets::on_ipv6();
    let proxy = Squid { tunnel_port: Some(targets.port(scheme)), ipv6, ..Squid::default() }.start();
    let front = is_over_tls.then(|| over_tls(&proxy, &targets));
    let url = front.as_ref().map_or_else(|| proxy.url("http"), |front| front.url());
    let service = targets.service(scheme, &through(&url));
    assert_reaches(&service, &targets).await;
    drop(service);
    logged(&proxy, &line.replace("PORT", &targets.port(scheme).to_string())).await;
}

#[rstest]
#[actix_web::test]
async fn a_target_at_an_ipv6_address_is_reached_through_socks(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[values("socks5", "socks5h")] protocol: &str,
    #[values("127.0.0.1", "::1")] at: &str,
) {
    let targets = Targets::on_ipv6();
    let proxy = start_socks_at(at.parse().unwrap(), false);
    assert_reaches(&targets.service(scheme, &through(&proxy.url(protocol))), &targets).await;
}

#[rstest]
#[actix_web::test]
async fn a_dead_proxy_at_an_ipv6_address_is_told(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[values("http", "https", "socks5", "socks5h")] protocol: &str,
) {
    let targets = Targets::start();
    // Taken and given back: nobody listens there.
    let address = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let service = targets.service(scheme, &through(&format!("{protocol}://{address}")));
    assert_in_the_way(&service, 503, "proxy_unreachable").await;
    let message = ask(&service).await.assert_refused(503).message;
    assert!(message.contains(&format!("{protocol}://{address}")), "{message}");
}

#[rstest]
#[case::percent_encoded("me:p%40ss%3Aword")]
#[case::as_they_are("me:p@ss:word")]
#[case::a_name_with_an_at("me%40house.test:p%40ss%3Aword")]
#[case::a_name_with_an_at_as_it_is("me@house.test:p@ss:word")]
#[actix_web::test]
async fn a_proxys_user_and_password_may_have_any_sign(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] user: &str,
) {
    let targets = Targets::start();
    let proxy = Squid { tunnel_port: Some(targets.port(scheme)), password: true, ..Squid::default() }.start();
    let service = targets.service(scheme, &through(&proxy.url("http").replace("//", &format!("//{user}@"))));
    assert_reaches(&service, &targets).await;
}

#[rstest]
#[case::socks_percent_encoded("me:p%40ss%3Aword")]
#[case::socks_as_they_are("me:p@ss:word")]
#[actix_web::test]
async fn a_socks_proxys_password_may_have_any_sign(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
    #[case] user: &str,
) {
    let targets = Targets::start();
    let proxy = start_socks_at("127.0.0.1".parse().unwrap(), true);
    let url = proxy.url("socks5h").replace("//", &format!("//{user}@"));
    assert_reaches(&targets.service(scheme, &through(&url)), &targets).await;
}

/// Whom a URL with a user would tell what, nobody can say: keys stand in `api_key`.
#[actix_web::test]
async fn a_user_in_an_endpoints_url_is_refused_and_not_repeated() {
    let yaml = format!("model_list:\n{}", entry("http://me:p%40ss%3Aword@llm.test", ""));
    let output = Program::run(&["check"], |vars| vars.native(ConfigFile::yaml(yaml))).await;
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("api_base") && said.contains("without query or credentials"), "{said}");
    assert!(!said.contains(PROXY_PASSWORD) && !said.contains("p%40ss"), "{said}");
}

#[rstest]
#[case::in_absolute_form(Scheme::Http, "POST http://xn--bcher-kva.test:PORT/v1/chat/completions")]
#[case::by_connect(Scheme::Https, "CONNECT xn--bcher-kva.test:PORT")]
#[actix_web::test]
async fn an_international_name_is_punycode_for_proxy_and_target(
    #[case] scheme: Scheme,
    #[case] line: &str,
    #[values(NAME, "BÜCHER.test", PUNYCODE)] host: &str,
) {
    let targets = Targets::with(|authority| authority.certify(&[PUNYCODE]));
    let (port, hosts) = (targets.port(scheme), format!("127.0.0.1 {PUNYCODE}"));
    let proxy = Squid { tunnel_port: Some(port), hosts: &hosts, ..Squid::default() }.start();
    let said = format!("ca_file: \"{}\", {}", targets.ca(), through(&proxy.url("http")));
    let service = service_at(&targets.url(scheme).replace("127.0.0.1", host), &said);
    let answer = ask(&service).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = format!("{PUNYCODE}:{port}");
    assert_eq!(targets.upstream.requests()[0].header("host"), Some(told.as_str()));
    drop(service);
    logged(&proxy, &line.replace("PORT", &port.to_string())).await;
}

/// The target that a SOCKS proxy is asked for, by name; it says that there is nobody.
fn asked_of_socks(listener: &TcpListener) -> String {
    let (mut client, _) = listener.accept().unwrap();
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting).unwrap();
    client.read_exact(&mut vec![0; usize::from(greeting[1])]).unwrap();
    client.write_all(&[5, 0]).unwrap();
    let mut request = [0; 5];
    client.read_exact(&mut request).unwrap();
    assert_eq!(request[..4], [5, 1, 0, 3], "CONNECT to a name");
    let mut target = vec![0; usize::from(request[4]) + 2];
    client.read_exact(&mut target).unwrap();
    client.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    target.truncate(target.len() - 2);
    String::from_utf8(target).unwrap()
}

#[rstest]
#[actix_web::test]
async fn an_international_name_is_punycode_for_a_socks_proxy(
    #[values(Scheme::Http, Scheme::Https)] scheme: Scheme,
) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("socks5h://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || asked_of_socks(&listener));
    let scheme = if scheme == Scheme::Http { "http" } else { "https" };
    let service = service_at(&format!("{scheme}://{NAME}"), &through(&proxy));
    assert_eq!(ask(&service).await.assert_refused(502).code, "target_unreachable");
    assert_eq!(asked.join().unwrap(), PUNYCODE);
}

#[rstest]
#[case::as_people_write_it(NAME)]
#[case::as_dns_knows_it(PUNYCODE)]
#[case::a_suffix_in_capitals(".BÜCHER.test")]
#[actix_web::test]
async fn an_international_name_may_be_an_exception(#[case] list: &str) {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let said = format!("{}, proxy_no_proxy: \"{list}\"", through(&url));
    // The name has no address here, and the proxy is not asked for one.
    let error = ask(&service_at(&format!("http://{NAME}"), &said)).await.assert_refused(503);
    assert!(error.code == "backend_unavailable" && error.message.contains(PUNYCODE), "{}", error.message);
}
