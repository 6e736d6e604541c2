//! The variables that a configuration file may refer to.

use std::collections::HashMap;
use std::fmt;

use super::settings::{PREFIX, SettingsError};

/// Every variable of the environment and of `.env`. Most hold nothing secret, some hold keys: it shows
/// none of them.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// All variables, by name.
    #[must_use]
    pub const fn variables(&self) -> &HashMap<String, String> {
        &self.0
    }

    /// Those that are settings of ours, with their prefix.
    pub(super) fn ours(&self) -> Vec<(String, String)> {
        let ours = self.0.iter().filter(|(name, _)| name.starts_with(PREFIX));
        ours.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// The process's environment; a `.env` in the working directory fills what is not set there.
///
/// # Errors
/// A `.env` that cannot be read.
pub(super) fn process_variables() -> Result<HashMap<String, String>, SettingsError> {
    let mut variables = HashMap::new();
    match dotenvy::dotenv_iter() {
        Ok(lines) => {
            for line in lines {
                let (name, value) = line.map_err(|error| unreadable_dotenv(&error))?;
                variables.insert(name, value);
            }
        }
        Err(error) if error.not_found() => {}
        Err(error) => return Err(unreadable_dotenv(&error)),
    }
    let environment = std::env::vars_os();
    variables.extend(
        environment.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }),
    );
    Ok(variables)
}

fn unreadable_dotenv(error: &dotenvy::Error) -> SettingsError {
    // The error of a bad line quotes the line, which may hold a key: only its place is told.
    let problem = match error {
        dotenvy::Error::LineParse(_, at) => format!("cannot be read from .env: bad character {at} of a line"),
        other => format!("cannot be read from .env: {other}"),
    };
    SettingsError::new("*", problem)
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}
