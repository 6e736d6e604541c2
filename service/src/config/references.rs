//! References to variables: `os.environ/NAME` in LiteLLM's file, `${NAME}` in an `.ini`.
//!
//! A variable that is empty counts as unset, as compose files write it.

use std::collections::HashMap;

use super::finding::Wrong;
use super::tree::{Content, Entry, Node};

/// The environment as a map.
pub type Variables = HashMap<String, String>;

const PREFIX: &str = "os.environ/";

/// The value of a variable, unless it is empty.
pub fn value<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
}

/// The first of these variables that is set: its name and its value.
pub fn first<'a>(variables: &'a Variables, names: &[&'static str]) -> Option<(&'static str, &'a str)> {
    names.iter().find_map(|name| value(variables, name).map(|value| (*name, value)))
}

/// Puts variables into every text of the form `os.environ/NAME`; what is not set becomes
/// [`Content::Unset`].
/// Source: <https://docs.litellm.ai/docs/proxy/configs>
pub fn resolve(node: &mut Node, variables: &Variables) {
    match &mut node.content {
        Content::Scalar { text, .. } => {
            let Some(name) = text.strip_prefix(PREFIX).map(str::trim) else { return };
            node.content = match value(variables, name) {
                Some(value) => Content::Scalar { text: value.to_owned(), quoted: false },
                None => Content::Unset(name.to_owned()),
            };
        }
        Content::Unset(_) => {}
        Content::List(items) => items.iter_mut().for_each(|item| resolve(item, variables)),
        Content::Map(entries) => entries.iter_mut().for_each(|entry| resolve(&mut entry.node, variables)),
    }
}

/// The environment with what the file's `environment_variables` says on top, which LiteLLM does too.
pub fn with_the_files_own(variables: &Variables, entries: &[Entry]) -> Result<Variables, Wrong> {
    let mut variables = variables.clone();
    for entry in entries {
        let mut node = entry.node.clone();
        resolve(&mut node, &variables);
        if !node.is_null() {
            let text = node.text(&format!("environment_variables.{}", entry.key))?;
            variables.insert(entry.key.clone(), text.to_owned());
        }
    }
    Ok(variables)
}

/// Every reference in `node` to what is not set: the line and the variable.
pub fn unset(node: &Node) -> Vec<(usize, &str)> {
    match &node.content {
        Content::Scalar { .. } => Vec::new(),
        Content::Unset(name) => vec![(node.line, name)],
        Content::List(items) => items.iter().flat_map(unset).collect(),
        Content::Map(entries) => entries.iter().flat_map(|entry| unset(&entry.node)).collect(),
    }
}

/// `text` with every `${NAME}` replaced by its variable. What is no name stays as it is.
///
/// # Errors
/// The first variable that is not set.
pub fn expand(text: &str, variables: &Variables) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) if is_name(name) => {
                out.push_str(value(variables, name).ok_or_else(|| name.to_owned())?);
                rest = tail;
            }
            _ => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
#[path = "references_tests.rs"]
mod tests;
