//! Records that the fast way does not take: too many callsites, texts that are no UTF-8 or too long; and spans.

use kymo_format::limits::RECORD_BYTES_MAX;
use kymo_format::{Arg, Callsite, Extra, Record, WriteError, Writer};
use kymo_model::Severity;

use super::{STAND_IN, with_extra};
use crate::record::FieldValue;
use crate::record::parts::{ReadParts, ReadSpan};
use crate::sink::Record as Recorded;

/// Bytes of all texts of a record together that has parts: with these at their limits it stays below
/// `RECORD_BYTES_MAX`.
const TEXTS_BYTES_MAX: usize = 96 * 1024;

/// Bytes that a record's texts may take together.
pub(super) fn room(has_parts: bool) -> usize {
    if has_parts { TEXTS_BYTES_MAX } else { RECORD_BYTES_MAX - TEXTS_BYTES_MAX }
}

/// For records whose own callsite is not in the file.
pub(super) fn stand_in() -> Callsite {
    Callsite::new(Severity::INFO, "{}", &[""])
}

/// Writes a record whose texts are cut to what there is room for, and say so.
pub(super) fn record(
    writer: &mut Writer,
    recorded: &Recorded<'_>,
    thread: u32,
    parts: Option<&ReadParts<'_>>,
    span: Option<u64>,
) -> Result<u64, WriteError> {
    let values: Vec<FieldValue<'_>> = recorded
        .values()
        .filter(|value| !matches!(value, FieldValue::Span(_) | FieldValue::Parts(_)))
        .collect();
    let mut room = room(parts.is_some());
    let mut after: usize = values.iter().map(bytes_of).sum();
    let texts: Vec<Option<String>> = values
        .iter()
        .map(|value| {
            let FieldValue::Text { text, bytes, .. } = value else { return None };
            after -= text.len();
            // All that those after it leave, and half of what is left in any case.
            let text = cut(text, *bytes as usize, room.saturating_sub(after).max(room / 2));
            room = room.saturating_sub(text.len());
            Some(text)
        })
        .collect();
    let args: Vec<Arg<'_>> = values
        .iter()
        .zip(&texts)
        .map(|(value, text)| match (value, text) {
            (FieldValue::Unsigned(number), _) => Arg::U64(*number),
            (FieldValue::Signed(number), _) => Arg::I64(*number),
            (FieldValue::Float(number), _) => Arg::F64(*number),
            (FieldValue::Bool(value), _) => Arg::Bool(*value),
            (_, Some(text)) => Arg::Text(text),
            _ => Arg::Null,
        })
        .collect();
    let (time, callsite) = (recorded.time, recorded.callsite());
    if callsite < kymo_format::limits::KEYS_MAX {
        let record = Record { time, thread, callsite, args: &args, extra: None, origin: None };
        return with_extra(parts, span, |extra| writer.record(&Record { extra, ..record }));
    }
    // More callsites than the file can name: what is known of this one is its values.
    let text = args.iter().map(shown).collect::<Vec<_>>().join(" ");
    let record =
        Record { time, thread, callsite: STAND_IN, args: &[Arg::Text(&text)], extra: None, origin: None };
    with_extra(parts, span, |extra| writer.record(&Record { extra, ..record }))
}

fn bytes_of(value: &FieldValue<'_>) -> usize {
    if let FieldValue::Text { text, .. } = value { text.len() } else { 0 }
}

fn shown(arg: &Arg<'_>) -> String {
    match arg {
        Arg::Text(text) => (*text).to_owned(),
        Arg::U64(number) => number.to_string(),
        Arg::I64(number) => number.to_string(),
        Arg::F64(number) => number.to_string(),
        Arg::Bool(value) => value.to_string(),
        Arg::Null | Arg::Value(_) => String::new(),
    }
}

/// The text, or as much of it as there is room for and how long it was.
fn cut(text: &str, had: usize, room: usize) -> String {
    if text.len() <= room && text.len() >= had {
        return text.to_owned();
    }
    format!("{}… ({had} bytes)", &text[..text.floor_char_boundary(room)])
}

/// Stands where a record was that the format refuses.
pub(super) fn stub(
    writer: &mut Writer,
    recorded: &Recorded<'_>,
    thread: u32,
    error: &WriteError,
) -> Result<(), WriteError> {
    let text = format!("a message could not be kept: {error}");
    let extra = Extra { severity: Some(Severity::WARN), category: Some("kymo"), ..Extra::default() };
    let record = Record {
        time: recorded.time,
        thread,
        callsite: STAND_IN,
        args: &[Arg::Text(&text)],
        extra: Some(&extra),
        origin: None,
    };
    writer.record(&record).map(drop)
}

/// Opens the spans that a record tells before it refers to them. One that the file cannot take is one that records do
/// not name.
pub(super) fn open_spans(writer: &mut Writer, spans: &[ReadSpan<'_>]) {
    for span in spans {
        let _ = writer.open_span(span.id, span.callsite, span.parent, &span.args);
    }
}

/// A span closed: no record refers to it any more.
pub(super) fn close_span(writer: &mut Writer, recorded: &Recorded<'_>) {
    if let Some(FieldValue::Span(id)) = recorded.values().next() {
        writer.close_span(id);
    }
}
