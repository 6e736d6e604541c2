//! One of three endpoints goes and comes every second, or all of them fail now and then.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use super::Setup;
use crate::figure::{Aim, Figure, milliseconds, percentile};
use crate::load::{self, Asked};
use crate::upstreams::{Death, Endpoint, group};

const PER_SECOND: u32 = 400;
const SECONDS: u32 = 8;

/// What users saw of one provider at its peaks.
const PERCENT: u8 = 15;

/// With breakers as they are by default, and with ones that give the endpoint a chance in between.
pub async fn run(setup: &Setup) -> io::Result<Vec<Figure>> {
    Ok(vec![flapping(setup, "120").await?, flapping(setup, "0.3").await?, stumbling(setup).await?])
}

/// All three endpoints fail by chance.
async fn stumbling(setup: &Setup) -> io::Result<Figure> {
    let endpoints = [(); 3].map(|()| Endpoint::alive());
    let mut random = fastrand::Rng::with_seed(setup.seed);
    endpoints.iter().for_each(|endpoint| endpoint.stumbles(PERCENT, &mut random));
    let program = setup.start(&group("chat", &endpoints), &[])?;
    let request = load::mixed("stumble", "chat");
    let asked = load::steady(program.port, PER_SECOND, time(setup), request).await;
    let calls = program.stop()?.attempts();
    let title = format!("3 of 3 endpoints fail {PERCENT} of 100 calls");
    Ok(figure(title, &asked, calls))
}

async fn flapping(setup: &Setup, open_s: &str) -> io::Result<Figure> {
    let endpoints = [(); 3].map(|()| Endpoint::alive());
    let program = setup.start(&group("chat", &endpoints), &[("BREAKER_OPEN_S", open_s)])?;
    let load = load::steady(program.port, PER_SECOND, time(setup), load::mixed("flap", "chat"));
    let asked = tokio::select! {
        asked = load => asked,
        never = flap(&endpoints[0]) => match never {},
    };
    let calls = program.stop()?.attempts();
    let title = format!("1 of 3 endpoints up 1 s, down 1 s (503, resets); breakers open for {open_s} s");
    Ok(figure(title, &asked, calls))
}

fn time(setup: &Setup) -> Duration {
    Duration::from_secs(SECONDS.into()).mul_f64(setup.scale)
}

fn figure(title: String, asked: &[Asked], calls: u64) -> Figure {
    let p99 = milliseconds(percentile(&mut load::times(asked), 990));
    let remark = format!("{} requests, {calls} calls; p99 {p99:.0} ms", asked.len());
    Figure::share(title, load::successes(asked), asked.len(), Aim::AtLeast(99.9)).remark(remark)
}

async fn flap(endpoint: &Endpoint) -> std::convert::Infallible {
    let beat = Duration::from_secs(1);
    loop {
        for death in [Death::Unavailable, Death::Reset] {
            sleep(beat).await;
            endpoint.dies(death);
            sleep(beat).await;
            endpoint.recovers();
        }
    }
}
