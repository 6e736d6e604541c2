//! The doctor: looks at one endpoint step by step, and says at which step it fails and what to change.
//!
//! Knows the way to an endpoint, what it can be asked for nothing, and where everything is configured.
//! Refuses to know who asks, to spend without being told to, and to show a secret. No step takes longer than
//! ten seconds; what cannot be reached is skipped.
//!
//! `way` and `certificate` open the connection, `listed` reads the list of models, `spending` asks for an
//! answer and a stream that `pace` judges. Each step is noted in an `examination` and ends as a `report`,
//! which `text` writes down; `advice` says what to change, by the names of its `place`.

mod advice;
mod certificate;
mod examination;
mod listed;
mod pace;
mod patient;
pub mod place;
mod question;
pub mod report;
mod spending;
pub mod subject;
#[cfg(test)]
mod testing;
pub mod text;
mod way;

use std::time::Duration;

use examination::{Examination, Found};
use patient::Patient;
use place::Place;
use report::{Report, Step, StepName, Verdict};
use subject::{LeftOut, Subject};

use crate::adapters::MockTiming;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;
use crate::services::routing::Routing;

/// What the doctor may do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether it may spend tokens: the answer and the stream are skipped otherwise.
    pub spend: bool,
    /// How fast the mock streams.
    pub mock_timing: MockTiming,
}

/// The doctor of a running service.
pub struct Doctor {
    /// Where the endpoints are configured, but for the one in front.
    pub place: Place,
    /// Those that the configuration leaves out, as it is now.
    pub left_out: Box<dyn Fn() -> Vec<LeftOut> + Send + Sync>,
}

impl Doctor {
    /// Examines the endpoint of that name.
    ///
    /// # Errors
    /// [`crate::error::Kind::NotFound`] with code `endpoint_not_found`, and near names.
    pub async fn examine(&self, routing: &Routing, name: &str, options: Options) -> Result<Report> {
        let mut subjects = subject::in_use(routing, self.place);
        if subjects.iter().all(|subject| subject.name() != name) {
            subjects.extend((self.left_out)().into_iter().map(Subject::LeftOut));
        }
        let found = subject::named(subjects, name)?;
        Ok(examine(&found[0], options, &mut |_| {}).await)
    }
}

/// Examines one endpoint; `begins` is told of every step before it is taken.
pub async fn examine(subject: &Subject, options: Options, begins: &mut dyn FnMut(StepName)) -> Report {
    match subject {
        Subject::LeftOut(left_out) => of_left_out(left_out),
        Subject::Used { endpoint, place, default_model } => {
            let default_model = default_model.as_deref();
            let patient = Patient { endpoint, place: *place, default_model, options };
            let mut examination = Examination { patient, begins, steps: Vec::new() };
            let _as_far_as_it_came = examination.run().await;
            examination.finish()
        }
    }
}

impl Examination<'_> {
    async fn run(&mut self) -> Option<()> {
        self.note(StepName::Configuration, self.patient.configuration()).await?;
        if !self.patient.is_mock() {
            self.note(StepName::Secrets, self.patient.secrets()).await?;
            self.way().await?;
            self.list().await?;
        }
        self.spend().await
    }
}

impl Patient<'_> {
    fn configuration(self) -> Found<()> {
        Found::ok(format!("asks for {}", self.model().unwrap_or("what requests name")), ())
    }

    /// Those that are shown to somebody on this way.
    fn secrets(self) -> Found<()> {
        let Endpoint { key, egress, .. } = self.endpoint;
        let credentials = self.proxy().and_then(|proxy| proxy.credentials.as_ref());
        let identity = egress.tls.identity.as_ref().filter(|_| self.is_https());
        let there: Vec<&str> = [
            key.as_ref().map(|_| "a key"),
            credentials.map(|_| "the proxy's password"),
            identity.map(|_| "a client certificate with its key"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if there.is_empty() {
            Found::skipped("none is configured", ())
        } else {
            Found::ok(there.join(", "), ())
        }
    }
}

/// Why an endpoint is not used: there is nothing to try.
fn of_left_out(LeftOut { name, why, variable }: &LeftOut) -> Report {
    let step = |name, verdict, detail: &str, advice| Step {
        name,
        verdict,
        took: Duration::ZERO,
        detail: detail.to_owned(),
        advice,
    };
    let steps = match variable {
        Some(variable) => {
            let advice = format!("Set {variable} in the environment or in the .env file.");
            vec![
                step(StepName::Configuration, Verdict::Ok, "read", None),
                step(StepName::Secrets, Verdict::Failed, why, Some(advice)),
            ]
        }
        None => {
            let advice = "Correct the entry, or take it out of the file.".to_owned();
            vec![step(StepName::Configuration, Verdict::Failed, why, Some(advice))]
        }
    };
    Report { endpoint: name.clone(), about: "left out".to_owned(), steps }
}
