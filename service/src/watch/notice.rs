//! A notice as it is read, and as it is told in words.

use serde::Deserialize;

use super::clean::{clean, duration};
use super::client::Event;

/// What happened, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Retry,
    Failover,
    Recovered,
    Continued,
    Outage,
    /// Notices are missing.
    Gap,
    /// Something that a newer service tells.
    Other,
}

/// A notice. Members that a kind does not have, or a newer service leaves out, are empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// The event's name.
    #[serde(skip)]
    pub name: String,
    pub at: String,
    pub request_id: String,
    pub model: String,
    pub wait_ms: Option<f64>,
    endpoint: Option<String>,
    from: Option<String>,
    to: Option<String>,
    reason: Option<String>,
    attempt: Option<u64>,
    of: Option<u64>,
    attempts: Option<u64>,
    breaker_closed: bool,
    retry_after_ms: Option<f64>,
    missed: Option<u64>,
}

impl Notice {
    /// Reads an event; what cannot be read stays empty.
    pub fn read(event: &Event) -> Self {
        let mut notice: Self = serde_json::from_str(&event.data).unwrap_or_default();
        notice.name.clone_from(&event.name);
        let texts = [&mut notice.name, &mut notice.at, &mut notice.request_id, &mut notice.model];
        let optional = [&mut notice.endpoint, &mut notice.from, &mut notice.to, &mut notice.reason];
        for text in texts.into_iter().chain(optional.into_iter().flatten()) {
            *text = clean(text);
        }
        notice
    }

    pub fn kind(&self) -> Kind {
        match &*self.name {
            "retry" => Kind::Retry,
            "failover" => Kind::Failover,
            "recovered" => Kind::Recovered,
            "continued" => Kind::Continued,
            "outage" => Kind::Outage,
            "gap" => Kind::Gap,
            _ => Kind::Other,
        }
    }

    /// What happened, in words.
    pub fn words(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
        let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |n| n.to_string());
        let (from, to, endpoint) = (text(&self.from), text(&self.to), text(&self.endpoint));
        match self.kind() {
            Kind::Retry => format!("{endpoint}, attempt {} of {}", number(self.attempt), number(self.of)),
            Kind::Failover => format!("{from} → {to}"),
            Kind::Recovered => {
                let closed = if self.breaker_closed { ", its breaker is closed again" } else { "" };
                format!("{endpoint} answers, {} calls in all{closed}", number(self.attempts))
            }
            Kind::Continued => format!("{from} broke off, {to} goes on"),
            Kind::Outage => self.outage(),
            Kind::Gap => match self.missed {
                Some(missed) => format!("{missed} notices were missed"),
                None => "notices may have been missed".to_owned(),
            },
            Kind::Other => self.endpoint.clone().unwrap_or_default(),
        }
    }

    fn outage(&self) -> String {
        let last = self.endpoint.as_ref().map(|last| format!(", {last} failed last")).unwrap_or_default();
        let again = self.retry_after_ms.map(|ms| format!(", try again in {}", duration(ms)));
        format!("nobody is left to ask{last}{}", again.unwrap_or_default())
    }

    /// Why.
    pub fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }
}
