//! What an entry says about every request: members, headers, what is left out.

use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::entry::Raw;
use super::params::{Meaning, meaning};
use crate::config::finding::{Findings, Wrong};
use crate::config::tree::Entry;
use crate::domain::endpoint::Params;

/// What is done to every request's members.
pub fn params(raw: &Raw<'_>, drop_unsupported: bool, findings: &mut Findings) -> Result<Params, Wrong> {
    let mut defaults = defaults(raw, findings);
    // The OpenAI SDK merges it into the body.
    if let Some(extra) = raw.get("extra_body") {
        let extra = extra.entries("litellm_params.extra_body")?;
        defaults.extend(extra.iter().map(|entry| (entry.key.clone(), entry.node.json())));
    }
    if let Some(reply) = raw.get("mock_response") {
        defaults.insert("mock_response".to_owned(), Value::from(reply.text("litellm_params.mock_response")?));
    }
    let own = raw.get("drop_params").map(|node| node.boolean("litellm_params.drop_params")).transpose()?;
    let drop_unsupported = own.unwrap_or(drop_unsupported);
    Ok(Params { defaults, dropped: dropped(raw, findings)?, drop_unsupported })
}

fn defaults(raw: &Raw<'_>, findings: &mut Findings) -> Map<String, Value> {
    let mut defaults = Map::new();
    for entry in raw.params.iter().filter(|entry| !entry.node.is_null()) {
        let mut warn =
            |what: &str| findings.warn(entry.line, format!("`litellm_params.{}` {what}", entry.key));
        match meaning(&entry.key) {
            Meaning::Endpoint | Meaning::Price => continue,
            Meaning::Unsupported => {
                warn("is not supported: ignored");
                continue;
            }
            Meaning::UnknownRequest => warn("is unknown: it goes to the provider with every request"),
            Meaning::Request => {}
        }
        defaults.insert(entry.key.clone(), entry.node.json());
    }
    defaults
}

/// One warning for all prices of all entries.
pub fn warn_of_prices(raws: &[Raw<'_>], findings: &mut Findings) {
    let params = raws.iter().flat_map(|raw| &raw.params);
    let mut prices = params.filter(|entry| meaning(&entry.key) == Meaning::Price);
    let Some(first) = prices.next() else { return };
    let others = match prices.count() {
        0 => String::new(),
        count => format!(" (and {count} more prices)"),
    };
    let message = format!("`litellm_params.{}`{others} is for LiteLLM's accounting: ignored", first.key);
    findings.warn(first.line, message);
}

/// The operator's headers; their values are kept out of every log, because they may be keys.
pub fn headers(raw: &Raw<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, Wrong> {
    let mut headers = Vec::new();
    for key in ["headers", "extra_headers"] {
        let entries = raw.get(key).map_or(Ok(&[][..]), |node| node.entries(key))?;
        for entry in entries {
            headers.push(header(&entry.key, entry, &format!("{key}.{}", entry.key))?);
        }
    }
    if let Some(entry) = raw.params.iter().find(|entry| entry.key == "organization" && !entry.node.is_null())
    {
        headers.push(header("openai-organization", entry, "organization")?);
    }
    Ok(headers)
}

fn header(name: &str, entry: &Entry, what: &str) -> Result<(HeaderName, HeaderValue), Wrong> {
    let what = format!("litellm_params.{what}");
    let no_name = |_| Wrong::at(entry.line, format!("`{what}` is no name of a header"));
    let name = name.parse().map_err(no_name)?;
    let value = HeaderValue::from_str(entry.node.text(&what)?.trim());
    let mut value = value.map_err(|_| entry.node.wrong(&what, "one line of visible characters"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Source: <https://docs.litellm.ai/docs/completion/drop_params>
fn dropped(raw: &Raw<'_>, findings: &mut Findings) -> Result<Vec<String>, Wrong> {
    const KEY: &str = "litellm_params.additional_drop_params";
    let mut dropped = Vec::new();
    let items = raw.get("additional_drop_params").map_or(Ok(&[][..]), |node| node.items(KEY))?;
    for item in items {
        let name = item.text(KEY)?;
        if name.contains(['.', '[']) {
            let message = format!("`{KEY}`: only whole members are left out, `{name}` is ignored");
            findings.warn(item.line, message);
        } else {
            dropped.push(name.to_owned());
        }
    }
    Ok(dropped)
}
