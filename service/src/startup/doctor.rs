//! The doctor, with what it has to know of settings and files.

use super::models::Source;
use super::{breaker, default_model, front};
use crate::adapters::MockTiming;
use crate::config::endpoints::{Configuration, Finding};
use crate::config::settings::{Mode, Settings};
use crate::services::doctor::report::{Report, StepName};
use crate::services::doctor::subject::{self, LeftOut, Subject};
use crate::services::doctor::{Doctor, Options, examine};
use crate::services::routing::Routing;

/// Examines every endpoint, or those of one name, one after the other; `begins` is told of each step.
///
/// # Errors
/// In one line: the configuration cannot be read, or has no such endpoint.
pub async fn run(
    settings: &Settings,
    name: Option<&str>,
    spend: bool,
    mut begins: impl FnMut(&str, StepName),
) -> Result<Vec<Report>, String> {
    let mut subjects = subjects(settings)?;
    if let Some(name) = name {
        subjects = subject::named(subjects, name).map_err(|error| error.message().to_owned())?;
    }
    let options = Options { spend, mock_timing: MockTiming { chunk_delay: settings.mock_delay } };
    let mut reports = Vec::with_capacity(subjects.len());
    for subject in &subjects {
        reports.push(examine(subject, options, &mut |step| begins(subject.name(), step)).await);
    }
    Ok(reports)
}

fn subjects(settings: &Settings) -> Result<Vec<Subject>, String> {
    let source = Source::of(settings);
    let configuration = source.survey()?;
    if configuration.is_none() && settings.mode == Mode::Native {
        source.models()?;
    }
    let left_out = configuration.as_ref().map(absent).unwrap_or_default();
    let models = configuration.map(|configuration| configuration.models).unwrap_or_default();
    let routing = Routing::new(front(settings), default_model(settings), models, breaker(settings));
    let in_use = subject::in_use(&routing, source.place()).into_iter();
    Ok(in_use.chain(left_out.into_iter().map(Subject::LeftOut)).collect())
}

/// The doctor of a service with that file. The file is read when somebody asks for an endpoint that is not in
/// use: the service itself keeps no list of them.
pub fn of_service(source: Source) -> Doctor {
    let place = source.place();
    let left_out = move || source.survey().ok().flatten().as_ref().map(absent).unwrap_or_default();
    Doctor { place, left_out: Box::new(left_out) }
}

fn absent(configuration: &Configuration) -> Vec<LeftOut> {
    let told = |finding: &Finding| {
        let absent = finding.left_out.clone()?;
        Some(LeftOut { name: absent.name, why: finding.to_string(), variable: absent.variable })
    };
    configuration.left_out.iter().filter_map(told).collect()
}
