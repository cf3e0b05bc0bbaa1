//! Files as programs, and what recovers them, leave them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use kymo_format::{Arg, Callsite, End, Header, Record, Settings, Thread, Writer};
use kymo_model::{EndReason, SessionId, Severity, Timestamp};
use kymo_testkit::record_requests;

use super::*;

const NOTHING: [&str; 0] = [];

/// A folder that is removed.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kymo-tail-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("Shop/till")).unwrap();
        Self(path)
    }

    fn file(&self, number: u64) -> PathBuf {
        self.0.join(format!("Shop/till/s.{number:04}.kymo"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn header(fragment: u64, first_sequence: u64) -> Header {
    Header { session: SessionId::from_u128(7), fragment, first_sequence, ..record_requests::header() }
}

fn writer(header: &Header) -> Writer {
    let mut writer = Writer::new(header, Settings::default()).unwrap();
    writer.define_callsite(0, &Callsite::new(Severity::INFO, "line {n}", &["n"])).unwrap();
    writer.define_thread(0, &Thread { id: 1, name: None }).unwrap();
    writer
}

/// So many lines as a block, which is returned.
fn say(writer: &mut Writer, count: u64) -> Vec<u8> {
    for _ in 0..count {
        let args = [Arg::U64(writer.next_sequence())];
        let time = Timestamp::from_unix_nanos(1000);
        writer
            .record(&Record { time, thread: 0, callsite: 0, args: &args, extra: None, origin: None })
            .unwrap();
    }
    writer.flush().unwrap();
    let bytes = writer.output().to_vec();
    writer.clear_output();
    bytes
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// What is told: sequences, gaps, `damage` and `end`.
fn told(tail: &mut Tail) -> Vec<String> {
    let mut all = Vec::new();
    let polled = tail.poll(&mut |told| {
        match told.item {
            ChannelItem::Record(record) => all.push(record.sequence.to_string()),
            ChannelItem::Gap { first, last } => all.push(format!("gap {first} {last}")),
            ChannelItem::Damage(_) => all.push("damage".to_owned()),
            ChannelItem::End(_) => all.push("end".to_owned()),
            _ => {}
        }
        Ok(())
    });
    polled.unwrap();
    all
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn what_was_half_written_and_is_written_anew_is_told_once() {
    let folder = Folder::new("anew");
    let mut writer = writer(&header(1, 1));
    append(&folder.file(1), &say(&mut writer, 10));
    let mut tail = Tail::new(&folder.0, None, From::Start).unwrap();
    assert_eq!(told(&mut tail), numbers(1..=10));
    // Half a block, as of a program that was killed; it is cut away and others take its place.
    let whole = fs::read(folder.file(1)).unwrap();
    let block = say(&mut writer, 10);
    append(&folder.file(1), &block[..block.len() / 2]);
    assert_eq!(told(&mut tail), NOTHING);
    fs::write(folder.file(1), &whole).unwrap();
    assert_eq!(told(&mut tail), NOTHING);
    append(&folder.file(1), &block);
    assert_eq!(told(&mut tail), numbers(11..=20));
    // The same, but nobody looked while it was short.
    let whole = fs::read(folder.file(1)).unwrap();
    append(&folder.file(1), &[0x5a; 40]);
    told(&mut tail);
    fs::write(folder.file(1), [whole, say(&mut writer, 10)].concat()).unwrap();
    assert_eq!(told(&mut tail), numbers(21..=30));
    writer.end(End { time: Timestamp::default(), reason: EndReason::Killed, note: None, recovered: true });
    append(&folder.file(1), &say(&mut writer, 1));
    assert_eq!(told(&mut tail), ["31", "end"]);
    assert_eq!(tail.followed(), 0);
    // It has ended: nobody who comes now is told of it, but who asks for it.
    assert_eq!(told(&mut Tail::new(&folder.0, None, From::Start).unwrap()), NOTHING);
    let mut asked = Tail::new(&folder.file(1), None, From::After(29)).unwrap();
    assert_eq!(told(&mut asked), ["30", "31", "end"]);
    assert!(asked.is_over());
}

#[test]
fn fragments_are_gone_on_with_and_those_that_are_gone_are_told() {
    let folder = Folder::new("fragments");
    let mut writer = writer(&header(3, 101));
    append(&folder.file(3), &say(&mut writer, 10));
    let mut start = Tail::new(&folder.0, None, From::Start).unwrap();
    let mut now = Tail::new(&folder.0, None, From::Now).unwrap();
    assert_eq!(told(&mut start)[..2], ["gap 1 100", "101"]);
    assert_eq!(told(&mut now), NOTHING);
    for number in 4..8 {
        append(&folder.file(number - 1), &say(&mut writer, 5));
        let left = writer.next_fragment(&header(number, writer.next_sequence())).unwrap();
        append(&folder.file(number - 1), &left);
        append(&folder.file(number), &say(&mut writer, 5));
        let first = 101 + 10 * (number - 3);
        for tail in [&mut start, &mut now] {
            assert_eq!(told(tail), numbers(first..=first + 9), "{number}");
        }
    }
}
