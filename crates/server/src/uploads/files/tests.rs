//! Fragments that were divided are put together again.

use kymo_format::{Callsite, End, Item, MAGIC, Reader, Record, Settings, Thread, Writer};
use kymo_model::{EndReason, Severity};
use kymo_testkit::Random;
use kymo_testkit::record_requests::header;

use super::*;

/// A fragment that has ended, in small frames and blocks; where its header ends, and each frame and block.
fn fragment(records: u64) -> (Vec<u8>, usize, Vec<usize>, Vec<usize>) {
    let settings = Settings { frame_raw_bytes: 200, ..Settings::default() };
    let mut writer = Writer::new(&header(), settings).unwrap();
    writer.define_callsite(0, &Callsite::new(Severity::INFO, "x", &[])).unwrap();
    writer.define_thread(0, &Thread::default()).unwrap();
    let time = header().started_at;
    let (mut flushed, mut bytes) = (Vec::new(), 0);
    for number in 0..records {
        let record = Record { time, thread: 0, callsite: 0, args: &[], extra: None, origin: None };
        writer.record(&record).unwrap();
        if number % 3 == 2 {
            writer.flush().unwrap();
            bytes = writer.output().len();
            flushed.push(bytes);
        }
    }
    writer.end(End { time, reason: EndReason::Normal, note: None, recovered: false });
    writer.flush().unwrap();
    assert!(writer.output().len() > bytes);
    let bytes = writer.output().to_vec();
    let mut reader = Reader::new();
    reader.feed(&bytes);
    let (mut head, mut frames) = (0, Vec::new());
    while let Some(item) = reader.next() {
        match item {
            Item::Header(_) => head = reader.position() as usize,
            Item::Frame { offset, .. } => frames.push(offset as usize),
            _ => {}
        }
    }
    (bytes, head, frames, flushed)
}

fn look(files: &[PathBuf]) -> SessionParts {
    let mut sessions = sessions_of(files).unwrap();
    assert_eq!(sessions.len(), 1);
    sessions.remove(0)
}

#[test]
fn pieces_are_one_fragment_again_in_whatever_order_and_however_often_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::seeded(20_261_121);
    for round in 0..60 {
        let (bytes, head, frames, flushed) = fragment(60 + random.below(200));
        // Cuts between frames. Some pieces were made while it grew: they go on into a frame that the next begins with.
        let mut cuts: Vec<usize> = frames.iter().skip(1).copied().filter(|_| random.below(4) == 0).collect();
        cuts.push(bytes.len());
        let mut pieces = Vec::new();
        let mut from = head;
        for to in cuts {
            let next_frame = frames.iter().copied().find(|frame| *frame > to).unwrap_or(bytes.len());
            let grown = flushed.iter().copied().find(|at| *at > to && *at < next_frame);
            let to_there = grown.filter(|_| random.below(2) == 0).unwrap_or(to);
            pieces.push([&bytes[..head], &bytes[from..to_there]].concat());
            from = to;
        }
        if random.below(3) == 0 {
            pieces.push(pieces[0].clone());
        }
        random.shuffle(&mut pieces);
        let mut files: Vec<PathBuf> = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            // Some are in a package behind another.
            if random.below(4) == 0 && number > 0 {
                let mut before = std::fs::read(files.last().unwrap()).unwrap();
                before.extend_from_slice(&piece[MAGIC.len()..]);
                std::fs::write(files.last().unwrap(), before).unwrap();
                continue;
            }
            let path = folder.path().join(format!("{round}-{number}.kymo"));
            std::fs::write(&path, piece).unwrap();
            files.push(path);
        }
        let session = look(&files);
        assert_eq!((session.parts.len(), session.notes), (1, vec![]), "round {round}");
        let part = &session.parts[0];
        assert_eq!((part.part.bytes, part.part.is_closed), (bytes.len() as u64, true), "round {round}");
        assert!(part.read(0..part.part.bytes).unwrap() == bytes, "round {round}");
        for _ in 0..20 {
            let from = random.below(part.part.bytes);
            let to = from + random.below(part.part.bytes - from + 1);
            assert!(part.read(from..to).unwrap() == bytes[from as usize..to as usize], "{from} to {to}");
        }
    }
}

#[test]
fn a_piece_that_does_not_join_is_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, head, frames, _) = fragment(300);
    let write = |name: &str, stretch: Range<usize>| {
        let path = folder.path().join(name);
        std::fs::write(&path, [&bytes[..head], &bytes[stretch]].concat()).unwrap();
        path
    };
    let middle = write("middle.kymo", frames[2]..frames[4]);
    let alone = look(std::slice::from_ref(&middle));
    assert!(alone.parts.is_empty());
    assert!(alone.notes[0].contains("middle.kymo") && alone.notes[0].contains("the beginning of fragment 1"));
    let first = write("first.kymo", head..frames[1]);
    let apart = look(&[middle, first]);
    assert_eq!(apart.parts[0].part.bytes, frames[1] as u64);
    assert!(!apart.parts[0].part.is_closed);
    assert!(apart.notes[0].contains("what lies before this piece of fragment 1"), "{:?}", apart.notes);
}
