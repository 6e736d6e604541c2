//! What to begin with: the fixtures, in the form that each target reads.

use std::path::{Path, PathBuf};
use std::{fs, io};

use llm_proxy::domain::endpoint::Provider;
use serde_json::Value;

use crate::Target;

/// Inputs for `target`: from the fixtures, and those that broke it once (`fuzz/regressions/<target>`).
///
/// # Errors
/// A file cannot be read.
pub fn of(target: &Target) -> io::Result<Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Vec::new();
    for provider in listed(&root.join("../tests/fixtures"))? {
        for scenario in listed(&provider)? {
            for file in listed(&scenario)? {
                seeds.extend(inputs(target, &provider, &file)?);
            }
        }
    }
    for file in listed(&root.join("regressions").join(target.name))? {
        seeds.push(fs::read(file)?);
    }
    Ok(seeds)
}

/// What a folder holds, in order; nothing where there is no folder.
fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

/// The inputs that a fixture gives: their first bytes say how to read it.
fn inputs(target: &Target, provider: &Path, file: &Path) -> io::Result<Vec<Vec<u8>>> {
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let (provider, file_name) = (name(provider), name(file));
    let text = fs::read(file)?;
    let is_stream = file_name.starts_with("stream.") && !file_name.ends_with(".snap");
    let with = |head: &[u8]| [head, &text].concat();
    Ok(match (target.name, file_name.as_str()) {
        ("framing", _) if is_stream => vec![with(&[7])],
        ("requests", "request.json") => {
            let embeddings = u8::from(text.windows(7).any(|part| part == b"\"input\"")) * 2;
            [0, 4 + 8, 16 + 32].map(|flags| with(&[embeddings + flags])).to_vec()
        }
        ("clients", asked) => format(asked).map(|format| with(&[format])).into_iter().collect(),
        ("refusals", "refusal.json") => vec![refusal(&provider, &text)],
        (reader, _) if reader == read_by(&provider) => match file_name.as_str() {
            "response.json" => vec![with(&[2, 0]), with(&[2 + 4, 0]), with(&[3, 0])],
            _ if is_stream => vec![with(&[0, 7]), with(&[4, 7]), [&[1, 0][..], &data(&text)].concat()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    })
}

/// Which of the client formats a file is in, by its name.
fn format(file_name: &str) -> Option<u8> {
    let asked = file_name.strip_prefix("asked_")?.strip_suffix(".json")?;
    let formats = ["chat", "generate", "embed", "embeddings"];
    formats.iter().position(|format| *format == asked).and_then(|at| u8::try_from(at).ok())
}

/// The target that reads `provider`'s answers.
fn read_by(provider: &str) -> &str {
    match provider {
        "azure" | "litellm" | "mock" => "openai",
        other => other,
    }
}

/// Each event's name and data on one line.
fn data(stream: &[u8]) -> Vec<u8> {
    let (mut lines, mut name) = (Vec::new(), Vec::new());
    for line in stream.split(|byte| *byte == b'\n') {
        if let Some(said) = line.strip_prefix(b"event: ") {
            name = [said, b"\t"].concat();
        } else {
            let data = line.strip_prefix(b"data: ").unwrap_or(line);
            lines.extend_from_slice(&name);
            lines.extend_from_slice(data);
            lines.push(b'\n');
            name.clear();
        }
    }
    lines
}

fn refusal(provider: &str, json: &[u8]) -> Vec<u8> {
    let refusal: Value = serde_json::from_slice(json).unwrap_or_default();
    let provider = Provider::ALL.iter().position(|known| known.name() == provider).unwrap_or_default();
    let status = refusal["status"].as_u64().unwrap_or(400).saturating_sub(400);
    let mut input = [provider, usize::try_from(status).unwrap_or_default()]
        .map(|number| u8::try_from(number).unwrap_or_default())
        .to_vec();
    for (name, value) in refusal["headers"].as_object().into_iter().flatten() {
        input.extend(format!("{name}: {}\n", value.as_str().unwrap_or_default()).into_bytes());
    }
    let body = &refusal["body"];
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    input.extend(format!("\n{body}").into_bytes());
    input
}
