//! How many answers, and calls in them, an upstream may begin. Indexes come from the wire: one large number
//! must not make a long list here, nor at a caller's.

use super::{Event, Flow, Machine};
use crate::domain::delta::{Delta, MAX_INDEX};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};

/// Leaves `deltas` as they are, up to the first that is about an answer or a call too many.
///
/// # Errors
/// [`Kind::MalformedAnswer`]: there is one, after `from`.
pub fn check(endpoint: &str, deltas: &mut Vec<Delta>, from: usize) -> Result<()> {
    let mut new = deltas.iter().skip(from);
    let Some(at) = new.position(|delta| !delta.is_in_bounds()) else { return Ok(()) };
    deltas.truncate(from + at);
    let message = format!("{endpoint} answered with an index beyond {MAX_INDEX}");
    Err(Error::new(Kind::MalformedAnswer, message))
}

/// A machine whose deltas are checked.
pub struct Bounded {
    endpoint: String,
    machine: Box<dyn Machine>,
}

impl Bounded {
    /// `machine` reads an answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, machine: Box<dyn Machine>) -> Self {
        Self { endpoint: endpoint.name.clone(), machine }
    }
}

impl Machine for Bounded {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let from = deltas.len();
        let flow = self.machine.on_event(event, deltas);
        check(&self.endpoint, deltas, from)?;
        flow
    }
}

#[cfg(test)]
mod tests {
    use crate::adapters::testing::endpoint;
    use crate::adapters::{Event, Expect, answer, machine};
    use crate::domain::delta::{ChatAnswer, Delta};
    use crate::domain::endpoint::Provider;
    use crate::error::{Kind, Result};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn text(index: u32) -> Value {
        json!({"index": index, "delta": {"content": "a"}, "message": {"content": "a"}})
    }

    fn calls(number: u32) -> Value {
        let call = |at: u32| json!({"index": at, "id": format!("c{at}"), "function": {"name": "f"}});
        let calls: Vec<Value> = (0..number).map(call).collect();
        json!({"index": 0, "delta": {"tool_calls": calls}, "message": {"tool_calls": calls}})
    }

    fn streamed(choice: &Value) -> (Vec<Delta>, Result<()>) {
        let chunk = json!({"choices": [text(0), choice]}).to_string();
        let (mut deltas, endpoint) = (Vec::new(), endpoint(Provider::Openai, "http://openai"));
        let event = Event::Data { name: None, data: chunk.as_bytes() };
        let flow = machine(&endpoint, &Expect::default()).on_event(event, &mut deltas);
        (deltas, flow.map(|_| ()))
    }

    fn whole(choice: &Value) -> Result<Vec<Delta>> {
        let body = json!({"choices": [choice]}).to_string();
        answer(&endpoint(Provider::Openai, "http://openai"), &Expect::default(), body.as_bytes())
    }

    #[rstest]
    #[case::answers(text(128))]
    #[case::answers_by_the_billion(text(u32::MAX))]
    #[case::calls(calls(129))]
    fn more_than_anybody_asked_for_is_a_malformed_answer(#[case] choice: Value) {
        assert_eq!(whole(&choice).expect_err("too many").kind(), Kind::MalformedAnswer);
        let (deltas, flow) = streamed(&choice);
        assert_eq!(flow.expect_err("too many").kind(), Kind::MalformedAnswer);
        assert!(deltas.iter().all(Delta::is_in_bounds));
        assert_eq!(ChatAnswer::of(deltas).choices[0].text.as_deref(), Some("a"));
    }

    #[rstest]
    #[case::answers(text(127))]
    #[case::calls(calls(128))]
    fn as_many_as_can_be_asked_for_are_read(#[case] choice: Value) {
        assert!(whole(&choice).is_ok());
        assert!(streamed(&choice).1.is_ok());
    }
}
