//! The case tables of foreign session semantics and of the Loupe web endpoint, run row by row over HTTP.
//!
//! Data: `conformance/sessions/` and `conformance/loupe-web-rules/`; `conformance/README.md` says what
//! their members mean. Each row gets a server of its own, so that rows cannot disturb each other.

mod case;
pub(crate) mod found;
mod play;
mod tables;

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::case::{Row, Verdict};

/// Rows at once: each waits for the disk most of its time.
const AT_ONCE: usize = 4;

/// Every file of rows, with the tables it holds.
const FILES: [&str; 10] = [
    "sessions/automatic.json",
    "sessions/manual.json",
    "sessions/heartbeats.json",
    "sessions/pipeline.json",
    "sessions/reading.json",
    "loupe-web-rules/cross-origin.json",
    "loupe-web-rules/requests.json",
    "loupe-web-rules/source.json",
    "loupe-web-rules/messages.json",
    "loupe-web-rules/endpoint.json",
];

fn rows(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn all_rows() -> Vec<Row> {
    FILES.iter().flat_map(|file| rows(file)).collect()
}

/// Runs every row that is ours and lists all that fail.
#[test]
fn every_row_holds() {
    let due: Vec<Row> = all_rows().into_iter().filter(|row| row.verdict != Verdict::NotOurs).collect();
    let failed = failures(&due);
    assert!(failed.is_empty(), "{} of {} rows failed\n\n{}", failed.len(), due.len(), failed.join("\n\n"));
    assert!(!due.is_empty(), "no row ran");
    tell(&format!("{} rows hold", due.len()));
}

/// What the rows that fail have to say, in the order of the rows.
fn failures(rows: &[Row]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failed = Vec::new();
        while let Some((place, row)) = rows.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
            let problems = play::play(row);
            if !problems.is_empty() {
                failed.push((place, format!("{} {}\n  {}", row.id, row.title, problems.join("\n  "))));
            }
        }
        failed
    };
    let mut failed: Vec<(usize, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a row panicked")).collect()
    });
    failed.sort();
    failed.into_iter().map(|(_, text)| text).collect()
}

/// How many ran must be seen, so this goes past the test runner's capture.
fn tell(line: &str) {
    // Nobody reading is fine.
    let _ = writeln!(std::io::stderr(), "conformance: {line}");
}
