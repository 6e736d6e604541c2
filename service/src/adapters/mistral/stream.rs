//! A stream of Mistral's, as deltas.
//! Source: <https://docs.mistral.ai/api/#tag/chat>

use super::response::Answer;
use crate::adapters::openai::stream::Calls;
use crate::adapters::{Event, Expect, Flow, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;
use crate::wire::sse;

/// Reads one stream.
pub struct Stream {
    endpoint: Endpoint,
    expect: Expect,
    started: bool,
    calls: Calls,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        let (endpoint, expect) = (endpoint.clone(), expect.clone());
        Self { endpoint, expect, started: false, calls: Calls::default() }
    }
}

impl Machine for Stream {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let Event::Data { data, .. } = event else { return Ok(Flow::More) };
        if sse::is_done(data) {
            return Ok(Flow::Complete);
        }
        let mut chunk = Answer::parse(&self.endpoint, data)?;
        if !self.started {
            self.started = true;
            deltas.push(Delta::Start { id: chunk.id.take(), model: chunk.model.take() });
        }
        chunk.read(&self.endpoint, &self.expect, &mut self.calls, deltas)?;
        Ok(Flow::More)
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
    #[case::content_of_another_type(r#"{"choices":[{"index":0,"delta":{"content":7}}]}"#)]
    #[case::a_call_without_function(
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"D681PevKs"}]}}]}"#
    )]
    fn a_chunk_of_another_form_is_a_malformed_answer(#[case] data: &str) {
        let mut stream = Stream::new(&endpoint(Provider::Mistral, "http://mistral"), &Expect::default());
        let event = Event::Data { name: None, data: data.as_bytes() };
        let error = stream.on_event(event, &mut Vec::new()).expect_err("no chunk of Mistral's");
        assert_eq!(error.kind(), Kind::MalformedAnswer);
    }
}
