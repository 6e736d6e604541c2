//! Streams that are cut anywhere: none may look complete that is not, and each has a record that says
//! what its caller received.

use std::collections::HashMap;
use std::io;

use llm_proxy_test_support::FaultUpstream;

use super::Setup;
use crate::client::Request;
use crate::cut::{Cut, Source, id_in};
use crate::figure::Figure;
use crate::load::{self, Asked};
use crate::records::{Records, agrees};
use crate::upstreams::models;

const STREAMS: u32 = 10_000;
const CLIENTS: usize = 200;
/// Upstreams remember no more than ten thousand requests.
const BATCH: usize = 2_500;

/// A stream with what its upstream did.
struct Cutting {
    asked: Asked,
    /// Of its last call; none if no call was made.
    cut: Option<Cut>,
}

/// A stream that nobody is asked for cannot be cut: no endpoint may fail so often that its breaker opens.
const MODELS: usize = 1_000;
const SETTINGS: [(&str, &str); 3] =
    [("IDLE_TIMEOUT_S", "0.3"), ("RETRY_BASE_MS", "1"), ("BREAKER_FAILURES", "10000")];

/// Four fifths relayed, one fifth translated.
pub async fn run(setup: &Setup) -> io::Result<Vec<Figure>> {
    let sources = [Source::relayed().await?, Source::translated().await?];
    let program = setup.start(&configuration(&sources), &SETTINGS)?;
    let mut random = fastrand::Rng::with_seed(setup.seed);
    let (mut all, total) = (Vec::new(), setup.scaled(STREAMS));
    while all.len() < total {
        let (first, count) = (all.len(), BATCH.min(total - all.len()));
        let cuts = sources.each_ref().map(|source| source.arrange(count, &mut random));
        let request = |number| request(&sources, first + number);
        let asked = load::closed(program.port, CLIENTS, count, request).await;
        let done: HashMap<_, _> =
            sources.iter().zip(&cuts).flat_map(|(source, cuts)| done(&source.server, cuts)).collect();
        let cut_of = |asked: &Asked| done.get(&asked.0.id).copied();
        all.extend(asked.into_iter().map(|asked| Cutting { cut: cut_of(&asked), asked }));
    }
    let records = program.stop()?;
    Ok(figures(&sources, &all, &records))
}

fn configuration(sources: &[Source; 2]) -> String {
    let names: Vec<_> = (0..MODELS).map(|number| (model(sources, number), source(sources, number))).collect();
    let entries: Vec<_> =
        names.iter().map(|(name, source)| (name.as_str(), source.prefix, &source.server)).collect();
    models(&entries)
}

fn source(sources: &[Source; 2], number: usize) -> &Source {
    &sources[usize::from(number % 5 == 4)]
}

/// All names are equally long, because they are part of what is cut.
fn model(sources: &[Source; 2], number: usize) -> String {
    format!("{}-{:03}", source(sources, number).model, number % MODELS)
}

fn request(sources: &[Source; 2], number: usize) -> Request {
    Request { id: format!("stream-{number:06}"), model: model(sources, number), streamed: true }
}

/// What the server did to each request. It serves on one thread, so requests come in the order of cuts.
fn done(server: &FaultUpstream, cuts: &[Cut]) -> Vec<(String, Cut)> {
    let requests = server.take_requests().into_iter().zip(cuts.iter().chain(std::iter::repeat(&Cut::Whole)));
    requests.filter_map(|(request, cut)| Some((id_in(&request.body, "stream-")?, *cut))).collect()
}

fn figures(sources: &[Source; 2], all: &[Cutting], records: &Records) -> Vec<Figure> {
    let source =
        |cutting: &Cutting| sources.iter().find(|source| cutting.asked.0.model.starts_with(source.model));
    let may_be_whole = |cutting: &Cutting| {
        cutting.cut.zip(source(cutting)).is_some_and(|(cut, source)| source.said_all(cut))
    };
    let is_success = |cutting: &Cutting| cutting.asked.1.is_success();
    let false_whole = |cutting: &&Cutting| cutting.asked.1.received.done && !may_be_whole(cutting);
    let false_cut = |cutting: &&Cutting| cutting.cut == Some(Cut::Whole) && !is_success(cutting);
    let unsaid = |cutting: &&Cutting| {
        let answer = &cutting.asked.1;
        answer.status == 200 && (!answer.ended || !(answer.received.done || answer.received.error))
    };
    let disagreeing = all.iter().filter_map(|cutting| {
        let (request, answer) = &cutting.asked;
        let compared = records.of(&request.id).and_then(|record| {
            let due = source(cutting).map(|source| source.due).ok_or("no source")?;
            agrees(record, answer, due)
        });
        Some(format!("{} ({:?}): {}", request.id, cutting.cut, compared.err()?))
    });
    let disagreeing: Vec<_> = disagreeing.collect();
    let uncalled = all.iter().filter(|cutting| cutting.cut.is_none()).count();
    let begun = format!("of {} streams: {}", all.len(), records.ends());
    vec![
        Figure::none_of("cut streams that looked complete", all.iter().filter(false_whole).count())
            .remark(begun),
        Figure::none_of("whole streams that did not", all.iter().filter(false_cut).count()),
        Figure::none_of("streams that ended without a word", all.iter().filter(unsaid).count()),
        Figure::none_of("streams without one record that agrees with their caller", disagreeing.len())
            .remark(disagreeing.first().cloned().unwrap_or_default()),
        Figure::none_of("streams that never reached their upstream", uncalled),
    ]
}
