//! The command line.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use llm_proxy::api::openapi;
use llm_proxy::config::endpoints::explain;
use llm_proxy::config::settings::{DEFAULT_INTERNAL_API_KEY, LogLevel, Settings};
use llm_proxy::domain::secret::Secret;
use llm_proxy::services::doctor::report::{Report, Verdict, worst};
use llm_proxy::services::doctor::text;
use llm_proxy::startup::models::Source;
use llm_proxy::startup::{Service, StopSignals};
use llm_proxy::telemetry::{self, Log};
use llm_proxy::watch::Target;

/// A microservice that reaches any LLM through LiteLLM or mocked, with honest streams.
///
/// It is configured by LLM_PROXY__… variables, from the environment or a .env file.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve requests (what happens without a command)
    Serve,
    /// Validate settings and configuration, explain what is in effect, fail for what is missing
    Check,
    /// Test endpoints and the ways to them step by step, and say what to change
    ///
    /// Exits with 0 where all is well or merely worth a look, with 1 where something failed, with 2 where
    /// the configuration cannot be read or has no such endpoint.
    Doctor {
        /// One endpoint [default: all]
        #[arg(long, value_name = "NAME")]
        endpoint: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        /// Ask for an answer and a stream as well, which costs some tokens
        #[arg(long)]
        spend: bool,
    },
    /// Print the OpenAPI description
    Openapi,
    /// Ask the service on this machine whether it is alive: for container health checks
    Healthcheck,
    /// Show endpoints and notices of a running service, live
    Watch {
        /// Where it listens [default: the settings' HOST and PORT]
        #[arg(long)]
        url: Option<String>,
        /// Its key [default: the settings' INTERNAL_API_KEY]
        #[arg(long)]
        key: Option<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve(),
        Command::Check => check(),
        Command::Doctor { endpoint, json, spend } => return doctor(endpoint.as_deref(), json, spend),
        Command::Openapi => print_openapi(),
        Command::Healthcheck => healthcheck(),
        Command::Watch { url, key } => watch(url, key),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            say(&mut std::io::stderr(), &format!("llm-proxy: {line}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line where nobody may be listening.
fn say(out: &mut impl Write, line: &str) {
    let _nobody_listens = writeln!(out, "{line}");
}

fn serve() -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    let log = Log::start(std::io::stdout()).map_err(|error| format!("no thread for the log: {error}"))?;
    // actix reports every malformed request as an error: any client could fill the log with that.
    let quiet: &[&str] = if settings.log_level > LogLevel::Info { &[] } else { &["actix_http"] };
    telemetry::install(&log, settings.log_level, settings.log_format, quiet);
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    // Two sockets a stream: the soft limit of many systems ends at 500 streams.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let served = actix_web::rt::System::new().block_on(async {
        let signals = StopSignals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        let service = Service::bind(&settings, &log)?;
        greet(&settings, &service);
        service.run(signals).await.map_err(|error| error.to_string())
    });
    log.flush();
    served
}

/// The address, and for a service that nobody configured, a call that works.
fn greet(settings: &Settings, service: &Service) {
    let address = service.address();
    tracing::info!(%address, mode = %settings.mode, workers = settings.workers, version = settings.version, "listening");
    if settings.internal_api_key.expose() != DEFAULT_INTERNAL_API_KEY {
        return;
    }
    say(
        &mut std::io::stderr(),
        &format!(
            "llm-proxy listens on http://{address} ({} mode) with the default key. Try:\n\n  \
             curl http://{address}/v1/chat/completions -H 'x-internal-auth: {DEFAULT_INTERNAL_API_KEY}' \\\n       \
             -H 'content-type: application/json' -d '{{\"messages\": [{{\"role\": \"user\", \"content\": \"Say hello!\"}}]}}'\n",
            settings.mode
        ),
    );
}

fn check() -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    let mut out = std::io::stdout();
    for shown in &settings.shown {
        let origin = if shown.set { "" } else { "  (default)" };
        say(&mut out, &format!("{} = {}{origin}", shown.variable, shown.value));
    }
    for warning in &settings.warnings {
        say(&mut out, &format!("warning: {warning}"));
    }
    check_models(&settings, &mut out)
}

/// Explains the models; what is missing makes the check fail.
fn check_models(settings: &Settings, out: &mut impl Write) -> Result<(), String> {
    let source = Source::of(settings);
    let Some(configuration) = source.read()? else { return source.models().map(drop) };
    say(out, &format!("\n{}", explain(&configuration).trim_end()));
    match configuration.left_out.len() {
        0 => Ok(()),
        1 => Err("one endpoint is left out, see above".to_owned()),
        many => Err(format!("{many} endpoints are left out, see above")),
    }
}

fn doctor(endpoint: Option<&str>, json: bool, spend: bool) -> ExitCode {
    match examined(endpoint, spend) {
        Ok(reports) => {
            let told = if json { as_json(&reports) } else { text::table(&reports).trim_end().to_owned() };
            say(&mut std::io::stdout(), &told);
            if worst(&reports) == Verdict::Failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(line) => {
            say(&mut std::io::stderr(), &format!("llm-proxy: {line}"));
            ExitCode::from(2)
        }
    }
}

/// What the doctor found, with a line of progress where somebody watches.
fn examined(endpoint: Option<&str>, spend: bool) -> Result<Vec<Report>, String> {
    const CLEAR_LINE: &str = "\r\x1b[2K";
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    let mut out = std::io::stderr();
    let is_watched = out.is_terminal();
    let mut progress = |line: &str| {
        if is_watched {
            let _nobody_watches = write!(out, "{CLEAR_LINE}{line}").and_then(|()| out.flush());
        }
    };
    let run = llm_proxy::startup::doctor::run(&settings, endpoint, spend, &mut progress);
    let reports = actix_web::rt::System::new().block_on(run);
    progress("");
    reports
}

/// `{"verdict", "endpoints"}`
fn as_json(reports: &[Report]) -> String {
    let document = serde_json::json!({"verdict": worst(reports), "endpoints": reports});
    format!("{document:#}")
}

fn print_openapi() -> Result<(), String> {
    let description = openapi::description().map_err(|error| error.to_string())?;
    say(&mut std::io::stdout(), &description);
    Ok(())
}

fn healthcheck() -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    actix_web::rt::System::new().block_on(llm_proxy::startup::healthcheck(&settings))
}

fn watch(url: Option<String>, key: Option<String>) -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    let url = match url {
        Some(url) => url.parse().map_err(|expected| format!("--url holds {url:?}: expected {expected}"))?,
        None => llm_proxy::startup::local_url(&settings)?,
    };
    let key = key.map_or(settings.internal_api_key, Secret::new);
    actix_web::rt::System::new().block_on(llm_proxy::watch::watch(Target { url, key }))
}
