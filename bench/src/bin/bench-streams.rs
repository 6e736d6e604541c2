//! Opens many streams at once and proves that each came through whole.
//!
//! Prints `{"event":"all_open"}` while all of them are open (the moment to look at a proxy's
//! memory) and `{"event":"result",…}` at the end.

use std::io;
use std::time::{Duration, Instant};

use clap::Parser;
use llm_proxy_bench::client::flight::{Flight, Progress};
use llm_proxy_bench::client::link::Link;
use llm_proxy_bench::client::tally::Tally;
use llm_proxy_bench::client::target::Target;
use llm_proxy_bench::poller::Poller;
use serde_json::{Value, json};

/// Every option of the run.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Streams that are open at the same time, each on its own connection.
    #[arg(long)]
    streams: usize,
    /// Streams one after another on each connection.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// Content chunks that a whole stream has.
    #[arg(long)]
    chunks: u32,
    /// The time over which the first streams are begun.
    #[arg(long, default_value_t = 1000)]
    ramp_ms: u64,
    /// After this time whatever is not complete has failed.
    #[arg(long, default_value_t = 60)]
    timeout_s: u64,
}

struct Slot {
    flight: Flight,
    rounds_left: u32,
}

struct Run {
    arguments: Arguments,
    request: Vec<u8>,
    poller: Poller,
    slots: Vec<Option<Slot>>,
    live: usize,
    open: usize,
    announced: bool,
    tally: Tally,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mut run = Run {
        request: arguments.target.request()?,
        poller: Poller::new()?,
        slots: Vec::with_capacity(arguments.streams),
        live: 0,
        open: 0,
        announced: false,
        tally: Tally::default(),
        arguments,
    };
    let elapsed = run.fly()?;
    print_line(&run.tally.result(elapsed));
    Ok(())
}

impl Run {
    fn fly(&mut self) -> io::Result<Duration> {
        let start = Instant::now();
        let ramp = Duration::from_millis(self.arguments.ramp_ms);
        let deadline = start + Duration::from_secs(self.arguments.timeout_s);
        let (mut ready, mut scratch) = (Vec::new(), vec![0; 64 * 1024]);
        while self.slots.len() < self.arguments.streams || self.live > 0 {
            let now = Instant::now();
            if now >= deadline {
                break;
            }
            let mut next = deadline;
            if let Some(due) = self.next_launch(start, ramp) {
                if due <= now {
                    self.launch();
                    continue;
                }
                next = due;
            }
            self.poller.wait(Some(next.saturating_duration_since(now)), &mut ready)?;
            for &token in &ready {
                self.attend(usize::try_from(token).unwrap_or(usize::MAX), &mut scratch);
            }
        }
        for slot in std::mem::take(&mut self.slots).into_iter().flatten() {
            self.tally.fail(&slot.flight, "timeout");
        }
        Ok(start.elapsed())
    }

    fn next_launch(&self, start: Instant, ramp: Duration) -> Option<Instant> {
        let (launched, all) = (self.slots.len(), self.arguments.streams);
        let share = u32::try_from(launched).ok()?;
        (launched < all).then(|| start + ramp * share / u32::try_from(all).unwrap_or(u32::MAX))
    }

    fn launch(&mut self) {
        let token = self.slots.len();
        let launched = self.arguments.target.connect().and_then(|socket| {
            self.poller.add(&socket, token as u64)?;
            Flight::launch(Link::new(socket), &self.request)
        });
        self.slots.push(None);
        match launched {
            Ok(flight) => self.board(token, flight, self.arguments.rounds),
            Err(error) => self.tally.count(&format!("connect: {}", error.kind())),
        }
    }

    fn board(&mut self, token: usize, flight: Flight, rounds_left: u32) {
        if flight.link.is_sending() {
            let _ = self.poller.want_write(&flight.link.socket, token as u64, true);
        }
        self.slots[token] = Some(Slot { flight, rounds_left });
        self.live += 1;
    }

    fn attend(&mut self, token: usize, scratch: &mut [u8]) {
        let Some(Some(slot)) = self.slots.get_mut(token) else {
            return;
        };
        let flight = &mut slot.flight;
        if flight.link.is_sending() && flight.link.flush().unwrap_or(true) {
            let _ = self.poller.want_write(&flight.link.socket, token as u64, false);
        }
        let gaps = &mut self.tally.gaps;
        match flight.look(scratch, |gap| gaps.push_duration(gap)) {
            Ok(Progress::Underway) => {}
            Ok(Progress::Opened) => self.opened(),
            Ok(Progress::Ended) => self.ended(token),
            Err(error) => {
                self.tally.fail(flight, &error.kind().to_string());
                self.leave(token);
            }
        }
    }

    fn opened(&mut self) {
        self.open += 1;
        if self.open == self.arguments.streams && !self.announced {
            self.announced = true;
            print_line(&json!({"event": "all_open"}));
        }
    }

    fn ended(&mut self, token: usize) {
        let Some(slot) = self.leave(token) else {
            return;
        };
        self.tally.land(&slot.flight, self.arguments.chunks);
        if slot.rounds_left <= 1 {
            return;
        }
        match Flight::launch(slot.flight.link, &self.request) {
            Ok(flight) => self.board(token, flight, slot.rounds_left - 1),
            Err(error) => self.tally.count(&error.kind().to_string()),
        }
    }

    fn leave(&mut self, token: usize) -> Option<Slot> {
        let slot = self.slots.get_mut(token)?.take()?;
        self.live -= 1;
        self.open -= usize::from(slot.flight.was_opened);
        Some(slot)
    }
}

#[expect(clippy::print_stdout, reason = "the orchestrator reads these lines")]
fn print_line(line: &Value) {
    println!("{line}");
}
