//! What the service stands: it is started as a process of its own, its upstreams fail on purpose, its
//! callers leave, and what is promised for that is measured.
//!
//! It is run by `make chaos`. The exit code is 1 if a promise was not kept, 2 if nothing could be
//! measured. Upstreams come from `tests/support`, the reading of HTTP from `bench`.

mod client;
mod cut;
mod figure;
mod load;
mod program;
mod received;
mod records;
mod report;
mod scenario;
mod upstreams;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use figure::Figure;
use scenario::{Scenario, Setup};

/// Measures what the service stands.
#[derive(Debug, Parser)]
struct Arguments {
    /// The service's program.
    #[arg(long)]
    binary: PathBuf,
    /// Only these scenarios, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// The share of the full number of requests.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Where chance begins.
    #[arg(long, default_value_t = 4)]
    seed: u64,
    /// The page of results; written by a full run only.
    #[arg(long)]
    page: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(figures) if figures.iter().all(Figure::is_met) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            say(&format!("chaos: {error}"));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<Vec<Figure>> {
    raise_open_files()?;
    let Arguments { binary, scale, seed, .. } = arguments;
    let setup = Setup { binary: binary.canonicalize()?, scale: *scale, seed: *seed };
    let all = Scenario::value_variants();
    let chosen = if arguments.only.is_empty() { all } else { &arguments.only };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let started = Instant::now();
    let mut figures = Vec::new();
    for scenario in chosen {
        let began = Instant::now();
        let measured = runtime.block_on(scenario.run(&setup))?;
        say(&format!("{}: {:.1} s", scenario.name(), began.elapsed().as_secs_f64()));
        figures.extend(measured);
    }
    let table = report::table(&figures);
    show(&table);
    let is_full = arguments.only.is_empty() && *scale >= 1.0;
    if let Some(page) = arguments.page.as_ref().filter(|_| is_full) {
        let seconds = started.elapsed().as_secs();
        let cores = std::thread::available_parallelism()?;
        report::write(page, &table, &format!("{cores} cores, {seconds} s, seed {seed}."))?;
        say(&format!("written to {}", page.display()));
    }
    Ok(figures)
}

/// For hundreds of callers, their upstream connections, and the service, which inherits it.
fn raise_open_files() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

#[expect(clippy::print_stderr, reason = "the progress of a command-line program")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "the table is the program's output")]
fn show(table: &str) {
    println!("{table}");
}
