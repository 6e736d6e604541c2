use std::path::PathBuf;
use std::sync::LazyLock;

use super::*;
use crate::config::settings::Settings;
use llm_proxy_test_support::Authority;
use rstest::rstest;

/// Files that are made once: `ca.pem`, `client.pem` with its `client.key`, the `other.key` of another.
static FILES: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join(format!("llm-proxy-egress-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let authority = Authority::new("Test CA");
    let (client, other) = (authority.certify(&["client.test"]), authority.certify(&["other.test"]));
    let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).expect("a file");
    write("ca.pem", &authority.pem());
    write("client.pem", &client.certificate);
    write("client.key", &client.key);
    write("other.key", &other.key);
    write("empty.pem", "nothing\n");
    directory
});

/// A text with `DIR` for the directory of the files.
fn fill(text: &str) -> String {
    text.replace("DIR", &FILES.display().to_string())
}

fn built(pairs: &[(&str, &str)]) -> Result<Arc<Egress>, String> {
    let pairs: Vec<(&str, String)> = pairs.iter().map(|(key, text)| (*key, fill(text))).collect();
    let get = |key: &str| pairs.iter().find(|(own, _)| *own == key).map(|(_, text)| text.as_str());
    let built = build(&Egress::direct(), get);
    built.map_err(|Problem { key, message }| format!("{key} {message}").replace(&fill("DIR/"), ""))
}

#[test]
fn who_says_nothing_shares_the_way_of_the_others() {
    let base = built(&[("proxy_https", "http://proxy.test:1")]).expect("a way");
    let same = build(&base, |_| None).expect("a way");
    assert!(Arc::ptr_eq(&base, &same));
}

#[test]
fn a_key_of_its_own_goes_before_the_others() {
    let all =
        [("proxy_http", "http://a.test:1"), ("proxy_https", "http://b.test:2"), ("proxy_no_proxy", "x")];
    let base = built(&all).expect("a way");
    let own = build(&base, |key| (key == "proxy_https").then_some("http://me:p@c.test:3")).expect("a way");
    assert_eq!(own.proxy_http, base.proxy_http);
    assert_eq!(own.no_proxy, base.no_proxy);
    assert_eq!(own.proxy_https.as_ref().map(ToString::to_string).as_deref(), Some("http://c.test:3"));
}

#[rstest]
#[case::for_a_url_without("http://proxy.test:1", "corp\\me", "p@ss:w/rd")]
#[case::not_for_a_url_with_some("http://own:other@proxy.test:1", "own", "other")]
fn credentials_may_stand_beside_the_url(#[case] url: &str, #[case] username: &str, #[case] password: &str) {
    let said = [("proxy_https", url), ("proxy_username", "corp\\me"), ("proxy_password", "p@ss:w/rd")];
    let egress = built(&said).expect("a way");
    let credentials = egress.proxy_https.as_ref().and_then(|proxy| proxy.credentials.as_ref()).expect("some");
    assert_eq!((credentials.username.as_str(), credentials.password.expose()), (username, password));
}

#[test]
fn the_files_of_tls_are_read() {
    let said = [
        ("ca_file", "DIR/ca.pem"),
        ("client_cert", "DIR/client.pem"),
        ("client_key", "DIR/client.key"),
        ("server_name", "bücher.test"),
        ("tls_min_version", "1.3"),
        ("ssl_verify", "no"),
    ];
    let tls = Arc::clone(&built(&said).expect("a way").tls);
    assert!(tls.ca.as_ref().is_some_and(|ca| ca.text.contains("BEGIN CERTIFICATE")));
    assert!(tls.identity.as_ref().is_some_and(|identity| identity.key.expose().contains("PRIVATE KEY")));
    assert_eq!(tls.server_name.as_deref(), Some("xn--bcher-kva.test"));
    assert_eq!((tls.min_version, tls.verify), (TlsVersion::Tls13, false));
    let told = format!("{tls:?}");
    assert!(!told.contains("BEGIN"), "{told}");
}

#[rstest]
#[case::a_proxy(&[("proxy_http", "ftp://me:hunter2@x")], "proxy_http has to be a URL")]
#[case::an_exception(&[("proxy_no_proxy", "10.0.0.0/99")], "proxy_no_proxy has to be a list of names")]
#[case::a_password_alone(&[("proxy_password", "hunter2")], "proxy_password needs `proxy_username` beside it")]
#[case::a_name_with_a_colon(&[("proxy_username", "a:b")], "proxy_username has to be a name without a colon")]
#[case::no_file(&[("ca_file", "DIR/none.pem")], "ca_file names none.pem, which cannot be read: No such file")]
#[case::no_pem(&[("ca_file", "DIR/empty.pem")], "ca_file names empty.pem, which holds no certificate in PEM form")]
#[case::a_certificate_alone(&[("client_cert", "DIR/client.pem")], "client_cert needs `client_key` beside it")]
#[case::a_key_alone(&[("client_key", "DIR/client.key")], "client_key needs `client_cert` beside it")]
#[case::no_key(&[("client_cert", "DIR/client.pem"), ("client_key", "DIR/empty.pem")],
    "client_key names empty.pem, which holds no private key in PEM form without a passphrase")]
#[case::another_key(&[("client_cert", "DIR/client.pem"), ("client_key", "DIR/other.key")],
    "client_key names other.key, whose key is not that of the certificate in client.pem")]
#[case::a_version(&[("tls_min_version", "1.1")], "tls_min_version has to be 1.2 or 1.3")]
#[case::no_boolean(&[("ssl_verify", "maybe")], "ssl_verify has to be true or false")]
#[case::no_name(&[("server_name", "a b")], "server_name has to be the name of a host")]
fn what_is_wrong_is_told_with_its_key(#[case] said: &[(&str, &str)], #[case] expected: &str) {
    let problem = built(said).expect_err("wrong");
    assert!(problem.starts_with(expected) && !problem.contains("hunter2"), "{problem}");
}

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, String> {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), fill(value)));
    Settings::from_variables(pairs).map_err(|error| error.to_string())
}

fn https_proxy(pairs: &[(&str, &str)]) -> Option<String> {
    settings(pairs).expect("valid").egress.proxy_https.as_ref().map(ToString::to_string)
}

#[rstest]
#[case::our_own(&[("LLM_PROXY__PROXY_HTTPS", "http://own.test:1")], Some("http://own.test:1"))]
#[case::the_conventional_one_unasked(&[("HTTPS_PROXY", "http://usual.test:1")], None)]
#[case::the_conventional_one(
    &[("LLM_PROXY__PROXY_FROM_ENV", "true"), ("HTTPS_PROXY", "http://usual.test:1")], Some("http://usual.test:1"))]
#[case::the_one_in_lower_case(
    &[("LLM_PROXY__PROXY_FROM_ENV", "true"), ("HTTPS_PROXY", "http://a.test:1"), ("https_proxy", "http://b.test:1")],
    Some("http://b.test:1"))]
#[case::the_one_for_all(
    &[("LLM_PROXY__PROXY_FROM_ENV", "true"), ("ALL_PROXY", "socks5h://all.test")], Some("socks5h://all.test:1080"))]
#[case::our_own_first(
    &[("LLM_PROXY__PROXY_FROM_ENV", "true"), ("HTTPS_PROXY", "http://usual.test:1"),
      ("LLM_PROXY__PROXY_HTTPS", "http://own.test:1")], Some("http://own.test:1"))]
fn a_variable_says_the_way_of_all(#[case] pairs: &[(&str, &str)], #[case] expected: Option<&str>) {
    assert_eq!(https_proxy(pairs).as_deref(), expected);
}

#[rstest]
#[case::our_own(&[("LLM_PROXY__PROXY_HTTP", "ftp://x")], "LLM_PROXY__PROXY_HTTP has to be a URL")]
#[case::a_conventional_one(
    &[("LLM_PROXY__PROXY_FROM_ENV", "true"), ("NO_PROXY", "10.0.0.0/99")], "NO_PROXY has to be a list")]
#[case::a_file(&[("LLM_PROXY__CA_FILE", "DIR/none.pem")], "LLM_PROXY__CA_FILE names ")]
#[case::a_missing_one(&[("LLM_PROXY__CLIENT_CERT", "DIR/client.pem")], "LLM_PROXY__CLIENT_CERT needs ")]
fn a_wrong_variable_stops_the_start_with_its_name(#[case] pairs: &[(&str, &str)], #[case] expected: &str) {
    let error = settings(pairs).expect_err("wrong");
    assert!(error.starts_with(expected), "{error}");
}

#[rstest]
#[case::no_verification(("LLM_PROXY__SSL_VERIFY", "false"), "LLM_PROXY__SSL_VERIFY is false: whoever")]
#[case::a_metadata_service(
    ("LLM_PROXY__LITELLM_PROXY_URL", "http://169.254.169.254"), "LLM_PROXY__LITELLM_PROXY_URL names a cloud's")]
fn what_is_dangerous_is_warned_about(#[case] pair: (&str, &str), #[case] expected: &str) {
    let warnings = settings(&[pair]).expect("valid").warnings;
    assert!(warnings.len() == 1 && warnings[0].starts_with(expected), "{warnings:?}");
}

#[test]
fn what_is_shown_of_the_variables_holds_no_secret() {
    let pairs = [
        ("LLM_PROXY__PROXY_HTTPS", "http://me:hunter2@proxy.test:1"),
        ("LLM_PROXY__PROXY_USERNAME", "me"),
        ("LLM_PROXY__PROXY_PASSWORD", "hunter3"),
    ];
    let settings = settings(&pairs).expect("valid");
    let told = format!("{:?} {:?}", settings.shown, settings.egress);
    assert!(told.contains("http://proxy.test:1") && !told.contains("hunter"), "{told}");
    assert_eq!(settings.warnings, Vec::<String>::new());
}
