//! The way to endpoints, as an operator says it: proxies, certificates, keys. The same keys stand in an
//! `.ini`, under `llm_proxy` in LiteLLM's file, and in variables, which hold for whoever says nothing.

use std::sync::Arc;

use serde::Deserialize;

use super::environment::Environment;
use super::pem;
use super::read::{Reader, Text};
use super::references;
use super::settings::{PREFIX, SettingsError};
use crate::domain::egress::{Egress, TlsOptions, TlsVersion};
use crate::domain::host::to_ascii;
use crate::domain::no_proxy::NoProxy;
use crate::domain::proxy::{Credentials, Proxy};
use crate::domain::secret::Secret;

/// Every key.
pub const KEYS: [&str; 11] = [
    "proxy_http",
    "proxy_https",
    "proxy_no_proxy",
    "proxy_username",
    "proxy_password",
    "ca_file",
    "client_cert",
    "client_key",
    "server_name",
    "ssl_verify",
    "tls_min_version",
];

/// Keys that may refer to a variable that is not set: a machine without `HTTP_PROXY` has a direct way.
pub const MAY_BE_UNSET: [&str; 3] = ["proxy_http", "proxy_https", "proxy_no_proxy"];

/// What is told where certificates are not verified.
pub const UNVERIFIED: &str = "is false: whoever stands between can read and change everything";

/// What is wrong with the text of a key. Holds no secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// One of [`KEYS`].
    pub key: &'static str,
    /// Goes behind the key's name.
    pub message: String,
}

impl Problem {
    fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }
}

/// The way that `get`, which gives the texts of [`KEYS`], says on top of `base`. Reads the files that it
/// names.
pub fn build<'a>(base: &Arc<Egress>, get: impl Fn(&str) -> Option<&'a str>) -> Result<Arc<Egress>, Problem> {
    let mut egress = Egress {
        proxy_http: proxy("proxy_http", &get)?.or_else(|| base.proxy_http.clone()),
        proxy_https: proxy("proxy_https", &get)?.or_else(|| base.proxy_https.clone()),
        no_proxy: no_proxy(&get)?.unwrap_or_else(|| base.no_proxy.clone()),
        tls: tls(&base.tls, &get)?,
    };
    if let Some(credentials) = credentials(&get)? {
        let proxies = [&mut egress.proxy_http, &mut egress.proxy_https].into_iter().flatten();
        for proxy in proxies.filter(|proxy| proxy.credentials.is_none()) {
            proxy.credentials = Some(credentials.clone());
        }
    }
    Ok(if egress == **base { Arc::clone(base) } else { Arc::new(egress) })
}

fn proxy<'a>(key: &'static str, get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Proxy>, Problem> {
    let proxy = get(key).map(str::parse).transpose();
    proxy.map_err(|expected| Problem::new(key, format!("has to be {expected}")))
}

fn no_proxy<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<NoProxy>, Problem> {
    let list = get("proxy_no_proxy").map(str::parse).transpose();
    list.map_err(|expected: String| Problem::new("proxy_no_proxy", format!("has to be {expected}")))
}

/// Those of their own keys, for proxies whose URL has none.
fn credentials<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Credentials>, Problem> {
    let password = get("proxy_password");
    match (get("proxy_username"), password) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Problem::new("proxy_password", "needs `proxy_username` beside it")),
        // Source: <https://www.rfc-editor.org/rfc/rfc7617#section-2>
        (Some(name), _) if name.contains(':') => {
            Err(Problem::new("proxy_username", "has to be a name without a colon"))
        }
        (Some(username), password) => {
            let password = Secret::new(password.unwrap_or_default());
            Ok(Some(Credentials { username: username.to_owned(), password }))
        }
    }
}

fn tls<'a>(
    base: &Arc<TlsOptions>,
    get: impl Fn(&str) -> Option<&'a str>,
) -> Result<Arc<TlsOptions>, Problem> {
    let tls = TlsOptions {
        verify: verify(&get)?.unwrap_or(base.verify),
        ca: pem::authorities(get("ca_file"))?.or_else(|| base.ca.clone()),
        identity: pem::identity(get("client_cert"), get("client_key"))?.or_else(|| base.identity.clone()),
        min_version: min_version(&get)?.unwrap_or(base.min_version),
        server_name: server_name(&get)?.or_else(|| base.server_name.clone()),
    };
    Ok(if tls == **base { Arc::clone(base) } else { Arc::new(tls) })
}

fn verify<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<bool>, Problem> {
    let Some(text) = get("ssl_verify") else { return Ok(None) };
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(Some(true)),
        "false" | "no" | "off" | "0" => Ok(Some(false)),
        _ => Err(Problem::new("ssl_verify", "has to be true or false")),
    }
}

fn min_version<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<TlsVersion>, Problem> {
    match get("tls_min_version") {
        None => Ok(None),
        Some("1.2") => Ok(Some(TlsVersion::Tls12)),
        Some("1.3") => Ok(Some(TlsVersion::Tls13)),
        Some(_) => Err(Problem::new("tls_min_version", "has to be 1.2 or 1.3")),
    }
}

fn server_name<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<String>, Problem> {
    let Some(text) = get("server_name") else { return Ok(None) };
    let name = to_ascii(text).filter(|name| rustls::pki_types::ServerName::try_from(name.as_str()).is_ok());
    name.map(Some).ok_or_else(|| Problem::new("server_name", "has to be the name of a host"))
}

/// The variables, as text.
#[derive(Deserialize)]
pub(super) struct Variables {
    proxy_http: Text,
    proxy_https: Text,
    proxy_no_proxy: Text,
    proxy_username: Text,
    proxy_password: Text,
    ca_file: Text,
    client_cert: Text,
    client_key: Text,
    ssl_verify: Text,
    proxy_from_env: Text,
}

/// What the variables say: a key, its text, and the variable that it stood in.
type Said = Vec<(&'static str, String, String)>;

/// The way of whoever says nothing about it.
pub(super) fn read(
    r: &mut Reader,
    vars: Variables,
    environment: &Environment,
) -> Result<Arc<Egress>, SettingsError> {
    let from_env = r.boolean("PROXY_FROM_ENV", vars.proxy_from_env.clone(), false)?;
    let mut said = ours(vars);
    if from_env {
        add_conventional(&mut said, environment);
    }
    let get = |key: &str| said.iter().find(|(own, ..)| *own == key).map(|(_, text, _)| text.as_str());
    let egress = build(&Egress::direct(), get).map_err(|Problem { key, message }| {
        let own = said.iter().find(|(own, ..)| *own == key);
        let variable = own.map_or_else(|| variable(key), |(.., variable)| variable.clone());
        SettingsError::about(variable, message)
    })?;
    show(r, &said, &egress);
    Ok(egress)
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase())
}

fn ours(vars: Variables) -> Said {
    let all = [
        ("proxy_http", vars.proxy_http),
        ("proxy_https", vars.proxy_https),
        ("proxy_no_proxy", vars.proxy_no_proxy),
        ("proxy_username", vars.proxy_username),
        ("proxy_password", vars.proxy_password),
        ("ca_file", vars.ca_file),
        ("client_cert", vars.client_cert),
        ("client_key", vars.client_key),
        ("ssl_verify", vars.ssl_verify),
    ];
    let set =
        all.into_iter().filter_map(|(key, text)| Some((key, text.filter(|text| !text.trim().is_empty())?)));
    set.map(|(key, text)| (key, text.trim().to_owned(), variable(key))).collect()
}

/// The variables that curl and most others read. curl takes those in lower case first.
/// Source: <https://curl.se/docs/manpage.html#ENVIRONMENT>
const CONVENTIONAL: [(&str, &[&str]); 3] = [
    ("proxy_http", &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
    ("proxy_https", &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
    ("proxy_no_proxy", &["no_proxy", "NO_PROXY"]),
];

/// Adds what our own variables do not say.
fn add_conventional(said: &mut Said, environment: &Environment) {
    for (key, names) in CONVENTIONAL {
        if said.iter().any(|(own, ..)| *own == key) {
            continue;
        }
        if let Some((name, text)) = references::first(environment.variables(), names) {
            said.push((key, text.trim().to_owned(), name.to_owned()));
        }
    }
}

/// Notes what is in effect, without a secret.
fn show(r: &mut Reader, said: &Said, egress: &Egress) {
    const NONE: &str = "(none)";
    let proxy = |proxy: &Option<Proxy>| proxy.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string);
    for key in KEYS.into_iter().filter(|key| !OF_ENDPOINTS_ALONE.contains(key)) {
        let own = said.iter().find(|(own, ..)| *own == key);
        let value = match (key, own) {
            ("proxy_http", _) => proxy(&egress.proxy_http),
            ("proxy_https", _) => proxy(&egress.proxy_https),
            ("ssl_verify", _) => egress.tls.verify.to_string(),
            ("proxy_username" | "proxy_password", Some(_)) => "***".to_owned(),
            (_, Some((_, text, _))) => text.clone(),
            (_, None) => NONE.to_owned(),
        };
        r.show(&key.to_uppercase(), value, own.is_some());
    }
}

/// Keys without a variable: they say something about one target.
const OF_ENDPOINTS_ALONE: [&str; 2] = ["server_name", "tls_min_version"];

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
