//! The members of a section, read as what they should be.

use std::time::Duration;

use serde_json::Number;

use super::document::{Member, Section};
use crate::config::finding::Wrong;

impl Section {
    /// The member of that key, unless it is empty.
    pub fn get(&self, key: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.key == key && !member.value.is_empty())
    }

    /// The line of a member, else the section's.
    pub fn line_of(&self, key: &str) -> usize {
        self.get(key).map_or(self.line, |member| member.line)
    }

    /// `true` or `false`, in all the words of Python's `configparser`.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, Wrong> {
        self.read(key, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        })
    }

    /// Seconds; fractions allowed.
    pub fn seconds(&self, key: &str) -> Result<Option<Duration>, Wrong> {
        self.read(key, "seconds, more than 0 and at most 86400", |text| {
            let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0 && *seconds <= 86_400.0);
            seconds.map(Duration::from_secs_f64)
        })
    }

    /// A whole number, at least 1.
    pub fn count(&self, key: &str) -> Result<Option<Number>, Wrong> {
        self.read(key, "a whole number, at least 1", |text| {
            text.parse().ok().filter(|count: &u64| *count > 0).map(Number::from)
        })
    }

    /// A number, 0 or more.
    pub fn number(&self, key: &str) -> Result<Option<Number>, Wrong> {
        self.read(key, "a number, 0 or more", |text| {
            text.parse().ok().filter(|number: &f64| *number >= 0.0).and_then(Number::from_f64)
        })
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Wrong> {
        let Some(member) = self.get(key) else { return Ok(None) };
        let wrong = || Wrong::at(member.line, format!("`{key}` of `[{}]` has to be {expected}", self.name));
        parse(&member.value).map(Some).ok_or_else(wrong)
    }
}
