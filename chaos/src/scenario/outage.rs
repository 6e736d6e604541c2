//! Every endpoint is dead: how many calls that makes of the requests.

use std::io;
use std::time::Duration;

use super::Setup;
use crate::figure::{Aim, Figure, Unit, float};
use crate::load;
use crate::upstreams::{Death, Endpoint, group};

const PER_SECOND: u32 = 500;
const SECONDS: u32 = 6;

/// Attempts that the budget always allows in ten seconds, beside a share of the traffic.
const FLOOR: f64 = 100.0;

/// With breakers, and with ones that hardly hold anybody back, so that the budget has to.
pub async fn run(setup: &Setup) -> io::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for death in [Death::Unavailable, Death::Refused] {
        let title = format!("calls a request, 3 of 3 dead: {}", death.name());
        figures.push(one(setup, death, title.clone(), &[], 1.2).await?);
        let alone = format!("{title}; breakers open for 1 ms");
        let limit = 1.2 + FLOOR / f64::from(PER_SECOND * SECONDS);
        figures.push(one(setup, death, alone, &[("BREAKER_OPEN_S", "0.001")], limit).await?);
    }
    Ok(figures)
}

async fn one(
    setup: &Setup,
    death: Death,
    title: String,
    settings: &[(&str, &str)],
    limit: f64,
) -> io::Result<Figure> {
    let endpoints = [death; 3].map(Endpoint::dead).into_iter().collect::<io::Result<Vec<_>>>()?;
    let program = setup.start(&group("chat", &endpoints), settings)?;
    let time = Duration::from_secs(SECONDS.into()).mul_f64(setup.scale);
    let asked = load::steady(program.port, PER_SECOND, time, load::mixed("outage", "chat")).await;
    let recorded = usize::try_from(program.stop()?.attempts()).unwrap_or(usize::MAX);
    let servers = endpoints.iter().filter_map(|endpoint| endpoint.server.as_ref());
    let arrived: usize = servers.map(|server| server.requests().len()).sum();
    // Where nobody listens, the records alone can tell.
    let calls = recorded.max(arrived);
    let remark = format!(
        "{} requests, {recorded} calls recorded, {arrived} arrived; {} answered",
        asked.len(),
        load::successes(&asked)
    );
    let measured = float(calls) / float(asked.len());
    Ok(Figure::new(title, Unit::Times, measured, Aim::AtMost(limit)).remark(remark))
}
