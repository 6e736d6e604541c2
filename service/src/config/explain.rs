//! A configuration in plain words, for `llm-proxy check`. No secret is ever told.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use super::endpoints::Configuration;
use super::finding::Finding;
use crate::domain::egress::TlsVersion;
use crate::domain::endpoint::{Deadlines, Endpoint, Provider, UpstreamModel};
use crate::domain::model::{Model, Models};

/// The models with their endpoints in the order of asking, then what refers to them, then what is
/// missing, then the warnings. Ends with a line end.
#[must_use]
pub fn explain(configuration: &Configuration) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _written = write_all(&mut text, configuration);
    text
}

fn write_all(out: &mut String, configuration: &Configuration) -> fmt::Result {
    let models = &configuration.models;
    let attempts = models.retries.map(|retries| format!(", {}", attempts(retries + 1)));
    writeln!(out, "models ({}{})", models.strategy.name(), attempts.unwrap_or_default())?;
    models.groups.iter().try_for_each(|model| write_model(out, model))?;
    write_names(out, models)?;
    write_fallbacks(out, models)?;
    write_findings(out, "left out", &configuration.left_out)?;
    write_findings(out, "warnings", &configuration.warnings)
}

fn attempts(number: u32) -> String {
    if number == 1 { "1 attempt an endpoint".to_owned() } else { format!("{number} attempts an endpoint") }
}

fn write_model(out: &mut String, model: &Model) -> fmt::Result {
    let hidden = if model.listed { "" } else { " (not listed)" };
    writeln!(out, "  {}{hidden}", model.name)?;
    let mut endpoints: Vec<&Endpoint> = model.endpoints.iter().map(AsRef::as_ref).collect();
    endpoints.sort_by_key(|endpoint| endpoint.share.order.unwrap_or(u32::MAX));
    endpoints.into_iter().try_for_each(|endpoint| write_endpoint(out, endpoint))
}

fn write_endpoint(out: &mut String, endpoint: &Endpoint) -> fmt::Result {
    let address = match endpoint.provider {
        Provider::Mock => "answers by itself".to_owned(),
        _ => format!("at {}", endpoint.url),
    };
    let model = match &endpoint.model {
        UpstreamModel::AsAsked => "the model as asked",
        UpstreamModel::Named(name) | UpstreamModel::Pattern(name) => name,
    };
    writeln!(out, "    {}: {} {model} {address}", endpoint.name, endpoint.provider)?;
    let mut notes =
        vec![endpoint.key.as_ref().map_or_else(|| "no key".to_owned(), |key| format!("key {key}"))];
    notes.extend(share(endpoint));
    notes.push(format!("answers: {}", times(endpoint.deadlines)));
    if endpoint.stream_deadlines != endpoint.deadlines {
        notes.push(format!("streams: {}", times(endpoint.stream_deadlines)));
    }
    notes.extend(extras(endpoint));
    writeln!(out, "      {}", notes.join("; "))
}

fn share(endpoint: &Endpoint) -> Vec<String> {
    let share = &endpoint.share;
    let told = [
        share.order.map(|order| format!("order {order}")),
        share.weight.map(|weight| format!("weight {weight}")),
        share.rpm.map(|rpm| format!("{rpm} requests a minute")),
        share.tpm.map(|tpm| format!("{tpm} tokens a minute")),
        share.max_parallel.map(|limit| format!("{limit} requests in flight")),
    ];
    told.into_iter().flatten().collect()
}

fn times(deadlines: Deadlines) -> String {
    format!("first byte {}, whole {}", seconds(deadlines.first_byte), seconds(deadlines.total))
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn extras(endpoint: &Endpoint) -> Vec<String> {
    let mut extras = Vec::new();
    extras.extend(endpoint.api_version.as_ref().map(|version| format!("API version {version}")));
    let names: Vec<&str> = endpoint.headers.iter().map(|(name, _)| name.as_str()).collect();
    extras.extend((!names.is_empty()).then(|| format!("headers {}", names.join(", "))));
    // Names alone: an operator's member may hold anything.
    let defaults: Vec<&str> = endpoint.params.defaults.keys().map(String::as_str).collect();
    extras.extend((!defaults.is_empty()).then(|| format!("sets {}", defaults.join(", "))));
    let dropped = &endpoint.params.dropped;
    extras.extend((!dropped.is_empty()).then(|| format!("drops {}", dropped.join(", "))));
    extras.extend(endpoint.params.drop_unsupported.then(|| "drops what is not supported".to_owned()));
    extras.extend(way(endpoint));
    extras.extend(endpoint.continues.map(|continues| {
        let whether = if continues { "continues" } else { "does not continue" };
        format!("{whether} others' answers")
    }));
    extras.extend(endpoint.continue_streams.then(|| "others continue its streams".to_owned()));
    let drain = endpoint.drain_cancelled;
    extras.extend(drain.map(|limit| format!("reads streams without a caller for {}", seconds(limit))));
    extras.extend((!endpoint.streams).then(|| "does not stream".to_owned()));
    extras
}

/// How it is reached, where that is not directly and with the system's roots.
fn way(endpoint: &Endpoint) -> Vec<String> {
    let tls = &endpoint.egress.tls;
    let proxy = endpoint.egress.proxy_for(&endpoint.url).map(|proxy| {
        let shown = if proxy.credentials.is_some() { ", with credentials" } else { "" };
        format!("through {proxy}{shown}")
    });
    let told = [
        proxy,
        (!tls.verify).then(|| "certificates are not verified".to_owned()),
        tls.ca.as_ref().map(|ca| format!("authorities of {}", ca.path)),
        tls.identity.as_ref().map(|identity| format!("client certificate {}", identity.chain.path)),
        tls.server_name.as_ref().map(|name| format!("TLS for the name {name}")),
        (tls.min_version == TlsVersion::Tls13).then(|| "TLS 1.3 at least".to_owned()),
    ];
    told.into_iter().flatten().collect()
}

fn write_names(out: &mut String, models: &Models) -> fmt::Result {
    if let Some(default) = &models.default_model {
        writeln!(out, "default model\n  {default}")?;
    }
    if !models.aliases.is_empty() {
        writeln!(out, "aliases")?;
    }
    for (name, alias) in &models.aliases {
        let hidden = if alias.listed { "" } else { " (not listed)" };
        writeln!(out, "  {name} -> {}{hidden}", alias.model)?;
    }
    writeln!(out, "roles")?;
    let roles =
        [("summarizer", &models.roles.summarizer), ("title-generator", &models.roles.title_generator)];
    roles.into_iter().try_for_each(|(role, model)| {
        writeln!(out, "  {role} -> {}", model.as_deref().unwrap_or("the default model"))
    })
}

fn write_fallbacks(out: &mut String, models: &Models) -> fmt::Result {
    let fallbacks = &models.fallbacks;
    write_lists(out, "fallbacks", &fallbacks.general)?;
    write_lists(out, "fallbacks when the conversation is too long", &fallbacks.context_window)?;
    write_lists(out, "fallbacks when the content is refused", &fallbacks.content_policy)?;
    if fallbacks.default.is_empty() {
        return Ok(());
    }
    writeln!(out, "fallbacks of every other model\n  {}", fallbacks.default.join(", "))
}

fn write_lists(out: &mut String, title: &str, lists: &BTreeMap<String, Vec<String>>) -> fmt::Result {
    if lists.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    lists.iter().try_for_each(|(model, names)| writeln!(out, "  {model} -> {}", names.join(", ")))
}

fn write_findings(out: &mut String, title: &str, findings: &[Finding]) -> fmt::Result {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    findings.iter().try_for_each(|finding| writeln!(out, "  {finding}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case::one(1, "1 attempt an endpoint")]
    #[case::some(2, "2 attempts an endpoint")]
    fn attempts_are_counted_in_plain_words(#[case] number: u32, #[case] said: &str) {
        assert_eq!(super::attempts(number), said);
    }
}
