//! What was found about one endpoint, as plain data without a secret in it.

use std::fmt;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// What is looked at, in this order. An endpoint has those that apply to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepName {
    /// What the file or the variables say of it.
    Configuration,
    /// Whether our key is there.
    Secrets,
    /// The name of whom we connect to: the endpoint, or its proxy.
    Dns,
    /// The connection to it.
    Tcp,
    /// TLS with a proxy that wants it.
    ProxyTls,
    /// The proxy's tunnel to the endpoint.
    ProxyConnect,
    /// Whether the proxy takes our password.
    ProxyAuth,
    /// TLS with the endpoint: who issued its certificate, and until when it is good.
    Tls,
    /// An answer to a request that costs nothing.
    Http,
    /// Whether the endpoint takes our key.
    Credentials,
    /// Whether it lists the model that it is to serve.
    Model,
    /// An answer of one token, or a vector.
    Completion,
    /// Whether a stream comes as it is written.
    Streaming,
}

impl StepName {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Secrets => "secrets",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::ProxyTls => "proxy_tls",
            Self::ProxyConnect => "proxy_connect",
            Self::ProxyAuth => "proxy_auth",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Credentials => "credentials",
            Self::Model => "model",
            Self::Completion => "completion",
            Self::Streaming => "streaming",
        }
    }
}

/// For people.
impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::ProxyTls => "proxy TLS",
            Self::ProxyConnect => "proxy CONNECT",
            Self::ProxyAuth => "proxy auth",
            Self::Tls => "TLS",
            Self::Http => "HTTP",
            other => other.name(),
        })
    }
}

/// How a step ended. The worst is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not looked at; the detail says why.
    Skipped,
    /// As it should be.
    Ok,
    /// It works, or may work, and somebody should look at it.
    Warning,
    /// Requests will fail.
    Failed,
}

impl Verdict {
    /// The name in JSON and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// For people.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One step. Serializes as `{"step", "verdict", "ms", "detail", "advice"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// What was found, in one line.
    pub detail: String,
    /// What to change, in one sentence, where something is wrong.
    pub advice: Option<String>,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut step = serializer.serialize_struct("Step", 5)?;
        step.serialize_field("step", self.name.name())?;
        step.serialize_field("verdict", &self.verdict)?;
        step.serialize_field("ms", &((self.took.as_secs_f64() * 10_000.0).round() / 10.0))?;
        step.serialize_field("detail", &self.detail)?;
        step.serialize_field("advice", &self.advice)?;
        step.end()
    }
}

/// Everything about one endpoint. Serializes as `{"endpoint", "about", "verdict", "steps"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub endpoint: String,
    /// What it is and where, in one line.
    pub about: String,
    /// In order.
    pub steps: Vec<Step>,
}

impl Report {
    /// The worst of its steps.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.steps.iter().map(|step| step.verdict).max().unwrap_or(Verdict::Skipped)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 4)?;
        report.serialize_field("endpoint", &self.endpoint)?;
        report.serialize_field("about", &self.about)?;
        report.serialize_field("verdict", &self.verdict())?;
        report.serialize_field("steps", &self.steps)?;
        report.end()
    }
}

/// The worst of all endpoints.
#[must_use]
pub fn worst(reports: &[Report]) -> Verdict {
    reports.iter().map(Report::verdict).max().unwrap_or(Verdict::Skipped)
}
