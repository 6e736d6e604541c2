//! Who is examined: endpoints in use, and those that are left out of it.

use std::sync::Arc;

use super::place::Place;
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind};
use crate::services::routing::Routing;

/// How many near names an unknown one is answered with.
const MAX_NEAR: usize = 3;

/// Somebody to examine.
#[derive(Clone, Debug)]
pub enum Subject {
    /// An endpoint that requests may go to.
    Used {
        /// What is known of it.
        endpoint: Arc<Endpoint>,
        /// Where it is configured.
        place: Place,
        /// The model to ask it for where it has none of its own.
        default_model: Option<String>,
    },
    /// One that the configuration has and that cannot be used.
    LeftOut(LeftOut),
}

/// An endpoint that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What it would be called.
    pub name: String,
    /// Why, with file and line.
    pub why: String,
    /// The variable that is not set, if that is why.
    pub variable: Option<String>,
}

impl Subject {
    /// The name that it is asked for by.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Used { endpoint, .. } => &endpoint.name,
            Self::LeftOut(left_out) => &left_out.name,
        }
    }
}

/// The endpoints that requests may go to, those in front first; `configured` is where the others stand.
#[must_use]
pub fn in_use(routing: &Routing, configured: Place) -> Vec<Subject> {
    let in_front = routing.litellm().map(|endpoint| endpoint.name.as_str());
    let subjects = routing.vitals().into_iter().map(|vitals| {
        let is_in_front = routing.is_mock() || in_front == Some(vitals.endpoint.name.as_str());
        let place = if is_in_front { Place::Variables } else { configured };
        let default_model = is_in_front.then(|| routing.default_model());
        Subject::Used { endpoint: vitals.endpoint, place, default_model }
    });
    subjects.collect()
}

/// Those of that name: several that are left out may share one.
///
/// # Errors
/// [`Kind::NotFound`] with code `endpoint_not_found`, and near names.
pub fn named(subjects: Vec<Subject>, name: &str) -> Result<Vec<Subject>, Error> {
    let (found, others): (Vec<_>, Vec<_>) = subjects.into_iter().partition(|subject| subject.name() == name);
    if found.is_empty() { Err(unknown(&others, name)) } else { Ok(found) }
}

fn unknown(subjects: &[Subject], name: &str) -> Error {
    let likeness = |other: &str| strsim::jaro_winkler(&other.to_lowercase(), &name.to_lowercase());
    let mut near: Vec<(f64, &str)> =
        subjects.iter().map(|subject| (likeness(subject.name()), subject.name())).collect();
    near.retain(|(likeness, _)| *likeness > 0.75);
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let near: Vec<&str> = near.into_iter().take(MAX_NEAR).map(|(_, name)| name).collect();
    let hint = match near.as_slice() {
        [] => "see /v1/llm/health or `llm-proxy check`".to_owned(),
        near => format!("did you mean {}?", near.join(", ")),
    };
    let shown: String = name.chars().take(80).collect();
    Error::new(Kind::NotFound, format!("there is no endpoint {shown:?}: {hint}"))
        .with_param("endpoint")
        .with_code("endpoint_not_found")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn subjects() -> Vec<Subject> {
        let left_out = |name: &str| LeftOut { name: name.to_owned(), why: String::new(), variable: None };
        ["openai-eu", "openai-us", "ollama"].map(|name| Subject::LeftOut(left_out(name))).into()
    }

    #[test]
    fn an_endpoint_is_found_by_its_name() {
        let found = named(subjects(), "ollama").expect("an endpoint");
        assert_eq!(found.iter().map(Subject::name).collect::<Vec<_>>(), ["ollama"]);
    }

    #[rstest]
    #[case::a_mistyped_one("olama", "did you mean ollama?")]
    #[case::half_of_a_name("openai", "openai-eu, openai-us")]
    #[case::nothing_like_it("xyz", "see /v1/llm/health")]
    fn near_names_are_told(#[case] name: &str, #[case] hint: &str) {
        let error = named(subjects(), name).expect_err("nobody");
        assert_eq!((error.status(), error.code()), (404, "endpoint_not_found"));
        assert!(error.message().contains(hint), "{error}");
    }
}
