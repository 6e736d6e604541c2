//! One section of the file: its keys, and a warning for each that means nothing here.

use crate::config::finding::{Findings, Wrong};
use crate::config::tree::{Content, Entry, Node, find};

/// The entries of a section, none where there is no such section.
pub struct Section<'a> {
    /// Its key.
    pub name: &'static str,
    /// What it says.
    pub entries: &'a [Entry],
}

impl<'a> Section<'a> {
    /// The section of that name among `top`.
    pub fn of(top: &'a [Entry], name: &'static str) -> Result<Self, Wrong> {
        let entries = find(top, name).map_or(Ok(&[][..]), |entry| entry.node.entries(name))?;
        Ok(Self { name, entries })
    }

    /// The entry of that key, unless it is nothing.
    pub fn get(&self, key: &str) -> Option<&'a Entry> {
        find(self.entries, key)
    }

    /// A boolean; absent is `None`.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, Wrong> {
        self.get(key).map(|entry| entry.node.boolean(&self.path(key))).transpose()
    }

    /// `section.key`.
    pub fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    /// Warns of what is not among `read` and does not go without saying, and of what is read and refers
    /// to a variable that is not set.
    pub fn warn_of_others(&self, read: &[&str], goes_without_saying: &[&str], findings: &mut Findings) {
        for entry in self.entries {
            let key = entry.key.as_str();
            let path = self.path(key);
            match &entry.node.content {
                Content::Unset(variable) if read.contains(&key) => {
                    findings.warn(entry.line, format!("`{path}` is ignored: {variable} is not set"));
                }
                _ if read.contains(&key) || goes_without_saying.contains(&key) => {}
                _ => findings.warn(entry.line, format!("`{path}` is not supported: ignored")),
            }
        }
    }
}

/// The items of a list at the top of the file.
pub fn items<'a>(top: &'a [Entry], key: &str) -> Result<&'a [Node], Wrong> {
    find(top, key).map_or(Ok(&[][..]), |entry| entry.node.items(key))
}
