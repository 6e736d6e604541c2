//! The names that a file gives to models, for whoever refers to one.

use crate::config::finding::Findings;

/// Every name that can be referred to.
#[derive(Default)]
pub struct Declared {
    /// In `model_list`, whether usable or not.
    pub names: Vec<String>,
    /// Those of them with an endpoint left.
    pub kept: Vec<String>,
    /// Other names of kept ones.
    pub aliases: Vec<String>,
}

impl Declared {
    /// Whether `name`, which `what` refers to in that line, has an endpoint. If it has none, a warning
    /// says whether it was left out or never there.
    pub fn usable(&self, name: &str, line: usize, what: &str, findings: &mut Findings) -> bool {
        let is_among = |names: &[String]| names.iter().any(|pattern| fits(pattern, name));
        if is_among(&self.kept) || self.aliases.iter().any(|alias| alias == name) {
            return true;
        }
        let why =
            if is_among(&self.names) { "no endpoint is left of it" } else { "it is not in `model_list`" };
        findings.warn(line, format!("`{what}` names `{name}`, but {why}: ignored"));
        false
    }
}

/// Whether `name` is the model of that name, or fits its star.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
    }
}
