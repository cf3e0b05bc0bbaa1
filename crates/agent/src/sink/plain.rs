//! Frames without compression or a dictionary of their own, for tests and benches of the recorder alone. They are not
//! the session file.
//!
//! A frame is `bytes: u32, crc: u32, payload`; the payload the first sequence, positions, then the records with time,
//! callsite, thread and values.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::{Batch, FrameSink, Position, RingId};
use crate::raw::checksum;
use crate::record::FieldValue;

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
    /// Appends to the file at `path`.
    pub fn append(path: &Path) -> io::Result<Self> {
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
        let (callsite, thread) = (take_u32(bytes)?, take_u32(bytes)?);
        let mut record =
            PlainRecord { sequence: first + number, time_ns, callsite, thread, values: Vec::new() };
        for _ in 0..take_u32(bytes)? {
            record.values.push(take_value(bytes)?);
        }
        frame.records.push(record);
    }
    Some(frame)
}

fn take_value(bytes: &mut &[u8]) -> Option<String> {
    Some(match take_u32(bytes)? {
        0 => take_u64(bytes)?.to_string(),
        1 => (take_u64(bytes)? as i64).to_string(),
        2 => f64::from_bits(take_u64(bytes)?).to_string(),
        3 => (take_u64(bytes)? != 0).to_string(),
        _ => {
            let length = take_u32(bytes)? as usize;
            let (text, after) = bytes.split_at_checked(length)?;
            *bytes = after;
            String::from_utf8_lossy(text).into_owned()
        }
    })
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
            frame.extend(record.time.as_unix_nanos().to_le_bytes());
            frame.extend(record.callsite().to_le_bytes());
            frame.extend(record.thread().to_le_bytes());
            let count_at = frame.len();
            frame.extend([0; 4]);
            let mut count = 0_u32;
            for value in record.values() {
                push_value(frame, &value);
                count += 1;
            }
            frame[count_at..count_at + 4].copy_from_slice(&count.to_le_bytes());
        }
        let crc = checksum::of_bytes(1, &frame[8..]);
        let length = (frame.len() - 8) as u32;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame[4..8].copy_from_slice(&crc.to_le_bytes());
        self.file.write_all(frame)
    }
}

fn push_value(frame: &mut Vec<u8>, value: &FieldValue<'_>) {
    let mut push = |kind: u32, bits: u64| {
        frame.extend(kind.to_le_bytes());
        frame.extend(bits.to_le_bytes());
    };
    match value {
        FieldValue::Unsigned(number) => push(0, *number),
        FieldValue::Signed(number) => push(1, number.cast_unsigned()),
        FieldValue::Float(number) => push(2, number.to_bits()),
        FieldValue::Bool(value) => push(3, u64::from(*value)),
        FieldValue::Text { text, .. } => {
            frame.extend(4_u32.to_le_bytes());
            frame.extend((text.len() as u32).to_le_bytes());
            frame.extend(text.as_bytes());
        }
    }
}
