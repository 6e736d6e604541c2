//! What an engine in this process works with.

use std::collections::HashMap;

use llm_proxy::config::settings::Settings;
use llm_proxy::startup::models::Source;

/// The settings of the environment and `.env`, `settings` (names without their prefix) over them; and the models
/// of `config`, a path, or of `document`, LiteLLM's form as JSON, or of the settings' file.
///
/// # Errors
/// What is wrong, in one line.
pub fn embedded(
    config: Option<String>,
    document: Option<Vec<u8>>,
    mut settings: HashMap<String, String>,
) -> Result<(Settings, Source), String> {
    // A file of the environment's has no say where something is named here.
    if let Some(config) = config.or_else(|| document.as_ref().map(|_| String::new())) {
        settings.insert("CONFIG".to_owned(), config);
    }
    let settings = Settings::embedded(settings).map_err(|error| error.to_string())?;
    let source = match document {
        None => Source::of(&settings),
        Some(document) => {
            let document =
                String::from_utf8(document).map_err(|error| format!("the configuration: {error}"))?;
            Source::of_document(&settings, &document)
        }
    };
    Ok((settings, source))
}
