//! Callers leave in the middle: how soon the upstream sees it, and what is recorded.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use llm_proxy_test_support::{Behaviour, Closure, FaultUpstream};
use tokio::task::JoinSet;

use super::Setup;
use crate::client::{Client, Request};
use crate::cut::id_in;
use crate::figure::{Aim, Figure, Unit, milliseconds, percentile};
use crate::received::Received;
use crate::records::{Record, Records};
use crate::upstreams::models;

const CALLERS: u32 = 1_000;
const AT_ONCE: usize = 40;
/// How long the upstream may take to see the last one leave.
const PATIENCE: Duration = Duration::from_secs(5);

/// What upstreams do while callers leave: they stream, they have fallen silent, they have not begun.
const MODELS: [&str; 3] = ["streaming", "silent", "waiting"];

/// A caller that left.
struct Left {
    id: String,
    at: Instant,
    received: Received,
}

/// A thousand callers, of whom each leaves at a random moment.
pub async fn run(setup: &Setup) -> io::Result<Vec<Figure>> {
    let server = FaultUpstream::start();
    server.on(MODELS[0], Behaviour::long_stream(60, 20).gap_ms(10));
    server.on(MODELS[1], Behaviour::long_stream(10, 20).stall_after_events(4));
    server.on(MODELS[2], Behaviour::stall_before_head());
    let program = setup.start(&models(&MODELS.map(|model| (model, "openai", &server))), &[])?;
    let left = leave(program.port, setup).await;
    server.wait_until(PATIENCE, |connections| connections.open.is_empty()).await;
    let records = program.stop()?;
    let seen = seen(&server);
    let mut delays: Vec<_> = left
        .iter()
        .filter_map(|left| Some(seen.get(&left.id)?.at.saturating_duration_since(left.at)))
        .collect();
    let calls = server.requests().len();
    let unseen = calls - delays.len();
    let wrong: Vec<_> = left.iter().filter_map(|left| wrong(left, &records, &seen)).collect();
    let mut at = |permille| milliseconds(percentile(&mut delays, permille));
    let remark = format!("p50 {:.2} ms, at most {:.2} ms, of {calls} callers", at(500), at(1000));
    Ok(vec![
        Figure::new(
            "a caller leaves: until the upstream sees it, p99",
            Unit::Milliseconds,
            at(990),
            Aim::AtMost(50.0),
        )
        .remark(remark),
        Figure::none_of("callers whose leaving the upstream never saw", unseen),
        Figure::none_of("callers who left without one right record", wrong.len())
            .remark(wrong.first().cloned().unwrap_or_else(|| records.ends())),
    ])
}

async fn leave(port: u16, setup: &Setup) -> Vec<Left> {
    let mut random = fastrand::Rng::with_seed(setup.seed);
    let (mut leaving, mut left) = (JoinSet::new(), Vec::new());
    for number in 0..setup.scaled(CALLERS) {
        if leaving.len() == AT_ONCE {
            left.extend(leaving.join_next().await.and_then(Result::ok).flatten());
        }
        leaving.spawn(caller(port, number, random.fork()));
    }
    left.extend(leaving.join_all().await.into_iter().flatten());
    left
}

/// Asks and leaves; none if there was no connection or the answer has ended before.
async fn caller(port: u16, number: usize, mut random: fastrand::Rng) -> Option<Left> {
    let model = MODELS[number % MODELS.len()];
    // Who waits for an answer in one piece leaves too.
    let streamed = model != "waiting" || number.is_multiple_of(2);
    let request = Request { id: format!("leave-{number:05}"), model: model.to_owned(), streamed };
    let mut underway = Client::new(port).begin(&request).await.ok()?;
    underway.read_for(Duration::from_millis(random.u64(30..300))).await;
    if underway.is_done() {
        return None;
    }
    let received = underway.received.clone();
    Some(Left { id: request.id, at: underway.leave(random.bool()), received })
}

/// When the upstream saw each caller leave. Every call has a connection of its own: none is used again.
fn seen(server: &FaultUpstream) -> HashMap<String, Closure> {
    let closures = server.closures().into_iter().filter(|closure| closure.by_peer && closure.while_answering);
    let closures: HashMap<_, _> = closures.map(|closure| (closure.connection_id, closure)).collect();
    let calls = server.requests().into_iter();
    calls
        .filter_map(|call| Some((id_in(&call.body, "leave-")?, *closures.get(&call.connection_id)?)))
        .collect()
}

/// What is wrong with the record of a caller that left.
fn wrong(left: &Left, records: &Records, seen: &HashMap<String, Closure>) -> Option<String> {
    let sent = seen.get(&left.id).map_or(0, |closure| closure.bytes_written);
    let checked = records.of(&left.id).and_then(|record| plausible(record, &left.received, sent));
    Some(format!("{}: {}", left.id, checked.err()?))
}

/// The service may have passed on what the caller did not read any more, but nothing that the upstream
/// has not sent.
fn plausible(record: &Record, received: &Received, sent: u64) -> Result<(), String> {
    let is_counted = record.end == "cancelled" && record.provenance == "counted";
    let has_all =
        record.relayed_deltas >= received.deltas && record.relayed_text_bytes >= received.escaped_bytes;
    let has_no_more = record.relayed_text_bytes <= sent;
    (is_counted && has_all && has_no_more)
        .then_some(())
        .ok_or_else(|| format!("{record:?}, received {} deltas, {sent} bytes sent", received.deltas))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::as_much("cancelled", 2, 20, true)]
    #[case::more_than_was_read("cancelled", 3, 30, true)]
    #[case::less_than_was_read("cancelled", 1, 10, false)]
    #[case::more_than_was_sent("cancelled", 9, 90, false)]
    #[case::another_end("complete", 2, 20, false)]
    fn a_record_lies_between_what_was_read_and_what_was_sent(
        #[case] end: &str,
        #[case] deltas: u64,
        #[case] bytes: u64,
        #[case] expected: bool,
    ) {
        let line = format!(
            r#"{{"target":"usage","request_id":"r","end":"{end}","provenance":"counted","relayed_deltas":{deltas},"relayed_text_bytes":{bytes},"completion_tokens":1,"attempts":1}}"#
        );
        let record = Record::of_line(&line).expect("a record");
        let mut received = Received::new(true);
        for _ in 0..2 {
            received.feed(b"data: {\"choices\":[{\"delta\":{\"content\":\"0123456789\"}}]}\n\n");
        }
        assert_eq!(plausible(&record, &received, 50).is_ok(), expected);
    }
}
