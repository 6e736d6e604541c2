//! The rooms of `service/src` and the arrows between them: who may use whom.
//!
//! A room is a folder or a file directly under `src`. This reads the source as text, which is enough:
//! every path that begins with `crate::`, or with as many `super::` as lead out of its room, is an
//! arrow. `main.rs`, `lib.rs`, `cli` and `startup` wire everything together and have no row.

#![expect(clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

/// What one room may use.
struct Row {
    room: &'static str,
    /// Rooms, or single items of them. Every room may use itself.
    may_use: &'static [&'static str],
    /// Crates (with all whose name begins so: `actix` is `actix_web` too), types, and paths of `std`.
    never_names: &'static [&'static str],
    /// Why, for whoever breaks it.
    because: &'static str,
}

const NO_IO: &[&str] = &["tokio", "actix", "hyper", "awc"];

const TABLE: [Row; 14] = [
    Row {
        room: "error",
        may_use: &[],
        never_names: NO_IO,
        because: "an error says what failed and whose fault it is; every room stands on it",
    },
    Row {
        room: "domain",
        may_use: &["error"],
        never_names: NO_IO,
        because: "the domain is plain values: no network, no runtime, no server",
    },
    Row {
        room: "config",
        may_use: &["domain", "error"],
        never_names: NO_IO,
        because: "settings are read and checked before anything runs",
    },
    Row {
        room: "wire",
        may_use: &["error"],
        never_names: &["tokio", "actix", "hyper", "awc", "serde_json"],
        because: "the wire knows framing, and no meaning of what is framed",
    },
    Row {
        room: "adapters",
        may_use: &["domain", "wire", "error"],
        never_names: &[
            "tokio",
            "actix",
            "hyper",
            "awc",
            "std::env",
            "std::fs",
            "std::net",
            "Instant",
            "SystemTime",
        ],
        because: "adapters are values in, values out: no clock, no client, no environment, no server",
    },
    Row {
        room: "resilience",
        may_use: &["error"],
        never_names: &["actix", "hyper", "awc"],
        because: "retries and breakers ask the error and the time, and know no provider",
    },
    Row {
        room: "ports",
        may_use: &["domain", "error"],
        never_names: NO_IO,
        because: "ports are the traits that stores implement: they know none of them",
    },
    Row {
        room: "outbound",
        may_use: &["ports", "config", "domain", "error"],
        never_names: &["actix"],
        because: "outbound moves bytes to upstreams: no vendor's format, no server",
    },
    Row {
        room: "stores",
        may_use: &["ports", "config", "domain", "error"],
        never_names: &["actix", "hyper", "awc"],
        because: "stores keep what the ports hand them, and ask nobody",
    },
    Row {
        room: "services",
        may_use: &["domain", "adapters", "wire", "resilience", "outbound", "ports", "error"],
        never_names: &["actix", "awc"],
        because: "the engine knows no HTTP server: whoever asks it need not have one",
    },
    Row {
        room: "middleware",
        may_use: &["services", "domain", "error", "api"],
        never_names: &["hyper"],
        because: "middleware and api are one layer, the HTTP surface: they ask the services",
    },
    Row {
        room: "api",
        // Each worker's client is handed through, readiness asks the backend from a handler, and errors
        // and requests are written and read in the form of whoever asks.
        may_use: &[
            "services",
            "domain",
            "error",
            "middleware",
            "outbound::client",
            "outbound::probe",
            "adapters",
        ],
        never_names: &["hyper"],
        because: "middleware and api are one layer, the HTTP surface: they ask the services",
    },
    Row {
        room: "telemetry",
        may_use: &["config", "ports"],
        never_names: &["actix", "hyper", "awc"],
        because: "the log takes lines, whatever they are about",
    },
    Row {
        room: "watch",
        may_use: &["domain::endpoint::BaseUrl", "domain::secret::Secret", "outbound::probe", "wire"],
        never_names: &["hyper"],
        because: "the terminal view is a client of the HTTP API: it knows what that says, and no more",
    },
];

const WIRE_EVERYTHING: [&str; 4] = ["main", "lib", "cli", "startup"];

#[rstest]
#[case::errors_stand_below_everything("error")]
#[case::the_domain_is_plain_values("domain")]
#[case::settings_know_only_values("config")]
#[case::the_wire_knows_framing_alone("wire")]
#[case::adapters_are_values_in_and_values_out("adapters")]
#[case::resilience_knows_no_provider("resilience")]
#[case::ports_know_no_store("ports")]
#[case::outbound_knows_no_vendor("outbound")]
#[case::stores_ask_nobody("stores")]
#[case::services_know_no_http_server("services")]
#[case::middleware_asks_the_services("middleware")]
#[case::the_api_asks_the_services("api")]
#[case::telemetry_takes_lines("telemetry")]
#[case::the_view_is_a_client_of_the_api("watch")]
fn a_room_uses_only_what_it_may(#[case] room: &str) {
    let row = row(room);
    let broken: Vec<String> = sources()
        .iter()
        .filter(|source| source.room() == room)
        .flat_map(|source| source.violations(row))
        .collect();
    assert!(broken.is_empty(), "{room}: {}\n{}", row.because, broken.join("\n"));
}

#[test]
fn every_room_has_a_row() {
    let rooms: BTreeSet<String> = sources().iter().map(|source| source.room().to_owned()).collect();
    let has_row =
        |room: &String| TABLE.iter().any(|row| row.room == room) || WIRE_EVERYTHING.contains(&room.as_str());
    let without: Vec<_> = rooms.iter().filter(|room| !has_row(room)).collect();
    assert!(without.is_empty(), "say in TABLE what these rooms may use: {without:?}");
}

#[test]
fn the_source_is_really_read() {
    let arrows: BTreeSet<(String, String)> = sources()
        .iter()
        .flat_map(|source| {
            source.arrows().map(|(_, path)| (source.room().to_owned(), path)).collect::<Vec<_>>()
        })
        .collect();
    for (from, to) in [("services", "adapters::Ask"), ("api", "outbound::probe"), ("adapters", "wire::sse")] {
        assert!(
            arrows.contains(&(from.to_owned(), to.to_owned())),
            "{from} -> {to} is not among {arrows:#?}"
        );
    }
}

/// The test can fail: each of these is forbidden to `adapters`, or to `telemetry` where it says so.
#[rstest]
#[case::a_use("adapters/a.rs", "use crate::outbound::client::Client;", "crate::outbound::client::Client")]
#[case::a_group(
    "adapters/a.rs",
    "use crate::{\n    domain::call::Call,\n    services::{routing, usage},\n};",
    "crate::services::routing"
)]
#[case::an_inline_path("adapters/a.rs", "fn f() { crate::config::read::f() }", "crate::config::read::f")]
#[case::a_way_out_by_super("adapters/mod.rs", "use super::stores::log;", "crate::stores::log")]
#[case::two_supers("adapters/mock/mod.rs", "use super::super::stores;", "crate::stores")]
#[case::a_test_inside("telemetry.rs", "mod tests {\n    use super::super::api::Api;\n}", "crate::api::Api")]
#[case::a_clock("adapters/a.rs", "use std::time::{Duration, Instant};", "Instant")]
#[case::a_runtime("adapters/a.rs", "tokio::spawn(f);", "tokio")]
#[case::a_crate_of_the_family("adapters/a.rs", "use tokio_util::sync;", "tokio_util")]
#[case::the_environment("adapters/a.rs", "use std::{env, fmt};", "std::env")]
fn a_forbidden_line_is_found(#[case] file: &str, #[case] text: &str, #[case] named: &str) {
    let source = Source { path: file.into(), text: text.to_owned() };
    let violations = source.violations(row(source.room()));
    assert!(violations.iter().any(|line| line.contains(&format!("`{named}`"))), "{violations:?}");
}

#[rstest]
#[case::below("use crate::domain::{call::Call, secret::Secret};\nuse crate::error::Error;")]
#[case::itself("use crate::adapters::Ask;\nuse super::mock;")]
#[case::a_comment("/// See crate::services and tokio.\nfn f() {}")]
#[case::a_longer_name("use std::time::Duration; let instantly = f(); my_crate::services::x();")]
#[case::a_test_of_the_file("mod tests {\n    use super::*;\n}")]
fn an_allowed_line_is_not_found(#[case] text: &str) {
    let source = Source { path: "adapters/mock.rs".into(), text: text.to_owned() };
    assert_eq!(source.violations(row("adapters")), Vec::<String>::new());
}

fn row(room: &str) -> &'static Row {
    TABLE.iter().find(|row| row.room == room).unwrap_or_else(|| panic!("{room} has no row"))
}

/// A file of `service/src`.
struct Source {
    /// Below `src`.
    path: PathBuf,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a text");
                sources.push(Source { path: path.strip_prefix(&root).expect("below src").to_owned(), text });
            }
        }
    }
    sources
}

impl Source {
    fn room(&self) -> &str {
        let first = self.path.iter().next().and_then(|part| part.to_str()).unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many `super::` lead from this file to the crate's root.
    fn depth(&self) -> usize {
        let parts = self.path.iter().count();
        if self.path.ends_with("mod.rs") { parts - 1 } else { parts }
    }

    /// Every line that is no comment: its number, where it begins, whether it is in an inline module.
    fn lines(&self) -> impl Iterator<Item = (usize, usize, bool)> {
        let (mut begin, mut inside) = (0, false);
        self.text.split_inclusive('\n').enumerate().filter_map(move |(at, line)| {
            let (here, was_inside) = (begin, inside);
            begin += line.len();
            let word = line.trim_start_matches("pub ");
            if word.starts_with("mod ") && line.trim_end().ends_with('{') {
                inside = true;
            } else if line.starts_with('}') {
                inside = false;
            }
            (!line.trim_start().starts_with("//")).then_some((at + 1, here, was_inside))
        })
    }

    fn line_at(&self, begin: usize) -> &str {
        self.text[begin..].lines().next().unwrap_or_default()
    }

    /// Paths from the crate's root, with their lines.
    fn arrows(&self) -> impl Iterator<Item = (usize, String)> {
        self.lines().flat_map(|(number, begin, inside)| {
            let line = self.line_at(begin);
            let supers_needed = self.depth() + usize::from(inside);
            let by_crate = starts(line, "crate::").map(|at| at + "crate::".len());
            let by_super = starts(line, "super::").filter_map(|at| {
                let rest = line[at..].trim_start_matches("super::");
                let after = line.len() - rest.len();
                let is_first = !line[..at].ends_with("super::");
                (is_first && (after - at) / "super::".len() >= supers_needed).then_some(after)
            });
            let paths = by_crate.chain(by_super).flat_map(|at| paths(&self.text[begin + at..]));
            paths.map(|path| (number, path)).collect::<Vec<_>>()
        })
    }

    /// What the row forbids: a line each.
    fn violations(&self, row: &Row) -> Vec<String> {
        let told = |number: usize, named: &str| {
            format!("  service/src/{}:{number} names `{named}`", self.path.display())
        };
        let allowed = |path: &str| {
            begins_with(path, row.room) || row.may_use.iter().any(|room| begins_with(path, room))
        };
        let arrows = self.arrows().filter(|(_, path)| !allowed(path));
        let mut broken: Vec<String> =
            arrows.map(|(number, path)| told(number, &format!("crate::{path}"))).collect();
        for (number, begin, _) in self.lines() {
            for named in names(self.line_at(begin), &self.text[begin..]) {
                if row.never_names.iter().any(|never| is_of(&named, never)) {
                    broken.push(told(number, &named));
                }
            }
        }
        broken
    }
}

/// Where `word` stands in `line` and is not the end of a longer one.
fn starts<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let begins =
        move |at: usize| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    line.match_indices(word).map(|(at, _)| at).filter(move |at| begins(*at))
}

/// The identifiers of a line, and its paths into `std`; a group may go on after the line.
fn names(line: &str, text: &str) -> Vec<String> {
    let of_std = starts(line, "std::").flat_map(|at| paths(&text[at + "std::".len()..]));
    let mut names: Vec<String> = of_std.map(|path| format!("std::{path}")).collect();
    let identifiers = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty());
    names.extend(identifiers.map(str::to_owned));
    names
}

/// Whether `named` is `never`, something in it, or a crate of its family.
fn is_of(named: &str, never: &str) -> bool {
    let is_crate = never.starts_with(char::is_lowercase) && !never.contains("::");
    begins_with(named, never)
        || (is_crate && named.strip_prefix(never).is_some_and(|rest| rest.starts_with('_')))
}

fn begins_with(path: &str, start: &str) -> bool {
    path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The paths of a use tree, or the one path, that `text` begins with: `a::{b, c::d}` is `a::b`, `a::c::d`.
fn paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    tree(text, "", &mut paths);
    paths
}

fn tree<'a>(text: &'a str, prefix: &str, paths: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = tree(rest, prefix, paths).trim_start();
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let separator = if prefix.is_empty() || name.is_empty() { "" } else { "::" };
    let path = format!("{prefix}{separator}{name}");
    match rest.strip_prefix("::") {
        Some(rest) => tree(rest, &path, paths),
        None => {
            if !path.is_empty() {
                paths.push(path);
            }
            let renamed = rest
                .strip_prefix(" as ")
                .map(|rest| rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
            renamed.unwrap_or(rest).trim_start_matches('*')
        }
    }
}
