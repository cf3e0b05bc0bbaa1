//! Segments are plain Parquet: readers that share no code with ours find what the API answers.

use std::io::Write;
use std::process::Command;

use kymo_testkit::kymo::{needed, wait_for};
use kymo_testkit::{Kymo, Random};
use serde_json::{Value, json};

use crate::KYMO;

const BATCHES: u64 = 80;
const BATCH_EVENTS: u64 = 50;
const TEXTS: [&str; 10] = [
    "plain",
    "",
    "Grüße, Jürgen",
    "日本語のテキスト",
    "😀👩‍👩‍👧 \u{202e}right to left",
    "tab\tquote\" back\\slash",
    "line\nbreak\r\n",
    "NULL",
    "nul \u{0} byte",
    "\u{7f}\u{80}\u{ffff}",
];

#[test]
fn foreign_readers_find_what_the_api_answers() {
    let python = needed("KYMO_PYTHON");
    let mut kymo = Kymo::with_project(KYMO);
    kymo.kill();
    // Two starts: several segments, and merging has something to do.
    for seed in 1..=2 {
        kymo.start_with(&[("KYMO_FLUSH_AFTER_MS", "150")]);
        let mut random = Random::new(seed);
        for batch in 0..BATCHES {
            let events: Vec<Value> = (0..BATCH_EVENTS).map(|_| event(&mut random, batch)).collect();
            assert_eq!(kymo.post_events(&Value::from(events)), Ok(202));
        }
        wait_for("the tail to be flushed", || {
            (kymo.get("/api/v1/status")["tail"]["events"] == 0).then_some(())
        });
        if seed == 1 {
            assert!(kymo.stop().success());
        }
    }
    let mut lines = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut events = crate::kill::pages(&kymo, "/api/v1/events?project=shop&limit=5000");
    for session in crate::kill::pages(&kymo, "/api/v1/sessions?limit=500") {
        let id = session["id"].as_str().expect("an id");
        events.extend(crate::kill::pages(&kymo, &format!("/api/v1/sessions/{id}/events?limit=5000")));
    }
    assert_eq!(events.len() as u64, 2 * BATCHES * BATCH_EVENTS);
    for event in &events {
        writeln!(lines, "{event}").expect("written");
    }
    // Nothing is merged away under the readers.
    assert!(kymo.stop().success());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/read_segments.py");
    let output = Command::new(python)
        .arg(script)
        .arg(kymo.data().join("segments"))
        .arg(lines.path())
        .output()
        .expect("Python starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    println!("{printed}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.starts_with(&format!("{} rows in ", events.len())));
}

fn text(random: &mut Random) -> &'static str {
    TEXTS[random.below(TEXTS.len() as u64) as usize]
}

/// With and without each of the fields.
fn event(random: &mut Random, batch: u64) -> Value {
    let nanos = random.below(1_000_000_000);
    let mut event = json!({"date": format!("2026-02-03T04:{:02}:05.{nanos:09}Z", batch % 60)});
    event["type"] = json!(["log", "error", "usage", "404", "Tee ☕"][random.below(5) as usize]);
    for (field, chances) in [("message", 5), ("source", 2), ("data.note", 2)] {
        if random.below(chances) > 0 {
            let value = json!(text(random));
            match field.strip_prefix("data.") {
                Some(name) => event["data"][name] = value,
                None => event[field] = value,
            }
        }
    }
    if random.below(3) > 0 {
        event["data"]["@user"] =
            json!({"identity": format!("ann{}@example.test", random.below(9)), "name": text(random)});
    }
    if random.below(3) == 0 {
        event["reference_id"] = json!(format!("reference-{}", random.number()));
    }
    if random.below(4) == 0 {
        event["data"]["@error"] = json!({"type": "E", "message": text(random), "code": "7",
            "stack_trace": [{"name": text(random), "file_name": "a b.js", "line_number": 3}],
            "inner": {"message": text(random)}});
    }
    if random.below(4) == 0 {
        event["data"]["numbers"] = json!([0, -1, 0.5, 1e300, i64::MAX, u64::MAX, null, true]);
        event["tags"] = json!([text(random), "x"]);
    }
    event
}
