//! The settings: every `LLM_PROXY__` variable, its default, and what is refused.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

pub use super::access::DEFAULT_INTERNAL_API_KEY;
use super::access::{header_secret, internal_api_key, litellm_proxy_url};
use super::address;
pub use super::choices::{LogFormat, LogLevel, Mode};
use super::egress;
use super::environment::{Environment, process_variables};
pub use super::read::Shown;
use super::read::{Reader, Text};
use super::resilience::{self, ResilienceSettings};
pub use super::server::ServerLimits;
use super::{server, timeouts};
use crate::domain::egress::Egress;
use crate::domain::endpoint::{BaseUrl, Deadlines};
use crate::domain::secret::Secret;

/// What every variable's name starts with.
pub const PREFIX: &str = "LLM_PROXY__";

/// One variable is wrong: its name, what it held, what was expected. Never shows a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    variable: String,
    problem: String,
}

impl SettingsError {
    /// `problem` with the variable of that name, without its prefix.
    pub fn new(name: &str, problem: impl Into<String>) -> Self {
        let variable = format!("{PREFIX}{name}");
        Self::about(variable, problem)
    }

    /// `problem` with the variable of that whole name.
    pub(super) fn about(variable: String, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { variable, problem }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.problem)
    }
}

impl std::error::Error for SettingsError {}

/// The configuration file that is read, if it is there, where the operator names none.
pub const DEFAULT_CONFIG: &str = "litellm_config.yaml";

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who answers.
    pub mode: Mode,
    /// The host name or address to listen on.
    pub host: String,
    /// The port to listen on; 0 takes any free one.
    pub port: u16,
    /// Worker threads.
    pub workers: usize,
    /// What callers show in `x-internal-auth`.
    pub internal_api_key: Secret,
    /// The LiteLLM proxy's URL.
    pub litellm_proxy_url: BaseUrl,
    /// Our key for it.
    pub litellm_api_key: Option<Secret>,
    /// The model of requests that name none.
    pub default_model: String,
    /// Whether the operator named it.
    pub default_model_is_set: bool,
    /// The configuration file, where the operator named one.
    pub config: Option<PathBuf>,
    /// Whether the file's endpoints stand behind LiteLLM.
    pub native_fallback: bool,
    /// The least severe messages that are logged.
    pub log_level: LogLevel,
    /// The form of a log line.
    pub log_format: LogFormat,
    /// The version that `/health` tells.
    pub version: String,
    /// How long each part of an upstream call may take.
    pub deadlines: Deadlines,
    /// Silence in a stream before a keep-alive comment; `None` sends none.
    pub keepalive_interval: Option<Duration>,
    /// The way to endpoints that say nothing about it, and to LiteLLM.
    pub egress: Arc<Egress>,
    /// Retries, failover and breakers.
    pub resilience: ResilienceSettings,
    /// What clients may do.
    pub limits: ServerLimits,
    /// Whether `/metrics` needs no key.
    pub metrics_open: bool,
    /// The pause between two chunks of the mock's streams.
    pub mock_delay: Duration,
    /// Every variable with its effective value, secrets as `***`.
    pub shown: Vec<Shown>,
    /// What the operator should know and the start does not stop for.
    pub warnings: Vec<String>,
    /// What the configuration file may refer to.
    pub environment: Environment,
}

/// The variables as text, by name: envy matches them without regard to case.
#[derive(Deserialize)]
struct Variables {
    llm_mode: Text,
    host: Text,
    port: Text,
    workers: Text,
    internal_api_key: Text,
    litellm_proxy_url: Text,
    litellm_api_key: Text,
    default_model: Text,
    config: Text,
    native_fallback: Text,
    log_level: Text,
    log_format: Text,
    version: Text,
    keepalive_interval_s: Text,
    metrics_open: Text,
    mock_delay_ms: Text,
    #[serde(flatten)]
    egress: egress::Variables,
    #[serde(flatten)]
    deadlines: timeouts::Variables,
    #[serde(flatten)]
    limits: server::Variables,
    #[serde(flatten)]
    resilience: resilience::Variables,
}

impl Settings {
    /// Reads the process's environment; a `.env` in the working directory fills what is not set there.
    ///
    /// # Errors
    /// The first variable that is wrong, or a `.env` that cannot be read.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_variables(process_variables()?)
    }

    /// Reads `variables`: names with their prefix, and texts. Others than `LLM_PROXY__…` are passed over.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let environment: Environment = variables.into_iter().collect();
        let ours = environment.ours();
        Self::from_ours(ours, environment)
    }

    /// Reads `ours`, names with their prefix; the configuration file may refer to all of `environment`.
    pub(super) fn from_ours(
        ours: Vec<(String, String)>,
        environment: Environment,
    ) -> Result<Self, SettingsError> {
        let names: Vec<String> = ours.iter().map(|(name, _)| name.clone()).collect();
        let variables: Variables = envy::prefixed(PREFIX)
            .from_iter(ours)
            .map_err(|error| SettingsError::new("", error.to_string()))?;
        let mut settings = read(variables, environment)?;
        settings.warn_of_unknown(&names);
        settings.warn_of_the_way();
        settings.warn_of_silence();
        settings.refuse_what_does_not_fit()?;
        Ok(settings)
    }

    fn warn_of_unknown(&mut self, names: &[String]) {
        const OF_THE_PYTHON_CLIENT: &str = "LLM_PROXY__BASE_URL";
        for name in names {
            let known = self.shown.iter().any(|shown| shown.variable.eq_ignore_ascii_case(name));
            if !known && name != OF_THE_PYTHON_CLIENT {
                self.warnings.push(format!("{name} is not a setting of this version: ignored"));
            }
        }
    }

    fn warn_of_the_way(&mut self) {
        if !self.egress.tls.verify {
            self.warnings.push(format!("{PREFIX}SSL_VERIFY {}", egress::UNVERIFIED));
        }
        if let Some(warning) = address::warning(&self.litellm_proxy_url) {
            self.warnings.push(format!("{PREFIX}LITELLM_PROXY_URL {warning}"));
        }
    }

    fn warn_of_silence(&mut self) {
        if self.deadlines.total <= self.deadlines.first_byte {
            self.warnings.push(format!(
                "{PREFIX}REQUEST_TIMEOUT_S is not longer than {PREFIX}FIRST_BYTE_TIMEOUT_S: an endpoint that \
                 says nothing takes all of a request's time, and no other one is asked"
            ));
        }
    }

    fn refuse_what_does_not_fit(&self) -> Result<(), SettingsError> {
        let default_key = self.internal_api_key.expose() == DEFAULT_INTERNAL_API_KEY;
        if default_key && !is_loopback(&self.host) {
            let problem = format!(
                "holds its default, which is public knowledge: expected a key of your own, or {PREFIX}HOST \
                 on loopback instead of {:?}",
                self.host
            );
            return Err(SettingsError::new("INTERNAL_API_KEY", problem));
        }
        match &self.config {
            Some(path) if !path.is_file() => {
                let problem = format!("holds {path:?}, expected the path of a readable file");
                Err(SettingsError::new("CONFIG", problem))
            }
            _ => Ok(()),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn read(vars: Variables, environment: Environment) -> Result<Settings, SettingsError> {
    let mut r = Reader::default();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let ms = Duration::from_millis;
    Ok(Settings {
        mode: r.choice("LLM_MODE", vars.llm_mode, Mode::Litellm, Mode::ALL)?,
        host: r.text("HOST", vars.host, "127.0.0.1")?,
        port: narrow(r.number("PORT", vars.port, 8002, (0, u64::from(u16::MAX)))?),
        workers: narrow(r.number("WORKERS", vars.workers, cores, (1, 1024))?),
        internal_api_key: internal_api_key(&mut r, vars.internal_api_key)?,
        litellm_proxy_url: litellm_proxy_url(&mut r, vars.litellm_proxy_url)?,
        litellm_api_key: header_secret(&mut r, "LITELLM_API_KEY", vars.litellm_api_key)?,
        default_model: r.text("DEFAULT_MODEL", vars.default_model, "gpt-3.5-turbo")?,
        default_model_is_set: r.last_is_set(),
        config: config_file(&mut r, vars.config),
        native_fallback: r.boolean("NATIVE_FALLBACK", vars.native_fallback, true)?,
        log_level: r.choice("LOG_LEVEL", vars.log_level, LogLevel::Info, LogLevel::ALL)?,
        log_format: r.choice("LOG_FORMAT", vars.log_format, LogFormat::Text, LogFormat::ALL)?,
        version: r.text("VERSION", vars.version, env!("CARGO_PKG_VERSION"))?,
        deadlines: timeouts::deadlines(&mut r, vars.deadlines)?,
        keepalive_interval: timeouts::keepalive(&mut r, vars.keepalive_interval_s)?,
        limits: server::read(&mut r, vars.limits)?,
        metrics_open: r.boolean("METRICS_OPEN", vars.metrics_open, false)?,
        mock_delay: ms(r.number("MOCK_DELAY_MS", vars.mock_delay_ms, 20, (0, 60_000))?),
        egress: egress::read(&mut r, vars.egress, &environment)?,
        resilience: resilience::read(&mut r, vars.resilience)?,
        warnings: Vec::new(),
        shown: r.shown,
        environment,
    })
}

/// A number whose range was checked when it was read.
pub(super) fn narrow<T: TryFrom<u64> + Default>(number: u64) -> T {
    T::try_from(number).unwrap_or_default()
}

fn config_file(r: &mut Reader, text: Text) -> Option<PathBuf> {
    let named = text.filter(|text| !text.is_empty()).map(PathBuf::from);
    let shown = named
        .as_deref()
        .map_or_else(|| format!("{DEFAULT_CONFIG} if present").into(), Path::to_string_lossy)
        .into_owned();
    r.show("CONFIG", shown, named.is_some());
    named
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
