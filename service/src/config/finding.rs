//! What a file's reader has to say about it: where, and what.

use std::fmt;

/// Something about a file that its operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file as it was named; of a document that is no file, the place in it.
    pub file: String,
    /// Counted from 1.
    pub line: Option<usize>,
    /// A sentence without its full stop; holds no secret.
    pub message: String,
    /// The endpoint that is left out, if this says why one is.
    pub left_out: Option<Absent>,
}

/// An endpoint that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// What callers know it by: its model's name, or its section's.
    pub name: String,
    /// The variable that would bring it back.
    pub variable: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Why a file cannot be used, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Finding);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ConfigError {}

/// What is wrong at a line of the file that is being read: [`Findings`] knows which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Counted from 1.
    pub line: Option<usize>,
    /// As in [`Finding::message`].
    pub message: String,
}

impl Wrong {
    /// `message` about `line`.
    pub fn at(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into() }
    }
}

/// Collects what there is to say about one file.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    file: String,
    /// What its lines are called, where it is no file.
    places: Vec<String>,
    /// What is passed over, or will surprise.
    pub warnings: Vec<Finding>,
    /// Endpoints that are left out, and why.
    pub left_out: Vec<Finding>,
    /// The variables that would bring them back.
    pub missing: Vec<String>,
}

impl Findings {
    /// About the file of that name.
    pub fn about(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// About a document whose lines are called so.
    pub fn about_document(places: Vec<String>) -> Self {
        Self { places, ..Self::about("the configuration") }
    }

    /// Notes something that does not stop anything.
    pub fn warn(&mut self, line: usize, message: impl Into<String>) {
        let finding = self.finding(Some(line), message);
        self.warnings.push(finding);
    }

    /// Notes an endpoint that cannot be used.
    pub fn leave_out(&mut self, line: usize, absent: Absent, message: impl Into<String>) {
        if let Some(variable) = &absent.variable {
            self.miss(variable);
        }
        let finding = self.finding(Some(line), message);
        self.left_out.push(Finding { left_out: Some(absent), ..finding });
    }

    /// Notes a variable that has to be set for an endpoint to be used.
    fn miss(&mut self, variable: &str) {
        if self.missing.iter().all(|known| known != variable) {
            self.missing.push(variable.to_owned());
        }
    }

    /// Nothing is left of the file.
    pub fn nothing_left(&self) -> ConfigError {
        let why = match (self.missing.as_slice(), self.left_out.first()) {
            ([], None) => "none is configured".to_owned(),
            ([], Some(first)) => format!("{} left out; {first}", self.left_out.len()),
            (missing, _) => format!("{} left out; not set: {}", self.left_out.len(), missing.join(", ")),
        };
        self.error(Wrong { line: None, message: format!("no endpoint is left: {why}") })
    }

    /// The whole file is wrong.
    pub fn error(&self, wrong: Wrong) -> ConfigError {
        ConfigError(self.finding(wrong.line, wrong.message))
    }

    fn finding(&self, line: Option<usize>, message: impl Into<String>) -> Finding {
        let place = line.and_then(|line| self.places.get(line.saturating_sub(1)));
        let (file, line) = match place.filter(|place| !place.is_empty()) {
            Some(place) => (place.clone(), None),
            None => (self.file.clone(), line.filter(|_| self.places.is_empty())),
        };
        Finding { file, line, message: message.into(), left_out: None }
    }
}
