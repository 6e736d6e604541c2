//! How long a configured endpoint may take.

use std::time::Duration;

use super::finding::Wrong;
use super::tree::Node;
use crate::domain::endpoint::{Deadlines, Endpoint};

const MAX_S: f64 = 86_400.0;

/// What a file says about time; the more special wins.
/// Source: <https://docs.litellm.ai/docs/proxy/timeout>
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    /// `timeout`: for an attempt.
    pub whole: Option<Duration>,
    /// `stream_timeout`: until a stream's first byte.
    pub stream: Option<Duration>,
}

impl Timeouts {
    /// These, and where they say nothing, `others`.
    pub fn or(self, others: Self) -> Self {
        Self { whole: self.whole.or(others.whole), stream: self.stream.or(others.stream) }
    }

    /// Sets the endpoint's deadlines on top of what it has from the settings.
    ///
    /// The head of an answer that is not streamed comes when the answer is complete, so `timeout` is its
    /// first byte's deadline too. LiteLLM's `timeout` bounds a stream's silence and never its length.
    pub fn apply(self, endpoint: &mut Endpoint) {
        let settings = endpoint.deadlines;
        if let Some(whole) = self.whole {
            endpoint.deadlines = Deadlines { total: whole, first_byte: whole, ..settings };
            endpoint.stream_deadlines.first_byte = settings.first_byte.min(whole);
        }
        if let Some(stream) = self.stream {
            endpoint.stream_deadlines.first_byte = stream;
        }
    }
}

/// A number of seconds; fractions allowed.
pub fn seconds(node: &Node, what: &str) -> Result<Duration, Wrong> {
    const EXPECTED: &str = "seconds, more than 0 and at most 86400";
    let seconds = node.number(what).ok().filter(|seconds| *seconds > 0.0 && *seconds <= MAX_S);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| node.wrong(what, EXPECTED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::address::nowhere;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[rstest]
    #[case::nothing(None, None, (600, 120), (600, 120))]
    #[case::a_short_timeout(Some(30), None, (30, 30), (600, 30))]
    #[case::a_long_timeout(Some(900), None, (900, 900), (600, 120))]
    #[case::a_stream_timeout(None, Some(10), (600, 120), (600, 10))]
    #[case::both(Some(30), Some(60), (30, 30), (600, 60))]
    fn a_timeout_bounds_whole_answers_and_the_first_byte_of_streams(
        #[case] whole: Option<u64>,
        #[case] stream: Option<u64>,
        #[case] of_whole_answers: (u64, u64),
        #[case] of_streams: (u64, u64),
    ) {
        let settings = Deadlines { connect: s(5), first_byte: s(120), idle: s(60), total: s(600) };
        let mut endpoint = Endpoint::new("x", Provider::Mock, nowhere(), settings);
        Timeouts { whole: whole.map(s), stream: stream.map(s) }.apply(&mut endpoint);
        let told = |deadlines: Deadlines| (deadlines.total.as_secs(), deadlines.first_byte.as_secs());
        assert_eq!(
            (told(endpoint.deadlines), told(endpoint.stream_deadlines)),
            (of_whole_answers, of_streams)
        );
        assert_eq!((endpoint.deadlines.idle, endpoint.stream_deadlines.connect), (s(60), s(5)));
    }
}
