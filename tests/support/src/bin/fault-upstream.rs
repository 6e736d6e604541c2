//! The fault upstream for other languages and by hand.
//!
//! `fault-upstream [--port N] [--exit-with-stdin]` prints one line, `listening on
//! http://127.0.0.1:PORT`, and serves until SIGTERM, SIGINT or, with `--exit-with-stdin`, the end
//! of its standard input, so that it does not outlive a test that dies. Port 0, the default, is a
//! free one. What it does is set under `/__control/`: see the library's `control` module.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use llm_proxy_test_support::FaultUpstream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

const USAGE: &str = "usage: fault-upstream [--port N] [--exit-with-stdin]";

#[derive(Default)]
struct Options {
    port: u16,
    exit_with_stdin: bool,
}

fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        return fail(USAGE);
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("fault-upstream: port {}: {error}", options.port)),
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--port" => options.port = arguments.next()?.parse().ok()?,
            "--exit-with-stdin" => options.exit_with_stdin = true,
            _ => return None,
        }
    }
    Some(options)
}

fn serve(options: &Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let upstream = FaultUpstream::start_on(options.port)?;
    runtime.block_on(async {
        // Who reads the line may send a signal at once.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut stdout = io::stdout();
        writeln!(stdout, "listening on {}", upstream.url())?;
        stdout.flush()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_ends(), if options.exit_with_stdin => {}
        }
        Ok(())
    })
}

/// Reads on a thread that the runtime does not wait for: a read of stdin cannot be cancelled.
async fn stdin_ends() {
    let (ended, end) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut ignored = [0; 1024];
        while matches!(io::stdin().read(&mut ignored), Ok(1..)) {}
        drop(ended);
    });
    drop(end.await);
}

fn fail(message: &str) -> ExitCode {
    drop(writeln!(io::stderr(), "{message}"));
    ExitCode::from(2)
}
