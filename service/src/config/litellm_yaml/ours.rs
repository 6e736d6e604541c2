//! What is ours alone: the keys under `llm_proxy`.

use super::declared::Declared;
use super::section::Section;
use crate::config::finding::{Findings, Wrong};
use crate::config::limits::seconds;
use crate::config::tree::{Entry, find};
use crate::domain::endpoint::Endpoint;
use crate::domain::model::Roles;

/// The keys in an entry of `model_list` that say something else than how it is reached.
pub const INTERRUPTIONS: [&str; 3] = ["continue_streams", "continues", "drain_cancelled_s"];

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

/// What becomes of streams that break off, or whose callers leave.
pub fn interruptions(entries: &[Entry], endpoint: &mut Endpoint) -> Result<(), Wrong> {
    let boolean = |key: &str| {
        find(entries, key).map(|entry| entry.node.boolean(&format!("llm_proxy.{key}"))).transpose()
    };
    endpoint.continues = boolean("continues")?;
    endpoint.continue_streams = boolean("continue_streams")?.unwrap_or(false);
    let drain = find(entries, "drain_cancelled_s");
    endpoint.drain_cancelled =
        drain.map(|entry| seconds(&entry.node, "llm_proxy.drain_cancelled_s")).transpose()?;
    Ok(())
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
