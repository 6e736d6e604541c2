//! `router_settings` and `litellm_settings`: routing, retries, timeouts, fallbacks, aliases.
//! Where both say the same, the router's wins, as in LiteLLM.

use std::collections::BTreeMap;

use super::declared::Declared;
use super::section::Section;
use crate::config::finding::{Findings, Wrong};
use crate::config::limits::{Timeouts, seconds};
use crate::config::tree::{Content, Entry, Node};
use crate::domain::model::{Alias, Fallbacks, Models, Strategy};

const READ_OF_ROUTER: [&str; 9] = [
    "routing_strategy",
    "num_retries",
    "timeout",
    "stream_timeout",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "model_group_alias",
];

const READ_OF_LITELLM: [&str; 7] = [
    "num_retries",
    "request_timeout",
    "drop_params",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
];

/// About LiteLLM's process and its logs: nothing is lost here without them.
const ABOUT_ITS_LOGS: [&str; 6] = [
    "set_verbose",
    "json_logs",
    "telemetry",
    "suppress_debug_info",
    "turn_off_message_logging",
    "redact_user_api_key_info",
];

/// Strategies of LiteLLM that are not here.
const OTHER_STRATEGIES: [&str; 2] = ["cost-based-routing", "provider-budget-routing"];

/// What the two sections say.
pub struct Reliability<'a> {
    /// For every endpoint that says nothing itself.
    pub timeouts: Timeouts,
    /// Likewise.
    pub drop_unsupported: bool,
    retries: Option<u32>,
    strategy: Strategy,
    router: Section<'a>,
    litellm: Section<'a>,
}

impl<'a> Reliability<'a> {
    /// Reads both sections.
    pub fn read(top: &'a [Entry], findings: &mut Findings) -> Result<Self, Wrong> {
        let router = Section::of(top, "router_settings")?;
        let litellm = Section::of(top, "litellm_settings")?;
        router.warn_of_others(&READ_OF_ROUTER, &["set_verbose", "debug_level"], findings);
        litellm.warn_of_others(&READ_OF_LITELLM, &ABOUT_ITS_LOGS, findings);
        Ok(Self {
            timeouts: timeouts(&router, &litellm)?,
            drop_unsupported: litellm.boolean("drop_params")?.unwrap_or(false),
            retries: retries(&router)?.or(retries(&litellm)?),
            strategy: strategy(&router, findings)?,
            router,
            litellm,
        })
    }

    /// Adds to `models` what refers to them by name.
    pub fn complete(
        &self,
        models: &mut Models,
        declared: &mut Declared,
        findings: &mut Findings,
    ) -> Result<(), Wrong> {
        models.retries = self.retries;
        models.strategy = self.strategy;
        models.aliases = self.aliases(declared, findings)?;
        declared.aliases = models.aliases.keys().cloned().collect();
        let mut lists = |key: &str| self.fallbacks(key, declared, findings);
        models.fallbacks = Fallbacks {
            general: lists("fallbacks")?,
            context_window: lists("context_window_fallbacks")?,
            content_policy: lists("content_policy_fallbacks")?,
            default: Vec::new(),
        };
        models.fallbacks.default =
            self.default_fallbacks(&mut models.fallbacks.general, declared, findings)?;
        Ok(())
    }

    fn get(&self, key: &str) -> Option<(&'a Entry, String)> {
        let in_router = self.router.get(key).map(|entry| (entry, self.router.path(key)));
        in_router.or_else(|| self.litellm.get(key).map(|entry| (entry, self.litellm.path(key))))
    }

    fn fallbacks(
        &self,
        key: &str,
        declared: &Declared,
        findings: &mut Findings,
    ) -> Result<BTreeMap<String, Vec<String>>, Wrong> {
        let mut lists = BTreeMap::new();
        let Some((entry, what)) = self.get(key) else { return Ok(lists) };
        for item in entry.node.items(&what)? {
            for of_one in item.entries(&what)? {
                if of_one.key != "*" && !declared.usable(&of_one.key, of_one.line, &what, findings) {
                    continue;
                }
                let names = usable_names(&of_one.node, &what, declared, findings)?;
                if lists.contains_key(&of_one.key) {
                    let message =
                        format!("`{what}` lists `{}` again: only its first list counts", of_one.key);
                    findings.warn(of_one.line, message);
                } else if !names.is_empty() {
                    lists.insert(of_one.key.clone(), names);
                }
            }
        }
        Ok(lists)
    }

    /// The list of its own, or what `fallbacks` says of `*`.
    fn default_fallbacks(
        &self,
        general: &mut BTreeMap<String, Vec<String>>,
        declared: &Declared,
        findings: &mut Findings,
    ) -> Result<Vec<String>, Wrong> {
        let of_star = general.remove("*").unwrap_or_default();
        match self.get("default_fallbacks") {
            Some((entry, what)) => usable_names(&entry.node, &what, declared, findings),
            None => Ok(of_star),
        }
    }

    /// Source: <https://docs.litellm.ai/docs/proxy/reliability>, "Model Group Alias"
    fn aliases(
        &self,
        declared: &Declared,
        findings: &mut Findings,
    ) -> Result<BTreeMap<String, Alias>, Wrong> {
        const WHAT: &str = "router_settings.model_group_alias";
        let mut aliases = BTreeMap::new();
        let Some(entry) = self.router.get("model_group_alias") else { return Ok(aliases) };
        for entry in entry.node.entries(WHAT)? {
            let alias = alias(&entry.node, &format!("{WHAT}.{}", entry.key))?;
            if declared.kept.contains(&entry.key) {
                let message = format!("`{WHAT}.{}` is the name of a model as well: ignored", entry.key);
                findings.warn(entry.line, message);
            } else if declared.usable(&alias.model, entry.line, WHAT, findings) {
                aliases.insert(entry.key.clone(), alias);
            }
        }
        Ok(aliases)
    }
}

fn retries(section: &Section<'_>) -> Result<Option<u32>, Wrong> {
    let Some(entry) = section.get("num_retries") else { return Ok(None) };
    let what = section.path("num_retries");
    let retries = entry.node.count(&what)?;
    let retries = u32::try_from(retries).ok().filter(|retries| *retries <= 100);
    retries.map(Some).ok_or_else(|| entry.node.wrong(&what, "a whole number from 0 to 100"))
}

fn timeouts(router: &Section<'_>, litellm: &Section<'_>) -> Result<Timeouts, Wrong> {
    let read = |section: &Section<'_>, key: &str| {
        section.get(key).map(|entry| seconds(&entry.node, &section.path(key))).transpose()
    };
    let whole = read(litellm, "request_timeout")?.or(read(router, "timeout")?);
    Ok(Timeouts { whole, stream: read(router, "stream_timeout")? })
}

fn strategy(router: &Section<'_>, findings: &mut Findings) -> Result<Strategy, Wrong> {
    const WHAT: &str = "router_settings.routing_strategy";
    let Some(entry) = router.get("routing_strategy") else { return Ok(Strategy::default()) };
    Ok(match entry.node.text(WHAT)? {
        "simple-shuffle" => Strategy::SimpleShuffle,
        "least-busy" => Strategy::LeastBusy,
        "latency-based-routing" => Strategy::LatencyBased,
        "usage-based-routing" | "usage-based-routing-v2" => Strategy::UsageBased,
        other if OTHER_STRATEGIES.contains(&other) => {
            let message = format!("`{WHAT}`: {other} is not supported: simple-shuffle is used");
            findings.warn(entry.line, message);
            Strategy::SimpleShuffle
        }
        _ => {
            let expected = "one of simple-shuffle, least-busy, latency-based-routing, usage-based-routing, \
                            usage-based-routing-v2";
            return Err(entry.node.wrong(WHAT, expected));
        }
    })
}

fn usable_names(
    list: &Node,
    what: &str,
    declared: &Declared,
    findings: &mut Findings,
) -> Result<Vec<String>, Wrong> {
    let mut names = Vec::new();
    for item in list.items(what)? {
        let name = item.text(what)?;
        if declared.usable(name, item.line, what, findings) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn alias(node: &Node, what: &str) -> Result<Alias, Wrong> {
    let Content::Map(entries) = &node.content else {
        return Ok(Alias { model: node.text(what)?.to_owned(), listed: true });
    };
    let mut alias = Alias { model: String::new(), listed: true };
    for entry in entries {
        match entry.key.as_str() {
            "model" => entry.node.text(&format!("{what}.model"))?.clone_into(&mut alias.model),
            "hidden" => alias.listed = !entry.node.boolean(&format!("{what}.hidden"))?,
            _ => {
                return Err(Wrong::at(
                    entry.line,
                    format!("`{what}.{}` is unknown: expected model or hidden", entry.key),
                ));
            }
        }
    }
    if alias.model.is_empty() {
        return Err(Wrong::at(node.line, format!("`{what}.model` is missing")));
    }
    Ok(alias)
}

#[cfg(test)]
#[path = "reliability_tests.rs"]
mod tests;
