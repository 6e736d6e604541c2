//! What costs tokens: an answer of one, and a stream to see whether somebody holds it back; a vector, where the model
//! makes nothing else.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::examination::{Examination, Found};
use super::pace::{Pace, judge};
use super::patient::Patient;
use super::question::deadline;
use super::report::StepName;
use crate::adapters::{self, Expect, Flow, Prepared};
use crate::domain::call::Call;
use crate::error::{Error, Kind, Result};
use crate::outbound::answer::Answer;
use crate::outbound::deadline::Deadline;
use crate::services::tap::Seen;
use crate::services::translate::Reader;
use crate::services::whole;

impl Examination<'_> {
    /// Both, where that is wanted or free.
    pub async fn spend(&mut self) -> Option<()> {
        let patient = self.patient;
        let may_spend = patient.is_mock() || patient.options.spend;
        let model = match patient.model() {
            _ if !may_spend => Err("costs tokens: only with --spend (spend=true)"),
            Some(model) => Ok(model),
            None => Err("requests say which model"),
        };
        match model {
            Ok(model) if patient.endpoint.abilities.embeds == Some(true) => {
                self.step(StepName::Completion, patient.embed(model)).await?;
                self.note(StepName::Streaming, Found::skipped("vectors are not streamed", ())).await
            }
            Ok(model) => {
                self.step(StepName::Completion, patient.complete(model)).await?;
                self.step(StepName::Streaming, patient.stream(model)).await
            }
            Err(why) => {
                self.note(StepName::Completion, Found::skipped(why, ())).await?;
                self.note(StepName::Streaming, Found::skipped(why, ())).await
            }
        }
    }
}

impl Patient<'_> {
    async fn complete(self, model: &str) -> Found<()> {
        match self.completed(model).await {
            Ok(Some(tokens)) => Found::ok(format!("an answer; {tokens} tokens with the question"), ()),
            Ok(None) => Found::ok("an answer", ()),
            Err(error) => self.no_answer(&error),
        }
    }

    async fn embed(self, model: &str) -> Found<()> {
        match self.embedded(model).await {
            Ok(numbers) => Found::ok(format!("a vector of {numbers} numbers"), ()),
            Err(error) => self.no_answer(&error),
        }
    }

    fn no_answer(self, error: &Error) -> Found<()> {
        match error {
            error if error.kind() == Kind::DeadlineExceeded || error.code() == "first_byte_timeout" => {
                let advice = "Ask again: a model that has to be loaded first takes longer.";
                Found::warning(error.message(), advice, ())
            }
            error => Found::error(self, error),
        }
    }

    /// The tokens that an answer cost, as far as it says.
    async fn completed(self, model: &str) -> Result<Option<u64>> {
        let Prepared { call, expect, .. } = self.chat(model, false)?;
        let deltas = adapters::answer(self.endpoint, &expect, &self.answered(call).await?)?;
        Ok(Seen::of(&deltas).tokens.map(|tokens| tokens.total_tokens))
    }

    /// How long the vector of a word is.
    async fn embedded(self, model: &str) -> Result<usize> {
        let Prepared { call, .. } = self.embedding(model)?;
        let embeddings = adapters::embeddings(self.endpoint, &self.answered(call).await?)?;
        let vector = embeddings.vectors.first().filter(|vector| !vector.is_empty());
        let none = || Error::new(Kind::MalformedAnswer, "answered with no vector");
        vector.map(Vec::len).ok_or_else(none)
    }

    /// The body of an answer that is a success.
    async fn answered(self, call: Call) -> Result<Bytes> {
        let deadline = deadline();
        let answered = self.read(self.call(call, deadline).await?, deadline).await?;
        answered.refused.map_or(Ok(answered.body), Err)
    }

    async fn stream(self, model: &str) -> Found<()> {
        if !self.endpoint.streams {
            return Found::skipped("the endpoint does not stream", ());
        }
        let arrivals = match self.arrivals(model).await {
            Ok(arrivals) => arrivals,
            Err(error) => return Found::error(self, &error),
        };
        let pieces = arrivals.len();
        match judge(&arrivals) {
            Pace::Unbuffered { spread } => {
                Found::ok(format!("{pieces} pieces over {} ms", spread.as_millis()), ())
            }
            Pace::Unknown => Found::ok(format!("{pieces} pieces, too few or too quick to time"), ()),
            Pace::Buffered { wait } => {
                let told = format!(
                    "{pieces} pieces at once after {} ms: somebody holds them back",
                    wait.as_millis()
                );
                Found::warning(told, self.against_buffering(), ())
            }
        }
    }

    fn against_buffering(self) -> String {
        match self.proxy() {
            Some(_) => format!(
                "Have the proxy of {} pass text/event-stream on unbuffered, or except {} in {}.",
                self.proxys_place(),
                self.endpoint.url.host(),
                self.place.way("proxy_no_proxy")
            ),
            None => format!(
                "Have what stands before {} pass text/event-stream on unbuffered (nginx: proxy_buffering off).",
                self.place.url()
            ),
        }
    }

    /// When each piece of a stream came, counted from the request.
    async fn arrivals(self, model: &str) -> Result<Vec<Duration>> {
        let Prepared { call, expect, .. } = self.chat(model, true)?;
        let (started, deadline) = (Instant::now(), deadline());
        let answer = self.call(call, deadline).await?;
        if answer.status >= 300 {
            let answered = self.read(answer, deadline).await?;
            return answered.refused.map_or_else(|| Ok(Vec::new()), Err);
        }
        self.timed(answer, &expect, started, deadline).await
    }

    /// A stream that is not over in time is judged by what came.
    async fn timed(
        self,
        mut answer: Answer,
        expect: &Expect,
        started: Instant,
        deadline: Deadline,
    ) -> Result<Vec<Duration>> {
        let mut reader = Reader::new(self.endpoint, expect);
        let (mut deltas, mut arrivals) = (Vec::new(), Vec::new());
        let limit = self.endpoint.stream_deadlines.idle;
        loop {
            let chunk = deadline.within(limit, answer.chunk(), || whole::idle(self.endpoint, limit)).await;
            let is_over = matches!(chunk, Ok(None));
            let flow = match chunk {
                Err(error) if arrivals.is_empty() => return Err(error),
                Err(_) => return Ok(arrivals),
                Ok(None) => reader.end(&mut deltas)?,
                Ok(Some(chunk)) => reader.push(chunk?, &mut deltas)?,
            };
            let mut seen = Seen::default();
            seen.add(&deltas);
            deltas.clear();
            arrivals.extend((0..seen.relayed.deltas).map(|_| started.elapsed()));
            match flow {
                Flow::Complete => return Ok(arrivals),
                Flow::More if is_over => {
                    return Err(Error::new(Kind::Truncated, "the stream ended too early"));
                }
                Flow::More => {}
            }
        }
    }
}
