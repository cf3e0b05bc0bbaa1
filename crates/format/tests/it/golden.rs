//! The file of version 1 opens for ever, and what is read from it stays the same.
//!
//! `KYMO_GOLDEN=write` writes both files anew: only for what was never released.

use std::path::{Path, PathBuf};

use kymo_format::{ArgValue, Item, ReadRecord};
use kymo_model::{Timestamp, Value};
use kymo_testkit::Random;
use serde_json::{Value as Json, json};

use crate::reading::read;
use crate::sample::sample;

/// Records of the file: enough for every kind of part, argument and column, several frames, and some KB.
const RECORDS: usize = 60;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/session-file")
}

fn arg_json(arg: &ArgValue) -> Json {
    match arg {
        ArgValue::Null => json!(null),
        ArgValue::Bool(value) => json!({"bool": value}),
        ArgValue::I64(value) => json!({"i64": value}),
        ArgValue::U64(value) => json!({"u64": value}),
        ArgValue::F64(value) => json!({"f64": value}),
        ArgValue::Text(text) => json!({"text": text}),
        ArgValue::Value(value) => json!({"value": value}),
    }
}

fn record_json(record: &ReadRecord) -> Json {
    let event = record.to_event(Timestamp::default());
    let spans: Vec<u64> = record.span.iter().flat_map(|span| span.outwards()).map(|span| span.id).collect();
    json!({
        "sequence": record.sequence,
        "time": event.time.to_string(),
        "severity": event.severity.number(),
        "kind": event.kind.as_str(),
        "category": event.category,
        "message": event.body,
        "fields": record.callsite.fields,
        "args": record.args.iter().map(arg_json).collect::<Vec<_>>(),
        "user": event.user.map(|user| json!({"id": user.id, "name": user.name})),
        "spans": spans,
        "reference_id": event.reference_id,
        "exception": event.exception,
        "attributes": Value::Map(event.attributes),
    })
}

fn item_json(item: &Item) -> Json {
    match item {
        Item::Header(header) => json!({"header": {
            "session": header.session.to_string(),
            "fragment": header.fragment,
            "first_sequence": header.first_sequence,
            "started_at": header.started_at.to_string(),
            "opened_at": header.opened_at.to_string(),
            "kind": header.kind.as_str(),
            "previous": header.previous.map(|id| id.to_string()),
            "agent": header.agent,
            "resource": header.resource,
        }}),
        Item::Frame { offset, first_sequence, time } => {
            json!({"frame": {"offset": offset, "first_sequence": first_sequence, "time": time.to_string()}})
        }
        Item::Record(record) => json!({"record": record_json(record)}),
        Item::Loss { reason, total } => json!({"loss": {"reason": reason, "total": total}}),
        Item::Ring(ring) => json!({"ring": {"ring": ring.ring, "position": ring.position}}),
        Item::End(end) => json!({"end": {
            "time": end.time.to_string(),
            "reason": end.reason.as_str(),
            "note": end.note,
            "recovered": end.recovered,
        }}),
        Item::Index(index) => {
            let offsets: Vec<u64> = index.frames.iter().map(|frame| frame.offset).collect();
            json!({"index": {"offsets": offsets, "next_sequence": index.next_sequence}})
        }
        Item::Damage(damage) => {
            json!({"damage": {"offset": damage.offset, "bytes": damage.bytes, "expected": damage.expected}})
        }
    }
}

pub(crate) fn told(bytes: &[u8]) -> String {
    let lines: Vec<String> = read(bytes).items.iter().map(|item| item_json(item).to_string()).collect();
    format!("{}\n", lines.join("\n"))
}

#[test]
fn version_1_reads_as_ever() {
    let (file, expected) = (folder().join("version-1.kymo"), folder().join("version-1.ndjson"));
    if std::env::var("KYMO_GOLDEN").as_deref() == Ok("write") {
        let bytes = sample(&mut Random::new(2026), RECORDS).bytes;
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&expected, told(&bytes)).unwrap();
        std::fs::write(&file, bytes).unwrap();
    }
    let (bytes, expected) = (std::fs::read(file).unwrap(), std::fs::read_to_string(expected).unwrap());
    for (found, expected) in told(&bytes).lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(told(&bytes).lines().count(), expected.lines().count());
    assert_eq!(read(&bytes).counts.unknown(), 0);
}
