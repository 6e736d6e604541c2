//! What the answer to a request for the list of models says: of the server, our key and the model.

use std::mem::take;

use super::examination::{Examination, Found};
use super::patient::Patient;
use super::question::Answered;
use super::report::StepName;
use super::way::is_about_credentials;
use crate::adapters::listing::{self, Listing};
use crate::domain::endpoint::{Provider, UpstreamModel};
use crate::error::{Error, Kind, Result};

/// How many near names are told.
const MAX_NEAR: usize = 3;

impl Examination<'_> {
    /// Asks for the list of models, and reads the answer three times.
    pub async fn list(&mut self) -> Option<()> {
        let patient = self.patient;
        let answered = if patient.is_forwarded() {
            // Whether such a proxy takes our password, only a request tells.
            let look = async { patient.forwarded(patient.list().await) };
            let answered = self.step(StepName::ProxyAuth, look).await?;
            self.note(StepName::Http, patient.http(answered)).await?
        } else {
            self.step(StepName::Http, async { patient.http(patient.list().await) }).await?
        };
        self.note(StepName::Credentials, patient.credentials(&answered)).await?;
        self.note(StepName::Model, patient.listed(&answered)).await
    }
}

impl Patient<'_> {
    fn forwarded(self, answered: Result<Answered>) -> Found<Result<Answered>> {
        match answered {
            Err(error) if is_about_credentials(&error) => Found::error(self, &error),
            other => Found::ok(self.let_through(), other),
        }
    }

    fn http(self, answered: Result<Answered>) -> Found<Answered> {
        match answered {
            Err(error) => Found::error(self, &error),
            Ok(answered) => match self.not_an_api(&answered) {
                Some(found) => found,
                None => self.api(answered),
            },
        }
    }

    /// An answer that no working API gives.
    fn not_an_api(self, answered: &Answered) -> Option<Found<Answered>> {
        let (name, url, status) = (&self.endpoint.name, self.place.url(), answered.status);
        let what = match status {
            500.. => {
                let advice = format!("Ask who runs {name}: it fails whatever it is asked.");
                return Some(Found::failed(answered.words(), advice));
            }
            300..400 => {
                let advice = format!("Write the address that it redirects to into {url}: none is followed.");
                return Some(Found::failed(format!("redirects ({status})"), advice));
            }
            _ if answered.is_page() => "a web page",
            200..300 if !answered.is_json() => "something that is no JSON",
            _ => return None,
        };
        let error = Error::new(Kind::MalformedAnswer, format!("answered {status} with {what}"));
        Some(Found::error(self, &error))
    }

    fn api(self, answered: Answered) -> Found<Answered> {
        let (name, url, status) = (&self.endpoint.name, self.place.url(), answered.status);
        match status {
            404 | 405 => {
                let advice = format!("Correct {url} if requests fail too: some servers have no such list.");
                Found::warning(format!("has no list of models ({status})"), advice, answered)
            }
            429 => {
                let advice = format!("Ask again later, or raise the limits of the account at {name}.");
                Found::warning(answered.words(), advice, answered)
            }
            _ => Found::ok(format!("answered {status}"), answered),
        }
    }

    fn credentials(self, answered: &Answered) -> Found<()> {
        match &answered.refused {
            Some(error) if error.kind() == Kind::BackendAuthentication => Found::error(self, error),
            Some(_) => Found::skipped(format!("an answer of {} does not tell", answered.status), ()),
            None if self.endpoint.key.is_some() => Found::ok("our key is taken", ()),
            None => Found::ok("no key is asked for", ()),
        }
    }

    fn listed(self, answered: &Answered) -> Found<()> {
        if answered.refused.is_some() {
            return Found::skipped(format!("an answer of {} lists none", answered.status), ());
        }
        if self.endpoint.provider == Provider::Azure {
            return Found::skipped("Azure lists models, and requests name deployments", ());
        }
        let Some(listing) = listing::read(self.endpoint, &answered.body) else {
            let advice = format!("Correct {} if requests fail too.", self.place.url());
            return Found::warning("answers with JSON that is no list of models", advice, ());
        };
        let Some(model) = self.model() else {
            return Found::skipped(format!("requests say which ({} are listed)", listing.models.len()), ());
        };
        if listing.has(model) {
            return Found::ok(format!("{model} is listed"), ());
        }
        self.not_listed(model, &listing)
    }

    fn not_listed(self, model: &str, listing: &Listing) -> Found<()> {
        let near = near(model, listing);
        let hint = if near.is_empty() { String::new() } else { format!(" (near it: {})", near.join(", ")) };
        let told = format!("{model} is not among those listed, {} in all", listing.models.len());
        let place = self.place.model();
        if self.endpoint.model == UpstreamModel::AsAsked {
            let advice = format!("Correct {place}{hint}: requests that name no model get none.");
            return Found::warning(told, advice, ());
        }
        if listing.is_whole {
            return Found::failed(told, format!("Correct {place}{hint}."));
        }
        Found::warning(told, format!("Correct {place} if requests fail too{hint}."), ())
    }
}

fn near(model: &str, listing: &Listing) -> Vec<String> {
    let likeness = |other: &str| strsim::jaro_winkler(&other.to_lowercase(), &model.to_lowercase());
    let named = listing.models.iter().map(|name| (likeness(name), name.clone()));
    let mut near: Vec<(f64, String)> = named.filter(|(likeness, _)| *likeness > 0.8).collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.iter_mut().take(MAX_NEAR).map(|(_, name)| take(name)).collect()
}

impl Answered {
    /// Why it is no success.
    fn words(&self) -> String {
        self.refused.as_ref().map(|error| error.message().to_owned()).unwrap_or_default()
    }

    fn is_page(&self) -> bool {
        self.content_type.starts_with("text/html") || self.body.trim_ascii_start().starts_with(b"<")
    }

    fn is_json(&self) -> bool {
        serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok()
    }
}

#[cfg(test)]
#[path = "listed_tests.rs"]
mod tests;
