//! A disk that fills up: a small file system of its own, which takes root or a user namespace.

use std::path::Path;
use std::process::Command;

use kymo::{DropReason, EndReason, FullPolicy, SpoolKind};
use kymo_format::{ArgValue, ReadRecord};

use crate::part;

/// Takes up room until there is none.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).unwrap();
    let mut bytes = 64 * 1024;
    while bytes > 0 {
        if file.write_all(&vec![7; bytes]).is_err() {
            bytes /= 2;
        }
    }
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_disk_fills_up() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).when_full(FullPolicy::Drop).start();
    assert_eq!(kymo::status().unwrap().recorder.spool, SpoolKind::Mapped);
    kymo::info!("call {number} {text}", number = 0_u64, text = unlike(0));
    assert!(kymo::flush());
    let filler = folder.join("filler");
    fill(&filler);
    // More than the file has room for; some of it fits into the ring, which has its room already.
    let mut number = 1;
    while kymo::status().unwrap().recorder.dropped.total() < 1_000 {
        kymo::info!("call {number} {text}", number, text = unlike(number));
        number += 1;
    }
    let status = kymo::status().unwrap().recorder;
    assert!(status.last_error.is_some(), "{status:?}");
    // A new callsite needs no room either: the dictionary has some of its own.
    std::fs::remove_file(filler).unwrap();
    while !kymo::flush() {
        std::thread::yield_now();
    }
    kymo::warn!("call {number} {text}", number = u64::MAX, text = "there is room again");
    let status = session.end(EndReason::Normal, None).unwrap();
    let dropped = status.recorder.dropped;
    assert_eq!(status.tally.messages + dropped.total(), number + 1, "{status:?}");
    let full = dropped.of(DropReason::RingFull) + dropped.of(DropReason::DiskFull);
    assert_eq!(full, dropped.total(), "for the reason that it was");
    part::Scores::new(&folder).set(0, dropped.total());
}

/// A text that does not compress.
fn unlike(number: u64) -> String {
    let mut random = kymo_testkit::Random::new(number);
    (0..200).map(|_| char::from(b' ' + (random.number() % 95) as u8)).collect()
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_finds_a_full_disk() {
    let Some(folder) = part::folder() else { return };
    std::fs::create_dir_all(part::files(&folder)).unwrap();
    fill(&folder.join("filler"));
    let session = part::builder(&folder).start();
    let refused = session.refused().expect("there is no room for a file").to_owned();
    assert!(refused.to_lowercase().contains("no space"), "{refused}");
    kymo::info!("the program goes on");
    assert!(kymo::flush() && kymo::status().is_none());
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_without_room_for_rings() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
    let status = kymo::status().unwrap();
    assert_eq!(status.recorder.spool, SpoolKind::Written, "a write(2) for each instead");
    assert!(status.notes.iter().any(|note| note.to_lowercase().contains("no space")), "{:?}", status.notes);
    for number in 0..500_u64 {
        kymo::info!("call {number} {text}", number, text = "x");
    }
    let status = session.end(EndReason::Normal, None).unwrap();
    assert_eq!((status.tally.messages, status.recorder.dropped.total()), (500, 0));
}

/// Plays the part on a file system of that size, and brings what it left to `folder`.
fn play_on_small_disk(part: &str, size: &str, folder: &Path) -> bool {
    let disk = folder.join("disk");
    std::fs::create_dir(&disk).unwrap();
    let script = r#"mount -t tmpfs -o size="$SIZE" kymo "$DISK" || exit 77
        "$PROGRAM" --exact "full::$PART" --ignored --nocapture --test-threads 1 || exit 76
        rm -f "$DISK/filler"; cp -r "$DISK/." "$KEPT""#;
    let kept = folder.join("kept");
    std::fs::create_dir(&kept).unwrap();
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .env("PROGRAM", std::env::current_exe().unwrap())
        .env("PART", part)
        .env("SIZE", size)
        .env("DISK", &disk)
        .env("KEPT", &kept)
        .env("KYMO_TEST_FOLDER", &disk)
        .status();
    match status.ok().and_then(|status| status.code()) {
        Some(0) => true,
        Some(76) => panic!("{part}: see above"),
        code => {
            println!("not played: this system gives no file system to a program ({code:?})");
            false
        }
    }
}

fn numbers(records: &[ReadRecord]) -> Vec<u64> {
    let number = |record: &ReadRecord| match record.args[..] {
        [ArgValue::U64(number), _] => Some(number),
        _ => None,
    };
    records.iter().filter_map(number).collect()
}

#[test]
fn a_disk_that_fills_up_costs_what_does_not_fit_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    if !play_on_small_disk("plays_a_program_whose_disk_fills_up", "6m", folder.path()) {
        return;
    }
    let kept = folder.path().join("kept");
    let session = part::only(&kept);
    let numbers = numbers(&session.records);
    let (last, before) = numbers.split_last().unwrap();
    assert_eq!(*last, u64::MAX, "it goes on when there is room again");
    assert!(before.is_sorted() && before.len() > 100, "each once, in order");
    assert!(before[..100].iter().copied().eq(0..100), "the oldest are kept");
    for record in &session.records {
        if let [ArgValue::U64(number), ArgValue::Text(text)] = &record.args[..]
            && *number != u64::MAX
        {
            assert_eq!(*text, unlike(*number));
        }
    }
    let lost: u64 = session.losses.iter().map(|(_, total)| total).sum();
    assert_eq!(lost, part::Scores::new(&kept).get(0), "the file says what is missing");
    assert_eq!((session.reason(), session.damages), ("normal", 0));
}

#[test]
fn a_full_disk_and_one_without_room_for_rings() {
    let folder = tempfile::tempdir().unwrap();
    play_on_small_disk("plays_a_program_that_finds_a_full_disk", "1m", folder.path());
    let folder = tempfile::tempdir().unwrap();
    if play_on_small_disk("plays_a_program_without_room_for_rings", "2m", folder.path()) {
        let session = part::only(&folder.path().join("kept"));
        assert_eq!(numbers(&session.records), (0..500).collect::<Vec<_>>());
    }
}
