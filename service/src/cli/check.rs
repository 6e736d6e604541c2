//! `llm-proxy check`

use std::io::Write;

use super::say;
use crate::config::endpoints::explain;
use crate::config::settings::Settings;
use crate::startup::models::Source;

/// Explains settings and models; what is missing makes it fail.
pub fn check() -> Result<(), String> {
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
    let Some(configuration) = source.read()? else { return source.check() };
    say(out, &format!("\n{}", explain(&configuration).trim_end()));
    match configuration.left_out.len() {
        0 => Ok(()),
        1 => Err("one endpoint is left out, see above".to_owned()),
        many => Err(format!("{many} endpoints are left out, see above")),
    }
}
