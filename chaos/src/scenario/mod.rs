//! What the service is put through: a file a scenario.

mod cancel;
mod cut_streams;
mod dead_endpoints;
mod flapping;
mod leak;
mod neighbours;
mod outage;
mod recovery;

use std::io;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::figure::Figure;
use crate::program::Program;

/// All scenarios, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// One of three endpoints is dead.
    OneDead,
    /// Two of three endpoints are dead.
    TwoDead,
    /// All endpoints are dead.
    Outage,
    /// All endpoints come back while callers wait.
    Recovery,
    /// One of three endpoints goes and comes every second.
    Flapping,
    /// Streams are cut anywhere.
    CutStreams,
    /// Callers leave in the middle.
    Cancel,
    /// Many requests, a fifth of them aborted.
    Leak,
    /// One endpoint stalls with hundreds of requests beside another one.
    Neighbours,
}

/// What all scenarios share.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The service.
    pub binary: PathBuf,
    /// The share of the full number of requests.
    pub scale: f64,
    /// Where chance begins.
    pub seed: u64,
}

impl Scenario {
    /// Puts the service through it.
    ///
    /// # Errors
    /// The service cannot be started or stopped, or this machine lacks something.
    pub async fn run(self, setup: &Setup) -> io::Result<Vec<Figure>> {
        match self {
            Self::OneDead => dead_endpoints::run(setup, 1).await,
            Self::TwoDead => dead_endpoints::run(setup, 2).await,
            Self::Outage => outage::run(setup).await,
            Self::Recovery => recovery::run(setup).await,
            Self::Flapping => flapping::run(setup).await,
            Self::CutStreams => cut_streams::run(setup).await,
            Self::Cancel => cancel::run(setup).await,
            Self::Leak => leak::run(setup).await,
            Self::Neighbours => neighbours::run(setup).await,
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Setup {
    /// So many in a full run.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of requests, scaled down"
    )]
    pub fn scaled(&self, full: u32) -> usize {
        (f64::from(full) * self.scale).ceil() as usize
    }

    /// Starts the service.
    ///
    /// # Errors
    /// As [`Program::start`].
    pub fn start(&self, yaml: &str, settings: &[(&str, &str)]) -> io::Result<Program> {
        Program::start(&self.binary, yaml, settings)
    }
}
