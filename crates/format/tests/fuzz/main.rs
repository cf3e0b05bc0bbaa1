//! The reader on damaged files: it never panics, loses no byte without saying so, and takes nothing out of
//! proportion. Some thousand files as a test; `cargo xtask fuzz` goes on for a given time.

#![cfg(test)]

mod live;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use kymo_format::limits::{BLOCK_RAW_BYTES_MAX, CHUNK_BYTES_MAX};
use kymo_format::{Index, Item, Reader};
use kymo_model::Timestamp;
use kymo_testkit::Random;

/// Files of a run without a given time: some seconds in a debug build.
const INPUTS: usize = 2000;
/// Blows a file takes at most.
const BLOWS_MAX: u64 = 5;
/// Records that a byte of a file can stand for: zstd turns a byte into some thousand at best.
const RECORDS_PER_BYTE_MAX: u64 = 20_000;

#[test]
fn reader() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/session-file/version-1.kymo");
    let golden = std::fs::read(golden).expect("the file of version 1");
    if let Ok(path) = std::env::var("KYMO_FUZZ_INPUT") {
        return check(&std::fs::read(path).expect("the input"), 1000);
    }
    let until = until();
    let mut random = Random::seeded(20_261_121);
    let mut count = 0;
    while until.map_or(count < INPUTS, |until| Instant::now() < until) {
        let input = damaged(&golden, &mut random);
        let piece = 1 + random.below(3000) as usize;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&input, piece))) {
            let path = std::env::temp_dir().join(format!("kymo-fuzz-session-file-{count}"));
            let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(&input));
            eprintln!("session file: input {count} is in {}: {written:?}", path.display());
            resume_unwind(panic);
        }
        count += 1;
    }
    println!("session file: {count} inputs");
}

/// When to stop, if a time was given.
fn until() -> Option<Instant> {
    let seconds = std::env::var("KYMO_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds))
}

fn check(input: &[u8], piece: usize) {
    let mut reader = Reader::new();
    let mut damaged_bytes = 0;
    let mut records = 0;
    let mut take = |reader: &mut Reader| {
        while let Some(item) = reader.next() {
            match item {
                Item::Damage(damage) => damaged_bytes += damage.bytes,
                Item::Record(record) => {
                    records += 1;
                    let event = record.to_event(Timestamp::default());
                    assert!(
                        event.body.map_or(0, |body| body.len()) <= BLOCK_RAW_BYTES_MAX,
                        "a text out of proportion"
                    );
                }
                _ => {}
            }
        }
    };
    for piece in input.chunks(piece) {
        reader.feed(piece);
        take(&mut reader);
    }
    reader.finish();
    take(&mut reader);
    let counts = reader.counts();
    assert_eq!(counts.damaged_bytes, damaged_bytes);
    assert_eq!(counts.records, records);
    assert!(damaged_bytes <= input.len() as u64);
    assert!(records <= RECORDS_PER_BYTE_MAX * input.len() as u64);
    if let Some(index) = Index::from_tail(&input[input.len().saturating_sub(CHUNK_BYTES_MAX)..]) {
        assert!(index.frames.len() <= input.len());
    }
}

/// Damage behind checksums: half of the files have those of their chunks made right again.
fn damaged(golden: &[u8], random: &mut Random) -> Vec<u8> {
    let mut input = golden.to_vec();
    for _ in 0..=random.below(BLOWS_MAX) {
        let at = random.below(input.len() as u64 + 1) as usize;
        let end = (at + random.below(60) as usize).min(input.len());
        match random.below(6) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 => drop(input.drain(at..end)),
            2 if random.below(4) == 0 => input.truncate(at),
            3 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again.repeat(1 + random.below(20) as usize));
            }
            4 => input[at..end].fill(random.number() as u8),
            _ => {
                let made_up: Vec<u8> = (0..random.below(9)).map(|_| random.number() as u8).collect();
                input.splice(at..end, made_up);
            }
        }
    }
    if random.below(2) == 0 {
        mend(&mut input);
    }
    input
}

/// Walks the chunks by their lengths and writes the checksums they should have.
fn mend(input: &mut [u8]) {
    let (mut at, mut before) = (8, 0);
    while at < input.len() {
        let anchor = input[at] >= 0x80;
        let (mut length, mut place, mut shift) = (0, at + if anchor { 4 } else { 1 }, 0);
        while let Some(&byte) = input.get(place) {
            place += 1;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 21 {
                break;
            }
        }
        let end = place + length;
        if end + 4 > input.len() {
            return;
        }
        before = crc32c::crc32c_append(if anchor { 0 } else { before }, &input[at..end]);
        input[end..end + 4].copy_from_slice(&before.to_le_bytes());
        at = end + 4;
    }
}
