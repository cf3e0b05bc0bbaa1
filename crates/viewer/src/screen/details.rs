//! Everything there is about one event, in lines.

use std::time::Duration;

use kymo_format::{DetailsKind, ReadRecord, Source};
use kymo_model::{Attributes, EventKind, Exception, Timestamp, Value};
use ratatui::style::Style;

use super::paint::wrapped;
use super::theme::{QUIET, STRONG, Theme};
use crate::row::{caption, exception_text, value_text};

/// Lines of a stack or a document that are shown; the rest is in an export.
const LINES_MAX: usize = 2000;

/// Lines of one width.
pub(super) struct Details {
    pub(super) lines: Vec<(String, Style)>,
    cells: usize,
    theme: Theme,
}

impl Details {
    pub(super) fn new(cells: usize, theme: Theme) -> Self {
        Self { lines: Vec::new(), cells, theme }
    }

    /// Wrapped text.
    pub(super) fn text(&mut self, indent: usize, text: &str, style: Style) {
        let indent = indent.min(self.cells / 2);
        for line in wrapped(text, self.cells.saturating_sub(indent)) {
            if self.lines.len() < LINES_MAX {
                self.lines.push((" ".repeat(indent) + &line, style));
            }
        }
    }

    /// A name and a value, if there is one.
    pub(super) fn pair(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.text(0, &format!("{name:<10} {value}"), Style::new());
        }
    }

    /// A heading with an empty line before it.
    pub(super) fn heading(&mut self, text: &str) {
        self.lines.push((String::new(), Style::new()));
        self.text(0, text, STRONG);
    }

    fn tree(&mut self, attributes: &Attributes, indent: usize) {
        for (name, value) in attributes {
            match value {
                Value::Map(inner) if !inner.is_empty() => {
                    self.text(indent, name, Style::new());
                    self.tree(inner, indent + 2);
                }
                value => self.text(indent, &format!("{name} = {}", value_text(value)), Style::new()),
            }
        }
    }

    fn cause(&mut self, exception: &Exception, depth: usize) {
        let lead = if depth == 0 { "" } else { "caused by " };
        let indent = depth * 2;
        self.text(indent, &format!("{lead}{}", exception_text(exception)), self.theme.level(4));
        if let Some(code) = &exception.code {
            self.text(indent + 2, &format!("code {code}"), Style::new());
        }
        for frame in &exception.frames {
            let name = match (&frame.type_name, &frame.function) {
                (Some(of), Some(function)) => format!("{of}.{function}"),
                (Some(text), None) | (None, Some(text)) => text.clone(),
                (None, None) => "?".to_owned(),
            };
            let place = frame.file.as_ref().map(|file| {
                let numbers =
                    [frame.line, frame.column].into_iter().flatten().map(|number| format!(":{number}"));
                format!("  {file}{}", numbers.collect::<String>())
            });
            self.text(indent + 2, &format!("at {name}{}", place.unwrap_or_default()), QUIET);
        }
        if let Some(stack) = &exception.stack_text {
            self.text(indent + 2, stack, QUIET);
        }
        self.tree(&exception.attributes, indent + 2);
    }
}

/// Of an event of a session that began then.
pub(super) fn of(record: &ReadRecord, started_at: Timestamp, cells: usize, theme: Theme) -> Details {
    let mut details = Details::new(cells, theme);
    details.text(0, &caption(record), STRONG);
    exception(&mut details, record);
    details.lines.push((String::new(), Style::new()));
    details.pair("time", Some(record.time.to_string()));
    details.pair("", Some(offset(started_at, record.time)));
    details.pair("level", Some(format!("{} ({})", record.severity, record.severity.number())));
    details.pair("kind", Some(kind(record).to_string()));
    details.pair("category", record.category().map(str::to_owned));
    details.pair(
        "thread",
        Some(match &record.thread.name {
            Some(name) => format!("{name} ({})", record.thread.id),
            None => record.thread.id.to_string(),
        }),
    );
    if let Some(user) = &record.user {
        let texts: Vec<&str> = [&user.name, &user.id].into_iter().flatten().map(String::as_str).collect();
        details.pair("user", Some(texts.join(" · ")));
    }
    details.pair("reference", record.reference_id.clone());
    details.pair("source", source(&record.callsite.source));
    details.pair("sequence", Some(record.sequence.to_string()));
    fields(&mut details, record);
    spans(&mut details, record);
    document(&mut details, record);
    details
}

/// As the event that it is has it.
fn kind(record: &ReadRecord) -> &EventKind {
    match &record.callsite.kind {
        EventKind::Log if record.exception.is_some() => &EventKind::Error,
        kind => kind,
    }
}

/// `+00:02:10.061`: since the session began.
pub(super) fn offset(started_at: Timestamp, time: Timestamp) -> String {
    let (sign, span) =
        if time < started_at { ('-', started_at.since(time)) } else { ('+', time.since(started_at)) };
    format!("{sign}{}", clock(span))
}

fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, span.subsec_millis())
}

fn source(source: &Source) -> Option<String> {
    let place = source.file.as_ref().map(|file| match source.line {
        Some(line) => format!("{file}:{line}"),
        None => file.clone(),
    });
    let inside = source.function.as_ref().or(source.module.as_ref());
    match (place, inside) {
        (Some(place), Some(inside)) => Some(format!("{place} in {inside}")),
        (place, inside) => place.or_else(|| inside.cloned()),
    }
}

fn exception(details: &mut Details, record: &ReadRecord) {
    let Some(exception) = &record.exception else { return };
    details.heading("Error");
    for (depth, cause) in exception.chain().enumerate() {
        details.cause(cause, depth);
    }
}

fn fields(details: &mut Details, record: &ReadRecord) {
    let named: Vec<(&String, String)> = record
        .callsite
        .fields
        .iter()
        .zip(&record.args)
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, arg)| (name, value_text(&arg.to_value())))
        .collect();
    if !named.is_empty() || !record.attributes.is_empty() {
        details.heading("Fields");
    }
    for (name, value) in named {
        details.text(0, &format!("{name} = {value}"), Style::new());
    }
    details.tree(&record.attributes, 0);
    if let Some(metric) = &record.callsite.metric {
        details.heading("Metric");
        details.pair("name", Some(metric.name.clone()));
        details.pair("unit", metric.unit.clone());
        details.pair("is", Some(metric.aggregation.as_str().to_owned()));
        details.pair("about", metric.description.clone());
    }
}

fn spans(details: &mut Details, record: &ReadRecord) {
    let Some(innermost) = &record.span else { return };
    details.heading("Spans, outermost first");
    let mut spans: Vec<_> = innermost.outwards().collect();
    spans.reverse();
    for (depth, span) in spans.into_iter().enumerate() {
        let mut text = span.callsite.template.clone();
        for (name, arg) in span.callsite.fields.iter().zip(&span.args) {
            text.extend(["  ", name, "=", &value_text(&arg.to_value())]);
        }
        details.text(depth * 2, &text, Style::new());
    }
}

fn document(details: &mut Details, record: &ReadRecord) {
    if let Some((kind, text)) = &record.details {
        details.heading(&format!("Details ({})", kind.as_str()));
        let pretty = (*kind == DetailsKind::Json)
            .then(|| serde_json::from_str::<serde_json::Value>(text).ok())
            .flatten()
            .and_then(|value| serde_json::to_string_pretty(&value).ok());
        details.text(0, pretty.as_deref().unwrap_or(text), Style::new());
    }
    if record.callsite.template.contains('{') {
        details.heading("Template");
        details.text(0, &record.callsite.template, QUIET);
    }
}
