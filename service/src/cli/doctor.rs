//! `llm-proxy doctor`

use std::io::{IsTerminal, Write};

use super::{FAILURE, SUCCESS, complain, say};
use crate::config::settings::Settings;
use crate::services::doctor::report::{Report, Verdict, worst};
use crate::services::doctor::text;

/// The configuration cannot be read, or has no such endpoint.
const UNUSABLE: u8 = 2;

/// Tells what is wrong with an endpoint, or with all of them; what comes back is the exit code.
pub fn doctor(endpoint: Option<&str>, json: bool, spend: bool) -> u8 {
    match examined(endpoint, spend) {
        Ok(reports) => {
            let told = if json { as_json(&reports) } else { text::table(&reports).trim_end().to_owned() };
            say(&mut std::io::stdout(), &told);
            if worst(&reports) == Verdict::Failed { FAILURE } else { SUCCESS }
        }
        Err(line) => {
            complain(&line);
            UNUSABLE
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
    let run = crate::startup::doctor::run(&settings, endpoint, spend, &mut progress);
    let reports = actix_web::rt::System::new().block_on(run);
    progress("");
    reports
}

/// `{"verdict", "endpoints"}`
fn as_json(reports: &[Report]) -> String {
    let document = serde_json::json!({"verdict": worst(reports), "endpoints": reports});
    format!("{document:#}")
}
