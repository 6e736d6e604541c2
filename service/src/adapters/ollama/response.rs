//! A whole answer of Ollama's, as deltas: one line of a stream with everything in it.

use super::stream::Stream;
use crate::adapters::{Expect, Flow};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};

/// What the answer says.
///
/// # Errors
/// It reports an error, is no chat answer, or does not say that it is done.
pub fn deltas(endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Vec<Delta>> {
    let mut deltas = Vec::new();
    match Stream::new(endpoint, expect).line(body, &mut deltas)? {
        Flow::Complete => Ok(deltas),
        Flow::More => {
            let message = format!("{}'s answer does not say that it is done", endpoint.name);
            Err(Error::new(Kind::MalformedAnswer, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    #[rstest]
    #[case::not_done(r#"{"message":{"content":"a"},"done":false}"#, Kind::MalformedAnswer)]
    #[case::another_object("{}", Kind::MalformedAnswer)]
    #[case::an_error(r#"{"error":"boom"}"#, Kind::UpstreamFailure)]
    fn what_is_no_whole_answer_is_an_error(#[case] body: &str, #[case] kind: Kind) {
        let endpoint = endpoint(Provider::Ollama, "http://ollama");
        let error = deltas(&endpoint, &Expect::default(), body.as_bytes()).expect_err("not whole");
        assert_eq!(error.kind(), kind);
    }
}
