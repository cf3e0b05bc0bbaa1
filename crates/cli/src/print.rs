//! What people and scripts read on standard output.

use std::io::{BufWriter, ErrorKind, Stdout, Write, stdout};

use kymo_viewer::harmless;
#[cfg(feature = "server")]
use serde_json::Value;

/// Buffered standard output.
pub(crate) struct Output(BufWriter<Stdout>);

impl Output {
    pub(crate) fn new() -> Self {
        Self(BufWriter::new(stdout()))
    }

    pub(crate) fn line(&mut self, line: &str) -> anyhow::Result<()> {
        writeln!(self.0, "{line}")?;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.0.flush()?;
        Ok(())
    }
}

pub(crate) fn print_lines(lines: &[String]) -> anyhow::Result<()> {
    let mut output = Output::new();
    for line in lines {
        output.line(line)?;
    }
    output.finish()
}

/// What a doctor says of one thing: how bad it is, what it is, what was found, and what to do.
#[cfg(any(feature = "pack", feature = "server"))]
pub(crate) fn finding_lines(grade: &str, check: &str, found: &str, advice: Option<&str>) -> Vec<String> {
    let mut lines = vec![format!("{grade:<5} {check:<11} {}", harmless(found))];
    lines.extend(advice.map(|advice| format!("{:<17} -> {advice}", "")));
    lines
}

/// The reader of our output went away.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

#[cfg(feature = "server")]
/// A session for a person: when, how long, how it is, who, what.
pub(crate) fn session_line(session: &Value) -> String {
    let text = |value: &Value| harmless(value.as_str().unwrap_or("-"));
    let user = &session["user"];
    let who = [&user["name"], &user["id"]].into_iter().find_map(Value::as_str).unwrap_or("-");
    format!(
        "{}  {:<24}  {:>9}  {:<8} {:<10} {:<24}  {} {}  {} events  {} errors",
        text(&session["id"]),
        text(&session["started_at"]),
        format!("{:.0} s", session["duration_seconds"].as_f64().unwrap_or(0.0)),
        text(&session["state"]),
        session["end_reason"].as_str().unwrap_or(""),
        harmless(who),
        text(&session["application"]),
        session["version"].as_str().map(harmless).unwrap_or_default(),
        session["event_count"],
        session["error_count"],
    )
}

#[cfg(feature = "server")]
/// An event for a person: time, severity, category, text.
pub(crate) fn event_line(event: &Value) -> String {
    let text = |value: &Value| value.as_str().map(harmless);
    let kind = event["kind"].as_str().unwrap_or("log");
    let shown = text(&event["message"]).unwrap_or_else(|| format!("({})", harmless(kind)));
    format!(
        "{:<30} {:<5} {:<20} {shown}",
        text(&event["time"]).unwrap_or_default(),
        text(&event["severity"]).unwrap_or_default(),
        text(&event["category"]).unwrap_or_default(),
    )
}

/// What is wrong with a filter, under the part that it is about.
pub(crate) fn pointed(filter: &str, position: usize, length: usize, detail: &str) -> String {
    let shown: String = filter.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let position = position.min(shown.chars().count());
    let length = length.clamp(1, (shown.chars().count() - position).max(1));
    format!("{detail}\n  {shown}\n  {}{}", " ".repeat(position), "^".repeat(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stands_under_the_part_that_is_wrong() {
        assert_eq!(pointed("é lvel:1", 2, 4, "no field"), "no field\n  é lvel:1\n    ^^^^");
        assert_eq!(pointed("a OR", 4, 0, "ends"), "ends\n  a OR\n      ^");
        assert_eq!(pointed("a\tb", 90, 90, "far"), "far\n  a b\n     ^");
    }
}
