//! What is ours alone: the keys under `llm_proxy`.

use super::declared::Declared;
use super::section::Section;
use crate::config::finding::{Findings, Wrong};
use crate::config::limits::seconds;
use crate::config::tree::{Entry, find};
use crate::domain::endpoint::Endpoint;
use crate::domain::model::Roles;

/// How an endpoint is reached: read, and told that it changes nothing yet.
pub const NOT_YET: [&str; 9] = [
    "egress",
    "proxy_http",
    "proxy_https",
    "proxy_no_proxy",
    "ca_file",
    "client_cert",
    "client_key",
    "server_name",
    "ssl_verify",
];

/// The roles at the top of the file.
pub fn roles(section: &Section<'_>, declared: &Declared, findings: &mut Findings) -> Result<Roles, Wrong> {
    check(section.entries, &["roles"], "llm_proxy", findings)?;
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

/// The keys in an entry of `model_list`.
pub fn check_entry(entries: &[Entry], findings: &mut Findings) -> Result<(), Wrong> {
    check(entries, &["continue_streams", "continues", "drain_cancelled_s"], "llm_proxy", findings)
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

fn check(entries: &[Entry], read: &[&str], what: &str, findings: &mut Findings) -> Result<(), Wrong> {
    for entry in entries {
        let key = entry.key.as_str();
        if NOT_YET.contains(&key) {
            findings.warn(entry.line, format!("`{what}.{key}` has no effect in this version"));
        } else if !read.contains(&key) {
            let known: Vec<&str> = read.iter().chain(&NOT_YET).copied().collect();
            let message = format!("`{what}.{key}` is unknown: expected one of {}", known.join(", "));
            return Err(Wrong::at(entry.line, message));
        }
    }
    Ok(())
}
