//! What is ours alone: the keys under `llm_proxy`.

use super::declared::Declared;
use super::section::Section;
use crate::config::finding::{Findings, Wrong};
use crate::config::tree::Entry;
use crate::domain::model::Roles;

/// The roles at the top of the file.
pub fn roles(section: &Section<'_>, declared: &Declared, findings: &mut Findings) -> Result<Roles, Wrong> {
    check(section.entries, &["roles", "egress"], "llm_proxy")?;
    let mut roles = Roles::default();
    let Some(entry) = section.get("roles") else { return Ok(roles) };
    for role in entry.node.entries("llm_proxy.roles")? {
        let what = format!("llm_proxy.roles.{}", role.key);
        let slot = match role.key.as_str() {
            "summarizer" => &mut roles.summarizer,
            "title-generator" => &mut roles.title_generator,
            _ => {
                return Err(Wrong::at(
                    role.line,
                    format!("`{what}` is no role: expected summarizer or title-generator"),
                ));
            }
        };
        if role.node.is_null() {
            continue;
        }
        let name = role.node.text(&what)?;
        *slot = declared.usable(name, role.line, &what, findings).then(|| name.to_owned());
    }
    Ok(roles)
}

/// Refuses keys that nobody knows: LiteLLM ignores all of ours, so nobody else will say so.
pub fn check(entries: &[Entry], known: &[&str], what: &str) -> Result<(), Wrong> {
    match entries.iter().find(|entry| !known.contains(&entry.key.as_str())) {
        None => Ok(()),
        Some(Entry { key, line, .. }) => {
            let message = format!("`{what}.{key}` is unknown: expected one of {}", known.join(", "));
            Err(Wrong::at(*line, message))
        }
    }
}
