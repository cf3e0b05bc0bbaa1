//! Frames without compression or a dictionary of their own, for tests and benches of the recorder alone. They are not
//! the session file.
//!
//! A frame is `bytes: u32, crc: u32, payload`; the payload the first sequence, positions, then the records, each with
//! its time and its words as they lay in the ring.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::{Batch, FrameSink, Position, RingId};
use crate::raw::{checksum, text};
use crate::record::{FieldValue, Parsed};

/// Writes such frames, one `write(2)` each.
#[derive(Debug)]
pub struct PlainFrames {
    file: File,
    frame: Vec<u8>,
}

/// A frame that was read back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlainFrame {
    /// Where it ends in each ring.
    pub positions: Vec<Position>,
    /// Its records.
    pub records: Vec<PlainRecord>,
}

/// A record that was read back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlainRecord {
    /// Its place in the session.
    pub sequence: u64,
    /// Nanoseconds since the Unix epoch.
    pub time_ns: i64,
    /// Its callsite.
    pub callsite: u32,
    /// Its thread.
    pub thread: u32,
    /// Its values as texts.
    pub values: Vec<String>,
}

impl PlainFrames {
    /// Appends to the file at `path`, behind its last whole frame: a process that was killed may have left half of
    /// one, whose records are still in its spool.
    pub fn append(path: &Path) -> io::Result<Self> {
        if let Ok(bytes) = std::fs::read(path) {
            let mut rest = bytes.as_slice();
            while let Some((_, after)) = split_frame(rest) {
                rest = after;
            }
            File::options().write(true).open(path)?.set_len((bytes.len() - rest.len()) as u64)?;
        }
        Ok(Self { file: File::options().create(true).append(true).open(path)?, frame: Vec::new() })
    }

    /// Every frame of the file up to the first that is not whole.
    pub fn read(path: &Path) -> io::Result<Vec<PlainFrame>> {
        let bytes = std::fs::read(path)?;
        let mut rest = bytes.as_slice();
        let mut frames = Vec::new();
        while let Some((frame, after)) = split_frame(rest) {
            let Some(frame) = read_frame(frame) else { break };
            frames.push(frame);
            rest = after;
        }
        Ok(frames)
    }
}

fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut head = bytes;
    let (length, crc) = (take_u32(&mut head)?, take_u32(&mut head)?);
    let (payload, after) = head.split_at_checked(length as usize)?;
    (checksum::of_bytes(1, payload) == crc).then_some((payload, after))
}

fn read_frame(mut bytes: &[u8]) -> Option<PlainFrame> {
    let bytes = &mut bytes;
    let mut frame = PlainFrame::default();
    let first = take_u64(bytes)?;
    for _ in 0..take_u32(bytes)? {
        let ring = RingId(u8::try_from(take_u32(bytes)?).ok()?);
        frame.positions.push(Position { ring, end: take_u64(bytes)? });
    }
    for number in 0..u64::from(take_u32(bytes)?) {
        let time_ns = take_u64(bytes)? as i64;
        let length = take_u32(bytes)? as usize * 8;
        let (words, after) = bytes.split_at_checked(length)?;
        *bytes = after;
        let words: Vec<u64> = words.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        let payload = Parsed::check(&words)?;
        frame.records.push(PlainRecord {
            sequence: first + number,
            time_ns,
            callsite: payload.callsite(),
            thread: payload.thread(),
            values: payload.values().map(|value| as_text(&value)).collect(),
        });
    }
    Some(frame)
}

fn as_text(value: &FieldValue<'_>) -> String {
    match value {
        FieldValue::Unsigned(number) => number.to_string(),
        FieldValue::Signed(number) => number.to_string(),
        FieldValue::Float(number) => number.to_string(),
        FieldValue::Bool(value) => value.to_string(),
        FieldValue::Text { text, .. } => text.to_string(),
        FieldValue::Parts(bytes) => format!("{} bytes of parts", bytes.len()),
        FieldValue::Span(id) => format!("span {id}"),
        FieldValue::Absent => String::new(),
    }
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (first, after) = bytes.split_first_chunk()?;
    *bytes = after;
    Some(u32::from_le_bytes(*first))
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (first, after) = bytes.split_first_chunk()?;
    *bytes = after;
    Some(u64::from_le_bytes(*first))
}

impl FrameSink for PlainFrames {
    fn write_batch(&mut self, batch: &Batch<'_>) -> io::Result<()> {
        let frame = &mut self.frame;
        frame.clear();
        frame.extend([0; 8]);
        frame.extend(batch.first_sequence.to_le_bytes());
        frame.extend((batch.positions.len() as u32).to_le_bytes());
        for position in batch.positions {
            frame.extend(u32::from(position.ring.0).to_le_bytes());
            frame.extend(position.end.to_le_bytes());
        }
        frame.extend((batch.len() as u32).to_le_bytes());
        for record in batch.records() {
            let words = record.payload.words();
            frame.extend_from_slice(&record.time.as_unix_nanos().to_le_bytes());
            frame.extend_from_slice(&(words.len() as u32).to_le_bytes());
            frame.extend_from_slice(text::bytes(words));
        }
        let crc = checksum::of_bytes(1, &frame[8..]);
        let length = (frame.len() - 8) as u32;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame[4..8].copy_from_slice(&crc.to_le_bytes());
        self.file.write_all(frame)
    }
}
