//! All events of files, one after the other, in one pass and the memory of one block.

use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};
use kymo_filter::{Query, SessionFacts, Subject, event_fits};
use kymo_format::{Item, ReadRecord};
use kymo_model::SessionId;
use serde_json::Value;

use super::event::{EVENT_COLUMNS, EventLine};
use super::text_line::{Look, TextLine};
use crate::session::{Account, Found, LazyEvent, SessionFiles, Step, Summary, Walk};

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// A header and a record an event (RFC 4180), as the server exports.
    Csv,
    /// A line an event; its error and the causes below it, each indented once more.
    Text,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Events that were written.
    pub events: u64,
    /// Events that were read.
    pub events_read: u64,
    /// What is damaged or could not be read, a sentence each.
    pub damages: Vec<String>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// Writes the events of sessions that fit, session by session.
///
/// # Errors
/// The output could not be written. What cannot be read is told instead.
pub fn write_events(
    found: &Found,
    format: Format,
    query: Option<&Query>,
    out: &mut dyn Write,
) -> io::Result<Told> {
    let mut told = Told { notes: found.notes.clone(), ..Told::default() };
    if format == Format::Csv {
        out.write_all(&csv_record(EVENT_COLUMNS.iter().map(|&column| column.to_owned())))?;
    }
    for session in &found.sessions {
        told.notes.extend(session.notes.iter().cloned());
        write_session(session, format, query, out, &mut told)?;
    }
    out.flush()?;
    Ok(told)
}

fn write_session(
    session: &SessionFiles,
    format: Format,
    query: Option<&Query>,
    out: &mut dyn Write,
    told: &mut Told,
) -> io::Result<()> {
    let facts: Option<SessionFacts> = query
        .filter(|query| !query.root.is_about(Subject::Event))
        .map(|_| Summary::of(session, &|| false).facts(session.header()));
    let (mut walk, mut account) = (Walk::default(), Account::default());
    let id = session.id();
    loop {
        let (at, item) = match walk.next(&session.fragments, true) {
            Step::Item(at, item) => (at, item),
            Step::Trouble(at, error) => {
                account.trouble(&session.fragments[at], &error);
                continue;
            }
            Step::End => break,
        };
        account.take(&session.fragments[at], &item);
        let Item::Record(record) = item else { continue };
        told.events_read += 1;
        let lazy = LazyEvent::new(&record);
        if query.is_none_or(|query| event_fits(&query.root, &lazy, facts.as_ref())) {
            told.events += 1;
            write_event(id, &record, lazy, format, out)?;
        }
    }
    account.settle();
    account.stepped_over(walk.unknown());
    told.damages.append(&mut account.damages);
    told.notes.append(&mut account.notes);
    Ok(())
}

fn write_event(
    session: Option<SessionId>,
    record: &ReadRecord,
    lazy: LazyEvent<'_>,
    format: Format,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, &EventLine::of(session, lazy))?;
            out.write_all(b"\n")
        }
        Format::Csv => {
            let event = serde_json::to_value(EventLine::of(session, lazy))?;
            out.write_all(&csv_record(EVENT_COLUMNS.iter().map(|column| cell(at(&event, column)))))
        }
        Format::Text => out.write_all(TextLine::of(record).text(Look::default()).as_bytes()),
    }
}

fn csv_record(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut records = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    // Writing into memory cannot fail.
    let _ = records.write_record(cells);
    records.into_inner().unwrap_or_default()
}

/// The value at `user.id`.
fn at<'item>(item: &'item Value, path: &str) -> &'item Value {
    path.split('.').fold(item, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// A cell. Text that a spreadsheet would take for a formula gets an apostrophe in front, as on the server.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_quoted_as_the_server_quotes_them() {
        let rows = [
            (json!(null), ""),
            (json!(-1.5), "-1.5"),
            (json!("a,b"), "\"a,b\""),
            (json!("=1+1"), "'=1+1"),
            (json!("-x"), "'-x"),
            (json!("@x"), "'@x"),
            (json!("two\nlines"), "\"two\nlines\""),
            (json!({"a": 1}), "\"{\"\"a\"\":1}\""),
        ];
        for (value, expected) in rows {
            let written = csv_record([cell(&json!(1)), cell(&value)].into_iter());
            assert_eq!(String::from_utf8_lossy(&written), format!("1,{expected}\r\n"), "{value}");
        }
    }
}
