//! Settings of an engine inside of another process: less has to be said there, and less can be wrong.

use super::environment::{Environment, process_variables};
use super::settings::{PREFIX, Settings, SettingsError};

/// What only a server asks for. The environment may say it to a service on the same machine.
const OF_A_SERVER: [&str; 9] = [
    "HOST",
    "PORT",
    "WORKERS",
    "INTERNAL_API_KEY",
    "METRICS_OPEN",
    "MAX_CONNECTIONS",
    "HEADER_TIMEOUT_S",
    "BODY_TIMEOUT_S",
    "DRAIN_TIMEOUT_S",
];

impl Settings {
    /// Reads the process's environment and `.env` as [`Settings::from_env`] does. `overrides`, named without
    /// the prefix, come before both. The mode is native unless one is set, and what the environment
    /// says about a server is passed over.
    ///
    /// # Errors
    /// The first variable that is wrong, or a `.env` that cannot be read.
    pub fn embedded(overrides: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let environment: Environment = process_variables()?.into_iter().collect();
        Self::from_ours(ours(&environment, overrides), environment)
    }
}

fn ours(
    environment: &Environment,
    overrides: impl IntoIterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    let overrides = overrides.into_iter().map(|(name, value)| (format!("{PREFIX}{name}"), value));
    let overrides: Vec<_> = overrides.collect();
    let mut ours = environment.ours();
    ours.retain(|(name, _)| {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        !overrides.iter().any(|(overridden, _)| is(overridden))
            && !OF_A_SERVER.iter().any(|of_a_server| is(&format!("{PREFIX}{of_a_server}")))
    });
    ours.extend(overrides);
    let mode = format!("{PREFIX}LLM_MODE");
    if !ours.iter().any(|(name, value)| name.eq_ignore_ascii_case(&mode) && !value.is_empty()) {
        ours.retain(|(name, _)| !name.eq_ignore_ascii_case(&mode));
        ours.push((mode, "native".to_owned()));
    }
    ours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{DEFAULT_INTERNAL_API_KEY, Mode};
    use rstest::rstest;

    fn settings(environment: &[(&str, &str)], overrides: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment: Environment = environment.iter().map(owned).collect();
        Settings::from_ours(ours(&environment, overrides.iter().map(owned)), environment)
    }

    #[rstest]
    #[case::nothing_is_said(&[], &[], Mode::Native)]
    #[case::nothing_in_words(&[("LLM_PROXY__LLM_MODE", "")], &[], Mode::Native)]
    #[case::the_environment_says(&[("LLM_PROXY__LLM_MODE", "litellm")], &[], Mode::Litellm)]
    #[case::in_small_letters(&[("LLM_PROXY__llm_mode", "litellm")], &[], Mode::Litellm)]
    #[case::an_override_says(&[("LLM_PROXY__llm_mode", "litellm")], &[("LLM_MODE", "mock")], Mode::Mock)]
    fn the_mode_is_native_unless_one_is_set(
        #[case] environment: &[(&str, &str)],
        #[case] overrides: &[(&str, &str)],
        #[case] mode: Mode,
    ) {
        assert_eq!(settings(environment, overrides).expect("settings").mode, mode);
    }

    #[rstest]
    #[case::a_host_beyond_loopback("HOST", "0.0.0.0")]
    #[case::a_port("PORT", "no port")]
    #[case::workers("WORKERS", "0")]
    #[case::a_key("INTERNAL_API_KEY", "not for a header")]
    #[case::connections("MAX_CONNECTIONS", "none")]
    fn what_a_server_would_not_start_with_stops_nothing(#[case] name: &str, #[case] value: &str) {
        let variable = format!("{PREFIX}{name}");
        let settings = settings(&[(&variable, value)], &[]).expect("settings");
        assert_eq!(settings.internal_api_key.expose(), DEFAULT_INTERNAL_API_KEY);
        assert_eq!(settings.environment.variables()[&variable], value);
        assert_eq!(settings.warnings, Vec::<String>::new());
    }

    #[rstest]
    #[case::of_an_override(&[], &[("RETRY_ATTEMPTS", "many")])]
    #[case::of_the_environment(&[("LLM_PROXY__RETRY_ATTEMPTS", "many")], &[])]
    fn what_the_engine_needs_is_checked(
        #[case] environment: &[(&str, &str)],
        #[case] overrides: &[(&str, &str)],
    ) {
        let line = settings(environment, overrides).expect_err("it is wrong").to_string();
        assert!(line.starts_with("LLM_PROXY__RETRY_ATTEMPTS holds \"many\", expected "), "{line}");
    }
}
