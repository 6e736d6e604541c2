//! One section: one endpoint.

use std::sync::Arc;

use serde_json::Value;

use super::document::{Member, Section};
use crate::config::address::{self, base_url};
use crate::config::egress::{self, Problem};
use crate::config::endpoints::Defaults;
use crate::config::finding::{Absent, Findings, Wrong};
use crate::config::keys::{self, Lack};
use crate::config::limits::Timeouts;
use crate::config::names::header_safe;
use crate::config::references::{Variables, expand, first};
use crate::domain::egress::Egress;
use crate::domain::endpoint::{BaseUrl, Endpoint, UpstreamModel};
use crate::domain::secret::Secret;
use crate::domain::vendors::{Vendor, is_known_elsewhere};

const READ: [&str; 11] = [
    "url",
    "apikey",
    "model",
    "api_type",
    "api_version",
    "enabled",
    "default",
    "stream_response",
    "timeout_seconds",
    "temperature",
    "max_tokens",
];

/// Whether a member of that key means something.
fn is_read(key: &str) -> bool {
    READ.contains(&key) || egress::KEYS.contains(&key)
}

/// Where a section has to say something itself.
const OF_THE_SECTION_ALONE: [&str; 2] = ["enabled", "default"];

/// What every section is read with.
pub struct Reading<'a> {
    pub variables: &'a Variables,
    pub defaults: &'a Defaults,
}

impl Reading<'_> {
    /// The endpoint of a section, unless it is switched off or has to be left out.
    pub fn endpoint(
        &self,
        section: &Section,
        name: &str,
        findings: &mut Findings,
    ) -> Result<Option<Endpoint>, Wrong> {
        if section.boolean("enabled")? == Some(false) {
            return Ok(None);
        }
        warn_of_members(section, findings);
        let section = match self.expanded(section, findings) {
            Ok(section) => section,
            Err((line, lack)) => return Ok(leave_out(section, line, &lack, findings)),
        };
        let Some(vendor) = vendor(&section, findings)? else { return Ok(None) };
        let Some(url) = self.address(&section, vendor)? else {
            let lack = Lack::missing("url", vendor.base_variables);
            return Ok(leave_out(&section, section.line, &lack, findings));
        };
        let key = match self.key(&section, vendor) {
            Ok(key) => key,
            Err(lack) => return Ok(leave_out(&section, section.line_of("apikey"), &lack, findings)),
        };
        let mut endpoint = Endpoint::new(header_safe(name), vendor.provider, url, self.defaults.deadlines);
        endpoint.vendor = Some(vendor.prefix);
        endpoint.key = key;
        endpoint.model = UpstreamModel::Named(upstream_model(&section, name, findings));
        finish(&mut endpoint, &section)?;
        endpoint.egress = self.egress(&section, findings)?;
        if let Some(warning) = address::warning(&endpoint.url) {
            findings.warn(section.line_of("url"), format!("`url` of `[{}]` {warning}", section.name));
        }
        Ok(Some(endpoint))
    }

    fn egress(&self, section: &Section, findings: &mut Findings) -> Result<Arc<Egress>, Wrong> {
        let get = |key: &str| section.get(key).map(|member| member.value.as_str());
        let egress = egress::build(&self.defaults.egress, get).map_err(|Problem { key, message }| {
            Wrong::at(section.line_of(key), format!("`{key}` of `[{}]` {message}", section.name))
        })?;
        if !egress.tls.verify && section.get("ssl_verify").is_some() {
            let message = format!("`ssl_verify` of `[{}]` {}", section.name, egress::UNVERIFIED);
            findings.warn(section.line_of("ssl_verify"), message);
        }
        Ok(egress)
    }

    /// The endpoint of a section that does one of the service's own jobs; none where the default model
    /// does it.
    pub fn role(
        &self,
        section: &Section,
        default: Option<&Section>,
        findings: &mut Findings,
    ) -> Result<Option<Endpoint>, Wrong> {
        let is_own =
            |member: &Member| is_read(&member.key) && !OF_THE_SECTION_ALONE.contains(&member.key.as_str());
        if !section.members.iter().any(|member| is_own(member) && !member.value.is_empty()) {
            section.boolean("enabled")?;
            warn_of_members(section, findings);
            return Ok(None);
        }
        let whole = inherited(section, default, findings);
        self.endpoint(&whole, &section.name, findings)
    }

    /// The section with its variables in place; else the line of the first that is not set.
    fn expanded(&self, section: &Section, findings: &mut Findings) -> Result<Section, (usize, Lack)> {
        let mut section = section.clone();
        let name = &section.name;
        for member in section.members.iter_mut().filter(|member| is_read(&member.key)) {
            member.value = match expand(&member.value, self.variables) {
                Ok(value) => value,
                Err(variable) if egress::MAY_BE_UNSET.contains(&member.key.as_str()) => {
                    let message = format!("`{}` of `[{name}]` is ignored: {variable} is not set", member.key);
                    findings.warn(member.line, message);
                    String::new()
                }
                Err(variable) => return Err((member.line, Lack::unset(&[&variable]))),
            };
        }
        Ok(section)
    }

    /// A key that is there and empty is no key; one that is not there may be in a variable.
    fn key(&self, section: &Section, vendor: &Vendor) -> Result<Option<Secret>, Lack> {
        let own = section.members.iter().find(|member| member.key == "apikey");
        let own = own.map(|member| member.value.as_str());
        keys::key(vendor, own, section.get("url").is_some(), self.variables)
    }

    fn address(&self, section: &Section, vendor: &Vendor) -> Result<Option<BaseUrl>, Wrong> {
        let (what, address) = match section.get("url") {
            Some(member) => (format!("`url` of `[{}]`", section.name), member.value.as_str()),
            None => match (first(self.variables, vendor.base_variables), vendor.base_url) {
                (Some((variable, address)), _) => (format!("the variable {variable}"), address),
                (None, Some(address)) => (format!("the address of {}", vendor.prefix), address),
                (None, None) => return Ok(None),
            },
        };
        let url = base_url(vendor, address);
        url.map(Some).map_err(|problem| Wrong::at(section.line_of("url"), format!("{what} {problem}")))
    }
}

/// Adds what needs no vendor.
fn finish(endpoint: &mut Endpoint, section: &Section) -> Result<(), Wrong> {
    endpoint.api_version = section.get("api_version").map(|member| member.value.clone());
    endpoint.streams = section.boolean("stream_response")?.unwrap_or(true);
    Timeouts { whole: section.seconds("timeout_seconds")?, stream: None }.apply(endpoint);
    let temperature = section.number("temperature")?.map(|number| ("temperature", number));
    let max_tokens = section.count("max_tokens")?.map(|number| ("max_tokens", number));
    let numbers = temperature.into_iter().chain(max_tokens);
    endpoint.params.defaults.extend(numbers.map(|(key, number)| (key.to_owned(), Value::Number(number))));
    Ok(())
}

/// A section's own members, and those of the default model that it does not have.
fn inherited(section: &Section, default: Option<&Section>, findings: &mut Findings) -> Section {
    let mut whole = section.clone();
    let Some(default) = default else { return whole };
    if let (Some(url), None, Some(_)) = (section.get("url"), section.get("apikey"), default.get("apikey"))
        && default.get("url").is_none_or(|other| other.value != url.value)
    {
        let message =
            format!("`[{}]` has an own `url`, and shows it the key of `[{}]`", section.name, default.name);
        findings.warn(url.line, message);
    }
    for member in &default.members {
        let key = member.key.as_str();
        let inherits = is_read(key) && !OF_THE_SECTION_ALONE.contains(&key) && whole.get(key).is_none();
        if inherits {
            whole.members.retain(|own| own.key != member.key);
            whole.members.push(member.clone());
        }
    }
    whole
}

fn warn_of_members(section: &Section, findings: &mut Findings) {
    for member in &section.members {
        let key = member.key.as_str();
        if !is_read(key) {
            findings.warn(member.line, format!("`{key}` of `[{}]` is unknown: ignored", section.name));
        }
    }
}

/// `api_type`, a provider's name or one of LiteLLM's prefixes; OpenAI's format where it is not said.
fn vendor(section: &Section, findings: &mut Findings) -> Result<Option<&'static Vendor>, Wrong> {
    let said =
        section.get("api_type").map_or_else(|| "openai".to_owned(), |member| member.value.to_lowercase());
    let prefix = if said == "litellm" { "litellm_proxy" } else { said.as_str() };
    if let Some(vendor) = Vendor::of(prefix) {
        return Ok(Some(vendor));
    }
    let line = section.line_of("api_type");
    if is_known_elsewhere(prefix) {
        let message = format!("`[{}]` is left out: the api_type {said} is not supported", section.name);
        findings.leave_out(line, Absent { name: name_of(section), variable: None }, message);
        return Ok(None);
    }
    let expected = "openai, azure, anthropic, gemini, mistral, cohere, ollama, litellm, or a vendor with OpenAI's format";
    Err(Wrong::at(line, format!("`api_type` of `[{}]` has to be one of {expected}", section.name)))
}

/// What callers know a section's endpoint by.
fn name_of(section: &Section) -> String {
    header_safe(section.name.strip_prefix("LLM:").unwrap_or(&section.name))
}

fn upstream_model(section: &Section, name: &str, findings: &mut Findings) -> String {
    if let Some(member) = section.get("model") {
        return member.value.clone();
    }
    let message = format!("`[{}]` has no `model`: the provider is asked for `{name}`", section.name);
    findings.warn(section.line, message);
    name.to_owned()
}

fn leave_out(section: &Section, line: usize, lack: &Lack, findings: &mut Findings) -> Option<Endpoint> {
    let absent = Absent { name: name_of(section), variable: lack.variable.clone() };
    findings.leave_out(line, absent, format!("`[{}]` is left out: {}", section.name, lack.message));
    None
}
