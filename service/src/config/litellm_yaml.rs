//! LiteLLM's `litellm_config.yaml`, as it is.
//!
//! - The file: <https://docs.litellm.ai/docs/proxy/configs>, <https://docs.litellm.ai/docs/proxy/config_settings>
//! - Routing: <https://docs.litellm.ai/docs/routing>, <https://docs.litellm.ai/docs/proxy/reliability>
//!
//! What is ours alone stands under `llm_proxy`, at the top or in an entry of `model_list`; LiteLLM
//! ignores it, so one file starts both. A key of LiteLLM's that means nothing here is named in a warning;
//! a key under `llm_proxy` that nobody knows is an error, because nobody else will say so.

use std::sync::Arc;

use super::endpoints::Defaults;
use super::finding::{Findings, Wrong};
use super::names::make_unique;
use super::references::{self, Variables};
use super::tree::{Entry, load};
use crate::domain::endpoint::Endpoint;
use crate::domain::model::{Model, Models};
use crate::domain::secret::Secret;

mod declared;
mod egress;
mod entry;
mod info;
mod ours;
mod params;
mod reliability;
mod request;
mod section;
#[cfg(test)]
mod testing;
mod upstream;

use declared::Declared;
use egress::Ways;
use entry::{Raw, Reading};
use reliability::Reliability;
use request::warn_of_prices;
use section::{Section, items};

/// What a file says: the models, and the key that LiteLLM asks its callers for.
pub struct Said {
    pub models: Models,
    pub master_key: Option<Secret>,
}

const SECTIONS: [&str; 7] = [
    "model_list",
    "litellm_settings",
    "router_settings",
    "general_settings",
    "environment_variables",
    "credential_list",
    "llm_proxy",
];

/// Reads the file's text.
pub fn read(
    text: &str,
    variables: &Variables,
    defaults: &Defaults,
    findings: &mut Findings,
) -> Result<Said, Wrong> {
    let mut root = load(text)?;
    let environment = Section::of(root.entries("the file")?, "environment_variables")?;
    let variables = references::with_the_files_own(variables, environment.entries)?;
    references::resolve(&mut root, &variables);
    let top = root.entries("the file")?;
    for other in top.iter().filter(|entry| !SECTIONS.contains(&entry.key.as_str())) {
        findings.warn(other.line, format!("`{}` is not supported: ignored", other.key));
    }
    let master_key = master_key(&Section::of(top, "general_settings")?, findings)?;
    let reliability = Reliability::read(top, findings)?;
    let credentials = items(top, "credential_list")?;
    let ours = Section::of(top, "llm_proxy")?;
    let ways = Ways::read(&ours, &defaults.egress, findings)?;
    let (deadlines, reliability) = (defaults.deadlines, &reliability);
    let reading = Reading { deadlines, reliability, variables: &variables, credentials, ways: &ways };
    let (endpoints, mut declared) = endpoints(top, &reading, findings)?;
    let mut models = Models { groups: groups(endpoints), ..Models::default() };
    declared.kept = models.groups.iter().map(|model| model.name.clone()).collect();
    reliability.complete(&mut models, &mut declared, findings)?;
    models.roles = ours::roles(&ours, &declared, findings)?;
    models.default_model = default_model(&Section::of(top, "general_settings")?, &declared, findings)?;
    Ok(Said { models, master_key })
}

/// Every endpoint with its model's name, in the file's order.
fn endpoints(
    top: &[Entry],
    reading: &Reading<'_>,
    findings: &mut Findings,
) -> Result<(Vec<(String, Endpoint)>, Declared), Wrong> {
    let nodes = items(top, "model_list")?.iter();
    let raws: Vec<Raw<'_>> =
        nodes.map(|node| Raw::read(node, reading.credentials, findings)).collect::<Result<_, _>>()?;
    let mut endpoints = Vec::new();
    for raw in &raws {
        if let Some(endpoint) = reading.endpoint(raw, findings)? {
            endpoints.push((raw.name.clone(), endpoint));
        }
    }
    warn_of_prices(&raws, findings);
    make_unique(endpoints.iter_mut().map(|(_, endpoint)| endpoint));
    let names = raws.into_iter().map(|raw| raw.name).collect();
    Ok((endpoints, Declared { names, ..Declared::default() }))
}

/// Entries of one name are one model.
fn groups(endpoints: Vec<(String, Endpoint)>) -> Vec<Model> {
    let mut groups: Vec<Model> = Vec::new();
    for (name, endpoint) in endpoints {
        let endpoint = Arc::new(endpoint);
        match groups.iter_mut().find(|model| model.name == name) {
            Some(model) => model.endpoints.push(endpoint),
            None => groups.push(Model { name, endpoints: vec![endpoint], listed: true }),
        }
    }
    groups
}

fn master_key(general: &Section<'_>, findings: &mut Findings) -> Result<Option<Secret>, Wrong> {
    general.warn_of_others(&["master_key", "completion_model"], &[], findings);
    let Some(entry) = general.get("master_key") else { return Ok(None) };
    Ok(Some(Secret::new(entry.node.text("general_settings.master_key")?)))
}

/// `completion_model` is the model of requests that name none.
fn default_model(
    general: &Section<'_>,
    declared: &Declared,
    findings: &mut Findings,
) -> Result<Option<String>, Wrong> {
    const WHAT: &str = "general_settings.completion_model";
    let Some(entry) = general.get("completion_model") else { return Ok(None) };
    let name = entry.node.text(WHAT)?;
    Ok(declared.usable(name, entry.line, WHAT, findings).then(|| name.to_owned()))
}

#[cfg(test)]
#[path = "litellm_yaml_tests.rs"]
mod tests;
