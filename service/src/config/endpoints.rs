//! The configuration file: which models there are, and who serves them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::document::{LaidOut, lay_out};
pub use super::explain::explain;
pub use super::finding::{Absent, ConfigError, Finding};
use super::finding::{Findings, Wrong};
pub use super::references::Variables;
use super::{ini, litellm_yaml};
use crate::domain::egress::Egress;
use crate::domain::endpoint::Deadlines;
use crate::domain::model::Models;
use crate::domain::secret::Secret;

/// What a configuration file says.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The models; at least one.
    pub models: Models,
    /// The key that LiteLLM, started with the same file, asks its callers for.
    pub master_key: Option<Secret>,
    /// What is passed over, or will surprise.
    pub warnings: Vec<Finding>,
    /// Endpoints that cannot be used: their secret is not set, nobody here speaks their format.
    pub left_out: Vec<Finding>,
}

/// What holds for endpoints that the file says nothing about.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Their timeouts.
    pub deadlines: Deadlines,
    /// The way to them.
    pub egress: Arc<Egress>,
}

/// These timeouts, and the direct way.
impl From<Deadlines> for Defaults {
    fn from(deadlines: Deadlines) -> Self {
        Self { deadlines, egress: Egress::direct() }
    }
}

/// Reads the file at `path`: LiteLLM's `.yaml` or `.yml`, or an `.ini`.
/// `variables` is the environment, `defaults` holds for endpoints that the file says nothing about.
///
/// # Errors
/// The file cannot be read, is wrong (the first mistake, with its line), or leaves no endpoint.
pub fn load(
    path: &Path,
    variables: &Variables,
    defaults: impl Into<Defaults>,
) -> Result<Configuration, ConfigError> {
    read(path, &text_of(path)?, variables, defaults)
}

/// The same for who wants to know why endpoints are left out: none of them has to be left.
///
/// # Errors
/// The file cannot be read, or is wrong.
pub fn survey(
    path: &Path,
    variables: &Variables,
    defaults: impl Into<Defaults>,
) -> Result<Configuration, ConfigError> {
    let mut findings = Findings::about(path.display().to_string());
    said(path, &text_of(path)?, variables, &defaults.into(), &mut findings)
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| {
        let message = format!("the file cannot be read: {error}");
        Findings::about(path.display().to_string()).error(Wrong { line: None, message })
    })
}

/// The same, where the text is at hand; `path` says which format it has, and is named in findings.
///
/// # Errors
/// As for [`load`].
pub fn read(
    path: &Path,
    text: &str,
    variables: &Variables,
    defaults: impl Into<Defaults>,
) -> Result<Configuration, ConfigError> {
    let mut findings = Findings::about(path.display().to_string());
    let configuration = said(path, text, variables, &defaults.into(), &mut findings)?;
    with_an_endpoint(configuration, &findings)
}

/// A document in LiteLLM's form that is no file, as JSON.
///
/// # Errors
/// It is wrong (the first mistake, with its place), or leaves no endpoint.
pub fn read_document(
    document: &str,
    variables: &Variables,
    defaults: impl Into<Defaults>,
) -> Result<Configuration, ConfigError> {
    let (configuration, findings) = said_in(document, variables, &defaults.into())?;
    with_an_endpoint(configuration, &findings)
}

/// The same for who wants to know why endpoints are left out: none of them has to be left.
///
/// # Errors
/// It is wrong.
pub fn survey_document(
    document: &str,
    variables: &Variables,
    defaults: impl Into<Defaults>,
) -> Result<Configuration, ConfigError> {
    said_in(document, variables, &defaults.into()).map(|(configuration, _)| configuration)
}

fn with_an_endpoint(configuration: Configuration, findings: &Findings) -> Result<Configuration, ConfigError> {
    if configuration.models.groups.iter().all(|model| !model.listed) {
        return Err(findings.nothing_left());
    }
    Ok(configuration)
}

fn said_in(
    document: &str,
    variables: &Variables,
    defaults: &Defaults,
) -> Result<(Configuration, Findings), ConfigError> {
    let LaidOut { text, places } =
        lay_out(document).map_err(|wrong| Findings::about_document(Vec::new()).error(wrong))?;
    let mut findings = Findings::about_document(places);
    let said = litellm_form(&text, variables, defaults, &mut findings);
    Ok((configured(said, &findings)?, findings))
}

fn said(
    path: &Path,
    text: &str,
    variables: &Variables,
    defaults: &Defaults,
    findings: &mut Findings,
) -> Result<Configuration, ConfigError> {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let said = match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => litellm_form(text, variables, defaults, findings),
        Some("ini") => ini::read(text, variables, defaults, findings).map(|models| (models, None)),
        _ => Err(Wrong { line: None, message: "the name has to end in .yaml, .yml or .ini".to_owned() }),
    };
    configured(said, findings)
}

/// The models, and the key that LiteLLM asks its callers for.
type Said = Result<(Models, Option<Secret>), Wrong>;

fn litellm_form(text: &str, variables: &Variables, defaults: &Defaults, findings: &mut Findings) -> Said {
    litellm_yaml::read(text, variables, defaults, findings).map(|said| (said.models, said.master_key))
}

fn configured(said: Said, findings: &Findings) -> Result<Configuration, ConfigError> {
    let (models, master_key) = said.map_err(|wrong| findings.error(wrong))?;
    let (mut warnings, mut left_out) = (findings.warnings.clone(), findings.left_out.clone());
    for list in [&mut warnings, &mut left_out] {
        list.sort_by_key(|finding| finding.line);
    }
    Ok(Configuration { models, master_key, warnings, left_out })
}

#[cfg(test)]
#[path = "endpoints_tests.rs"]
mod tests;
