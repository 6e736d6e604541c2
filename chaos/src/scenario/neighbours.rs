//! One endpoint stalls with hundreds of requests in flight: what another one notices of it.

use std::io;
use std::time::Duration;

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use tokio::task::JoinSet;

use super::Setup;
use crate::client::{Client, Request, Underway};
use crate::figure::{Aim, Figure, Unit, median, milliseconds, percentile};
use crate::load;
use crate::upstreams::models;

const ROUNDS: u32 = 21;
const STALLED: usize = 400;
const REQUESTS: u32 = 2_000;
const CLIENTS: usize = 4;
/// How long requests may take to get stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// The fast model alone and beside the stalled one, again and again: the machine has moods.
pub async fn run(setup: &Setup) -> io::Result<Vec<Figure>> {
    let (fast, slow) = (FaultUpstream::start(), FaultUpstream::start());
    slow.on("silent", Behaviour::stall_before_head());
    slow.on("stuck", Behaviour::long_stream(10, 20).stall_after_events(4));
    let entries = [("fast", "openai", &fast), ("silent", "openai", &slow), ("stuck", "openai", &slow)];
    let program = setup.start(&models(&entries), &[])?;
    measure(program.port, setup).await;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // What goes first changes, so that neither always has the better half of a round.
        for stalled in [round % 2 == 0, round % 2 != 0] {
            if !stalled {
                alone.push(measure(program.port, setup).await);
                continue;
            }
            let callers = stall(program.port).await;
            slow.wait_until(PATIENCE, |connections| connections.open.len() >= STALLED).await;
            beside.push(measure(program.port, setup).await);
            drop(callers);
            slow.wait_until(PATIENCE, |connections| connections.open.is_empty()).await;
        }
    }
    program.stop()?;
    Ok(vec![figure(&alone, &beside)])
}

fn figure(alone: &[f64], beside: &[f64]) -> Figure {
    let middle = |values: &[f64]| median(values.to_vec()).unwrap_or(f64::NAN);
    let title = format!("p99 of a model beside {STALLED} stalled requests of another, to alone");
    let (alone, beside) = (middle(alone), middle(beside));
    Figure::new(title, Unit::Times, beside / alone, Aim::AtMost(1.1))
        .remark(format!("alone {alone:.2} ms, beside {beside:.2} ms: medians of {ROUNDS}"))
}

/// The fast model's p99 in milliseconds.
async fn measure(port: u16, setup: &Setup) -> f64 {
    let asked = load::closed(port, CLIENTS, setup.scaled(REQUESTS), load::mixed("fast", "fast")).await;
    milliseconds(percentile(&mut load::times(&asked), 990))
}

/// Callers that wait for the stalled models, half of them with the first events in their hands.
async fn stall(port: u16) -> Vec<Underway> {
    let mut beginning = JoinSet::new();
    for number in 0..STALLED {
        let model = if number % 2 == 0 { "silent" } else { "stuck" };
        let request = Request { id: format!("stall-{number}"), model: model.to_owned(), streamed: true };
        beginning.spawn(async move { Client::new(port).begin(&request).await });
    }
    beginning.join_all().await.into_iter().filter_map(Result::ok).collect()
}
