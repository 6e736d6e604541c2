//! Steps one after the other, each timed and noted.

use std::future::{Future, ready};
use std::time::{Duration, Instant};

use super::patient::Patient;
use super::report::{Report, Step, StepName, Verdict};
use crate::error::Error;

/// An examination that is going on.
pub struct Examination<'a> {
    /// Of whom.
    pub patient: Patient<'a>,
    /// Told of every step that begins.
    pub begins: &'a mut dyn FnMut(StepName),
    /// What was found so far.
    pub steps: Vec<Step>,
}

/// What a step found, and what the next ones go on with; without that there is no way on.
pub struct Found<T> {
    /// How the step ended.
    pub verdict: Verdict,
    /// What was found, in one line.
    pub detail: String,
    /// What to change, where something is wrong.
    pub advice: Option<String>,
    then: Option<T>,
}

impl<T> Found<T> {
    /// As it should be.
    pub fn ok(detail: impl Into<String>, then: T) -> Self {
        Self { verdict: Verdict::Ok, detail: detail.into(), advice: None, then: Some(then) }
    }

    /// Not looked at, and that is no reason to stop.
    pub fn skipped(why: impl Into<String>, then: T) -> Self {
        Self { verdict: Verdict::Skipped, detail: why.into(), advice: None, then: Some(then) }
    }

    /// Somebody should look at it.
    pub fn warning(detail: impl Into<String>, advice: impl Into<String>, then: T) -> Self {
        let advice = Some(advice.into());
        Self { verdict: Verdict::Warning, detail: detail.into(), advice, then: Some(then) }
    }

    /// There is no way on.
    pub fn failed(detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, detail: detail.into(), advice: Some(advice.into()), then: None }
    }

    /// There is no way on, because of that.
    pub fn error(patient: Patient<'_>, error: &Error) -> Self {
        Self::failed(error.message(), patient.advice(error))
    }
}

impl Examination<'_> {
    /// Takes a step: what it found is noted with its time.
    pub async fn step<T>(&mut self, name: StepName, look: impl Future<Output = Found<T>>) -> Option<T> {
        (self.begins)(name);
        let started = Instant::now();
        let found = look.await;
        let took = started.elapsed();
        let detail = self.patient.fit_to_show(&found.detail);
        let advice = found.advice.map(|advice| self.patient.fit_to_show(&advice));
        self.steps.push(Step { name, verdict: found.verdict, took, detail, advice });
        found.then
    }

    /// Notes what is known without looking.
    pub async fn note<T>(&mut self, name: StepName, found: Found<T>) -> Option<T> {
        self.step(name, ready(found)).await
    }

    /// The report. What was not reached is skipped.
    pub fn finish(mut self) -> Report {
        let failed = self.steps.iter().find(|step| step.verdict == Verdict::Failed);
        let why = failed.map_or_else(String::new, |step| format!("not reached: {} failed", step.name));
        let is_missing = |name: &StepName| self.steps.iter().all(|step| step.name != *name);
        let missing: Vec<_> = self.patient.steps().into_iter().filter(is_missing).collect();
        self.steps.extend(missing.into_iter().map(|name| Step {
            name,
            verdict: Verdict::Skipped,
            took: Duration::ZERO,
            detail: why.clone(),
            advice: None,
        }));
        Report {
            endpoint: self.patient.endpoint.name.clone(),
            about: self.patient.about(),
            steps: self.steps,
        }
    }
}
