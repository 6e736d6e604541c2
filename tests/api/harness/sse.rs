//! Server-Sent Events as a client reads them; written apart from the service's own reader, which it
//! is there to judge.

use serde_json::Value;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// With the empty line that ends it.
    pub raw: String,
    pub name: Option<String>,
    /// None for a comment.
    pub data: Option<String>,
}

impl Event {
    fn parse(raw: &str) -> Self {
        let (mut name, mut data) = (None, Vec::new());
        for line in raw.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => data.push(value),
                "event" => name = Some(value.to_owned()),
                _ => {}
            }
        }
        Self { raw: raw.to_owned(), name, data: (!data.is_empty()).then(|| data.join("\n")) }
    }

    pub const fn is_comment(&self) -> bool {
        self.data.is_none()
    }

    pub fn is_done(&self) -> bool {
        self.data.as_deref() == Some("[DONE]")
    }

    pub fn json(&self) -> Value {
        let json = self.data.as_deref().map(serde_json::from_str);
        json.and_then(Result::ok).unwrap_or_else(|| panic!("no JSON: {}", self.raw))
    }
}

/// The whole events of `text`, whatever ends its lines, and what follows the last one.
pub fn split(text: &str) -> (Vec<Event>, String) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("\n\n") {
        let (event, after) = rest.split_at(at + 2);
        events.push(Event::parse(event));
        rest = after;
    }
    (events, rest.to_owned())
}

/// The data of events, comments passed over.
pub fn data_of(events: &[Event]) -> Vec<String> {
    events.iter().filter_map(|e| e.data.clone()).collect()
}

/// The text that a chat stream says in its first choice.
pub fn text_of(events: &[Event]) -> String {
    let said = events.iter().filter(|e| !e.is_comment() && !e.is_done());
    let text = said.map(|event| {
        let text = &event.json()["choices"][0]["delta"]["content"];
        text.as_str().unwrap_or_default().to_owned()
    });
    text.collect()
}
