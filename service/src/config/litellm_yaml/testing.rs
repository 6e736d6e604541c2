//! Reading small files, for the tests of this folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::endpoints::{Configuration, read};
use crate::domain::endpoint::{Deadlines, Endpoint};

pub const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const SETTINGS: Deadlines = Deadlines { connect: s(5), first_byte: s(120), idle: s(60), total: s(600) };

/// What `c.yaml` says with these variables.
pub fn read_with(text: &str, pairs: &[(&str, &str)]) -> Result<Configuration, String> {
    let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(Path::new("c.yaml"), text, &variables, SETTINGS).map_err(|error| error.to_string())
}

/// What it says with a usable model `ok` in front, in the lines 2 to 4.
pub fn file(rest: &str) -> Result<Configuration, String> {
    let first = "model_list:\n  - model_name: ok\n    litellm_params:\n      {model: openai/gpt-ok, api_key: sk-ok}\n";
    read_with(&format!("{first}{rest}"), &[])
}

/// What it says with one entry, whose `litellm_params` stand in line 4.
pub fn entry(name: &str, params: &str) -> Result<Configuration, String> {
    let text = format!("model_list:\n  - model_name: \"{name}\"\n    litellm_params:\n      {{{params}}}\n");
    read_with(&text, &[("OPENAI_API_KEY", "sk-openai"), ("SECRET", "sk-own")])
}

/// That entry's endpoint.
pub fn endpoint(params: &str) -> Result<Arc<Endpoint>, String> {
    entry("m", params).map(|configuration| Arc::clone(&configuration.models.groups[0].endpoints[0]))
}

/// The warnings as they are told.
pub fn warnings(configuration: &Configuration) -> Vec<String> {
    configuration.warnings.iter().map(ToString::to_string).collect()
}
