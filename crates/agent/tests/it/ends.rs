//! Ends with something in the way: a panic that was caught, a disk that hangs or is to be left alone, signals that are
//! passed over.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kymo::{DropReason, EndReason};

use crate::part::{self, Scores};

fn spool(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(part::files(folder)).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "spool")).unwrap()
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_catches_a_panic_with_its_session() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
    let panics = std::panic::AssertUnwindSafe(move || {
        let _session = session;
        panic!("no change left");
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    // The agent has seen that it lives on.
    let spool = spool(&folder);
    while std::fs::read(&spool).unwrap()[3072..3088] != [0; 16] {
        std::thread::yield_now();
    }
    kymo::info!("it lives on");
}

#[test]
fn a_panic_that_was_caught_is_no_crash_for_good() {
    let folder = tempfile::tempdir().unwrap();
    part::play("ends::plays_a_program_that_catches_a_panic_with_its_session", folder.path(), &[]);
    let session = part::only(folder.path());
    assert_eq!(
        (session.messages().last().map(String::as_str), session.reason()),
        (Some("it lives on"), "normal")
    );
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_counts_while_the_disk_hangs() {
    let Some(folder) = part::folder() else { return };
    kymo::install_metrics().unwrap();
    let session = part::builder(&folder).metrics_every(std::time::Duration::from_hours(1)).start();
    metrics::counter!("shop.orders").increment(17);
    session.end(EndReason::Normal, None);
}

/// What hangs is a pipe in the place of a summary: whoever opens it waits for a writer.
#[test]
fn what_was_counted_is_written_though_the_keeper_hangs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(part::files(folder.path())).unwrap();
    let pipe = part::files(folder.path()).join("20260921T141320Z-00000000000000000000000000000abc.session");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    part::play("ends::plays_a_program_that_counts_while_the_disk_hangs", folder.path(), &[]);
    let session = part::only(folder.path());
    let counted = session.records.iter().find(|record| record.callsite.metric.is_some());
    assert!(counted.is_some(), "{:?}", session.messages());
    assert_eq!(session.reason(), "normal");
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_on_a_disk_that_is_left_alone() {
    let Some(folder) = part::folder() else { return };
    let retention = kymo::Retention { free_disk_min: u64::MAX, ..kymo::Retention::default() };
    let session = part::builder(&folder).retention(retention).start();
    while kymo::flush() {
        std::thread::yield_now();
    }
    kymo::info!("it waits");
    assert!(!kymo::flush());
    // More than the rings have room for: nobody waits, and it is counted.
    let mut number = 0_u64;
    while kymo::status().unwrap().recorder.dropped.total() == 0 {
        kymo::info!("call {number}", number);
        number += 1;
    }
    let status = session.end(EndReason::Normal, None).unwrap();
    assert_eq!(status.recorder.dropped.of(DropReason::DiskFull), status.recorder.dropped.total());
    assert_eq!(status.tally.messages, 0);
    Scores::new(&folder).set(1, number + 2 - status.recorder.dropped.total());
}

#[test]
fn on_a_disk_with_less_free_space_than_the_limit_records_wait() {
    let folder = tempfile::tempdir().unwrap();
    part::play("ends::plays_a_program_on_a_disk_that_is_left_alone", folder.path(), &[]);
    part::recover(folder.path());
    let session = part::only(folder.path());
    assert_eq!((session.messages()[0].as_str(), session.reason()), ("it waits", "normal"));
    // With the agent's own word that it holds.
    assert_eq!(session.records.len() as u64, Scores::new(folder.path()).get(1));
    let summary = part::summaries(folder.path()).remove(0);
    assert!(summary.dropped > 0, "{summary:?}");
}

#[test]
fn a_signal_that_is_passed_over_is_passed_over_still() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "process::plays_a_service_that_ends_by_signals", "--ignored", "--nocapture"])
        .env("KYMO_TEST_FOLDER", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Scores::new(folder.path()).wait(0, 1, &mut child);
    let _input = child.stdin.take();
    // The first comes first where both wait.
    for signal in ["-HUP", "-TERM"] {
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    }
    child.wait().unwrap();
    let end = part::only(folder.path()).end.unwrap();
    assert_eq!((end.reason.as_str(), end.note.as_deref()), ("normal", Some("SIGTERM")));
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_cannot_make_another_fragment() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
    assert!(kymo::close_fragment(), "there is nothing in it");
    kymo::info!("first");
    let path = session.folder().unwrap().to_owned();
    let moved = folder.join("elsewhere");
    std::fs::rename(&path, &moved).unwrap();
    assert!(!kymo::close_fragment(), "the disk refused it");
    std::fs::rename(&moved, &path).unwrap();
    kymo::info!("second");
    assert!(kymo::flush());
    kymo::info!("third");
    assert!(kymo::close_fragment());
    session.end(EndReason::Normal, None);
}

#[test]
fn a_fragment_that_could_not_be_closed_is_told_and_closed_later() {
    let folder = tempfile::tempdir().unwrap();
    part::play("ends::plays_a_program_that_cannot_make_another_fragment", folder.path(), &[]);
    let session = part::only(folder.path());
    assert_eq!(session.messages(), ["first", "second", "third"]);
    let firsts: Vec<u64> = session.headers.iter().map(|header| header.first_sequence).collect();
    assert_eq!(firsts.len(), 3, "with the next record, and when asked again: {firsts:?}");
}
