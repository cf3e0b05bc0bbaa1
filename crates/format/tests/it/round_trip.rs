//! What is written comes back.

use kymo_format::{
    Arg, Callsite, End, Extra, Header, Index, Item, Reader, Record, RingPosition, Settings, Thread, Writer,
    index_length,
};
use kymo_model::{EndReason, Severity, Timestamp};
use kymo_testkit::Random;

use crate::reading::{read, read_with};
use crate::sample::{header, sample};

/// Files of a run: some seconds unoptimised.
const FILES: usize = 30;

#[test]
fn random_records_come_back() {
    let mut random = Random::seeded(1);
    for _ in 0..FILES {
        let count = 1 + random.below(400) as usize;
        let sample = sample(&mut random, count);
        let piece = 1 + random.below(5000) as usize;
        let read = read_with(Reader::new(), &sample.bytes, piece);
        assert_eq!(read.damages(), []);
        assert_eq!(read.counts.unknown(), 0);
        assert_eq!(read.items[0], Item::Header(header().into()));
        for (found, expected) in read.records().into_iter().zip(&sample.records) {
            assert_eq!(found, expected);
        }
        assert_eq!(read.records().len(), sample.records.len());
        assert!(matches!(read.items.last(), Some(Item::Index(_))));
    }
}

#[test]
fn the_index_leads_to_every_frame() {
    let sample = sample(&mut Random::seeded(2), 600);
    let bytes = &sample.bytes;
    let length = index_length(bytes.last_chunk().copied().unwrap());
    let index = Index::from_tail(&bytes[bytes.len() - length..]).unwrap();
    let frames: Vec<(u64, u64)> =
        index.frames.iter().map(|frame| (frame.offset, frame.first_sequence)).collect();
    assert_eq!(frames, read(bytes).frames());
    assert!(frames.len() > 5, "{} frames", frames.len());
    assert_eq!(index.next_sequence, 701);
    for frame in &index.frames {
        let offset = frame.offset as usize;
        let rest = read_with(Reader::from_the_middle(frame.offset), &bytes[offset..], 4096);
        assert_eq!(rest.damages(), []);
        let expected: Vec<_> = sample.records.iter().filter(|r| r.sequence >= frame.first_sequence).collect();
        assert_eq!(rest.records(), expected);
        assert_eq!(index.frame_of(frame.first_sequence), Some(frame));
    }
    assert_eq!(index.frame_of(100), None);
    assert_eq!(Index::from_tail(&bytes[bytes.len() - length..bytes.len() - 1]), None);
}

#[test]
fn from_anywhere_the_next_frame_is_found() {
    let sample = sample(&mut Random::seeded(3), 40);
    let frames = read(&sample.bytes).frames();
    for offset in 0..sample.bytes.len() {
        let rest = read_with(Reader::from_the_middle(offset as u64), &sample.bytes[offset..], 500);
        let next = frames.iter().find(|(frame, _)| *frame >= offset as u64);
        assert_eq!(rest.sequences().first(), next.map(|(_, sequence)| sequence), "from {offset}");
        assert!(rest.damages().len() <= 1);
    }
}

#[test]
fn losses_rings_and_the_end_are_told() {
    let mut writer = Writer::new(&header(), Settings::default()).unwrap();
    writer.lost("ring_full", 3).unwrap();
    writer.reached(RingPosition { ring: 2, position: 900 }).unwrap();
    writer.flush().unwrap();
    writer.lost("ring_full", 5).unwrap();
    writer.reached(RingPosition { ring: 2, position: 700 }).unwrap();
    writer.flush().unwrap();
    writer.flush().unwrap();
    writer.end_frame().unwrap();
    let end = End {
        time: Timestamp::from_unix_nanos(5),
        reason: EndReason::LostPower,
        note: Some("boot id changed".to_owned()),
        recovered: true,
    };
    writer.end(end.clone());
    writer.close().unwrap();
    let items = read(writer.output()).items;
    let told: Vec<&Item> = items
        .iter()
        .filter(|item| !matches!(item, Item::Header(_) | Item::Frame { .. } | Item::Index(_)))
        .collect();
    let loss = |total| Item::Loss { reason: "ring_full".to_owned(), total };
    let ring = |position| Item::Ring(RingPosition { ring: 2, position });
    assert_eq!(
        told,
        [&ring(900), &loss(3), &ring(700), &loss(5), &ring(700), &loss(5), &Item::End(end)],
        "a new frame says all of it again"
    );
}

#[test]
fn the_next_fragment_knows_what_was_defined() {
    let mut writer = Writer::new(&header(), Settings::default()).unwrap();
    writer.define_callsite(0, &Callsite::new(Severity::INFO, "{}", &["n"])).unwrap();
    writer.define_thread(0, &Thread { id: 9, name: None }).unwrap();
    writer.open_span(5, 0, None, &[]).unwrap();
    writer.lost("ring_full", 2).unwrap();
    let time = Timestamp::from_unix_nanos(1_000_000);
    let extra = Extra { span: Some(5), ..Extra::default() };
    let mut files = Vec::new();
    for fragment in 2..5 {
        let args = [Arg::U64(fragment)];
        let extra = Some(&extra);
        writer.record(&Record { time, thread: 0, callsite: 0, args: &args, extra, origin: None }).unwrap();
        let first_sequence = writer.next_sequence();
        let next = Header { fragment: fragment + 1, first_sequence, ..header() };
        files.push(writer.next_fragment(&next).unwrap());
    }
    for (at, file) in files.iter().enumerate() {
        let read = read(file);
        assert_eq!(read.damages(), []);
        let record = read.records()[0];
        assert_eq!((record.sequence, record.message()), (101 + at as u64, (2 + at).to_string()));
        assert_eq!(record.span.as_ref().map(|span| span.id), Some(5));
        assert!(read.items.contains(&Item::Loss { reason: "ring_full".to_owned(), total: 2 }));
        let length = index_length(file.last_chunk().copied().unwrap());
        let index = Index::from_tail(&file[file.len() - length..]).unwrap();
        assert_eq!((index.frames.len(), index.frames[0].offset), (1, read.frames()[0].0));
    }
}
