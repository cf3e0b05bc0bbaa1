//! The dictionary area: callsites and threads, each written before its first record.
//!
//! An entry is `bytes: u32, crc: u32, payload`; the CRC is seeded with salt and position like a record's. It is the
//! only part of a spool that grows, by `write(2)`: a callsite is seen once.

use std::borrow::Cow;
use std::io;

use kymo_format::{Aggregation, Metric};
use kymo_model::Severity;

use crate::raw::checksum;
use crate::ring::seed;
use crate::sink::{CallsiteInfo, ThreadInfo};

/// What a program of 50,000 callsites with long texts needs. Threads come and go without end: what does not fit is
/// refused.
const BYTES_MAX: u64 = 16 << 20;
/// Longest text in an entry; templates and paths are far below.
const TEXT_BYTES_MAX: usize = 4096;
const HEAD_BYTES: usize = 8;

/// One of the things a record refers to by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Callsite(CallsiteInfo),
    Thread(ThreadInfo),
}

#[derive(Debug)]
pub(crate) struct Dictionary {
    start: u64,
    end: u64,
    salt: u32,
}

impl Dictionary {
    pub(crate) fn new(start: u64, salt: u32) -> Self {
        Self { start, end: start, salt }
    }

    pub(crate) fn add(
        &mut self,
        entry: &Entry,
        write_at: impl FnOnce(&[u8], u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let payload = encode(entry);
        let mut bytes = (payload.len() as u32).to_ne_bytes().to_vec();
        bytes.extend(checksum::of_bytes(seed(self.salt, self.end), &payload).to_ne_bytes());
        bytes.extend(payload);
        if self.end - self.start + bytes.len() as u64 > BYTES_MAX {
            let text = format!("expected a dictionary of at most {BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, text));
        }
        write_at(&bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// All entries from the area's start up to the first that is not whole. `at` is the area's place in the file.
pub(crate) fn read(mut bytes: &[u8], mut at: u64, salt: u32) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(HEAD_BYTES) {
        let word = |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let Some(payload) = rest.get(..word(0) as usize) else { break };
        if word(0) == 0 || checksum::of_bytes(seed(salt, at), payload) != word(4) {
            break;
        }
        entries.extend(decode(payload));
        at += (HEAD_BYTES + payload.len()) as u64;
        bytes = &rest[payload.len()..];
    }
    entries
}

fn encode(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    match entry {
        Entry::Callsite(callsite) => {
            bytes.push(1);
            bytes.extend(callsite.id.to_ne_bytes());
            bytes.extend(callsite.line.to_ne_bytes());
            bytes.push(callsite.severity.number());
            bytes.push(u8::from(callsite.category.is_some()) | u8::from(callsite.metric.is_some()) << 1);
            let texts = [&callsite.template, &callsite.file, &callsite.module, &callsite.kind];
            texts.into_iter().chain(&callsite.category).for_each(|text| push_text(&mut bytes, text));
            if let Some(metric) = &callsite.metric {
                bytes.push(metric.aggregation as u8);
                let optional = |text: &Option<String>| text.clone().unwrap_or_default();
                let texts = [metric.name.clone(), optional(&metric.unit), optional(&metric.description)];
                for text in texts {
                    push_text(&mut bytes, &text);
                }
            }
            callsite.names.iter().for_each(|name| push_text(&mut bytes, name));
        }
        Entry::Thread(thread) => {
            bytes.push(2);
            bytes.extend(thread.number.to_ne_bytes());
            bytes.extend(thread.os_id.to_ne_bytes());
            if let Some(name) = &thread.name {
                push_text(&mut bytes, name);
            }
        }
    }
    bytes
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    bytes.extend((text.len() as u16).to_ne_bytes());
    bytes.extend(text.as_bytes());
}

fn decode(payload: &[u8]) -> Option<Entry> {
    let (kind, mut rest) = payload.split_first()?;
    match kind {
        1 => {
            let id = u32::from_ne_bytes(take(&mut rest)?);
            let line = u32::from_ne_bytes(take(&mut rest)?);
            let [severity, flags] = take(&mut rest)?;
            let mut text = || take_text(&mut rest).map(Cow::Owned);
            Some(Entry::Callsite(CallsiteInfo {
                id,
                line,
                severity: Severity::from_number(severity)?,
                template: text()?,
                file: text()?,
                module: text()?,
                kind: text()?,
                category: if flags & 1 == 0 { None } else { Some(text()?) },
                metric: if flags & 2 == 0 { None } else { Some(take_metric(&mut rest)?) },
                names: std::iter::from_fn(|| take_text(&mut rest).map(Cow::Owned)).collect(),
            }))
        }
        2 => Some(Entry::Thread(ThreadInfo {
            number: u32::from_ne_bytes(take(&mut rest)?),
            os_id: u64::from_ne_bytes(take(&mut rest)?),
            name: take_text(&mut rest),
        })),
        _ => None,
    }
}

fn take_metric(rest: &mut &[u8]) -> Option<Metric> {
    let [aggregation] = take(rest)?;
    let all = [Aggregation::Gauge, Aggregation::Delta, Aggregation::Total, Aggregation::Distribution];
    Some(Metric {
        aggregation: all.into_iter().find(|one| *one as u8 == aggregation)?,
        name: take_text(rest)?,
        unit: take_text(rest).filter(|text| !text.is_empty()),
        description: take_text(rest).filter(|text| !text.is_empty()),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*bytes)
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let bytes = usize::from(u16::from_ne_bytes(take(rest)?));
    let (text, after) = rest.split_at_checked(bytes)?;
    *rest = after;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        let callsite = |id| CallsiteInfo {
            id,
            severity: Severity::WARN,
            template: "order {id} took {ms} ms".into(),
            names: vec!["id".into(), "".into()],
            file: "src/ä.rs".into(),
            line: 7,
            module: "m".into(),
            kind: if id == 1 { "log".into() } else { "metric.sample".into() },
            category: (id == 1).then(|| "shop.cart".into()),
            metric: (id == 2).then(|| Metric {
                name: "queue".into(),
                unit: None,
                description: Some("how long".into()),
                aggregation: Aggregation::Total,
            }),
        };
        vec![
            Entry::Callsite(callsite(1)),
            Entry::Thread(ThreadInfo { number: 1, os_id: 99, name: Some("main".into()) }),
            Entry::Thread(ThreadInfo { number: 2, os_id: 0, name: None }),
            Entry::Callsite(callsite(2)),
        ]
    }

    #[test]
    fn entries_are_read_up_to_the_first_that_is_not_whole() {
        let (mut dictionary, mut bytes, mut ends) = (Dictionary::new(500, 3), Vec::new(), Vec::new());
        for entry in entries() {
            dictionary
                .add(&entry, |more, at| {
                    assert_eq!(at, 500 + bytes.len() as u64);
                    bytes.extend(more);
                    Ok(())
                })
                .unwrap();
            ends.push(bytes.len());
        }
        assert_eq!(read(&bytes, 500, 3), entries());
        assert_eq!(read(&bytes, 500, 4), [], "of another spool");
        for length in 0..bytes.len() {
            let whole = ends.partition_point(|&end| end <= length);
            assert_eq!(read(&bytes[..length], 500, 3), entries()[..whole], "{length} bytes");
            let mut damaged = bytes.clone();
            damaged[length] ^= 0x20;
            assert_eq!(read(&damaged, 500, 3), entries()[..whole], "byte {length}");
        }
    }
}
