//! Some of three endpoints are dead, in every way that there is.

use std::io;

use super::Setup;
use crate::figure::{Aim, Figure, milliseconds, percentile};
use crate::load;
use crate::upstreams::{Death, Endpoint, group};

const REQUESTS: u32 = 5_000;
const CLIENTS: usize = 32;

/// `dead` of three.
pub async fn run(setup: &Setup, dead: usize) -> io::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (number, death) in Death::ALL.into_iter().enumerate() {
        // The next one dies in the next way.
        let other = Death::ALL[(number + 1) % Death::ALL.len()];
        figures.push(one(setup, &[death, other][..dead]).await?);
    }
    Ok(figures)
}

async fn one(setup: &Setup, deaths: &[Death]) -> io::Result<Figure> {
    let dead = deaths.iter().map(|death| Endpoint::dead(*death)).collect::<io::Result<Vec<_>>>()?;
    let alive = (deaths.len()..3).map(|_| Endpoint::alive());
    let endpoints: Vec<_> = dead.into_iter().chain(alive).collect();
    let timeouts = [("CONNECT_TIMEOUT_S", "0.5"), ("FIRST_BYTE_TIMEOUT_S", "0.5")];
    let program = setup.start(&group("chat", &endpoints), &timeouts)?;
    let asked =
        load::closed(program.port, CLIENTS, setup.scaled(REQUESTS), load::mixed("dead", "chat")).await;
    let records = program.stop()?;
    let mut times = load::times(&asked);
    let ways: Vec<_> = deaths.iter().map(|death| death.name()).collect();
    let title = format!("{} of 3 endpoints dead: {}", deaths.len(), ways.join("; "));
    let aim = Aim::AtLeast(if deaths.len() == 1 { 99.9 } else { 99.0 });
    let p99 = milliseconds(percentile(&mut times, 990));
    let most = milliseconds(percentile(&mut times, 1000));
    let calls = records.attempts();
    let remark = format!("{} requests, {calls} calls; p99 {p99:.0} ms, at most {most:.0} ms", asked.len());
    Ok(Figure::share(title, load::successes(&asked), asked.len(), aim).remark(remark))
}
