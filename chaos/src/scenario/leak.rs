//! Many requests, a fifth of them aborted: memory and descriptors afterwards.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Setup;
use crate::client::{Client, Request};
use crate::figure::{Aim, Figure, Unit, float};
use crate::program::{Footprint, Program};
use crate::upstreams::models;

const WARM_UP: u32 = 20_000;
/// By then every pool and window is as large as it gets: what grows from here on grows for ever.
const MIDDLE: u32 = 60_000;
const REQUESTS: u32 = 100_000;
const CLIENTS: usize = 64;
/// What is about to be closed is closed by then.
const REST: Duration = Duration::from_secs(3);
/// Kept connections that may come and go between two looks.
const FEW: f64 = 16.0;

/// Where the callers are, one number a request.
struct Course {
    port: u16,
    next: AtomicUsize,
    failed: AtomicUsize,
}

/// Looks after the warm-up, on the way and at the end.
pub async fn run(setup: &Setup) -> io::Result<Vec<Figure>> {
    let server = FaultUpstream::start();
    server.on("quick", Behaviour::chat("Hello from upstream."));
    server.on("slow", Behaviour::long_stream(100, 20).gap_ms(2));
    let entries = [("quick", "openai", &server), ("slow", "openai", &server)];
    let program = setup.start(&models(&entries), &[])?;
    let port = program.port;
    let course = Arc::new(Course { port, next: AtomicUsize::new(0), failed: AtomicUsize::new(0) });
    let warm = after(&program, &course, setup.scaled(WARM_UP)).await?;
    let middle = after(&program, &course, setup.scaled(MIDDLE)).await?;
    let end = after(&program, &course, setup.scaled(REQUESTS)).await?;
    let failed = course.failed.load(Ordering::Relaxed);
    let open = server.connections().open.len();
    let records = program.stop()?;
    let growth = 100.0 * (float_kib(end) / float_kib(middle) - 1.0);
    let descriptors = float(descriptors(end)) - float(descriptors(warm));
    let (all, before) = (setup.scaled(REQUESTS), setup.scaled(MIDDLE));
    let title = format!("{all} requests, a fifth aborted: memory more than after {before}");
    let looks = [warm, middle, end].map(|look| look.resident_kib.to_string());
    let memory = format!("{} KiB after {}, {before}, {all}", looks.join(", "), setup.scaled(WARM_UP));
    let handles =
        format!("{} before, {} at the end; {open} upstream connections", warm.descriptors, end.descriptors);
    Ok(vec![
        Figure::new(title, Unit::Percent, growth, Aim::AtMost(3.0)).remark(memory),
        Figure::new("descriptors more", Unit::Count, descriptors, Aim::AtMost(FEW)).remark(handles),
        Figure::none_of("requests that were not aborted and failed", failed).remark(format!(
            "{} records: {}",
            records.len(),
            records.ends()
        )),
    ])
}

/// Runs until so many requests were made in all, rests, and looks.
async fn after(program: &Program, course: &Arc<Course>, requests: usize) -> io::Result<Footprint> {
    let mut callers = JoinSet::new();
    for _ in 0..CLIENTS {
        callers.spawn(caller(Arc::clone(course), requests));
    }
    callers.join_all().await;
    sleep(REST).await;
    program.footprint()
}

async fn caller(course: Arc<Course>, requests: usize) {
    let mut client = Client::new(course.port);
    let mut random = fastrand::Rng::new();
    while let Some(number) = course.take(requests) {
        if number.is_multiple_of(5) {
            abort(&mut client, number, &mut random).await;
            continue;
        }
        let request = Request {
            id: format!("leak-{number}"),
            model: "quick".to_owned(),
            streamed: number.is_multiple_of(2),
        };
        let answer = client.ask(&request).await;
        course.failed.fetch_add(usize::from(!answer.is_success()), Ordering::Relaxed);
    }
}

impl Course {
    fn take(&self, requests: usize) -> Option<usize> {
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < requests).then_some(n + 1)).ok()
    }
}

/// Leaves in the request, right behind it, or in the answer; a connection that fails has left as well.
async fn abort(client: &mut Client, number: usize, random: &mut fastrand::Rng) {
    let request = Request {
        id: format!("leak-{number}"),
        model: "slow".to_owned(),
        streamed: number.is_multiple_of(2),
    };
    if random.u8(..4) == 0 {
        let bytes = request.bytes();
        if let Ok(mut socket) = client.connect().await {
            let _gone_already = socket.write_all(&bytes[..random.usize(1..bytes.len())]).await;
        }
        return;
    }
    let Ok(mut underway) = client.begin(&request).await else { return };
    underway.read_for(Duration::from_millis(random.u64(..20))).await;
    underway.leave(random.bool());
}

fn float_kib(footprint: Footprint) -> f64 {
    float(usize::try_from(footprint.resident_kib).unwrap_or(0))
}

fn descriptors(footprint: Footprint) -> usize {
    usize::try_from(footprint.descriptors).unwrap_or(0)
}
