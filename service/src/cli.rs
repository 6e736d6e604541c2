//! The command line.

mod check;
mod doctor;
mod serve;

use std::ffi::OsString;
use std::io::Write;

use clap::{Parser, Subcommand};

use crate::api::openapi;
use crate::config::settings::Settings;
use crate::domain::secret::Secret;
use crate::watch::Target;

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

/// Runs the command that `arguments` name, the program's own name being the first of them. What comes back is
/// the process's exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(told) => {
            let _nobody_listens = told.print();
            return u8::try_from(told.exit_code()).unwrap_or(FAILURE);
        }
    };
    let done = match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(),
        Command::Check => check::check(),
        Command::Doctor { endpoint, json, spend } => return doctor::doctor(endpoint.as_deref(), json, spend),
        Command::Openapi => print_openapi(),
        Command::Healthcheck => healthcheck(),
        Command::Watch { url, key } => watch(url, key),
    };
    match done {
        Ok(()) => SUCCESS,
        Err(line) => {
            complain(&line);
            FAILURE
        }
    }
}

const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;

fn complain(line: &str) {
    say(&mut std::io::stderr(), &format!("llm-proxy: {line}"));
}

/// Writes a line where nobody may be listening.
fn say(out: &mut impl Write, line: &str) {
    let _nobody_listens = writeln!(out, "{line}");
}

fn print_openapi() -> Result<(), String> {
    let description = openapi::description().map_err(|error| error.to_string())?;
    say(&mut std::io::stdout(), &description);
    Ok(())
}

fn healthcheck() -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    actix_web::rt::System::new().block_on(crate::startup::healthcheck(&settings))
}

fn watch(url: Option<String>, key: Option<String>) -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    let url = match url {
        Some(url) => url.parse().map_err(|expected| format!("--url holds {url:?}: expected {expected}"))?,
        None => crate::startup::local_url(&settings)?,
    };
    let key = key.map_or(settings.internal_api_key, Secret::new);
    actix_web::rt::System::new().block_on(crate::watch::watch(Target { url, key }))
}
