//! Which call a piece in a stream belongs to: servers do not number them alike.

use serde_json::{Map, Value};

use super::message::Place;

/// The calls of one answer that have begun.
#[derive(Debug)]
pub struct Calls {
    request_id: String,
    begun: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    choice: u32,
    on_wire: u32,
    /// What the server calls it; empty where it does not.
    id: String,
}

impl Calls {
    /// For the answer to the request of that id.
    pub fn of(request_id: &str) -> Self {
        Self { request_id: request_id.to_owned(), begun: Vec::new() }
    }

    /// A call of a whole answer, where each is a new one.
    pub fn next(&mut self, choice: u32, call: &Map<String, Value>) -> Place {
        let index = self.of_choice(choice).count();
        self.begin(choice, None, id_of(call), index)
    }

    /// The call that a piece belongs to.
    pub fn place(&mut self, choice: u32, piece: &Map<String, Value>) -> Place {
        let on_wire = piece.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok());
        self.place_of(choice, id_of(piece), on_wire)
    }

    /// The call that the piece with this id, or this index, belongs to.
    pub fn place_of(&mut self, choice: u32, id: Option<&str>, on_wire: Option<u32>) -> Place {
        let calls: Vec<&Call> = self.of_choice(choice).collect();
        let found = match (on_wire, id) {
            // Some servers number every call 0: another id is another call.
            (Some(at), Some(id)) => calls.iter().position(|call| call.on_wire == at && call.id == id),
            (None, Some(id)) => calls.iter().position(|call| call.id == id),
            // A piece without an id goes on with the call of its index, or else with the last one.
            (Some(at), None) => calls.iter().rposition(|call| call.on_wire == at),
            (None, None) => calls.len().checked_sub(1),
        };
        match found {
            Some(index) => Place::Begun(number(index)),
            None => {
                let index = calls.len();
                self.begin(choice, on_wire, id, index)
            }
        }
    }

    fn begin(&mut self, choice: u32, on_wire: Option<u32>, id: Option<&str>, index: usize) -> Place {
        let index = number(index);
        let id = id.unwrap_or_default().to_owned();
        self.begun.push(Call { choice, on_wire: on_wire.unwrap_or(index), id: id.clone() });
        let made = || format!("call_{}_{choice}_{index}", self.request_id);
        Place::New(index, if id.is_empty() { made() } else { id })
    }

    fn of_choice(&self, choice: u32) -> impl Iterator<Item = &Call> {
        self.begun.iter().filter(move |call| call.choice == choice)
    }
}

fn id_of(call: &Map<String, Value>) -> Option<&str> {
    call.get("id").and_then(Value::as_str).filter(|id| !id.is_empty())
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
