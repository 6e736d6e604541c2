//! Every endpoint comes back while 200 callers go on asking: when all is well again, and whether they
//! fall upon it all at once.

use std::io;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::Setup;
use crate::figure::{Aim, Figure, Unit, float};
use crate::load::{self, Asked};
use crate::upstreams::{Death, Endpoint, group};

/// One caller asks once a second.
const CALLERS: u32 = 200;
const OUTAGE: Duration = Duration::from_secs(3);
const AFTERWARDS: Duration = Duration::from_secs(7);

/// An outage of three seconds with breakers that open for one.
pub async fn run(setup: &Setup) -> io::Result<Vec<Figure>> {
    let endpoints =
        [Death::Unavailable; 3].map(Endpoint::dead).into_iter().collect::<io::Result<Vec<_>>>()?;
    let settings = [("BREAKER_OPEN_S", "1"), ("RETRY_BASE_MS", "100")];
    let program = setup.start(&group("chat", &endpoints), &settings)?;
    let start = Instant::now();
    let ends = async {
        sleep_until((start + OUTAGE).into()).await;
        endpoints.iter().for_each(Endpoint::recovers);
        Instant::now()
    };
    let load = load::steady(program.port, CALLERS, OUTAGE + AFTERWARDS, load::mixed("wait", "chat"));
    let (recovered, asked) = tokio::join!(ends, load);
    program.stop()?;
    Ok(vec![until_well(&asked, recovered), stampede(&asked, &endpoints, recovered)])
}

/// From the recovery to the last request that failed.
fn until_well(asked: &[Asked], recovered: Instant) -> Figure {
    let failed = asked.iter().filter(|(_, answer)| !answer.is_success());
    let last = failed.map(|(_, answer)| answer.sent_at.saturating_duration_since(recovered)).max();
    let title = "all endpoints back after 3 s, breakers open for 1 s at first: until every request succeeds";
    let seconds = last.unwrap_or_default().as_secs_f64();
    Figure::new(title, Unit::Seconds, seconds, Aim::AtMost(5.0)).remark(format!(
        "{} of {} requests answered",
        load::successes(asked),
        asked.len()
    ))
}

/// Calls against requests in the first second at which the endpoints answer again.
fn stampede(asked: &[Asked], endpoints: &[Endpoint], recovered: Instant) -> Figure {
    let is_success = |(_, answer): &&Asked| answer.is_success();
    let first = asked.iter().filter(is_success).map(|(_, answer)| answer.sent_at + answer.took).min();
    let from = first.unwrap_or(recovered);
    let within = |at: Instant| at >= from && at < from + Duration::from_secs(1);
    let servers = endpoints.iter().filter_map(|endpoint| endpoint.server.as_ref());
    let calls = servers.flat_map(|server| server.requests()).filter(|call| within(call.received_at)).count();
    let requests = asked.iter().filter(|(_, answer)| within(answer.sent_at)).count();
    let title = "calls a request in the first second after it";
    Figure::new(title, Unit::Times, float(calls) / float(requests.max(1)), Aim::AtMost(1.2))
        .remark(format!("{requests} requests, {calls} calls"))
}
