//! The way to an endpoint: the keys under `llm_proxy` of an entry, and the named ways at the top.

use std::sync::Arc;

use super::ours::{INTERRUPTIONS, check};
use super::section::Section;
use crate::config::egress::{self, Problem};
use crate::config::finding::{Findings, Wrong};
use crate::config::tree::{Content, Entry, find};
use crate::domain::egress::Egress;

/// The name of a way in an entry, and the ways at the top.
const NAME: &str = "egress";

/// Why there is no way: the line, and the variable that is not set.
type Unset = (usize, String);

/// The ways that entries start from.
pub struct Ways {
    default: Arc<Egress>,
    named: Vec<(String, Result<Arc<Egress>, Unset>)>,
}

impl Ways {
    /// Reads `llm_proxy.egress`. A named way has no proxies but its own, and the TLS of `default`.
    pub fn read(ours: &Section<'_>, default: &Arc<Egress>, findings: &mut Findings) -> Result<Self, Wrong> {
        let without_proxy = Arc::new(Egress { tls: Arc::clone(&default.tls), ..Egress::default() });
        let entries = ours.get(NAME).map_or(Ok(&[][..]), |entry| entry.node.entries("llm_proxy.egress"))?;
        let mut named = Vec::new();
        for entry in entries {
            let what = format!("llm_proxy.egress.{}", entry.key);
            let said = entry.node.entries(&what)?;
            check(said, &egress::KEYS, &what)?;
            named.push((entry.key.clone(), build(&without_proxy, said, &what, findings)?));
        }
        Ok(Self { default: Arc::clone(default), named })
    }

    /// The way of an entry whose `llm_proxy` says this, unless a variable is missing.
    pub fn of_entry(
        &self,
        said: &[Entry],
        findings: &mut Findings,
    ) -> Result<Result<Arc<Egress>, Unset>, Wrong> {
        const WHAT: &str = "llm_proxy";
        let known: Vec<&str> = std::iter::once(NAME).chain(egress::KEYS).chain(INTERRUPTIONS).collect();
        check(said, &known, WHAT)?;
        let Some(entry) = find(said, NAME) else { return build(&self.default, said, WHAT, findings) };
        let name = entry.node.text("llm_proxy.egress")?;
        match self.named.iter().find(|(own, _)| own == name) {
            Some((_, Ok(way))) => build(way, said, WHAT, findings),
            Some((_, Err(unset))) => Ok(Err(unset.clone())),
            None => {
                let message = format!(
                    "`llm_proxy.egress` names `{name}`, which is not in `llm_proxy.egress` at the top"
                );
                Err(Wrong::at(entry.line, message))
            }
        }
    }
}

fn build(
    base: &Arc<Egress>,
    said: &[Entry],
    what: &str,
    findings: &mut Findings,
) -> Result<Result<Arc<Egress>, Unset>, Wrong> {
    let said = || said.iter().filter(|entry| egress::KEYS.contains(&entry.key.as_str()));
    for entry in said() {
        let Content::Unset(variable) = &entry.node.content else { continue };
        if !egress::MAY_BE_UNSET.contains(&entry.key.as_str()) {
            return Ok(Err((entry.line, variable.clone())));
        }
        let message = format!("`{what}.{}` is ignored: {variable} is not set", entry.key);
        findings.warn(entry.line, message);
    }
    let mut texts = Vec::new();
    for entry in said().filter(|entry| !entry.node.is_null()) {
        let text = entry.node.text(&format!("{what}.{}", entry.key))?;
        texts.push((entry, text.trim()));
    }
    let said = |key: &str| texts.iter().find(|(entry, text)| entry.key == key && !text.is_empty());
    let egress = egress::build(base, |key| said(key).map(|(_, text)| *text));
    let egress = egress.map_err(|Problem { key, message }| {
        let line = said(key).map(|(entry, _)| entry.line);
        Wrong { line, message: format!("`{what}.{key}` {message}") }
    })?;
    if let Some((entry, _)) = said("ssl_verify").filter(|_| !egress.tls.verify) {
        findings.warn(entry.line, format!("`{what}.ssl_verify` {}", egress::UNVERIFIED));
    }
    Ok(Ok(egress))
}
