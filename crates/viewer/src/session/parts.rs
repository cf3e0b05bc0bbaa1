//! The fragments in a file: one as a program wrote it, or those of one or many sessions as in a
//! package: one behind another, each with its header.
//!
//! A file that ends with an index is one fragment, and only its head is read. Others are read through by the checksums of
//! their chunks, without looking into these.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use kymo_format::limits::HEADER_BYTES_MAX;
use kymo_format::{Header, Index, Item, Reader, index_length};

use super::find::Fragment;
use super::fragment::FragmentReader;

/// Bytes that certainly hold the header: its limit, and the first bytes and frame of its chunk.
const HEAD_BYTES: u64 = HEADER_BYTES_MAX as u64 + 64;
/// Bytes at the end of a file that say where its index begins.
const TAIL_BYTES: u64 = 8;
/// Bytes of an index: 16,384 frames at three numbers of at most ten bytes, and what stands around them.
const INDEX_BYTES_MAX: u64 = 512 << 10;
/// Fragments of one file: 10,000 sessions of some. Those behind are told as not looked at.
const PARTS_MAX: usize = 20_000;
/// Read at a time.
const PIECE_BYTES: usize = 64 << 10;

/// The fragments of a file, at least one, in its order; and whether there are more than are looked at. A header that
/// cannot be read is no error.
pub(super) fn parts(path: &Path) -> io::Result<(Vec<Fragment>, bool)> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes)?;
    let mut reader = Reader::new();
    reader.feed(&bytes);
    let header = match reader.next() {
        Some(Item::Header(header)) => Some(header),
        _ => None,
    };
    let whole = Fragment { path: path.to_owned(), start: 0, end: None, bytes: length, header };
    if whole.header.is_none() || index_of(&mut file, length)?.is_some() {
        return Ok((vec![whole], false));
    }
    file.seek(SeekFrom::Start(0))?;
    let (headers, is_cut) = headers(&mut file)?;
    if headers.len() < 2 {
        return Ok((vec![whole], false));
    }
    let starts: Vec<u64> = headers.iter().map(|(at, _)| *at).collect();
    let parts = headers.into_iter().enumerate().map(|(at, (start, header))| {
        let end = starts.get(at + 1).copied();
        let bytes = end.unwrap_or(length).saturating_sub(start);
        Fragment { path: path.to_owned(), start, end, bytes, header: Some(header) }
    });
    Ok((parts.collect(), is_cut))
}

/// The index that a file ends with, as one that was closed does.
pub(crate) fn index_of(file: &mut File, length: u64) -> io::Result<Option<Index>> {
    let mut last = [0; TAIL_BYTES as usize];
    let Some(at) = length.checked_sub(TAIL_BYTES) else { return Ok(None) };
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut last)?;
    let index = index_length(last) as u64;
    let Some(at) = length.checked_sub(index).filter(|_| (TAIL_BYTES..=INDEX_BYTES_MAX).contains(&index))
    else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(at))?;
    let mut tail = Vec::new();
    file.take(index).read_to_end(&mut tail)?;
    Ok(Index::from_tail(&tail))
}

/// Headers, and where each begins; the first with the file.
type Headers = Vec<(u64, Arc<Header>)>;

fn headers(file: &mut File) -> io::Result<(Headers, bool)> {
    let (mut reader, mut piece) = (Reader::new().outline(), vec![0; PIECE_BYTES]);
    let (mut headers, mut is_over) = (Vec::new(), false);
    while !is_over {
        let read = file.read(&mut piece)?;
        is_over = read == 0;
        if is_over {
            reader.finish();
        }
        reader.feed(&piece[..read]);
        while let Some(item) = reader.next() {
            if let Item::Header(header) = item {
                if headers.len() == PARTS_MAX {
                    return Ok((headers, true));
                }
                let start = if headers.is_empty() { 0 } else { reader.item_offset() };
                headers.push((start, header));
            }
        }
    }
    Ok((headers, false))
}

/// What of a fragment is in a file.
#[derive(Debug)]
struct Reach {
    /// Offset and first sequence of each frame.
    frames: Vec<(u64, u64)>,
    /// No frame begins before the one in front of it, as a writer has it.
    is_ascending: bool,
    /// After the last record.
    next_sequence: u64,
}

impl Reach {
    fn of(fragment: &Fragment) -> Option<Self> {
        let mut reach = Self { frames: Vec::new(), is_ascending: true, next_sequence: 0 };
        let mut outline = FragmentReader::open(fragment).ok()?.outline();
        while let Some(item) = outline.next().ok()? {
            if let Item::Frame { offset, first_sequence, .. } = item {
                reach.frames.push((offset, first_sequence));
            }
        }
        reach.is_ascending = reach.frames.is_sorted_by_key(|(_, first)| *first);
        // Only the last frame is looked into.
        let (last, first_sequence) = *reach.frames.last()?;
        // A frame may have no record: it says how the session ended.
        reach.next_sequence = first_sequence;
        let mut reader = FragmentReader::open_at(fragment, last).ok()?;
        while let Some(item) = reader.next().ok()? {
            if let Item::Record(record) = item {
                reach.next_sequence = record.sequence.saturating_add(1);
            }
        }
        Some(reach)
    }

    fn first(&self) -> u64 {
        self.frames.first().map_or(u64::MAX, |(_, sequence)| *sequence)
    }

    /// Where the first frame begins that begins with this record. There may be many frames, and many pieces that ask.
    fn offset_of(&self, sequence: u64) -> Option<u64> {
        let at = self.frames.partition_point(|(_, first)| *first < sequence);
        let (offset, first) = self.frames.get(at).filter(|_| self.is_ascending)?;
        (*first == sequence).then_some(*offset)
    }
}

/// Of several files that say they are one fragment: the pieces of it that go on from one another, each record once. Those
/// that say nothing more are left out, others that do not fit are given back. Reads through where their frames are.
pub(super) fn pieces(candidates: Vec<Fragment>) -> (Vec<Fragment>, Vec<Fragment>) {
    let (mut readable, mut passed_over) = (Vec::new(), Vec::new());
    for fragment in candidates {
        match Reach::of(&fragment) {
            Some(reach) => readable.push((fragment, reach)),
            None => passed_over.push(fragment),
        }
    }
    // Of those with one beginning the one that says most comes first.
    readable.sort_by_key(|(fragment, reach)| {
        (reach.first(), std::cmp::Reverse((reach.next_sequence, fragment.bytes)))
    });
    let mut kept: Vec<(Fragment, Reach)> = Vec::new();
    for (fragment, reach) in readable {
        let Some((last, before)) = kept.last_mut() else {
            kept.push((fragment, reach));
            continue;
        };
        if reach.next_sequence <= before.next_sequence && reach.first() < before.next_sequence {
            // A copy, or what went by an earlier mail.
            continue;
        }
        if reach.first() >= before.next_sequence {
            kept.push((fragment, reach));
        } else if let Some(offset) = before.offset_of(reach.first()) {
            // It was sent while it grew: what follows begins with the frame that was not done.
            last.end = Some(offset);
            last.bytes = offset - last.start;
            kept.push((fragment, reach));
        } else {
            passed_over.push(fragment);
        }
    }
    (kept.into_iter().map(|(fragment, _)| fragment).collect(), passed_over)
}

#[cfg(test)]
mod tests {
    use kymo_format::{Callsite, End, Record, Settings, Thread, Writer};
    use kymo_model::{EndReason, Severity};

    use super::*;

    /// A fragment in small frames; where they begin; and whether the last one says the end and has no record.
    fn fragment(records: u64) -> (Vec<u8>, Vec<u64>, bool) {
        let header = kymo_testkit::record_requests::header();
        let settings = Settings { frame_raw_bytes: 64, ..Settings::default() };
        let mut writer = Writer::new(&header, settings).unwrap();
        writer.define_callsite(0, &Callsite::new(Severity::INFO, "x", &[])).unwrap();
        writer.define_thread(0, &Thread::default()).unwrap();
        let time = header.started_at;
        for number in 0..records {
            let record = Record { time, thread: 0, callsite: 0, args: &[], extra: None, origin: None };
            writer.record(&record).unwrap();
            if number % 4 == 3 {
                writer.flush().unwrap();
            }
        }
        writer.end(End { time, reason: EndReason::Normal, note: None, recovered: false });
        writer.flush().unwrap();
        let mut reader = Reader::new().outline();
        reader.feed(writer.output());
        let (mut frames, mut last) = (Vec::new(), 0);
        while let Some(item) = reader.next() {
            if let Item::Frame { offset, first_sequence, .. } = item {
                frames.push(offset);
                last = first_sequence;
            }
        }
        (writer.output().to_vec(), frames, last == header.first_sequence + records)
    }

    #[test]
    fn a_frame_is_found_by_its_first_record_where_frames_ascend() {
        let mut reach =
            Reach { frames: vec![(10, 0), (20, 4), (30, 8), (40, 8)], is_ascending: true, next_sequence: 8 };
        let found: Vec<_> = [0, 3, 4, 8, 9].map(|sequence| reach.offset_of(sequence)).into();
        // The last one has no record of its own: it says the end.
        assert_eq!(found, [Some(10), None, Some(20), Some(30), None]);
        reach.is_ascending = false;
        assert_eq!(reach.offset_of(4), None);
    }

    #[test]
    fn pieces_are_put_together_with_the_end_also_where_it_stands_alone() {
        let folder = std::env::temp_dir().join(format!("kymo-pieces-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut ends_alone = 0;
        for records in 1..240 {
            let (bytes, frames, is_alone) = fragment(records);
            let Some(&cut) = frames.last().filter(|_| frames.len() > 1) else { continue };
            ends_alone += u32::from(is_alone);
            let head = &bytes[..frames[0] as usize];
            let pieces_of = [bytes[..cut as usize].to_vec(), [head, &bytes[cut as usize..]].concat()];
            for (name, piece) in ["2.kymo", "1.kymo"].iter().zip(&pieces_of) {
                std::fs::write(folder.join(name), piece).unwrap();
            }
            let found = super::super::find(&folder).unwrap();
            let summary = super::super::Summary::of(&found.sessions[0], &|| false);
            assert_eq!((summary.events, summary.state()), (records, "ended"), "cut at {cut}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(ends_alone > 0, "a frame of the end alone was among them");
    }
}
