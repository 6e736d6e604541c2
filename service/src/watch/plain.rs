//! Where there is no terminal: a line a notice on stdout, what becomes of the connection on stderr.

use std::io::{self, Write};
use std::rc::Rc;

use super::client::Client;
use super::listener::{Heard, Listener};
use super::notice::Notice;

/// Writes what is heard, until nobody reads it any more.
///
/// # Errors
/// There is no use in listening.
pub async fn print(client: Rc<Client>) -> Result<(), String> {
    let url = client.url();
    let mut listener = Listener::new(client);
    loop {
        let written = match listener.next().await? {
            Heard::Connected => say(&mut io::stderr(), &format!("listening to {url}")),
            Heard::Lost(reason) => say(&mut io::stderr(), &format!("{url} is away ({reason}): trying again")),
            Heard::Event(event) => say(&mut io::stdout(), &line(&Notice::read(&event))),
        };
        if written.is_err() {
            return Ok(());
        }
    }
}

fn say(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// Time, name, model, words, reason, request.
fn line(notice: &Notice) -> String {
    let wait = notice.wait_ms.map(|ms| format!("in {}", super::clean::duration(ms)));
    let reason =
        Some(notice.reason()).filter(|reason| !reason.is_empty()).map(|reason| format!("({reason})"));
    let request = Some(&notice.request_id).filter(|id| !id.is_empty()).map(|id| format!("request={id}"));
    let parts = [
        Some(notice.at.clone()),
        Some(format!("{:<9}", notice.name)),
        Some(notice.model.clone()),
        Some(notice.words()),
        wait,
        reason,
        request,
    ];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::client::Event;
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_retry(
        "retry",
        r#"{"endpoint":"a","attempt":2,"of":3,"wait_ms":700,"reason":"upstream_timeout","request_id":"r","model":"m","at":"T"}"#,
        "T retry     m a, attempt 2 of 3 in 700 ms (upstream_timeout) request=r"
    )]
    #[case::a_failover(
        "failover",
        r#"{"from":"a","to":"b","reason":"connect_timeout","request_id":"r","model":"m","at":"T"}"#,
        "T failover  m a → b (connect_timeout) request=r"
    )]
    #[case::a_recovery(
        "recovered",
        r#"{"endpoint":"b","attempts":3,"breaker_closed":true,"request_id":"r","model":"m","at":"T"}"#,
        "T recovered m b answers, 3 calls in all, its breaker is closed again request=r"
    )]
    #[case::a_seam(
        "continued",
        r#"{"from":"a","to":"b","reason":"stream_truncated","request_id":"r","model":"m","at":"T"}"#,
        "T continued m a broke off, b goes on (stream_truncated) request=r"
    )]
    #[case::an_outage(
        "outage",
        r#"{"endpoint":"b","reason":"backend_unavailable","retry_after_ms":2000,"request_id":"r","model":"m","at":"T"}"#,
        "T outage    m nobody is left to ask, b failed last, try again in 2.0 s (backend_unavailable) request=r"
    )]
    #[case::an_outage_of_which_little_is_known(
        "outage",
        r#"{"endpoint":null,"reason":"r","retry_after_ms":null,"request_id":"r","model":"m","at":"T"}"#,
        "T outage    m nobody is left to ask (r) request=r"
    )]
    #[case::a_gap("gap", r#"{"missed":5}"#, "gap       5 notices were missed")]
    #[case::an_unknown_gap("gap", r#"{"missed":null}"#, "gap       notices may have been missed")]
    #[case::what_a_newer_service_tells("hedged", r#"{"endpoint":"a","at":"T","x":[1]}"#, "T hedged    a")]
    #[case::what_cannot_be_read("retry", "no JSON", "retry     ?, attempt ? of ?")]
    #[case::a_model_that_would_steer_the_terminal(
        "outage",
        r#"{"model":"m\u001b[2J\nT outage","at":"T"}"#,
        "T outage    m\u{fffd}[2J\u{fffd}T outage nobody is left to ask"
    )]
    fn a_notice_is_one_line(#[case] name: &str, #[case] data: &str, #[case] expected: &str) {
        let event = Event { id: None, name: name.to_owned(), data: data.to_owned() };
        assert_eq!(line(&Notice::read(&event)), expected);
    }
}
