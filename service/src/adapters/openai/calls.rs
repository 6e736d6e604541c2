//! Which call a piece in a stream belongs to: servers do not number them alike.

/// The calls of one answer that have begun.
#[derive(Debug, Default)]
pub struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    choice: u32,
    on_wire: u32,
    /// What the server calls it; empty where it does not.
    id: String,
}

impl Calls {
    /// The index of the call that a piece with this id and index belongs to, and whether it goes on with
    /// one that has begun.
    pub fn place(&mut self, choice: u32, id: Option<&str>, on_wire: Option<u32>) -> (u32, bool) {
        let id = id.filter(|id| !id.is_empty());
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
            Some(index) => (number(index), true),
            None => (self.begin(choice, id, on_wire), false),
        }
    }

    /// The index of a call that begins.
    pub fn begin(&mut self, choice: u32, id: Option<&str>, on_wire: Option<u32>) -> u32 {
        let index = number(self.of_choice(choice).count());
        let id = id.unwrap_or_default().to_owned();
        self.0.push(Call { choice, on_wire: on_wire.unwrap_or(index), id });
        index
    }

    fn of_choice(&self, choice: u32) -> impl Iterator<Item = &Call> {
        self.0.iter().filter(move |call| call.choice == choice)
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
