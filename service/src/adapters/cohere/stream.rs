//! A stream of Cohere's, as deltas.
//! Source: <https://docs.cohere.com/v2/docs/streaming>

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error;
use super::response::{Call, Logprob, Piece, Usage, cited, finish_of, reasoning};
use crate::adapters::openai::error::malformed;
use crate::adapters::{Event, Expect, Flow, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;
use crate::wire::sse;

/// Reads one stream.
pub struct Stream {
    endpoint: Endpoint,
    expect: Expect,
    /// The indexes on the wire of the calls that have begun.
    calls: Vec<u64>,
}

/// What all events have. What `delta` is made of depends on the type.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(default)]
    logprobs: Option<Logprob>,
}

#[derive(Deserialize)]
struct Of<T> {
    message: T,
}

#[derive(Deserialize)]
struct Content {
    content: Piece,
}

#[derive(Deserialize)]
struct Plan {
    tool_plan: Option<String>,
}

#[derive(Deserialize)]
struct Calls {
    tool_calls: Call,
}

#[derive(Deserialize)]
struct Citations {
    citations: Value,
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<String>,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        Self { endpoint: endpoint.clone(), expect: expect.clone(), calls: Vec::new() }
    }

    fn event(&mut self, wire: Wire<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        match &*wire.kind {
            "content-delta" | "content-start" => self.content(&wire, deltas)?,
            "tool-plan-delta" => reasoning(self.delta::<Of<Plan>>(&wire)?.message.tool_plan, deltas),
            "tool-call-start" => self.call_begins(&wire, deltas)?,
            "tool-call-delta" => self.call_goes_on(&wire, deltas)?,
            "citation-start" => deltas.push(cited(self.delta::<Of<Citations>>(&wire)?.message.citations)),
            "message-start" => deltas.push(Delta::Start { id: wire.id, model: None }),
            "message-end" => return self.end(&wire, deltas),
            // The ends of pieces say nothing that the next event does not.
            _ => {}
        }
        Ok(Flow::More)
    }

    fn delta<'a, T: Deserialize<'a>>(&self, wire: &Wire<'a>) -> Result<T> {
        let json = wire.delta.map_or("{}", RawValue::get);
        serde_json::from_str(json).map_err(|error| malformed(&self.endpoint, &wire.kind, &error))
    }

    fn content(&self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) -> Result<()> {
        self.delta::<Of<Content>>(wire)?.message.content.read(deltas);
        if let Some(token) = wire.logprobs.as_ref().and_then(Logprob::token) {
            deltas.push(Delta::Logprobs { choice: 0, tokens: vec![token] });
        }
        Ok(())
    }

    fn call_begins(&mut self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) -> Result<()> {
        let call = self.delta::<Of<Calls>>(wire)?.message.tool_calls;
        let index = self.calls.len();
        self.calls.push(wire.index.unwrap_or(index as u64));
        call.begin(&self.expect, ours(index), deltas);
        Ok(())
    }

    fn call_goes_on(&self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) -> Result<()> {
        let call = self.delta::<Of<Calls>>(wire)?.message.tool_calls;
        let found = self.calls.iter().rposition(|index| Some(*index) == wire.index);
        if let Some(index) = found.or_else(|| self.calls.len().checked_sub(1)) {
            call.go_on(ours(index), deltas);
        }
        Ok(())
    }

    fn end(&self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let end: End = self.delta(wire)?;
        let reason = if end.error.is_some() { Some("ERROR") } else { end.finish_reason.as_deref() };
        deltas.extend(end.usage.and_then(Usage::tokens).map(Delta::Usage));
        if let Some(reason) = reason {
            deltas.push(finish_of(&self.endpoint, reason, end.error.as_deref())?);
        }
        Ok(Flow::Complete)
    }
}

fn ours(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl Machine for Stream {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let Event::Data { data, .. } = event else { return Ok(Flow::More) };
        // It follows `message-end`; without that the answer is not whole.
        if sse::is_done(data) {
            return Ok(Flow::More);
        }
        let wire: Wire<'_> =
            serde_json::from_slice(data).map_err(|error| malformed(&self.endpoint, "event", &error))?;
        if wire.kind.is_empty()
            && let Some(error) = error::in_band(&self.endpoint, data)
        {
            return Err(error);
        }
        self.event(wire, deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use crate::error::Kind;
    use rstest::rstest;

    #[rstest]
    #[case::no_json("Hello")]
    #[case::no_object("7")]
    #[case::content_of_another_type(r#"{"type":"content-delta","delta":{"message":{"content":7}}}"#)]
    #[case::a_call_without_function(
        r#"{"type":"tool-call-start","delta":{"message":{"tool_calls":"get_time"}}}"#
    )]
    #[case::an_end_that_says_nothing_readable(r#"{"type":"message-end","delta":"COMPLETE"}"#)]
    fn an_event_of_another_form_is_a_malformed_answer(#[case] data: &str) {
        let mut stream = Stream::new(&endpoint(Provider::Cohere, "http://cohere"), &Expect::default());
        let event = Event::Data { name: None, data: data.as_bytes() };
        let error = stream.on_event(event, &mut Vec::new()).expect_err("no event of Cohere's");
        assert_eq!(error.kind(), Kind::MalformedAnswer);
    }
}
