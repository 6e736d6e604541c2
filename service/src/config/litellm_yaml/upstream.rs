//! Who serves an entry: the vendor, its address, our key for it.

use super::entry::Raw;
use crate::config::address::{base_url, nowhere};
use crate::config::finding::{Findings, Wrong};
use crate::config::keys::{self, Lack};
use crate::config::names::header_safe;
use crate::config::references::{self, Variables};
use crate::config::whose::{Owned, Whose, whose};
use crate::domain::endpoint::{BaseUrl, Deadlines, Endpoint, Provider, UpstreamModel};
use crate::domain::vendors::Vendor;

/// Why an entry has no endpoint.
pub struct Left {
    pub line: usize,
    /// The end of "it is left out: …".
    pub why: String,
    /// The variable that would help.
    pub variable: Option<String>,
}

impl Left {
    /// It lacks that.
    pub fn lacking(line: usize, lack: Lack) -> Self {
        Self { line, why: lack.message, variable: lack.variable }
    }

    const fn because(line: usize, why: String) -> Self {
        Self { line, why, variable: None }
    }
}

/// The endpoint of an entry with its address, key and model, or why there is none.
pub fn endpoint(
    raw: &Raw<'_>,
    variables: &Variables,
    deadlines: Deadlines,
    findings: &mut Findings,
) -> Result<Result<Endpoint, Left>, Wrong> {
    if raw.get("mock_response").is_some() {
        return mock(raw, deadlines).map(Ok);
    }
    if let Some((line, variable)) = raw.unset() {
        return Ok(Err(Left::lacking(line, Lack::unset(&[variable]))));
    }
    let owned = match owned(raw, findings)? {
        Ok(owned) => owned,
        Err(left) => return Ok(Err(left)),
    };
    of_vendor(raw, &owned, variables, deadlines)
}

/// Answers by itself.
/// Source: <https://docs.litellm.ai/docs/completion/mock_requests>
fn mock(raw: &Raw<'_>, deadlines: Deadlines) -> Result<Endpoint, Wrong> {
    let (model, _) = raw.model()?;
    let model = match whose(model, raw.text("custom_llm_provider")?, None) {
        Whose::Of(owned) => owned.model,
        Whose::Elsewhere(_) | Whose::Unknown(_) => model.to_owned(),
    };
    let name = format!("mock/{}", header_safe(&model));
    let mut endpoint = Endpoint::new(name, Provider::Mock, nowhere(), deadlines);
    endpoint.model = UpstreamModel::Named(model);
    Ok(endpoint)
}

/// Whose model it is, unless nobody here can call it.
fn owned(raw: &Raw<'_>, findings: &mut Findings) -> Result<Result<Owned, Left>, Wrong> {
    let (model, line) = raw.model()?;
    let api_base = raw.text("api_base")?.or(raw.text("base_url")?);
    let why = match whose(model, raw.text("custom_llm_provider")?, api_base) {
        Whose::Of(owned) => {
            if let Some(note) = owned.note {
                findings.warn(line, format!("`{model}`: {note}"));
            }
            return Ok(Ok(owned));
        }
        Whose::Elsewhere(provider) => format!("the provider {provider} is not supported"),
        Whose::Unknown(Some(provider)) => format!("`{provider}` is no provider that is known here"),
        Whose::Unknown(None) => "its name says no provider: put one before it, as in openai/NAME".to_owned(),
    };
    Ok(Err(Left::because(line, why)))
}

fn of_vendor(
    raw: &Raw<'_>,
    owned: &Owned,
    variables: &Variables,
    deadlines: Deadlines,
) -> Result<Result<Endpoint, Left>, Wrong> {
    let (vendor, (_, line)) = (owned.vendor, raw.model()?);
    let Some(url) = address(raw, vendor, variables)? else {
        return Ok(Err(Left::lacking(line, Lack::missing("api_base", vendor.base_variables))));
    };
    let is_elsewhere = raw.get("api_base").or(raw.get("base_url")).is_some();
    let key = match keys::key(vendor, raw.text("api_key")?, is_elsewhere, variables) {
        Ok(key) => key,
        Err(lack) => return Ok(Err(Left::lacking(raw.get("api_key").map_or(line, |node| node.line), lack))),
    };
    let name = format!("{}/{}", vendor.prefix, header_safe(&owned.model));
    let mut endpoint = Endpoint::new(name, vendor.provider, url, deadlines);
    endpoint.vendor = Some(vendor.prefix);
    endpoint.key = key;
    endpoint.api_version = api_version(raw, vendor, variables)?;
    endpoint.model = UpstreamModel::Named(owned.model.clone());
    Ok(Ok(endpoint))
}

/// The address in the file, in the vendor's variables, or the vendor's own.
fn address(raw: &Raw<'_>, vendor: &Vendor, variables: &Variables) -> Result<Option<BaseUrl>, Wrong> {
    if let Some(node) = raw.get("api_base").or(raw.get("base_url")) {
        let url = base_url(vendor, node.text("litellm_params.api_base")?);
        return url.map(Some).map_err(|problem| Wrong::at(node.line, format!("`api_base` {problem}")));
    }
    let (_, line) = raw.model()?;
    if let Some((variable, address)) = references::first(variables, vendor.base_variables) {
        let url = base_url(vendor, address);
        return url
            .map(Some)
            .map_err(|problem| Wrong::at(line, format!("the variable {variable} {problem}")));
    }
    let own = vendor.base_url.map(|address| base_url(vendor, address));
    own.transpose().map_err(|problem| Wrong::at(line, format!("the address of {} {problem}", vendor.prefix)))
}

fn api_version(raw: &Raw<'_>, vendor: &Vendor, variables: &Variables) -> Result<Option<String>, Wrong> {
    if let Some(version) = raw.text("api_version")? {
        return Ok(Some(version.to_owned()));
    }
    let of_azure = (vendor.provider == Provider::Azure).then_some("AZURE_API_VERSION");
    Ok(of_azure.and_then(|name| references::value(variables, name)).map(str::to_owned))
}
