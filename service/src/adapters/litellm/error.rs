//! LiteLLM's refusals are OpenAI's, with `code` as a string and its own key errors as 401 and 403.
//!
//! Quirk: a LiteLLM without a database answers a wrong key with 400 and `"type": "no_db_connection"`; an
//! expired key is a 400 as well, of type `expired_key`.

use crate::adapters::{Refusal, openai};
use crate::domain::endpoint::Endpoint;
use crate::error::Error;

/// What a refusal means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    let error = openai::error::refusal(endpoint, refusal);
    if matches!(error.openai_type(), "no_db_connection" | "expired_key") {
        return openai::error::refusal(endpoint, &Refusal { status: 401, ..*refusal });
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use crate::error::Kind;

    #[test]
    fn an_unknown_key_is_our_fault_and_not_the_callers() {
        let endpoint = endpoint(Provider::Litellm, "http://litellm:4000");
        let body = br#"{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}"#;
        let headers = http::HeaderMap::new();
        let error = refusal(&endpoint, &Refusal { status: 400, headers: &headers, body });
        assert_eq!((error.kind(), error.status()), (Kind::BackendAuthentication, 502));
    }
}
