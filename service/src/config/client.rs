//! Settings of a client of the service: the way to it, and nothing else.

use super::environment::Environment;
use super::settings::{PREFIX, Settings, SettingsError};

/// What says how something is reached. The rest of the environment may be for a service on the same machine.
const OF_THE_WAY: [&str; 11] = [
    "PROXY_HTTP",
    "PROXY_HTTPS",
    "PROXY_NO_PROXY",
    "PROXY_USERNAME",
    "PROXY_PASSWORD",
    "PROXY_FROM_ENV",
    "CA_FILE",
    "CLIENT_CERT",
    "CLIENT_KEY",
    "SSL_VERIFY",
    "CONNECT_TIMEOUT_S",
];

impl Settings {
    /// Reads what `environment` says of proxies, certificates and the time that a connection may take; every
    /// other setting has its default.
    ///
    /// # Errors
    /// The first of these variables that is wrong.
    pub fn of_client(environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let environment: Environment = environment.into_iter().collect();
        let mut ours = environment.ours();
        ours.retain(|(name, _)| {
            let name = &name[PREFIX.len()..];
            OF_THE_WAY.iter().any(|of_the_way| name.eq_ignore_ascii_case(of_the_way))
        });
        Self::from_ours(ours, environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of_client(name: &str, value: &str) -> Result<Settings, SettingsError> {
        Settings::of_client([(name.to_owned(), value.to_owned())])
    }

    #[rstest]
    #[case::a_host_beyond_loopback("LLM_PROXY__HOST", "0.0.0.0")]
    #[case::what_the_engine_needs("LLM_PROXY__RETRY_ATTEMPTS", "many")]
    #[case::a_mode("LLM_PROXY__LLM_MODE", "native")]
    fn what_a_service_is_told_stops_no_client(#[case] name: &str, #[case] value: &str) {
        assert!(of_client(name, value).is_ok());
    }

    #[rstest]
    #[case::a_timeout("LLM_PROXY__CONNECT_TIMEOUT_S", "soon")]
    #[case::a_proxy("LLM_PROXY__PROXY_HTTP", "ftp://proxy")]
    fn the_way_is_checked(#[case] name: &str, #[case] value: &str) {
        let line = of_client(name, value).expect_err("it is wrong").to_string();
        assert!(line.starts_with(name), "{line}");
    }

    #[test]
    fn the_conventional_variables_count_where_that_is_said() {
        let environment = [("LLM_PROXY__PROXY_FROM_ENV", "true"), ("HTTP_PROXY", "http://proxy.test:3128")];
        let owned = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::of_client(owned).expect("settings");
        let url = "http://service.test".parse().expect("a URL");
        assert!(settings.egress.proxy_for(&url).is_some());
    }
}
