//! A file that is looked at while its program writes it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use kymo_format::{Arg, End, Writer};
use kymo_model::EndReason;
use tempfile::TempDir;

use super::files::{at, file, header, put, writer};
use super::pty::Pty;

fn append(path: &Path, writer: &mut Writer) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(writer.output()).unwrap();
    writer.clear_output();
}

fn say(writer: &mut Writer, numbers: std::ops::Range<i64>) {
    for number in numbers {
        put(writer, number, 0, &[Arg::Text(&format!("file-{number}")), Arg::U64(1)], None);
    }
    writer.flush().unwrap();
}

#[test]
fn a_growing_file_and_its_next_fragment_are_followed() {
    let folder = TempDir::new().unwrap();
    let mut writer = writer(&header(9, 1));
    say(&mut writer, 0..30);
    let first = file(&folder, "session-1.kymo", b"");
    append(&first, &mut writer);
    let mut pty = Pty::open(&first, (80, 24));
    pty.shows("30 events");
    pty.shows("no end yet");
    pty.keys("f");
    pty.shows("FOLLOW");
    pty.shows("file-29");
    say(&mut writer, 30..60);
    append(&first, &mut writer);
    pty.shows("60 events");
    pty.shows("file-59");
    // Half a block waits; nobody calls it damage before it is whole.
    say(&mut writer, 60..90);
    let whole = writer.output().to_vec();
    let mut half = OpenOptions::new().append(true).open(&first).unwrap();
    half.write_all(&whole[..9]).unwrap();
    pty.shows("breaks off: its last 9 bytes");
    half.write_all(&whole[9..]).unwrap();
    writer.clear_output();
    pty.shows("file-89");
    pty.until("whole again", |text| !text.contains("breaks off"));
    // A filter finds what comes.
    pty.keys("/message:\"document file\" ~file-1\r");
    pty.shows("11 of 90");
    let mut next = header(9, 2);
    next.first_sequence = writer.next_sequence();
    let left = writer.next_fragment(&next).unwrap();
    half.write_all(&left).unwrap();
    say(&mut writer, 90..111);
    append(&folder.path().join("session-2.kymo"), &mut writer);
    pty.shows("22 of 111");
    pty.shows("file-110");
    writer.end(End { time: at(200), reason: EndReason::Normal, note: None, recovered: false });
    writer.close().unwrap();
    append(&folder.path().join("session-2.kymo"), &mut writer);
    pty.shows("normal");
    pty.keys("q");
    assert_eq!(pty.ends(), 0);
    // Both fragments are the session, whichever is named.
    let second = Pty::open(&folder.path().join("session-2.kymo"), (80, 24));
    second.shows("111 events");
}

#[test]
fn new_sessions_come_into_the_list() {
    let folder = TempDir::new().unwrap();
    for session in 1..3 {
        let mut writer = writer(&header(session, 1));
        say(&mut writer, 0..5);
        append(&folder.path().join(format!("{session}.kymo")), &mut writer);
    }
    let mut pty = Pty::open(folder.path(), (80, 24));
    pty.shows("2 sessions");
    let mut writer = writer(&header(3, 1));
    say(&mut writer, 0..77);
    append(&folder.path().join("3.kymo"), &mut writer);
    pty.shows("3 sessions");
    pty.shows("77");
    say(&mut writer, 77..88);
    append(&folder.path().join("3.kymo"), &mut writer);
    pty.shows("88");
    pty.keys("q");
    assert_eq!(pty.ends(), 0);
}
