//! The variables that a configuration file may refer to.

use std::collections::HashMap;
use std::fmt;

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
