//! A file that ends anywhere, or whose bytes are not what they were: everything before is read, and every frame
//! that is intact after.

use kymo_format::ReadRecord;
use kymo_testkit::Random;

use crate::growing::records_by_length;
use crate::reading::{Read, read};
use crate::sample::{Sample, sample};

/// Random damage of more than a byte.
const BLOWS: usize = 200;

struct Whole {
    sample: Sample,
    by_length: Vec<usize>,
    frames: Vec<(u64, u64)>,
}

impl Whole {
    fn new(seed: u64) -> Self {
        let sample = sample(&mut Random::seeded(seed), 45);
        let (by_length, frames) = (records_by_length(&sample.bytes), read(&sample.bytes).frames());
        assert!(frames.len() > 3, "{} frames", frames.len());
        Self { sample, by_length, frames }
    }

    /// What has to be read when bytes from `start` to before `end` are not what they were.
    fn expected(&self, start: usize, end: usize) -> Vec<&ReadRecord> {
        let records = &self.sample.records;
        let before = &records[..self.by_length[start]];
        // A frame that begins at `end` or later is intact.
        let after = self.frames.iter().find(|(offset, _)| *offset >= end as u64);
        let after = after.map_or(&[][..], |(_, sequence)| &records[(*sequence - 101) as usize..]);
        before.iter().chain(after).collect()
    }

    fn check(&self, damaged: &[u8], start: usize, end: usize, what: &str) -> Read {
        let read = read(damaged);
        assert!(
            read.records() == self.expected(start, end),
            "{what} from {start} to {end}: {:?}",
            read.sequences()
        );
        read
    }
}

#[test]
fn every_truncation_point() {
    let whole = Whole::new(5);
    let bytes = &whole.sample.bytes;
    for length in 0..bytes.len() {
        let read = whole.check(&bytes[..length], length, bytes.len(), "cut");
        let damaged: u64 = read.damages().iter().map(|damage| damage.bytes).sum();
        assert_eq!(damaged, read.counts.damaged_bytes);
        assert!(read.damages().len() <= 1);
        if let [damage] = read.damages()[..] {
            assert_eq!(damage.offset + damage.bytes, length as u64);
        }
    }
}

#[test]
fn every_byte() {
    let whole = Whole::new(6);
    let mut random = Random::seeded(6);
    for at in 0..whole.sample.bytes.len() {
        let mut damaged = whole.sample.bytes.clone();
        damaged[at] ^= 1 << random.below(8);
        let read = whole.check(&damaged, at, at + 1, "flip");
        let [damage] = read.damages()[..] else { panic!("byte {at}: {:?}", read.damages()) };
        assert!(
            damage.offset <= at as u64 && at as u64 <= damage.offset + damage.bytes,
            "byte {at}: {damage:?}"
        );
    }
}

#[test]
fn bytes_missing_doubled_or_made_up() {
    let whole = Whole::new(7);
    let mut random = Random::seeded(7);
    for _ in 0..BLOWS {
        let bytes = &whole.sample.bytes;
        let start = random.below(bytes.len() as u64) as usize;
        let end = (start + 1 + random.below(600) as usize).min(bytes.len());
        let (head, tail) = (&bytes[..start], &bytes[end..]);
        let made_up: Vec<u8> = (0..=random.below(90)).map(|_| random.number() as u8).collect();
        whole.check(&[head, tail].concat(), start, end, "missing");
        whole.check(&[head, &vec![0; end - start], tail].concat(), start, end, "zeros");
        whole.check(&[head, &made_up, tail].concat(), start, end, "made up");
        whole.check(&[&bytes[..start], &made_up, &bytes[start..]].concat(), start, start, "put in");
    }
}

#[test]
fn a_frame_of_another_session_is_not_taken() {
    let whole = Whole::new(8);
    let other = Whole::new(9);
    let (mine, theirs) = (&whole.sample.bytes, &other.sample.bytes);
    let mut foreign = theirs.clone();
    // Another session's frames, found after damage, as in text that somebody logged.
    foreign.truncate(other.frames[2].0 as usize);
    let forged = with_session(&foreign[other.frames[1].0 as usize..]);
    let at = whole.frames[1].0 as usize;
    let damaged = [&mine[..at], &[0; 9], &forged, &mine[at..]].concat();
    let read = read(&damaged);
    assert_eq!(read.records(), whole.sample.records.iter().collect::<Vec<_>>());
    assert_eq!(read.damages().len(), 1);
}

/// The first chunk of a frame, with another session and its checksum made right again.
fn with_session(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let session = crate::sample::header().session.as_u128().to_be_bytes();
    let at = frame.windows(16).position(|window| window == session).unwrap();
    frame[at] ^= 0xff;
    // kind, mark, then the length.
    let (mut length, mut place, mut shift) = (0, 4, 0);
    loop {
        length |= usize::from(frame[place] & 0x7f) << shift;
        shift += 7;
        place += 1;
        if frame[place - 1] < 0x80 {
            break;
        }
    }
    let end = place + length;
    let crc = crc32c::crc32c(&frame[..end]);
    frame[end..end + 4].copy_from_slice(&crc.to_le_bytes());
    frame.truncate(end + 4);
    frame
}
