//! The configured models: read at the start, and again whenever their file changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::Signal;

use crate::config::endpoints::{self, Configuration, Defaults, Finding};
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
    path: Option<PathBuf>,
}

impl Source {
    /// The file that the settings name, or the default one where it is there.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let default = || Some(PathBuf::from(DEFAULT_CONFIG)).filter(|path| path.is_file());
        let path = settings.config.clone().or_else(default);
        // The mock serves every model by itself.
        let path = path.filter(|_| settings.mode != Mode::Mock);
        Self { settings: settings.clone(), path }
    }

    /// What the file says; `None` where there is none.
    ///
    /// # Errors
    /// What is wrong with the file, in one line.
    pub fn read(&self) -> Result<Option<Configuration>, String> {
        let Some(path) = &self.path else { return Ok(None) };
        let variables = self.settings.environment.variables();
        let (deadlines, egress) = (self.settings.deadlines, Arc::clone(&self.settings.egress));
        let read = endpoints::load(path, variables, Defaults { deadlines, egress });
        let mut configuration = read.map_err(|error| error.to_string())?;
        if self.is_litellm_alone() {
            leave_roles_to_litellm(&mut configuration, path);
        }
        Ok(Some(configuration))
    }

    /// What the file says, whether or not any endpoint of it can be used; `None` where there is none, or
    /// where nobody of it is asked.
    ///
    /// # Errors
    /// What is wrong with the file, in one line.
    pub fn survey(&self) -> Result<Option<Configuration>, String> {
        let Some(path) = self.path.as_ref().filter(|_| !self.is_litellm_alone()) else { return Ok(None) };
        let (deadlines, egress) = (self.settings.deadlines, Arc::clone(&self.settings.egress));
        let variables = self.settings.environment.variables();
        let surveyed = endpoints::survey(path, variables, Defaults { deadlines, egress });
        surveyed.map(Some).map_err(|error| error.to_string())
    }

    /// What keys are called in the file.
    #[must_use]
    pub fn place(&self) -> Place {
        let is_ini = self.path.as_ref().and_then(|path| path.extension()).is_some_and(|end| end == "ini");
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
        let named = self.settings.config.is_some();
        match self.read() {
            Ok(Some(configuration)) => {
                self.tell(&configuration);
                Ok(self.behind(configuration.models))
            }
            Ok(None) if self.settings.mode == Mode::Native => Err(format!(
                "LLM_PROXY__LLM_MODE holds \"native\", but no endpoint is configured: expected a file in \
                 LLM_PROXY__CONFIG, or {DEFAULT_CONFIG} in the working directory"
            )),
            Ok(None) => Ok(Models::default()),
            Err(problem) if named || self.settings.mode == Mode::Native => Err(problem),
            Err(problem) => {
                tracing::warn!("{problem}: nobody stands behind LiteLLM");
                Ok(Models::default())
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

    /// Reads the file again whenever it changes or `hangup` comes, for ever: all of it counts, or nothing.
    pub async fn watch(self, engine: Arc<Engine>, mut hangup: Option<Signal>) {
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
        let metadata = fs::metadata(self.path.as_ref()?).ok()?;
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
fn leave_roles_to_litellm(configuration: &mut Configuration, path: &Path) {
    let Models { groups, roles, .. } = &mut configuration.models;
    for role in [&mut roles.summarizer, &mut roles.title_generator] {
        let is_ours_alone = |name: &String| groups.iter().any(|model| !model.listed && model.name == *name);
        let Some(name) = role.take_if(|name| is_ours_alone(name)) else { continue };
        let message = format!(
            "`[{name}]` is not used: LLM_PROXY__NATIVE_FALLBACK is false, and LiteLLM does not know it. The \
             default model does its job"
        );
        let file = path.display().to_string();
        configuration.warnings.push(Finding { file, line: None, message, left_out: None });
    }
}
