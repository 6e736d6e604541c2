//! One of three endpoints goes and comes every second.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use super::Setup;
use crate::figure::{Aim, Figure, milliseconds, percentile};
use crate::load;
use crate::upstreams::{Death, Endpoint, group};

const PER_SECOND: u32 = 400;
const SECONDS: u32 = 8;

/// With breakers as they are by default, and with ones that give the endpoint a chance in between.
pub async fn run(setup: &Setup) -> io::Result<Vec<Figure>> {
    Ok(vec![one(setup, "120").await?, one(setup, "0.3").await?])
}

async fn one(setup: &Setup, open_s: &str) -> io::Result<Figure> {
    let endpoints = [(); 3].map(|()| Endpoint::alive());
    let program = setup.start(&group("chat", &endpoints), &[("BREAKER_OPEN_S", open_s)])?;
    let time = Duration::from_secs(SECONDS.into()).mul_f64(setup.scale);
    let load = load::steady(program.port, PER_SECOND, time, load::mixed("flap", "chat"));
    let asked = tokio::select! {
        asked = load => asked,
        never = flap(&endpoints[0]) => match never {},
    };
    program.stop()?;
    let title = format!("1 of 3 endpoints up 1 s, down 1 s (503, resets); breakers open for {open_s} s");
    let p99 = milliseconds(percentile(&mut load::times(&asked), 990));
    let remark = format!("{} requests; p99 {p99:.0} ms", asked.len());
    Ok(Figure::share(title, load::successes(&asked), asked.len(), Aim::AtLeast(99.9)).remark(remark))
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
