//! Who is trusted, with real handshakes; and a company that reads along.

use llm_proxy_test_support::{Authority, Certified, FaultUpstream, Files, Squid, TlsFront};
use rstest::rstest;

use crate::harness::{Answer, CHAT, Scheme, Targets, TestService, chat, post, service_at};

async fn ask(service: &TestService) -> Answer {
    service.ask(&post(CHAT, chat("m"))).await
}

/// The code and the message of what a service refuses with.
async fn refused(service: &TestService) -> (String, String) {
    let error = ask(service).await.assert_refused(502);
    assert_eq!(error.kind, "egress_error");
    (error.code, error.message)
}

fn expired(authority: &Authority) -> Certified {
    authority.certify_for_the_last_century(&["127.0.0.1"])
}

fn of_another_host(authority: &Authority) -> Certified {
    authority.certify(&["other.test"])
}

#[rstest]
#[case::expired(expired, "tls_expired", "expired")]
#[case::another_host(of_another_host, "tls_wrong_name", "other.test")]
#[actix_web::test]
async fn a_certificate_that_does_not_fit_is_told_with_its_fault(
    #[case] certify: fn(&Authority) -> Certified,
    #[case] code: &str,
    #[case] reason: &str,
) {
    let targets = Targets::with(certify);
    let (told, message) = refused(&targets.service(Scheme::Https, "")).await;
    assert_eq!(told, code, "{message}");
    assert!(message.contains(reason) && message.contains("CN=Target CA"), "{message}");
}

#[actix_web::test]
async fn an_issuer_that_nobody_trusts_is_named() {
    let targets = Targets::start();
    let (code, message) = refused(&service_at(&targets.url(Scheme::Https), "")).await;
    assert_eq!(code, "tls_unknown_issuer", "{message}");
    assert!(message.contains("CN=Target CA"), "{message}");
}

#[actix_web::test]
async fn a_target_without_tls_is_told() {
    let upstream = FaultUpstream::start();
    let (code, _) = refused(&service_at(&upstream.url().replace("http", "https"), "")).await;
    assert_eq!(code, "tls_error");
}

#[actix_web::test]
async fn a_certificate_of_another_name_fits_where_that_name_is_given() {
    let targets = Targets::with(of_another_host);
    let answer = ask(&targets.service(Scheme::Https, "server_name: other.test")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[actix_web::test]
async fn nothing_is_verified_where_the_operator_says_so() {
    let targets = Targets::with(expired);
    let service = service_at(&targets.url(Scheme::Https), "ssl_verify: false");
    let answer = ask(&service).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[rstest]
#[case::by_default("", true)]
#[case::where_that_is_the_minimum(", tls_min_version: 1.2", true)]
#[case::where_more_is_wanted(", tls_min_version: 1.3", false)]
#[actix_web::test]
async fn a_target_that_speaks_tls_1_2_alone_is_reached_unless_more_is_wanted(
    #[case] said: &str,
    #[case] is_reached: bool,
    #[values(false, true)] is_proxied: bool,
) {
    let targets = Targets::start();
    let certified = targets.authority.certify(&["127.0.0.1"]);
    let front = TlsFront::of_tls_1_2(targets.upstream.port(), &certified);
    let proxy = is_proxied.then(|| Squid { tunnel_port: Some(front.port()), ..Squid::default() }.start());
    let way = proxy.iter().map(|proxy| format!(", proxy_https: \"{}\"", proxy.url("http")));
    let way = way.collect::<String>();
    let service = service_at(&front.url(), &format!("ca_file: \"{}\"{said}{way}", targets.ca()));
    if is_reached {
        assert_eq!(ask(&service).await.status, 200);
    } else {
        let (code, message) = refused(&service).await;
        assert_eq!(code, "tls_error", "{message}");
        assert!(message.contains("ProtocolVersion"), "{message}");
    }
    assert_eq!(front.handshakes(), usize::from(is_reached));
}

#[actix_web::test]
async fn a_target_that_speaks_tls_1_3_is_reached_where_that_is_the_minimum() {
    let targets = Targets::start();
    let answer = ask(&targets.service(Scheme::Https, "tls_min_version: 1.3")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[rstest]
#[case::with_it(true)]
#[case::without_it(false)]
#[actix_web::test]
async fn a_client_certificate_is_shown_to_who_asks_for_it(#[case] has_one: bool) {
    let targets = Targets::start();
    let certified = targets.authority.certify(&["127.0.0.1"]);
    let front = TlsFront::for_known_clients(targets.upstream.port(), &certified, &targets.authority);
    let client = targets.authority.certify(&["client.test"]);
    let (cert, key) =
        (targets.files.write("c.pem", &client.certificate), targets.files.write("c.key", &client.key));
    let own =
        if has_one { format!(", client_cert: \"{cert}\", client_key: \"{key}\"") } else { String::new() };
    let service = service_at(&front.url(), &format!("ca_file: \"{}\"{own}", targets.ca()));
    if has_one {
        assert_eq!(ask(&service).await.status, 200);
    } else {
        let (code, message) = refused(&service).await;
        assert_eq!(code, "tls_error", "{message}");
        assert!(message.contains("CertificateRequired"), "{message}");
    }
}

#[rstest]
#[case::unknown_here(false)]
#[case::known_here(true)]
#[actix_web::test]
async fn a_proxy_that_reads_along_is_named_unless_its_authority_is_trusted(#[case] is_trusted: bool) {
    let targets = Targets::start();
    let company = Authority::new("Corporate Inspection CA");
    let files = Files::new();
    let ca = files.write("company.pem", &company.pem());
    let squid = Squid {
        tunnel_port: Some(targets.port(Scheme::Https)),
        interception: Some(&company),
        ..Squid::default()
    };
    let proxy = squid.start();
    let trusted = if is_trusted { ca } else { targets.ca() };
    let said = format!("ca_file: \"{trusted}\", proxy_https: \"{}\"", proxy.url("http"));
    let service = service_at(&targets.url(Scheme::Https).replace("127.0.0.1", "localhost"), &said);
    if is_trusted {
        let answer = ask(&service).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    } else {
        let (code, message) = refused(&service).await;
        assert_eq!(code, "tls_interception", "{message}");
        assert!(message.contains("CN=Corporate Inspection CA"), "{message}");
    }
    assert_eq!(targets.upstream.requests().len(), usize::from(is_trusted));
}
