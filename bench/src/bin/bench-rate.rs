//! Sends at a fixed rate, come what may, and reports latencies.
//!
//! A latency is counted from when a request was due, not from when it left: a proxy that stalls
//! for 100 ms is charged with every request that was due in that time (no coordinated omission).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use clap::Parser;
use llm_proxy_bench::client::link::Link;
use llm_proxy_bench::client::target::Target;
use llm_proxy_bench::poller::Poller;
use llm_proxy_bench::stats::Samples;
use serde_json::{Value, json};

/// How long requests may still take after the last one was sent.
const GRACE: Duration = Duration::from_secs(5);

/// Every option of the run.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Requests a second.
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// For how long.
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    /// Connections, opened beforehand; when all are busy, requests wait and their latency grows.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests on each connection before the measurement begins.
    #[arg(long, default_value_t = 10)]
    warm_up: u32,
}

struct Lane {
    link: Link,
    due: Option<Instant>,
}

struct Run {
    arguments: Arguments,
    request: Vec<u8>,
    poller: Poller,
    lanes: Vec<Lane>,
    idle: Vec<usize>,
    latencies: Samples,
    lateness: Samples,
    failures: BTreeMap<String, u64>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mut run = Run {
        request: arguments.target.request()?,
        poller: Poller::new()?,
        lanes: Vec::new(),
        idle: Vec::new(),
        latencies: Samples::default(),
        lateness: Samples::default(),
        failures: BTreeMap::new(),
        arguments,
    };
    run.connect()?;
    run.warm_up()?;
    let elapsed = run.measure()?;
    print_line(&run.result(elapsed));
    Ok(())
}

impl Run {
    fn connect(&mut self) -> io::Result<()> {
        for lane in 0..self.arguments.connections {
            let socket = self.arguments.target.connect()?;
            self.poller.add(&socket, lane as u64)?;
            self.lanes.push(Lane { link: Link::new(socket), due: None });
            self.idle.push(lane);
        }
        Ok(())
    }

    /// All lanes at once, several times, so that a proxy's upstream pool is as large as it gets.
    fn warm_up(&mut self) -> io::Result<()> {
        for _ in 0..self.arguments.warm_up {
            let deadline = Instant::now() + GRACE;
            while let Some(lane) = self.idle.pop() {
                self.send(lane, Instant::now());
            }
            while self.idle.len() < self.lanes.len() && Instant::now() < deadline {
                self.attend(Duration::from_millis(100))?;
            }
        }
        self.latencies = Samples::default();
        Ok(())
    }

    fn measure(&mut self) -> io::Result<Duration> {
        let total = self.arguments.rate * self.arguments.seconds;
        let interval = Duration::from_secs(1) / self.arguments.rate;
        let start = Instant::now() + interval;
        let mut waiting = VecDeque::new();
        let mut scheduled = 0;
        let end = start + interval * total + GRACE;
        while scheduled < total || !waiting.is_empty() || self.idle.len() < self.lanes.len() {
            let now = Instant::now();
            if now > end {
                break;
            }
            while scheduled < total && start + interval * scheduled <= now {
                waiting.push_back(start + interval * scheduled);
                scheduled += 1;
            }
            self.send_waiting(&mut waiting, now);
            let next = if scheduled < total { start + interval * scheduled } else { end };
            self.attend(next.saturating_duration_since(Instant::now()))?;
        }
        let unanswered = self.lanes.iter().filter(|lane| lane.due.is_some()).count();
        for _ in 0..unanswered + waiting.len() {
            self.count("unanswered");
        }
        Ok(start.elapsed())
    }

    fn send_waiting(&mut self, waiting: &mut VecDeque<Instant>, now: Instant) {
        while let (Some(&due), Some(lane)) = (waiting.front(), self.idle.last().copied()) {
            self.idle.pop();
            waiting.pop_front();
            self.lateness.push_duration(now.saturating_duration_since(due));
            self.send(lane, due);
        }
    }

    fn send(&mut self, lane: usize, due: Instant) {
        let Lane { link, due: slot } = &mut self.lanes[lane];
        *slot = Some(due);
        match link.send(&self.request) {
            Ok(true) => {}
            Ok(false) => drop(self.poller.want_write(&link.socket, lane as u64, true)),
            Err(error) => self.broken(lane, &error),
        }
    }

    fn attend(&mut self, timeout: Duration) -> io::Result<()> {
        let (mut ready, mut scratch) = (Vec::new(), [0; 16 * 1024]);
        self.poller.wait(Some(timeout), &mut ready)?;
        for &token in &ready {
            let lane = usize::try_from(token).unwrap_or(0);
            let link = &mut self.lanes[lane].link;
            if link.is_sending() && link.flush().unwrap_or(true) {
                self.poller.want_write(&link.socket, token, false)?;
            }
            match link.receive(&mut scratch, |_| {}) {
                Ok(_) if link.response.is_done() => self.answered(lane),
                Ok(_) => {}
                Err(error) => self.broken(lane, &error),
            }
        }
        Ok(())
    }

    fn answered(&mut self, lane: usize) {
        let now = Instant::now();
        let Lane { link, due } = &mut self.lanes[lane];
        let status = link.response.status();
        let Some(due) = due.take() else { return };
        self.idle.push(lane);
        if status == 200 {
            self.latencies.push_duration(now.saturating_duration_since(due));
        } else {
            self.count(&format!("status {status}"));
        }
    }

    /// A lost connection is replaced; a request that was underway on it has failed.
    fn broken(&mut self, lane: usize, error: &io::Error) {
        let underway = self.lanes[lane].due.take().is_some();
        if underway {
            self.count(&error.kind().to_string());
        }
        let replaced = self.arguments.target.connect().and_then(|socket| {
            self.poller.add(&socket, lane as u64)?;
            Ok(socket)
        });
        match replaced {
            Ok(socket) => {
                self.lanes[lane].link = Link::new(socket);
                if underway {
                    self.idle.push(lane);
                }
            }
            Err(_) => self.count("reconnect"),
        }
    }

    fn count(&mut self, failure: &str) {
        *self.failures.entry(failure.to_owned()).or_default() += 1;
    }

    fn result(&mut self, elapsed: Duration) -> Value {
        json!({
            "event": "result",
            "elapsed_s": elapsed.as_secs_f64(),
            "completed": self.latencies.len(),
            "failures": self.failures,
            "latency_ms": self.latencies.summary_ms(),
            "sent_late_ms": self.lateness.summary_ms(),
        })
    }
}

#[expect(clippy::print_stdout, reason = "the orchestrator reads this line")]
fn print_line(line: &Value) {
    println!("{line}");
}
