//! What the operator changes in requests, and what a vendor does not take: refused by name, or left out
//! where the operator wants that and named in the answer; never left out in silence.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::domain::chat::{CACHE_CONTROL, ChatRequest};
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::{members, object};
use crate::error::{Error, Kind, Result, UNSUPPORTED_OPERATION, UNSUPPORTED_PARAMETER};

/// Members of OpenAI's request that are no text of the conversation and that other vendors do not
/// know. What stands neither here nor among the typed members is passed through to the vendor.
/// Source: <https://platform.openai.com/docs/api-reference/chat/create>
const OPENAI_ONLY: [&str; 14] = [
    "audio",
    "function_call",
    "functions",
    "metadata",
    "modalities",
    "moderation",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "verbosity",
    "web_search_options",
];

/// `body` with the endpoint's defaults where it has no such member, and without what it always drops,
/// whose names come beside it. Every other member keeps its text.
///
/// # Errors
/// The body is no JSON object.
pub fn applied(endpoint: &Endpoint, body: &Bytes) -> Result<(Bytes, Vec<String>)> {
    let (dropped, mut kept): (Vec<_>, Vec<_>) = members(body)?
        .into_iter()
        .partition(|member| endpoint.params.dropped.iter().any(|dropped| *dropped == member.name));
    let said_something = dropped.into_iter().filter(|member| member.value != "null");
    let dropped = said_something.map(|member| member.name.into_owned()).collect();
    let is_there = |name: &str| kept.iter().any(|member| member.name == name && member.value != "null");
    let by_its_other_name = |name: &str| name == "max_tokens" && is_there("max_completion_tokens");
    let is_missing = |name: &str| !is_there(name) && !by_its_other_name(name);
    let defaults = endpoint.params.defaults.iter().filter(|(name, _)| is_missing(name));
    let defaults: Vec<(&str, String)> =
        defaults.map(|(name, value)| (name.as_str(), value.to_string())).collect();
    // A default takes the place of a null.
    kept.retain(|member| defaults.iter().all(|(name, _)| *name != member.name));
    let kept = kept.iter().map(|member| (&*member.name, member.value));
    let body = object(kept.chain(defaults.iter().map(|(name, value)| (*name, value.as_str()))));
    Ok((body, dropped))
}

/// Decides about the members that a vendor does not take, and remembers what was left out.
#[derive(Debug)]
pub struct Unsupported<'a> {
    endpoint: &'a Endpoint,
    dropped: Vec<String>,
}

impl<'a> Unsupported<'a> {
    /// For a request to `endpoint`.
    pub const fn by(endpoint: &'a Endpoint) -> Self {
        Self { endpoint, dropped: Vec::new() }
    }

    /// The vendor does not take `param`; `why` ends the sentence "`param` is not supported by …".
    ///
    /// # Errors
    /// [`Kind::InvalidRequest`] with code `unsupported_parameter`, unless the operator wants it left out.
    pub fn param(&mut self, param: &str, why: &str) -> Result<()> {
        if self.endpoint.params.drop_unsupported {
            self.dropped.push(param.to_owned());
            return Ok(());
        }
        Err(unsupported(self.endpoint, param, why))
    }

    /// The same, where the member is there.
    ///
    /// # Errors
    /// As for [`Unsupported::param`].
    pub fn param_if(&mut self, is_there: bool, param: &str, why: &str) -> Result<()> {
        if is_there { self.param(param, why) } else { Ok(()) }
    }

    /// What is left of a request's unknown members: `taken` are read by the adapter itself, OpenAI's own
    /// are not supported, everything else is the vendor's and goes on to it.
    ///
    /// # Errors
    /// As for [`Unsupported::param`].
    pub fn rest(&mut self, request: &ChatRequest, taken: &[&str]) -> Result<Map<String, Value>> {
        let mut rest = Map::new();
        for (name, value) in &request.rest {
            if taken.contains(&name.as_str()) {
                continue;
            }
            if OPENAI_ONLY.contains(&name.as_str()) {
                self.param_if(*value != Value::Bool(false), name, "")?;
            } else {
                rest.insert(name.clone(), value.clone());
            }
        }
        Ok(rest)
    }

    /// The same for a vendor without marks for prompt caching. They are hints, and no part of what is said:
    /// left out whatever the operator wants, and named.
    ///
    /// # Errors
    /// As for [`Unsupported::param`].
    pub fn rest_without_marks(
        &mut self,
        request: &ChatRequest,
        taken: &[&str],
    ) -> Result<Map<String, Value>> {
        if request.has_cache_marks() {
            self.dropped.push(CACHE_CONTROL.to_owned());
        }
        let mut rest = self.rest(request, taken)?;
        rest.remove(CACHE_CONTROL);
        Ok(rest)
    }

    /// What was left out.
    pub fn into_dropped(self) -> Vec<String> {
        self.dropped
    }
}

/// The vendor does not take `param`, whatever the operator wants: leaving it out would change what is
/// said.
pub fn unsupported(endpoint: &Endpoint, param: &str, why: &str) -> Error {
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let message = format!("`{param}` is not supported by {}{why}", endpoint.provider);
    Error::invalid(param, message).with_code(UNSUPPORTED_PARAMETER)
}

/// The vendor has no embeddings.
pub fn no_embeddings(endpoint: &Endpoint) -> Error {
    let message = format!("{} has no embeddings", endpoint.provider);
    Error::new(Kind::InvalidRequest, message).with_param("model").with_code(UNSUPPORTED_OPERATION)
}

/// The vendor has no text completions: only chat.
pub fn no_completions(endpoint: &Endpoint) -> Error {
    let message = format!("{} has no text completions: use /v1/chat/completions", endpoint.provider);
    Error::new(Kind::InvalidRequest, message).with_param("model").with_code(UNSUPPORTED_OPERATION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::nothing_there(r#"{"x":1.10}"#, r#"{"x":1.10,"max_tokens":7,"temperature":0.5}"#)]
    #[case::there_already(r#"{"temperature":1.0,"max_tokens":1}"#, r#"{"temperature":1.0,"max_tokens":1}"#)]
    #[case::null(r#"{"temperature":null,"max_tokens":1}"#, r#"{"max_tokens":1,"temperature":0.5}"#)]
    #[case::by_its_other_name(
        r#"{"max_completion_tokens":1}"#,
        r#"{"max_completion_tokens":1,"temperature":0.5}"#
    )]
    #[case::dropped(r#"{"seed":1,"max_tokens":1,"temperature":0}"#, r#"{"max_tokens":1,"temperature":0}"#)]
    fn the_operators_defaults_fill_what_a_request_leaves_open(#[case] body: &str, #[case] expected: &str) {
        let mut endpoint = endpoint(Provider::Openai, "http://openai");
        let defaults = json!({"max_tokens": 7, "temperature": 0.5});
        endpoint.params.defaults = defaults.as_object().cloned().unwrap_or_default();
        endpoint.params.dropped = vec!["seed".to_owned()];
        let (applied, _) = applied(&endpoint, &Bytes::copy_from_slice(body.as_bytes())).expect("an object");
        assert_eq!(applied, expected);
    }

    #[rstest]
    #[case::there(r#"{"seed":1}"#, &["seed"])]
    #[case::null(r#"{"seed":null}"#, &[])]
    #[case::not_there(r#"{"user":"u"}"#, &[])]
    fn what_is_always_dropped_is_named_where_it_said_something(#[case] body: &str, #[case] named: &[&str]) {
        let mut endpoint = endpoint(Provider::Openai, "http://openai");
        endpoint.params.dropped = vec!["seed".to_owned()];
        let (_, dropped) = applied(&endpoint, &Bytes::copy_from_slice(body.as_bytes())).expect("an object");
        assert_eq!(dropped, named);
    }

    #[test]
    fn a_member_that_is_dropped_and_has_a_default_is_the_operators() {
        let mut endpoint = endpoint(Provider::Openai, "http://openai");
        endpoint.params.defaults = json!({"seed": 7}).as_object().cloned().unwrap_or_default();
        endpoint.params.dropped = vec!["seed".to_owned()];
        let applied = applied(&endpoint, &Bytes::from_static(br#"{"seed":1,"x":1.10}"#));
        let (applied, dropped) = applied.expect("an object");
        assert_eq!(applied, r#"{"x":1.10,"seed":7}"#);
        assert_eq!(dropped, ["seed"]);
    }

    #[test]
    fn a_member_that_the_vendor_does_not_take_is_refused_or_named_never_lost() {
        let mut endpoint = endpoint(Provider::Anthropic, "http://anthropic");
        let body = json!({"messages": [], "top_k": 4, "store": false, "metadata": {"a": "b"}});
        let request = ChatRequest::parse(body.to_string().as_bytes()).expect("a request");
        let error = Unsupported::by(&endpoint).rest(&request, &[]).expect_err("metadata");
        assert_eq!((error.param(), error.code()), (Some("metadata"), "unsupported_parameter"));
        endpoint.params.drop_unsupported = true;
        let mut unsupported = Unsupported::by(&endpoint);
        let rest = unsupported.rest(&request, &[]).expect("left out");
        assert_eq!(Value::from(rest), json!({"top_k": 4}));
        assert_eq!(unsupported.into_dropped(), ["metadata"]);
    }

    #[rstest]
    #[case::of_the_request(json!({"messages": [], "cache_control": {"type": "ephemeral"}}))]
    #[case::of_a_message(json!({"messages": [{"role": "user", "content": "a", "cache_control": {}}]}))]
    #[case::of_a_part(json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}]}))]
    #[case::of_a_tool(json!({"messages": [], "tools": [
        {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}]}))]
    fn marks_that_a_vendor_has_no_place_for_are_left_out_once_and_named(#[case] body: Value) {
        let endpoint = endpoint(Provider::Mistral, "http://mistral");
        let request = ChatRequest::parse(body.to_string().as_bytes()).expect("a request");
        let mut unsupported = Unsupported::by(&endpoint);
        let rest = unsupported.rest_without_marks(&request, &[]).expect("hints are never refused");
        assert_eq!((rest.len(), unsupported.into_dropped()), (0, vec!["cache_control".to_owned()]));
    }

    #[test]
    fn a_request_without_marks_names_none() {
        let body = json!({"messages": [{"role": "user", "content": "a", "cache_control": null}]});
        let request = ChatRequest::parse(body.to_string().as_bytes()).expect("a request");
        assert!(!request.has_cache_marks());
    }
}
