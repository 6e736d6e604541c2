//! The doctor before set-ups that are broken on purpose: it has to find the step, and say what to change.

use std::any::Any;

use llm_proxy_test_support::{
    Authority, Behaviour, Blackhole, BufferingProxy, EgressProxy, FaultUpstream, PROXY_PASSWORD,
    PROXY_PASSWORD_ENCODED, PROXY_USER, Squid, TlsFront, refused_url, start_socks,
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{ConfigFile, Program, Scheme, TARGET_KEY, Targets, Variables, entry};

/// A configuration, and what has to live as long.
struct SetUp {
    yaml: String,
    /// Whether tokens may be spent.
    spend: bool,
    _kept: Box<dyn Any>,
}

/// An endpoint at this URL, with this under `llm_proxy`.
fn set_up(url: &str, said: &str, kept: impl Any) -> SetUp {
    of_entry(entry(url, said).replace("openai/up", "openai/fault-model"), kept)
}

fn of_entry(entry: String, kept: impl Any) -> SetUp {
    SetUp { yaml: format!("model_list:\n{entry}"), spend: false, _kept: Box::new(kept) }
}

/// An upstream that answers a request for its models like this.
fn upstream(behaviour: Behaviour) -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.on("/v1/models", behaviour);
    upstream
}

fn a_wrong_host_name() -> SetUp {
    set_up("http://llm.invalid", "", ())
}

fn a_port_where_nobody_listens() -> SetUp {
    set_up(&refused_url().unwrap(), "", ())
}

fn a_host_that_does_not_answer() -> SetUp {
    let blackhole = Blackhole::start().unwrap();
    set_up(&blackhole.url(), "", blackhole)
}

fn a_proxy_that_is_not_there() -> SetUp {
    let targets = Targets::start();
    let said = format!("proxy_https: \"{}\"", refused_url().unwrap());
    set_up(&targets.url(Scheme::Https), &said, targets)
}

/// A target behind a Squid that asks who is there, and is shown a wrong password.
fn behind_a_password(scheme: Scheme, key: &str) -> SetUp {
    let targets = Targets::start();
    let proxy = squid(targets.port(scheme));
    let said = format!("{key}: \"{}\"", proxy.url_with("http", "wrong-word"));
    set_up(&targets.url(scheme), &said, (targets, proxy))
}

fn a_proxy_that_wants_another_password() -> SetUp {
    behind_a_password(Scheme::Https, "proxy_https")
}

/// A plain target, whose proxy refuses the request itself.
fn a_proxy_for_plain_targets_that_wants_a_password() -> SetUp {
    behind_a_password(Scheme::Http, "proxy_http")
}

/// Squid's own rule: tunnels lead to 443 alone.
fn a_proxy_with_a_rule_against_the_target() -> SetUp {
    let targets = Targets::start();
    let proxy = Squid::default().start();
    let said = format!("proxy_https: \"{}\"", proxy.url("http"));
    set_up(&targets.url(Scheme::Https), &said, (targets, proxy))
}

fn a_proxy_whose_certificate_nobody_trusts() -> SetUp {
    let targets = Targets::start();
    let proxy = squid(targets.port(Scheme::Https));
    let front = TlsFront::start(proxy.port(), &Authority::new("Proxy CA").certify(&["127.0.0.1"]));
    let said = format!("proxy_https: \"{}\"", front.url());
    set_up(&targets.url(Scheme::Https), &said, (targets, proxy, front))
}

fn a_target_that_speaks_an_older_tls() -> SetUp {
    let targets = Targets::start();
    let certified = targets.authority.certify(&["127.0.0.1"]);
    let front = TlsFront::of_tls_1_2(targets.upstream.port(), &certified);
    let said = format!("ca_file: \"{}\", tls_min_version: 1.3", targets.ca());
    set_up(&front.url(), &said, (targets, front))
}

fn a_certificate_of_an_unknown_issuer() -> SetUp {
    let targets = Targets::start();
    set_up(&targets.url(Scheme::Https), "", targets)
}

fn a_certificate_that_has_expired() -> SetUp {
    let targets = Targets::with(|authority| authority.certify_for_the_last_century(&["127.0.0.1"]));
    let said = format!("ca_file: \"{}\"", targets.ca());
    set_up(&targets.url(Scheme::Https), &said, targets)
}

fn a_certificate_for_another_host() -> SetUp {
    let targets = Targets::with(|authority| authority.certify(&["other.test"]));
    let said = format!("ca_file: \"{}\"", targets.ca());
    set_up(&targets.url(Scheme::Https), &said, targets)
}

fn a_proxy_that_reads_along() -> SetUp {
    let targets = Targets::start();
    let company = Authority::new("Corporate Inspection CA");
    let squid = Squid {
        tunnel_port: Some(targets.port(Scheme::Https)),
        interception: Some(&company),
        ..Squid::default()
    };
    let proxy = squid.start();
    let said = format!("proxy_https: \"{}\"", proxy.url("http"));
    set_up(&targets.url(Scheme::Https).replace("127.0.0.1", "localhost"), &said, (targets, proxy))
}

fn a_wrong_key() -> SetUp {
    let upstream = upstream(Behaviour::status(401));
    set_up(&upstream.url(), "", upstream)
}

fn a_model_that_is_not_there() -> SetUp {
    let upstream = FaultUpstream::start();
    of_entry(entry(&upstream.url(), "").replace("openai/up", "openai/fault-modal"), upstream)
}

fn a_secret_that_is_not_set() -> SetUp {
    of_entry(entry("https://llm.test", "").replace(TARGET_KEY, "os.environ/NO_SUCH_KEY"), ())
}

fn a_server_that_is_no_llm() -> SetUp {
    let upstream =
        upstream(Behaviour::raw("<!doctype html><title>Intranet</title>").content_type("text/html"));
    set_up(&upstream.url(), "", upstream)
}

fn a_stream_of_a_model() -> FaultUpstream {
    let upstream = FaultUpstream::start();
    let words = (1..=20).map(|number| format!("{number} "));
    upstream.sequence("fault-model", [Behaviour::chat("hi"), Behaviour::chat_stream(words).gap_ms(20)]);
    upstream
}

fn a_proxy_that_holds_streams_back() -> SetUp {
    let (upstream, proxy) = (a_stream_of_a_model(), BufferingProxy::start());
    let said = format!("proxy_http: \"{}\"", proxy.url());
    SetUp { spend: true, ..set_up(&upstream.url(), &said, (upstream, proxy)) }
}

/// What the program says of a set-up: its exit code, and the JSON that it prints.
async fn examined(set_up: &SetUp, change: impl FnOnce(Variables) -> Variables) -> (Option<i32>, Value) {
    let mut arguments = vec!["doctor", "--json"];
    arguments.extend(set_up.spend.then_some("--spend"));
    let file = ConfigFile::yaml(&set_up.yaml);
    let output = Program::run(&arguments, |vars| change(vars.native(file).set("CONNECT_TIMEOUT_S", 1))).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    for secret in [PROXY_PASSWORD, TARGET_KEY] {
        assert!(!said.contains(secret) && !errors.contains(secret), "{said}{errors}");
    }
    let document = serde_json::from_str(&said).unwrap_or_else(|_| panic!("no JSON: {said} {errors}"));
    (output.status.code(), document)
}

/// The first step that is neither well nor skipped.
fn to_blame(document: &Value) -> &Value {
    let steps = document["endpoints"][0]["steps"].as_array().unwrap();
    let is_bad = |step: &&Value| step["verdict"] == "failed" || step["verdict"] == "warning";
    steps.iter().find(is_bad).unwrap_or_else(|| panic!("all is well: {document:#}"))
}

/// What the README's table says of a set-up, where it is the same on every machine.
fn row(name: &str, step: &Value) -> String {
    let text = |member: &str| step[member].as_str().unwrap();
    let detail = text("detail");
    // Behind the directory of the file.
    let detail = detail.find("litellm_config.yaml").map_or(detail, |at| &detail[at..]);
    let (step, verdict, advice) = (text("step"), text("verdict"), text("advice"));
    without_numbers(&format!("| {name} | {step}: {verdict} | {detail} | {advice} |"))
}

/// `text` without ports and times.
fn without_numbers(text: &str) -> String {
    let (mut told, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let is_port = before.ends_with(':') && digits > 3;
        let varies = is_port || digits > 4 || before.ends_with("after ");
        told.push_str(before);
        told.push_str(if varies { "…" } else { &number[..digits] });
        rest = &number[digits..];
    }
    told + rest
}

#[rstest]
#[case::dns(a_wrong_host_name, "a wrong host name", "dns")]
#[case::refused(a_port_where_nobody_listens, "a port where nobody listens", "tcp")]
#[case::silent(a_host_that_does_not_answer, "a host that does not answer", "tcp")]
#[case::no_proxy(a_proxy_that_is_not_there, "a proxy that is not there", "tcp")]
#[case::password(a_proxy_that_wants_another_password, "a proxy that wants another password", "proxy_auth")]
#[case::password_in_absolute_form(
    a_proxy_for_plain_targets_that_wants_a_password,
    "the same before a plain target",
    "proxy_auth"
)]
#[case::rule(
    a_proxy_with_a_rule_against_the_target,
    "a proxy with a rule against the target",
    "proxy_connect"
)]
#[case::proxys_issuer(
    a_proxy_whose_certificate_nobody_trusts,
    "a proxy over TLS whose certificate nobody trusts",
    "proxy_tls"
)]
#[case::older_tls(
    a_target_that_speaks_an_older_tls,
    "a target that speaks TLS 1.2, where 1.3 is wanted",
    "tls"
)]
#[case::issuer(a_certificate_of_an_unknown_issuer, "a certificate of an unknown issuer", "tls")]
#[case::expired(a_certificate_that_has_expired, "a certificate that has expired", "tls")]
#[case::another_host(a_certificate_for_another_host, "a certificate for another host", "tls")]
#[case::interception(a_proxy_that_reads_along, "a proxy that reads along", "tls")]
#[case::key(a_wrong_key, "a wrong key", "credentials")]
#[case::model(a_model_that_is_not_there, "a model that is not there", "model")]
#[case::secret(a_secret_that_is_not_set, "a secret that is not set", "secrets")]
#[case::no_llm(a_server_that_is_no_llm, "a server that is no LLM", "http")]
#[case::buffering(a_proxy_that_holds_streams_back, "a proxy that holds streams back", "streaming")]
#[actix_web::test]
async fn the_broken_step_is_found_and_the_readme_shows_it(
    #[case] set_up: fn() -> SetUp,
    #[case] name: &str,
    #[case] step: &str,
) {
    let (code, document) = examined(&set_up(), |vars| vars).await;
    let bad = to_blame(&document);
    assert_eq!(bad["step"], step, "{document:#}");
    let is_failed = bad["verdict"] == "failed";
    assert_eq!(code, Some(i32::from(is_failed)), "{document:#}");
    assert_eq!(document["verdict"], bad["verdict"]);
    let row = row(name, bad);
    // Why a name has no address, each resolver says in its own words.
    let row = row.split(" has no address").next().unwrap();
    assert!(include_str!("../../README.md").contains(row), "not in the README:\n{row}");
}

#[actix_web::test]
async fn nothing_is_wrong_with_an_endpoint_that_works() {
    let upstream = a_stream_of_a_model();
    let set_up = SetUp { spend: true, ..set_up(&upstream.url(), "", ()) };
    let (code, document) = examined(&set_up, |vars| vars).await;
    let steps = document["endpoints"][0]["steps"].as_array().unwrap();
    let verdicts: Vec<_> = steps
        .iter()
        .map(|step| (step["step"].as_str().unwrap(), step["verdict"].as_str().unwrap()))
        .collect();
    let expected = [
        ("configuration", "ok"),
        ("secrets", "ok"),
        ("dns", "skipped"),
        ("tcp", "ok"),
        ("http", "ok"),
        ("credentials", "ok"),
        ("model", "ok"),
        ("completion", "ok"),
        ("streaming", "ok"),
    ];
    assert_eq!(verdicts, expected, "{document:#}");
    assert_eq!((code, document["verdict"].as_str()), (Some(0), Some("ok")));
}

/// A Squid that lets tunnels through to that port.
fn squid(port: u16) -> EgressProxy {
    Squid { tunnel_port: Some(port), password: true, ..Squid::default() }.start()
}

#[rstest]
#[case::squid("http", squid)]
#[case::socks("socks5", |_| start_socks(true))]
#[case::socks_that_looks_names_up("socks5h", |_| start_socks(true))]
#[actix_web::test]
async fn nothing_is_wrong_with_a_way_through_a_proxy(
    #[case] scheme: &str,
    #[case] start: fn(u16) -> EgressProxy,
) {
    let targets = Targets::start();
    let proxy = start(targets.port(Scheme::Https));
    let said = format!(
        "ca_file: \"{}\", proxy_https: \"{}\"",
        targets.ca(),
        proxy.url_with(scheme, PROXY_PASSWORD_ENCODED)
    );
    let set_up = set_up(&targets.url(Scheme::Https), &said, ());
    let (code, document) = examined(&set_up, |vars| vars).await;
    assert_eq!((code, document["verdict"].as_str()), (Some(0), Some("ok")), "{document:#}");
    let steps = document["endpoints"][0]["steps"].as_array().unwrap();
    let of_the_way = steps[3..7].iter().map(|step| step["step"].as_str().unwrap());
    assert_eq!(of_the_way.collect::<Vec<_>>(), ["tcp", "proxy_connect", "proxy_auth", "tls"]);
    assert!(steps[6]["detail"].as_str().unwrap().contains("CN=Target CA"), "{document:#}");
}

#[rstest]
#[case::a_plain_target(Scheme::Http, "proxy_http", &["proxy_tls", "proxy_auth", "http"])]
#[case::a_target_with_tls(Scheme::Https, "proxy_https", &["proxy_tls", "proxy_connect", "proxy_auth", "tls", "http"])]
#[actix_web::test]
async fn nothing_is_wrong_with_a_way_through_a_proxy_over_tls(
    #[case] scheme: Scheme,
    #[case] key: &str,
    #[case] expected: &[&str],
) {
    let targets = Targets::start();
    let proxy = squid(targets.port(scheme));
    let front = TlsFront::start(proxy.port(), &targets.authority.certify(&["127.0.0.1"]));
    let url = front.url().replace("//", &format!("//{PROXY_USER}:{PROXY_PASSWORD_ENCODED}@"));
    let set_up =
        set_up(&targets.url(scheme), &format!("ca_file: \"{}\", {key}: \"{url}\"", targets.ca()), ());
    let (code, document) = examined(&set_up, |vars| vars).await;
    assert_eq!((code, document["verdict"].as_str()), (Some(0), Some("ok")), "{document:#}");
    let steps = document["endpoints"][0]["steps"].as_array().unwrap();
    let names: Vec<_> =
        steps[4..4 + expected.len()].iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, expected, "{document:#}");
    assert_eq!(
        (&steps[4]["verdict"], &steps[4]["detail"]),
        (&json!("ok"), &json!("the proxy proved itself"))
    );
}

/// An endpoint whose model makes vectors.
fn of_vectors(upstream: &FaultUpstream, info: &str) -> SetUp {
    let entry = entry(&upstream.url(), "").replace("openai/up", "openai/fault-model");
    SetUp { spend: true, ..of_entry(format!("{entry}  model_info: {info}\n"), ()) }
}

#[actix_web::test]
async fn a_model_that_makes_vectors_is_asked_for_one() {
    let upstream = FaultUpstream::start();
    upstream.on("/v1/chat/completions", Behaviour::status(400));
    let (code, document) = examined(&of_vectors(&upstream, "{mode: embedding}"), |vars| vars).await;
    assert_eq!((code, document["verdict"].as_str()), (Some(0), Some("ok")), "{document:#}");
    let steps = document["endpoints"][0]["steps"].as_array().unwrap();
    let told: Vec<_> =
        steps[7..].iter().map(|step| (&step["verdict"], step["detail"].as_str().unwrap())).collect();
    assert!(told[0].0 == "ok" && told[0].1.starts_with("a vector of "), "{told:?}");
    assert_eq!(told[1], (&json!("skipped"), "vectors are not streamed"));
    let asked: Vec<_> = upstream.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, ["/v1/models", "/v1/embeddings"]);
}

#[rstest]
#[case::that_refuses(Behaviour::status(400), "The request is invalid")]
#[case::that_sends_none(Behaviour::raw(r#"{"object": "list", "data": []}"#).content_type("application/json"), "no vector")]
#[actix_web::test]
async fn a_model_that_makes_no_vector_after_all_has_failed(#[case] behaviour: Behaviour, #[case] said: &str) {
    let upstream = FaultUpstream::start();
    upstream.on("fault-model", behaviour);
    let (code, document) = examined(&of_vectors(&upstream, "{mode: embedding}"), |vars| vars).await;
    let bad = to_blame(&document);
    assert_eq!((code, &bad["step"]), (Some(1), &json!("completion")), "{document:#}");
    assert!(bad["detail"].as_str().unwrap().contains(said), "{bad}");
}

#[actix_web::test]
async fn nothing_is_spent_without_being_asked_for() {
    let upstream = FaultUpstream::start();
    let (code, document) = examined(&set_up(&upstream.url(), "", ()), |vars| vars).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert!(upstream.requests().iter().all(|request| request.method == "GET"));
    let last = &document["endpoints"][0]["steps"].as_array().unwrap()[8];
    assert_eq!((&last["step"], &last["verdict"]), (&json!("streaming"), &json!("skipped")));
    assert!(last["detail"].as_str().unwrap().contains("--spend"), "{last}");
}

#[actix_web::test]
async fn litellm_in_front_is_examined_first_and_advice_names_its_variables() {
    let upstream = FaultUpstream::start();
    let set_up = set_up(&upstream.url(), "", ());
    let (code, document) = examined(&set_up, |vars| {
        vars.set("LLM_MODE", "litellm").set("LITELLM_PROXY_URL", refused_url().unwrap())
    })
    .await;
    let endpoints = document["endpoints"].as_array().unwrap();
    assert_eq!((code, endpoints.len()), (Some(1), 2), "{document:#}");
    assert_eq!((&endpoints[0]["endpoint"], &endpoints[1]["verdict"]), (&json!("litellm"), &json!("ok")));
    let advice = to_blame(&document)["advice"].as_str().unwrap();
    assert!(advice.contains("LLM_PROXY__LITELLM_PROXY_URL"), "{advice}");
}

#[actix_web::test]
async fn a_default_model_that_litellm_does_not_list_is_a_warning() {
    let litellm = FaultUpstream::start();
    let output = Program::run(&["doctor", "--json"], |vars| vars.before(&litellm)).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let bad = to_blame(&document);
    assert_eq!((&bad["step"], &bad["verdict"]), (&json!("model"), &json!("warning")), "{document:#}");
    assert!(bad["advice"].as_str().unwrap().contains("LLM_PROXY__DEFAULT_MODEL"), "{bad}");
    assert_eq!(output.status.code(), Some(0));
}

#[rstest]
#[case::a_file_that_is_wrong("model_list: 7", &[], "model_list")]
#[case::an_endpoint_that_is_not_there(
    "model_list:\n- model_name: m\n  litellm_params: {model: mock/x}\n", &["--endpoint", "nobody"], "nobody")]
#[actix_web::test]
async fn what_cannot_be_examined_is_exit_code_2(
    #[case] yaml: &str,
    #[case] arguments: &[&str],
    #[case] said: &str,
) {
    let arguments = [&["doctor"], arguments].concat();
    let output = Program::run(&arguments, |vars| vars.native(ConfigFile::yaml(yaml))).await;
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains(said), "{errors}");
    assert!(output.stdout.is_empty());
}

#[actix_web::test]
async fn people_get_a_table() {
    let output = Program::run(&["doctor"], Variables::mock).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("mock: ok (answers by itself)\n  configuration  ok "), "{said}");
    assert!(said.contains("\n  streaming      ok "), "{said}");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}
