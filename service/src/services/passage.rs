//! What happens to a stream's bytes between the upstream and the caller.

use bytes::{Bytes, BytesMut};

use super::continuation::{Kept, Thread};
use super::inspect;
use super::tap::{Passed, Seen, Tap, UsageEvent};
use super::translate::{MAX_EVENT_BYTES, Reader, too_large};
use crate::adapters::continuation::Seam;
use crate::adapters::{ClientFormat, Expect, Flow, Render, Timing};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::wire::ndjson::Lines;
use crate::wire::sse::{self, Splitter};

/// One stream's way.
pub enum Passage {
    /// OpenAI's events for a caller of OpenAI's format: whole events go on as they came.
    Events(Splitter, Tap),
    /// Ollama's lines for a caller of Ollama's format: whole lines go on as they came, and are read on
    /// the side.
    Lines(Box<Tapped>),
    /// Anything else: read into deltas, and written in the caller's format.
    Translated(Box<Translation>),
}

/// Lines that go on as they came.
pub struct Tapped {
    lines: Lines,
    reader: Reader,
    deltas: Vec<Delta>,
    seen: Seen,
}

/// A stream that is written anew.
pub struct Translation {
    /// None where the endpoint does not stream: all of its answer is among the deltas.
    reader: Option<Reader>,
    renderer: Box<dyn Render>,
    /// Where another endpoint's answer meets this one, which goes on with it.
    seam: Option<Seam>,
    /// What another endpoint may go on from.
    kept: Option<Kept>,
    deltas: Vec<Delta>,
    seen: Seen,
}

impl Passage {
    /// For an answer in the caller's own format.
    pub fn relayed(
        endpoint: &Endpoint,
        expect: &Expect,
        format: ClientFormat,
        usage_event: UsageEvent,
    ) -> Self {
        if format == ClientFormat::Openai {
            return Self::Events(Splitter::default(), Tap::new(usage_event));
        }
        let reader = Reader::new(endpoint, expect);
        let (lines, deltas, seen) = Default::default();
        Self::Lines(Box::new(Tapped { lines, reader, deltas, seen }))
    }

    /// For an answer in another format than the caller's.
    pub fn translated(endpoint: &Endpoint, expect: &Expect, renderer: Box<dyn Render>) -> Self {
        Self::Translated(Box::new(Translation::new(Some(Reader::new(endpoint, expect)), renderer)))
    }

    /// The same for an answer that may be continued, or that continues another one behind a seam.
    pub fn continuable(endpoint: &Endpoint, expect: &Expect, thread: &Thread, seam: Option<Seam>) -> Self {
        let reader = Some(Reader::new(endpoint, expect));
        let translation = Translation::new(reader, Box::new(thread.renderer.clone()));
        let kept = Some(Kept::behind(&thread.text));
        Self::Translated(Box::new(Translation { seam, kept, ..translation }))
    }

    /// For an answer that is known as a whole.
    pub fn said(deltas: Vec<Delta>, renderer: Box<dyn Render>) -> Self {
        Self::Translated(Box::new(Translation { deltas, ..Translation::new(None, renderer) }))
    }

    /// Takes the upstream's bytes as they come. `timing` is asked at most once, at the end.
    pub fn chunk(&mut self, endpoint: &Endpoint, chunk: Bytes, timing: impl FnOnce() -> Timing) -> Passed {
        match self {
            Self::Events(splitter, tap) => match splitter.push(chunk, MAX_EVENT_BYTES) {
                Ok(whole) if whole.is_empty() => Passed::nothing(),
                Ok(whole) => tap.pass(endpoint, whole),
                Err(_) => Passed::failed(too_large()),
            },
            Self::Lines(tapped) => tapped.chunk(chunk),
            Self::Translated(translation) => translation.chunk(chunk, timing),
        }
    }

    /// The upstream's body is over, as its framing says properly: what is left to say.
    pub fn end(&mut self, endpoint: &Endpoint, timing: impl FnOnce() -> Timing) -> Passed {
        let passed = match self {
            // A stream may end right behind `data: [DONE]`, without the empty line.
            Self::Events(splitter, _) if is_done(splitter.rest()) => Passed::complete(sse::DONE),
            Self::Events(..) => Passed::nothing(),
            Self::Lines(tapped) => tapped.end(),
            Self::Translated(translation) => translation.end(timing),
        };
        if passed.end.is_some() {
            return passed;
        }
        let message = format!("{} ended its stream before it was complete", endpoint.name);
        Passed { end: Some(Err(Error::new(Kind::Truncated, message))), ..passed }
    }

    /// The text that another endpoint may go on from.
    pub fn continuable_text(&self) -> Option<&str> {
        match self {
            Self::Translated(translation) => translation.kept.as_ref()?.text(),
            Self::Events(..) | Self::Lines(_) => None,
        }
    }

    /// What was seen so far.
    pub fn seen(&self) -> &Seen {
        match self {
            Self::Events(_, tap) => &tap.seen,
            Self::Lines(tapped) => &tapped.seen,
            Self::Translated(translation) => &translation.seen,
        }
    }
}

fn is_done(rest: &[u8]) -> bool {
    match sse::parse(rest) {
        sse::Event::Data { data, .. } => sse::is_done(&data),
        _ => false,
    }
}

impl Tapped {
    fn chunk(&mut self, chunk: Bytes) -> Passed {
        match self.lines.push(chunk, MAX_EVENT_BYTES) {
            Ok(whole) => self.pass(&whole),
            Err(_) => Passed::failed(too_large()),
        }
    }

    /// The last line may lack its end.
    fn end(&mut self) -> Passed {
        let rest = self.lines.rest();
        if !inspect::is_object(rest) {
            return Passed::nothing();
        }
        let line = BytesMut::from_iter(rest.iter().copied().chain(*b"\n")).freeze();
        self.pass(&line)
    }

    /// A line that reports an error is the caller's to see: it is told in our words, which hold no key.
    /// The lines before it go on, nothing behind it does.
    fn pass(&mut self, lines: &Bytes) -> Passed {
        let (read, end) = self.read(lines);
        self.seen.add(&self.deltas);
        self.deltas.clear();
        Passed { forward: lines.slice(..read), end }
    }

    /// How many bytes of `lines` go on, and the end where one is among them.
    fn read(&mut self, lines: &Bytes) -> (usize, Option<Result<()>>) {
        let mut read = 0;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let behind = read + line.len();
            match self.reader.push(lines.slice(read..behind), &mut self.deltas) {
                Ok(Flow::More) => read = behind,
                Ok(Flow::Complete) => return (behind, Some(Ok(()))),
                Err(error) => return (read, Some(Err(error))),
            }
        }
        (read, None)
    }
}

impl Translation {
    fn new(reader: Option<Reader>, renderer: Box<dyn Render>) -> Self {
        Self { reader, renderer, seam: None, kept: None, deltas: Vec::new(), seen: Seen::default() }
    }

    /// Takes away what the caller has already.
    fn join(&mut self, flow: &Result<Flow>) {
        let Some(seam) = &mut self.seam else { return };
        for delta in &mut self.deltas {
            if let Delta::Text { text, .. } = delta {
                seam.join(text);
            }
        }
        self.deltas.retain(|delta| !matches!(delta, Delta::Text { text, .. } if text.is_empty()));
        if matches!(flow, Ok(Flow::Complete)) {
            let text = seam.finish();
            // Whatever was held back belongs before the end.
            if !text.is_empty() {
                self.deltas.insert(0, Delta::Text { choice: 0, text });
            }
        }
    }

    fn chunk(&mut self, chunk: Bytes, timing: impl FnOnce() -> Timing) -> Passed {
        let flow = match &mut self.reader {
            Some(reader) => reader.push(chunk, &mut self.deltas),
            None => Ok(Flow::More),
        };
        self.write(flow, timing)
    }

    fn end(&mut self, timing: impl FnOnce() -> Timing) -> Passed {
        let flow = match &mut self.reader {
            Some(reader) => reader.end(&mut self.deltas),
            None => Ok(Flow::Complete),
        };
        self.write(flow, timing)
    }

    fn write(&mut self, flow: Result<Flow>, timing: impl FnOnce() -> Timing) -> Passed {
        self.join(&flow);
        self.seen.add(&self.deltas);
        if let Some(kept) = &mut self.kept {
            kept.add(&self.deltas);
        }
        let mut out = Vec::with_capacity(256);
        self.renderer.deltas(&mut self.deltas, &mut out);
        let end = match flow {
            Ok(Flow::More) => None,
            Ok(Flow::Complete) => {
                self.renderer.complete(timing(), &mut out);
                Some(Ok(()))
            }
            Err(error) => Some(Err(error)),
        };
        Passed { forward: out.into(), end }
    }
}
