//! Session files for the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use kymo_format::{
    Aggregation, Arg, Callsite, DetailsKind, End, Extra, Header, METRIC_SAMPLE, Metric, Record, Settings,
    Thread, Writer,
};
use kymo_model::{Attributes, EndReason, EventKind, Exception, Frame, SessionId, Severity, Timestamp, Value};
use kymo_testkit::record_requests::{self, Form, Rhythm, record_requests};
use kymo_testkit::requests::requests_by_microsecond;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::KYMO;

/// 2026-11-20T16:20:00Z.
pub(super) const BEGIN: i64 = 1_795_191_600_000_000_000;
const SECOND: i64 = 1_000_000_000;

pub(super) fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/session-file/version-1.kymo")
}

/// The ten thousand recorded requests as a file.
pub(super) fn requests(folder: &TempDir) -> PathBuf {
    requests_in(folder, Settings::default())
}

/// So that damage costs little.
pub(super) fn small_frames() -> Settings {
    Settings { frame_raw_bytes: 8 << 10, ..Settings::default() }
}

pub(super) fn requests_in(folder: &TempDir, settings: Settings) -> PathBuf {
    let recorded = requests_by_microsecond();
    let (bytes, _) = record_requests(&recorded, Form::Typed, Rhythm::Slow, settings).unwrap();
    let path = folder.path().join("requests.kymo");
    std::fs::write(&path, bytes).unwrap();
    path
}

pub(super) fn header(session: u128, fragment: u64) -> Header {
    let mut resource = Attributes::default();
    for (name, value) in [
        ("service.namespace", "Tools"),
        ("service.name", "Editor"),
        ("service.version", "2.4.1"),
        ("host.name", "build-7"),
    ] {
        resource.push(name, Value::Text(value.to_owned()));
    }
    Header {
        session: SessionId::from_u128(session),
        fragment,
        started_at: at(0),
        opened_at: at(0),
        resource,
        ..record_requests::header()
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_nanos(BEGIN + second * SECOND)
}

/// Callsites 0 to 4: a line, a warning, an error, a metric, the use of a feature; one thread.
pub(super) fn writer(header: &Header) -> Writer {
    let mut writer = Writer::new(header, Settings::default()).unwrap();
    let mut saved = Callsite::new(Severity::INFO, "document {} saved in {ms} ms", &["", "ms"]);
    saved.category = Some("editor::store".to_owned());
    let slow = Callsite::new(Severity::WARN, "saving is slow", &["ms"]);
    let mut failed = Callsite::new(Severity::ERROR, "cannot save {}", &[""]);
    failed.source.file = Some("src/store.rs".to_owned());
    failed.source.line = Some(17);
    let mut memory = Callsite::new(Severity::INFO, "", &["value"]);
    memory.kind = EventKind::from_word(METRIC_SAMPLE);
    let (name, unit) = ("process.memory".to_owned(), Some("By".to_owned()));
    memory.metric = Some(Metric { name, unit, description: None, aggregation: Aggregation::Gauge });
    let mut used = Callsite::new(Severity::INFO, "spell check", &[]);
    used.kind = EventKind::Usage;
    for (key, callsite) in [saved, slow, failed, memory, used].iter().enumerate() {
        writer.define_callsite(key as u32, callsite).unwrap();
    }
    writer.define_callsite(5, &Callsite::new(Severity::INFO, "request", &["path"])).unwrap();
    writer.define_thread(0, &Thread { id: 12, name: Some("main".to_owned()) }).unwrap();
    writer.open_span(1, 5, None, &[Arg::Text("/save")]).unwrap();
    writer
}

pub(super) fn put(
    writer: &mut Writer,
    second: i64,
    callsite: u32,
    args: &[Arg<'_>],
    extra: Option<&Extra<'_>>,
) {
    writer.record(&Record { time: at(second), thread: 0, callsite, args, extra, origin: None }).unwrap();
}

pub(super) fn error() -> Exception {
    let frame = Frame {
        function: Some("save".to_owned()),
        file: Some("src/store.rs".to_owned()),
        line: Some(17),
        ..Frame::default()
    };
    let text = |text: &str| Some(text.to_owned());
    let cause =
        Exception { type_name: text("io::Error"), message: text("disk full"), ..Exception::default() };
    Exception {
        type_name: text("SaveError"),
        message: text("cannot write"),
        frames: vec![frame],
        inner: Some(Box::new(cause)),
        ..Exception::default()
    }
}

/// A session with an event of every kind, which ended in a crash.
pub(super) fn editor(session: u128) -> Vec<u8> {
    let mut writer = writer(&header(session, 1));
    let ann = Extra { user_id: Some("ann@example.test"), user_name: Some("Ann Okafor"), ..Extra::default() };
    put(&mut writer, 1, 4, &[], Some(&ann));
    put(&mut writer, 2, 3, &[Arg::U64(4096)], None);
    for second in 3..60 {
        put(&mut writer, second, 0, &[Arg::Text("a.txt"), Arg::U64(second as u64 * 3)], None);
    }
    put(&mut writer, 61, 1, &[Arg::U64(900)], None);
    let error = error();
    let extra = Extra {
        exception: Some(&error),
        span: Some(1),
        reference_id: Some("ref-1"),
        details: Some((DetailsKind::Json, r#"{"free": 0}"#)),
        attributes: &[("volume", Arg::Text("sda"))],
        ..Extra::default()
    };
    put(&mut writer, 62, 2, &[Arg::Text("a.txt")], Some(&extra));
    put(&mut writer, 63, 0, &[Arg::Text("b.txt"), Arg::U64(9)], None);
    writer.lost("ring_full", 7).unwrap();
    writer.end(End {
        time: at(64),
        reason: EndReason::Crashed,
        note: Some("signal 11".to_owned()),
        recovered: true,
    });
    writer.close().unwrap();
    writer.output().to_vec()
}

pub(super) fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What it printed, what it said on standard error, and its exit code.
pub(super) fn ran(args: &[&str]) -> (String, String, i32) {
    ran_with(args, &[])
}

pub(super) fn ran_with(args: &[&str], environment: &[(&str, &Path)]) -> (String, String, i32) {
    let mut command = Command::new(KYMO);
    command
        .args(args)
        .env_remove("KYMO_TOKEN")
        .env_remove("KYMO_REPOSITORY")
        .envs(environment.iter().copied());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

pub(super) fn json_lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
