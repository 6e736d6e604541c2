//! The configured models: read at the start, and again whenever their file changes.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::Signal;

use crate::config::endpoints::{self, Configuration, Defaults, Finding, Variables};
use crate::config::settings::{DEFAULT_CONFIG, Mode, Settings};
use crate::domain::model::Models;
use crate::services::completion::Engine;
use crate::services::doctor::place::Place;

/// How often the file is looked at. Looking beats being told: a mounted file is replaced behind a link,
/// or through a mount that reports nothing.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where the models come from.
#[derive(Clone, Debug)]
pub struct Source {
    settings: Settings,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    Nowhere,
    File(PathBuf),
    /// LiteLLM's form, as JSON.
    Document(Document),
}

/// A configuration's text, which may hold keys: it does not show it.
#[derive(Clone)]
struct Document(Arc<str>);

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.0.len())
    }
}

impl Origin {
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Nowhere | Self::Document(_) => "the configuration".to_owned(),
        }
    }
}

impl Source {
    /// The file that the settings name, or the default one where it is there.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let default = || Some(PathBuf::from(DEFAULT_CONFIG)).filter(|path| path.is_file());
        let path = settings.config.clone().or_else(default);
        Self::with(settings, path.map_or(Origin::Nowhere, Origin::File))
    }

    /// A document in LiteLLM's form, as JSON, instead of any file.
    #[must_use]
    pub fn of_document(settings: &Settings, document: &str) -> Self {
        Self::with(settings, Origin::Document(Document(document.into())))
    }

    fn with(settings: &Settings, origin: Origin) -> Self {
        // The mock serves every model by itself.
        let origin = if settings.mode == Mode::Mock { Origin::Nowhere } else { origin };
        Self { settings: settings.clone(), origin }
    }

    /// What is configured; `None` where nothing is.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn read(&self) -> Result<Option<Configuration>, String> {
        let (variables, defaults) = self.circumstances();
        let read = match &self.origin {
            Origin::Nowhere => return Ok(None),
            Origin::File(path) => endpoints::load(path, variables, defaults),
            Origin::Document(document) => endpoints::read_document(&document.0, variables, defaults),
        };
        let mut configuration = read.map_err(|error| error.to_string())?;
        if self.is_litellm_alone() {
            leave_roles_to_litellm(&mut configuration, &self.origin.name());
        }
        Ok(Some(configuration))
    }

    /// What is configured, whether or not any endpoint of it can be used; `None` where nothing is, or where
    /// nobody of it is asked.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn survey(&self) -> Result<Option<Configuration>, String> {
        let (variables, defaults) = self.circumstances();
        let surveyed = match &self.origin {
            _ if self.is_litellm_alone() => return Ok(None),
            Origin::Nowhere => return Ok(None),
            Origin::File(path) => endpoints::survey(path, variables, defaults),
            Origin::Document(document) => endpoints::survey_document(&document.0, variables, defaults),
        };
        surveyed.map(Some).map_err(|error| error.to_string())
    }

    fn circumstances(&self) -> (&Variables, Defaults) {
        let (deadlines, egress) = (self.settings.deadlines, Arc::clone(&self.settings.egress));
        (self.settings.environment.variables(), Defaults { deadlines, egress })
    }

    /// What keys are called in the configuration.
    #[must_use]
    pub fn place(&self) -> Place {
        let is_ini =
            matches!(&self.origin, Origin::File(path) if path.extension().is_some_and(|end| end == "ini"));
        if is_ini { Place::Ini } else { Place::Yaml }
    }

    fn is_litellm_alone(&self) -> bool {
        self.settings.mode == Mode::Litellm && !self.settings.native_fallback
    }

    /// The models to start with.
    ///
    /// # Errors
    /// In one line: a named file is wrong, or nobody is left to serve in native mode.
    pub fn models(&self) -> Result<Models, String> {
        let Some(configuration) = self.usable()? else { return Ok(Models::default()) };
        self.tell(&configuration);
        Ok(self.behind(configuration.models))
    }

    /// Whether there is something to start with. What was found is not told.
    ///
    /// # Errors
    /// As for [`Source::models`].
    pub fn check(&self) -> Result<(), String> {
        self.usable().map(drop)
    }

    fn usable(&self) -> Result<Option<Configuration>, String> {
        let named = self.settings.config.is_some() || matches!(self.origin, Origin::Document(_));
        match self.read() {
            Ok(None) if self.settings.mode == Mode::Native => Err(format!(
                "LLM_PROXY__LLM_MODE holds \"native\", but no endpoint is configured: expected a file in \
                 LLM_PROXY__CONFIG, or {DEFAULT_CONFIG} in the working directory"
            )),
            Ok(read) => Ok(read),
            Err(problem) if named || self.settings.mode == Mode::Native => Err(problem),
            Err(problem) => {
                tracing::warn!("{problem}: nobody stands behind LiteLLM");
                Ok(None)
            }
        }
    }

    /// Behind LiteLLM stand the endpoints of the file only if the operator wants that.
    fn behind(&self, models: Models) -> Models {
        if self.is_litellm_alone() { Models { roles: models.roles, ..Models::default() } } else { models }
    }

    fn tell(&self, configuration: &Configuration) {
        for finding in configuration.left_out.iter().chain(&configuration.warnings) {
            tracing::warn!("{finding}");
        }
    }

    /// Reads the file again whenever it changes or `hangup` comes, for as long as
    /// that can be: all of it counts, or nothing.
    pub async fn watch(self, engine: Arc<Engine>, mut hangup: Option<Signal>) {
        if hangup.is_none() && !matches!(self.origin, Origin::File(_)) {
            return;
        }
        let mut seen = self.stamp();
        loop {
            let is_told = tokio::select! {
                () = told(&mut hangup) => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let now = self.stamp();
            if is_told || now != seen {
                seen = now;
                self.reload(&engine);
            }
        }
    }

    fn reload(&self, engine: &Engine) {
        match self.read() {
            Ok(Some(configuration)) => {
                self.tell(&configuration);
                let models = configuration.models.groups.len();
                engine.routing.replace(self.behind(configuration.models));
                tracing::info!(models, "the configuration was read again");
            }
            Ok(None) => tracing::info!("there is no configuration file to read again"),
            Err(problem) => tracing::error!("{problem}: the configuration stays as it was"),
        }
    }

    /// What changes when the file does.
    fn stamp(&self) -> Option<(SystemTime, u64)> {
        let Origin::File(path) = &self.origin else { return None };
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }
}

/// When the signal comes; never where nobody listens for it.
async fn told(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// LiteLLM does not know models that only our file has: where nobody but LiteLLM is asked, the default model
/// does their jobs.
fn leave_roles_to_litellm(configuration: &mut Configuration, file: &str) {
    let Models { groups, roles, .. } = &mut configuration.models;
    for role in [&mut roles.summarizer, &mut roles.title_generator] {
        let is_ours_alone = |name: &String| groups.iter().any(|model| !model.listed && model.name == *name);
        let Some(name) = role.take_if(|name| is_ours_alone(name)) else { continue };
        let message = format!(
            "`[{name}]` is not used: LLM_PROXY__NATIVE_FALLBACK is false, and LiteLLM does not know it. The \
             default model does its job"
        );
        let file = file.to_owned();
        configuration.warnings.push(Finding { file, line: None, message, left_out: None });
    }
}
