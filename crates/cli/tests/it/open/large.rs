//! A million events: what is on the screen is decoded, the rest is an index.

use std::path::PathBuf;

use kymo_format::Arg;
use tempfile::TempDir;

use super::files::{error, file, header, put, writer};
use super::pty::Pty;

const EVENTS: u64 = 1_000_000;
/// The program itself takes some 30 MB of this in a build for tests; all events decoded would be some 500 MB.
const MEMORY_BYTES_MAX: u64 = 120 << 20;

fn million(folder: &TempDir) -> PathBuf {
    let mut writer = writer(&header(11, 1));
    let (error, name) = (error(), Arg::Text("a.txt"));
    let extra = kymo_format::Extra { exception: Some(&error), ..kymo_format::Extra::default() };
    for number in 0..EVENTS {
        let second = (number / 100) as i64;
        if number % 100_000 == 99_999 {
            put(&mut writer, second, 2, &[name], Some(&extra));
        } else {
            put(&mut writer, second, 0, &[name, Arg::U64(number)], None);
        }
    }
    writer.close().unwrap();
    file(folder, "million.kymo", writer.output())
}

fn peak_memory_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_million_events_open_at_once_and_in_little_memory() {
    let folder = TempDir::new().unwrap();
    let mut pty = Pty::open(&million(&folder), (120, 40));
    // The first rows are there while the rest is read.
    pty.until("first rows while reading", |text| text.contains("saved in 0 ms"));
    pty.shows("1,000,000 events");
    pty.keys("G");
    pty.shows("saved in 999998 ms");
    pty.keys("E");
    pty.shows(" 900,000 ");
    pty.keys("t+1h\r");
    pty.shows("saved in 360000 ms");
    pty.keys("/attributes.ms:777777\r");
    pty.shows("1 of 1,000,000");
    pty.shows("saved in 777777 ms");
    // Each of these is in a frame of its own.
    pty.keys("/\u{15}exception:disk\r");
    pty.shows("10 of 1,000,000");
    pty.until("all rows", |text| text.matches("cannot save").count() == 10 && !text.contains(" …"));
    // One that is cancelled by the next.
    pty.keys("/\u{15}saved\r/\u{15}level:fatal\r");
    pty.shows("0 of 1,000,000");
    let peak = peak_memory_bytes(pty.pid());
    assert!(peak < MEMORY_BYTES_MAX, "{} MB", peak >> 20);
    pty.keys("q");
    assert_eq!(pty.ends(), 0);
}
