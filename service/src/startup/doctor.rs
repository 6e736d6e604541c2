//! The doctor, with what it has to know of settings and files.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};

use super::models::Source;
use super::{breaker, default_model, front};
use crate::adapters::MockTiming;
use crate::config::endpoints::{Configuration, Finding};
use crate::config::settings::{Mode, Settings};
use crate::services::doctor::report::{Report, StepName};
use crate::services::doctor::subject::{self, LeftOut, Subject};
use crate::services::doctor::{Doctor, Options, examine};
use crate::services::routing::Routing;

/// How many endpoints are examined at a time.
const AT_A_TIME: usize = 8;

/// Examines every endpoint, or those of one name, several at a time, and reports on them in their order; `tell` is
/// told how far it is, in one line, at each step.
///
/// # Errors
/// In one line: the configuration cannot be read, or has no such endpoint.
pub async fn run(
    settings: &Settings,
    name: Option<&str>,
    spend: bool,
    tell: impl FnMut(&str),
) -> Result<Vec<Report>, String> {
    let mut subjects = subjects(settings)?;
    if let Some(name) = name {
        subjects = subject::named(subjects, name).map_err(|error| error.message().to_owned())?;
    }
    let options = Options { spend, mock_timing: MockTiming { chunk_delay: settings.mock_delay } };
    let progress = &RefCell::new(Progress { subjects: &subjects, done: 0, under_way: BTreeMap::new(), tell });
    let examined = subjects.iter().enumerate().map(|(at, subject)| async move {
        let report = examine(subject, options, &mut |step| progress.borrow_mut().begins(at, step)).await;
        progress.borrow_mut().is_done(at);
        report
    });
    Ok(stream::iter(examined).buffered(AT_A_TIME).collect().await)
}

/// How far an examination of several is.
struct Progress<'a, T> {
    subjects: &'a [Subject],
    done: usize,
    /// Those that are being examined, and the step that each of them is at.
    under_way: BTreeMap<usize, StepName>,
    tell: T,
}

impl<T: FnMut(&str)> Progress<'_, T> {
    fn begins(&mut self, at: usize, step: StepName) {
        self.under_way.insert(at, step);
        self.show();
    }

    fn is_done(&mut self, at: usize) {
        self.under_way.remove(&at);
        self.done += 1;
        self.show();
    }

    /// Names the first that is under way: it is the one that is waited for longest.
    fn show(&mut self) {
        let Some((at, step)) = self.under_way.first_key_value() else { return };
        let name = self.subjects[*at].name();
        let line = match self.subjects.len() {
            1 => format!("{name}: {step}"),
            of => format!("{} of {of} done, {name}: {step}", self.done),
        };
        (self.tell)(&line);
    }
}

fn subjects(settings: &Settings) -> Result<Vec<Subject>, String> {
    let source = Source::of(settings);
    let configuration = source.survey()?;
    if configuration.is_none() && settings.mode == Mode::Native {
        source.check()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_names_the_first_that_is_under_way_and_how_many_are_done() {
        let left_out = |name: &str| LeftOut { name: name.to_owned(), why: String::new(), variable: None };
        let subjects = ["eu", "us"].map(|name| Subject::LeftOut(left_out(name)));
        let mut told = Vec::new();
        let tell = |line: &str| told.push(line.to_owned());
        let mut progress = Progress { subjects: &subjects, done: 0, under_way: BTreeMap::new(), tell };
        progress.begins(0, StepName::Dns);
        progress.begins(1, StepName::Tcp);
        progress.is_done(0);
        progress.begins(1, StepName::Tls);
        progress.is_done(1);
        let expected =
            ["0 of 2 done, eu: DNS", "0 of 2 done, eu: DNS", "1 of 2 done, us: TCP", "1 of 2 done, us: TLS"];
        assert_eq!(told, expected);
    }

    #[test]
    fn progress_of_one_is_not_counted() {
        let one = LeftOut { name: "eu".to_owned(), why: String::new(), variable: None };
        let subjects = [Subject::LeftOut(one)];
        let mut told = String::new();
        let tell = |line: &str| line.clone_into(&mut told);
        Progress { subjects: &subjects, done: 0, under_way: BTreeMap::new(), tell }.begins(0, StepName::Http);
        assert_eq!(told, "eu: HTTP");
    }
}
