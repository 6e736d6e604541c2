//! What Anthropic takes of the numbers that shape an answer.
//! Source: <https://platform.claude.com/docs/en/api/migration-2026-10-21>

use serde_json::{Map, Value, json};

use super::model::Model;
use crate::adapters::params::Unsupported;
use crate::domain::chat::ChatRequest;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// The version that takes no sampling parameters any more; versions are dates.
const WITHOUT_SAMPLING: &str = "2026-10-21";

/// `temperature`, `top_p` and, by its own name, `top_k`. OpenAI's temperature goes up to 2, Anthropic's
/// to 1. Models from 4.1 on take one of temperature and `top_p`, and say so themselves.
///
/// # Errors
/// This version of the API, this model or its thinking takes none.
pub fn sampling(
    endpoint: &Endpoint,
    request: &ChatRequest,
    model: Model,
    is_thinking: bool,
    rest: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<Map<String, Value>> {
    let version = endpoint.api_version.as_deref().unwrap_or_default();
    let why = if version >= WITHOUT_SAMPLING {
        "this version of its API takes no sampling parameters"
    } else if model.refuses_sampling() {
        "the model takes no sampling parameters"
    } else {
        ""
    };
    // The defaults of both change nothing.
    let temperature = request.temperature.filter(|temperature| (temperature - 1.0).abs() > f64::EPSILON);
    let top_p = request.top_p.filter(|top_p| *top_p < 1.0);
    let mut sampling = Map::new();
    if !why.is_empty() {
        unsupported.param_if(temperature.is_some(), "temperature", why)?;
        unsupported.param_if(top_p.is_some(), "top_p", why)?;
        return unsupported.param_if(rest.shift_remove("top_k").is_some(), "top_k", why).map(|()| sampling);
    }
    if is_thinking {
        unsupported.param_if(temperature.is_some(), "temperature", "not while the model thinks")?;
    } else {
        let clamped = temperature.map(|temperature| temperature.clamp(0.0, 1.0));
        sampling.extend(clamped.map(|temperature| ("temperature".to_owned(), json!(temperature))));
    }
    sampling.extend(top_p.map(|top_p| ("top_p".to_owned(), json!(top_p))));
    Ok(sampling)
}

/// What Anthropic has nothing for; values that change nothing are let pass.
///
/// # Errors
/// One of them is asked for.
pub fn refused(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<()> {
    let is_set = |number: Option<f64>| number.is_some_and(|number| number != 0.0);
    unsupported.param_if(request.n.is_some_and(|n| n != 1), "n", "it gives one answer")?;
    unsupported.param_if(request.logprobs == Some(true), "logprobs", "")?;
    unsupported.param_if(request.top_logprobs.is_some_and(|count| count > 0), "top_logprobs", "")?;
    unsupported.param_if(request.seed.is_some(), "seed", "")?;
    unsupported.param_if(is_set(request.presence_penalty), "presence_penalty", "")?;
    unsupported.param_if(is_set(request.frequency_penalty), "frequency_penalty", "")?;
    let biased = request.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty());
    unsupported.param_if(biased, "logit_bias", "")
}
