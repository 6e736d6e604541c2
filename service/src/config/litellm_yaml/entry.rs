//! One entry of `model_list`: one endpoint.

use super::egress::Ways;
use super::info::Info;
use super::params::{Meaning, meaning};
use super::reliability::Reliability;
use super::upstream::{self, Left};
use super::{ours, request};
use crate::config::address;
use crate::config::finding::{Absent, Findings, Wrong};
use crate::config::keys::Lack;
use crate::config::limits::{Timeouts, seconds};
use crate::config::references::{Variables, unset};
use crate::config::tree::{Entry, Node, find};
use crate::domain::endpoint::{Deadlines, Endpoint, Share, UpstreamModel};

/// What every entry is read with.
pub struct Reading<'a> {
    pub deadlines: Deadlines,
    pub reliability: &'a Reliability<'a>,
    pub variables: &'a Variables,
    pub credentials: &'a [Node],
    pub ways: &'a Ways,
}

/// An entry's keys, found by name.
pub struct Raw<'a> {
    /// The public name of its model.
    pub name: String,
    line: usize,
    entries: &'a [Entry],
    /// `litellm_params`, with the values of the credential that it names.
    pub params: Vec<Entry>,
}

impl<'a> Raw<'a> {
    /// Finds the parts of an entry.
    pub fn read(node: &'a Node, credentials: &[Node], findings: &mut Findings) -> Result<Self, Wrong> {
        const ENTRY: &str = "an entry of model_list";
        let entries = node.entries(ENTRY)?;
        let missing = |key: &str| Wrong::at(node.line, format!("{ENTRY} has no `{key}`"));
        let name = find(entries, "model_name").ok_or_else(|| missing("model_name"))?;
        let params = find(entries, "litellm_params").ok_or_else(|| missing("litellm_params"))?;
        let text = name.node.text("model_name")?.to_owned();
        if text.matches('*').count() > 1 {
            return Err(name.node.wrong("model_name", "a name with one `*` at most"));
        }
        let params = with_credential(params.node.entries("litellm_params")?, credentials, findings)?;
        Ok(Self { name: text, line: node.line, entries, params })
    }

    /// The value of a key of `litellm_params`, unless it is nothing.
    pub fn get(&self, key: &str) -> Option<&Node> {
        find(&self.params, key).map(|entry| &entry.node)
    }

    /// The same as a text.
    pub fn text(&self, key: &str) -> Result<Option<&str>, Wrong> {
        self.get(key).map(|node| node.text(&format!("litellm_params.{key}"))).transpose()
    }

    /// `litellm_params.model`.
    pub fn model(&self) -> Result<(&str, usize), Wrong> {
        let missing =
            || Wrong::at(self.line, format!("`litellm_params.model` of `{}` is missing", self.name));
        let node = self.get("model").ok_or_else(missing)?;
        Ok((node.text("litellm_params.model")?, node.line))
    }

    /// What stands under `llm_proxy`.
    pub fn ours(&self) -> Result<&[Entry], Wrong> {
        find(self.entries, "llm_proxy").map_or(Ok(&[][..]), |entry| entry.node.entries("llm_proxy"))
    }

    /// The first variable that is not set, its line before it, among the keys that mean something here.
    pub fn unset(&self) -> Option<(usize, &str)> {
        let is_idle = |key: &str| matches!(meaning(key), Meaning::Unsupported | Meaning::Price);
        let in_use = self.params.iter().filter(|entry| !is_idle(&entry.key));
        in_use.flat_map(|entry| unset(&entry.node)).next()
    }
}

impl Reading<'_> {
    /// The endpoint of an entry, unless it has to be left out.
    pub fn endpoint(&self, raw: &Raw<'_>, findings: &mut Findings) -> Result<Option<Endpoint>, Wrong> {
        warn_of_keys(raw, findings);
        let way = self.ways.of_entry(raw.ours()?, findings)?;
        let way = way.map_err(|(line, variable)| Left::lacking(line, Lack::unset(&[&variable])));
        let endpoint = match way {
            Ok(way) => upstream::endpoint(raw, self.variables, self.deadlines, findings)?
                .map(|endpoint| Endpoint { egress: way, ..endpoint }),
            Err(left) => Err(left),
        };
        let mut endpoint = match endpoint {
            Ok(endpoint) => endpoint,
            Err(left) => {
                leave_out(raw, &left, findings);
                return Ok(None);
            }
        };
        endpoint.model = upstream_model(raw, endpoint.model)?;
        let info = Info::of(raw.entries)?;
        if let Some(id) = info.id()? {
            endpoint.name = id;
        }
        endpoint.abilities = info.abilities(&raw.name, findings);
        timeouts(raw)?.or(self.reliability.timeouts).apply(&mut endpoint);
        endpoint.share = share(raw)?;
        endpoint.headers = request::headers(raw)?;
        ours::interruptions(raw.ours()?, &mut endpoint)?;
        endpoint.params = request::params(raw, self.reliability.drop_unsupported, findings)?;
        if let Some(warning) = address::warning(&endpoint.url) {
            let line = raw.get("api_base").or(raw.get("base_url")).map_or(raw.line, |node| node.line);
            findings.warn(line, format!("`api_base` {warning}"));
        }
        Ok(Some(endpoint))
    }
}

/// Source: <https://docs.litellm.ai/docs/proxy/configs>, "Centralized Credential Management"
fn with_credential(
    params: &[Entry],
    credentials: &[Node],
    findings: &mut Findings,
) -> Result<Vec<Entry>, Wrong> {
    const KEY: &str = "litellm_credential_name";
    let mut params = params.to_vec();
    let Some(named) = find(&params, KEY) else { return Ok(params) };
    let (line, name) = (named.line, named.node.text(KEY)?.to_owned());
    for credential in credentials {
        let credential = credential.entries("an entry of credential_list")?;
        let own = find(credential, "credential_name").map(|entry| entry.node.text("credential_name"));
        if own.transpose()? == Some(&name) {
            let values = find(credential, "credential_values");
            let values = values.map_or(Ok(&[][..]), |entry| entry.node.entries("credential_values"))?;
            let others = values.iter().filter(|value| find(&params, &value.key).is_none()).cloned();
            let others: Vec<Entry> = others.collect();
            params.extend(others);
            return Ok(params);
        }
    }
    findings.warn(line, format!("`{KEY}` names `{name}`, which is not in `credential_list`"));
    Ok(params)
}

fn warn_of_keys(raw: &Raw<'_>, findings: &mut Findings) {
    const READ: [&str; 4] = ["model_name", "litellm_params", "model_info", "llm_proxy"];
    for Entry { key, line, .. } in raw.entries.iter().filter(|entry| !READ.contains(&entry.key.as_str())) {
        findings.warn(*line, format!("`{key}` of `{}` is not supported: ignored", raw.name));
    }
}

fn leave_out(raw: &Raw<'_>, left: &Left, findings: &mut Findings) {
    let of = raw.get("model").and_then(|node| node.text("model").ok());
    let who = of.map_or_else(|| format!("`{}`", raw.name), |model| format!("`{model}` of `{}`", raw.name));
    let absent = Absent { name: raw.name.clone(), variable: left.variable.clone() };
    findings.leave_out(left.line, absent, format!("the endpoint {who} is left out: {}", left.why));
}

/// A star stands for what the star of the public name stands for.
fn upstream_model(raw: &Raw<'_>, model: UpstreamModel) -> Result<UpstreamModel, Wrong> {
    const EXPECTED: &str = "a name, or a pattern with one `*` where `model_name` has one";
    match model {
        UpstreamModel::Named(name) if name.contains('*') => {
            if !raw.name.contains('*') || name.matches('*').count() > 1 {
                let line = raw.model().map_or(raw.line, |(_, line)| line);
                return Err(Wrong::at(line, format!("`litellm_params.model` has to be {EXPECTED}")));
            }
            Ok(UpstreamModel::Pattern(name))
        }
        other => Ok(other),
    }
}

fn timeouts(raw: &Raw<'_>) -> Result<Timeouts, Wrong> {
    let read =
        |key: &str| raw.get(key).map(|node| seconds(node, &format!("litellm_params.{key}"))).transpose();
    Ok(Timeouts { whole: read("timeout")?.or(read("request_timeout")?), stream: read("stream_timeout")? })
}

/// More requests in flight are no limit any more.
const MAX_PARALLEL: usize = 1_000_000;

fn share(raw: &Raw<'_>) -> Result<Share, Wrong> {
    let count = |key: &str| raw.get(key).map(|node| node.count(&format!("litellm_params.{key}"))).transpose();
    let order = raw.get("order").map(|node| {
        let order = node.count("order").ok().and_then(|order| u32::try_from(order).ok());
        order.ok_or_else(|| node.wrong("litellm_params.order", "a small whole number, 0 or more"))
    });
    let weight = raw.get("weight").map(|node| {
        let weight = node.number("weight").ok().filter(|weight| *weight >= 0.0);
        weight.ok_or_else(|| node.wrong("litellm_params.weight", "a number, 0 or more"))
    });
    let max_parallel = raw.get("max_parallel_requests").map(|node| {
        let limit = node.count("max_parallel_requests").ok().and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.filter(|limit| (1..=MAX_PARALLEL).contains(limit));
        limit.ok_or_else(|| {
            node.wrong("litellm_params.max_parallel_requests", "a whole number from 1 to 1000000")
        })
    });
    Ok(Share {
        order: order.transpose()?,
        weight: weight.transpose()?,
        rpm: count("rpm")?,
        tpm: count("tpm")?,
        max_parallel: max_parallel.transpose()?,
    })
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
