//! `config.ini`: a section a model, as desktop applications keep it.
//!
//! `[LLM:Name]` is a model that callers ask for as `Name`; all that are enabled stand in for each other
//! in the file's order. `[SummarizerLLM]` and `[TitleGeneratorLLM]` do the service's own jobs and take
//! from the default model what they do not say themselves. `${NAME}` is a variable.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::endpoints::Defaults;
use super::finding::{Findings, Wrong};
use super::names::make_unique;
use super::references::Variables;
use crate::domain::endpoint::{Endpoint, UpstreamModel};
use crate::domain::model::{Alias, Fallbacks, Model, Models, Roles};

mod document;
mod member;
mod model;

use document::{Section, load};
use model::Reading;

const MODEL: &str = "LLM:";
const SUMMARIZER: &str = "SummarizerLLM";
const TITLE_GENERATOR: &str = "TitleGeneratorLLM";

/// Reads the file's text.
pub fn read(
    text: &str,
    variables: &Variables,
    defaults: &Defaults,
    findings: &mut Findings,
) -> Result<Models, Wrong> {
    let sections = load(text)?;
    warn_of_others(&sections, findings);
    refuse_names_twice(&sections)?;
    let reading = Reading { variables, defaults };
    let mut named = named(&sections, &reading, findings)?;
    let default = default_section(&sections, &named, findings)?;
    let mut roles = Vec::new();
    for name in [SUMMARIZER, TITLE_GENERATOR] {
        let Some(section) = sections.iter().find(|section| section.name == name) else { continue };
        let endpoint = reading.role(section, default, findings)?;
        roles.extend(endpoint.map(|endpoint| (name.to_owned(), endpoint)));
    }
    make_unique(named.iter_mut().chain(&mut roles).map(|(_, endpoint)| endpoint));
    let has = |role: &str| roles.iter().any(|(name, _)| name == role).then(|| role.to_owned());
    Ok(Models {
        aliases: aliases(&named),
        fallbacks: Fallbacks { default: stand_ins(&named), ..Fallbacks::default() },
        retries: None,
        default_model: default.map(model_name).transpose()?,
        roles: Roles { summarizer: has(SUMMARIZER), title_generator: has(TITLE_GENERATOR) },
        groups: groups(named, true).chain(groups(roles, false)).collect(),
        ..Models::default()
    })
}

/// The models that callers can ask for.
fn named(
    sections: &[Section],
    reading: &Reading<'_>,
    findings: &mut Findings,
) -> Result<Vec<(String, Endpoint)>, Wrong> {
    let mut named = Vec::new();
    for section in of_models(sections) {
        let name = model_name(section)?;
        if let Some(endpoint) = reading.endpoint(section, &name, findings)? {
            named.push((name, endpoint));
        }
    }
    Ok(named)
}

fn model_name(section: &Section) -> Result<String, Wrong> {
    let name = section.name.strip_prefix(MODEL).unwrap_or(&section.name).trim();
    if name.is_empty() {
        return Err(Wrong::at(section.line, "a section `[LLM:…]` has no name"));
    }
    Ok(name.to_owned())
}

fn of_models(sections: &[Section]) -> impl Iterator<Item = &Section> {
    sections.iter().filter(|section| section.name.starts_with(MODEL))
}

/// `[LLM:A]` and `[LLM: A]` are two sections and one name.
fn refuse_names_twice(sections: &[Section]) -> Result<(), Wrong> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for section in of_models(sections) {
        let name = model_name(section)?;
        if let Some(first) = seen.get(&name) {
            let message = format!("the model `{name}` has a section in line {first} already");
            return Err(Wrong::at(section.line, message));
        }
        seen.insert(name, section.line);
    }
    Ok(())
}

fn warn_of_others(sections: &[Section], findings: &mut Findings) {
    for section in sections {
        let name = section.name.as_str();
        if !name.starts_with(MODEL) && ![SUMMARIZER, TITLE_GENERATOR].contains(&name) {
            findings.warn(section.line, format!("the section `[{name}]` is not about models: ignored"));
        }
    }
}

/// The section that says `default = true`, else the first one with an endpoint.
fn default_section<'a>(
    sections: &'a [Section],
    named: &[(String, Endpoint)],
    findings: &mut Findings,
) -> Result<Option<&'a Section>, Wrong> {
    let has_endpoint = |section: &Section| {
        model_name(section).is_ok_and(|name| named.iter().any(|(other, _)| *other == name))
    };
    let mut marked: Option<&Section> = None;
    for section in of_models(sections) {
        if section.boolean("default")? != Some(true) {
            continue;
        }
        if let Some(first) = marked {
            let message = format!("`default` is true here and in `[{}]` already: expected one", first.name);
            return Err(Wrong::at(section.line_of("default"), message));
        }
        marked = Some(section);
    }
    if let Some(section) = marked.filter(|section| !has_endpoint(section)) {
        let message =
            format!("`[{}]` is the default, but has no endpoint: the first that has one is", section.name);
        findings.warn(section.line_of("default"), message);
    }
    let usable = marked.filter(|section| has_endpoint(section));
    Ok(usable.or_else(|| of_models(sections).find(|section| has_endpoint(section))))
}

/// Callers may ask for what the vendor calls a model, where that means one of them only.
fn aliases(named: &[(String, Endpoint)]) -> BTreeMap<String, Alias> {
    let upstream = |endpoint: &Endpoint| match &endpoint.model {
        UpstreamModel::Named(name) => Some(name.clone()),
        UpstreamModel::AsAsked | UpstreamModel::Pattern(_) => None,
    };
    let mut aliases = BTreeMap::new();
    for (model, endpoint) in named {
        let Some(alias) = upstream(endpoint) else { continue };
        let is_one = named.iter().filter(|(_, other)| upstream(other).as_ref() == Some(&alias)).count() == 1;
        if is_one && named.iter().all(|(name, _)| *name != alias) {
            aliases.insert(alias, Alias { model: model.clone(), listed: false });
        }
    }
    aliases
}

fn stand_ins(named: &[(String, Endpoint)]) -> Vec<String> {
    if named.len() < 2 { Vec::new() } else { named.iter().map(|(name, _)| name.clone()).collect() }
}

fn groups(named: Vec<(String, Endpoint)>, listed: bool) -> impl Iterator<Item = Model> {
    named.into_iter().map(move |(name, endpoint)| Model { name, endpoints: vec![Arc::new(endpoint)], listed })
}

#[cfg(test)]
#[path = "ini_tests.rs"]
mod tests;
