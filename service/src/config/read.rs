//! Reading one variable: its text, its default, and the one line that says what is wrong with it.

use std::fmt::Display;
use std::time::Duration;

use super::settings::{PREFIX, SettingsError};

/// The text of a variable, if it was set; an empty text counts as unset, as compose files write it.
pub type Text = Option<String>;

/// One effective setting, for `llm-proxy check`: secrets are shown as `***`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The variable's whole name.
    pub variable: String,
    /// Its effective value.
    pub value: String,
    /// Whether the operator set it.
    pub set: bool,
}

/// Reads variables and remembers what it read.
#[derive(Default)]
pub struct Reader {
    /// Every variable read so far, in order.
    pub shown: Vec<Shown>,
}

impl Reader {
    /// A value parsed by `parse`, which says what it expected where it gives up.
    pub fn value<T: Display>(
        &mut self,
        name: &str,
        text: Text,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, SettingsError> {
        let text = text.filter(|text| !text.is_empty());
        let set = text.is_some();
        let value = match text {
            None => default,
            Some(text) => parse(text.trim()).map_err(|expected| {
                SettingsError::new(name, format!("holds {text:?}, expected {expected}"))
            })?,
        };
        self.show(name, value.to_string(), set);
        Ok(value)
    }

    /// Notes an effective value that was read by other means.
    pub fn show(&mut self, name: &str, value: String, set: bool) {
        let variable = format!("{PREFIX}{name}");
        self.shown.push(Shown { variable, value, set });
    }

    /// Whether the operator set the variable that was read last.
    pub fn last_is_set(&self) -> bool {
        self.shown.last().is_some_and(|shown| shown.set)
    }

    /// Any text.
    pub fn text(&mut self, name: &str, text: Text, default: &str) -> Result<String, SettingsError> {
        self.value(name, text, default.to_owned(), |text| Ok(text.to_owned()))
    }

    /// A whole number from `min` to `max`.
    pub fn number(
        &mut self,
        name: &str,
        text: Text,
        default: u64,
        (min, max): (u64, u64),
    ) -> Result<u64, SettingsError> {
        self.value(name, text, default, |text| {
            let number = text.parse().ok().filter(|number| (min..=max).contains(number));
            number.ok_or_else(|| format!("a whole number from {min} to {max}"))
        })
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str, text: Text, default: bool) -> Result<bool, SettingsError> {
        self.value(name, text, default, |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("true or false".to_owned()),
        })
    }

    /// Seconds, fractions allowed; zero only where `zero` says so.
    pub fn seconds(
        &mut self,
        name: &str,
        text: Text,
        default: f64,
        zero: Zero,
    ) -> Result<Duration, SettingsError> {
        const MAX_S: f64 = 86_400.0;
        let seconds = self.value(name, text, default, |text| {
            let seconds = text.parse().ok().filter(|seconds: &f64| match zero {
                Zero::Refused => *seconds > 0.0 && *seconds <= MAX_S,
                Zero::TurnsOff => (0.0..=MAX_S).contains(seconds),
            });
            seconds.ok_or_else(|| match zero {
                Zero::Refused => "seconds, more than 0 and at most 86400".to_owned(),
                Zero::TurnsOff => "seconds from 0 (off) to 86400".to_owned(),
            })
        })?;
        Ok(Duration::from_secs_f64(seconds))
    }

    /// Seconds, at least one: for a timer that ticks twice a second.
    pub fn whole_seconds(&mut self, name: &str, text: Text, default: f64) -> Result<Duration, SettingsError> {
        let duration = self.seconds(name, text, default, Zero::Refused)?;
        if duration < Duration::from_secs(1) {
            let problem = format!("holds {:?}, expected seconds, at least 1", duration.as_secs_f64());
            return Err(SettingsError::new(name, problem));
        }
        Ok(duration)
    }

    /// One of `choices`, by name, in any case.
    pub fn choice<T: Copy + Display>(
        &mut self,
        name: &str,
        text: Text,
        default: T,
        choices: &[T],
    ) -> Result<T, SettingsError> {
        self.value(name, text, default, |text| {
            let found = choices.iter().find(|choice| choice.to_string().eq_ignore_ascii_case(text));
            found.copied().ok_or_else(|| {
                let names: Vec<_> = choices.iter().map(ToString::to_string).collect();
                format!("one of {}", names.join(", "))
            })
        })
    }
}

/// What a duration of zero means.
#[derive(Clone, Copy)]
pub enum Zero {
    /// It is a mistake.
    Refused,
    /// It turns the timer off.
    TurnsOff,
}
