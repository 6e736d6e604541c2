//! Reports as text for people.

use std::fmt::{self, Write};

use super::report::{Report, Step, Verdict};

/// An endpoint after the other, a line a step, what to change below the step that needs it. Ends with a line
/// end.
#[must_use]
pub fn table(reports: &[Report]) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _written = reports.iter().try_for_each(|report| write_report(&mut text, report));
    text
}

fn write_report(out: &mut String, report: &Report) -> fmt::Result {
    if !out.is_empty() {
        out.push('\n');
    }
    writeln!(out, "{}: {} ({})", report.endpoint, outcome(report), report.about)?;
    report.steps.iter().try_for_each(|step| write_step(out, step))
}

/// The verdict; and where it is no good one, the first step that is to blame.
fn outcome(report: &Report) -> String {
    let verdict = report.verdict();
    let blamed = report.steps.iter().find(|step| step.verdict == verdict);
    match (verdict, blamed) {
        (Verdict::Warning | Verdict::Failed, Some(step)) => format!("{verdict} at {}", step.name),
        _ => verdict.to_string(),
    }
}

fn write_step(out: &mut String, step: &Step) -> fmt::Result {
    let Step { name, verdict, took, detail, advice } = step;
    let took = if *verdict == Verdict::Skipped { String::new() } else { format!("{} ms", took.as_millis()) };
    writeln!(out, "  {name:<13}  {verdict:<7}  {took:>8}  {detail}")?;
    advice.iter().try_for_each(|advice| writeln!(out, "  {:>34}{advice}", "-> "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::report::{StepName, worst};
    use super::*;

    fn step(name: StepName, verdict: Verdict, detail: &str) -> Step {
        let advice = (verdict == Verdict::Failed).then(|| "Correct `api_base`.".to_owned());
        Step { name, verdict, took: Duration::from_micros(12_345), detail: detail.to_owned(), advice }
    }

    fn report(steps: &[(StepName, Verdict)]) -> Report {
        let steps = steps.iter().map(|(name, verdict)| step(*name, *verdict, "a detail")).collect();
        Report { endpoint: "eu".to_owned(), about: "openai at https://llm.test".to_owned(), steps }
    }

    #[test]
    fn a_step_is_a_line_and_what_to_change_stands_below_it() {
        let report = report(&[
            (StepName::Configuration, Verdict::Ok),
            (StepName::ProxyConnect, Verdict::Failed),
            (StepName::Tls, Verdict::Skipped),
        ]);
        let expected = "\
eu: failed at proxy CONNECT (openai at https://llm.test)
  configuration  ok          12 ms  a detail
  proxy CONNECT  failed      12 ms  a detail
                                 -> Correct `api_base`.
  TLS            skipped            a detail
";
        assert_eq!(table(&[report]), expected);
    }

    #[test]
    fn endpoints_stand_apart() {
        let reports =
            [report(&[(StepName::Http, Verdict::Ok)]), report(&[(StepName::Http, Verdict::Warning)])];
        let text = table(&reports);
        assert_eq!(text.matches("\n\n").count(), 1, "{text}");
        assert!(text.contains("eu: ok (") && text.contains("eu: warning at HTTP ("), "{text}");
        assert_eq!(worst(&reports), Verdict::Warning);
    }

    #[test]
    fn a_report_is_one_json_object() {
        let report = report(&[(StepName::Dns, Verdict::Failed), (StepName::Tcp, Verdict::Skipped)]);
        let expected = serde_json::json!({
            "endpoint": "eu", "about": "openai at https://llm.test", "verdict": "failed",
            "steps": [
                {"step": "dns", "verdict": "failed", "ms": 12.3, "detail": "a detail", "advice": "Correct `api_base`."},
                {"step": "tcp", "verdict": "skipped", "ms": 12.3, "detail": "a detail", "advice": null},
            ],
        });
        assert_eq!(serde_json::to_value(report).expect("JSON"), expected);
    }
}
