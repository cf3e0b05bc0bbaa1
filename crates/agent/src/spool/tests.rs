//! What a spool becomes where the disk refuses, and what is read back of a damaged one.

use std::fs::File;
use std::io;

use super::*;
use crate::raw::map::Map;
use crate::record::Ready;
use crate::ring::Writer;
use crate::sink::{Batch, CallsiteInfo, FrameSink, ThreadInfo};
use crate::spool::dictionary::Entry;

const RING_BYTES: usize = 4096;

fn full(_: &File, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::StorageFull.into())
}
fn no_map(_: &File, _: u64, _: usize) -> io::Result<Map> {
    Err(io::Error::from_raw_os_error(12))
}
fn no_write(_: &File, _: &[u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::StorageFull.into())
}

#[test]
fn it_degrades_in_the_stated_order() {
    let system = Disk::SYSTEM;
    for (name, disk, kind, rings, files) in [
        ("whole", system, SpoolKind::Mapped, RINGS, 2),
        ("disk full", Disk { allocate: full, ..system }, SpoolKind::Written, 0, 2),
        ("no mapping", Disk { map: no_map, ..system }, SpoolKind::Written, 0, 2),
        (
            "nothing at all",
            Disk { allocate: full, write_at: no_write, ..system },
            SpoolKind::Memory,
            RINGS,
            0,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::create(&folder.path().join("a.spool"), 1, RING_BYTES, disk).unwrap();
        assert_eq!((spool.kind, spool.rings.len()), (kind, rings), "{name}");
        assert_eq!(spool.degraded.is_some(), kind != SpoolKind::Mapped, "{name}: it says why");
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            files,
            "{name}: nothing half made is left"
        );
        spool.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{name}");
    }
    let gone = Spool::create(Path::new("/nowhere/at/all.spool"), 1, RING_BYTES, Disk::SYSTEM).unwrap();
    assert_eq!(gone.kind, SpoolKind::Memory);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.spool");
    std::fs::write(spill::path_of(&path), "somebody's").unwrap();
    let other = Spool::create(&path, 1, RING_BYTES, Disk::SYSTEM).unwrap();
    assert_eq!(other.kind, SpoolKind::Memory, "what is there is never written over");
}

#[derive(Default)]
struct Kept {
    records: Vec<(u64, u32, u64)>,
    callsites: Vec<u32>,
    threads: Vec<u32>,
}

impl FrameSink for Kept {
    fn write_batch(&mut self, batch: &Batch<'_>) -> io::Result<()> {
        self.callsites.extend(batch.callsites.iter().map(|callsite| callsite.id));
        self.threads.extend(batch.threads.iter().map(|thread| thread.number));
        self.records.extend(batch.records().map(|record| {
            let Some(crate::record::FieldValue::Unsigned(number)) = record.values().next() else {
                panic!("a number")
            };
            (record.sequence, record.thread(), number)
        }));
        Ok(())
    }
}

/// A spool with ten records in each of three rings and in the spill file, abandoned.
fn abandoned(path: &Path) {
    crate::clock::choose();
    let spool = Spool::create(path, 77, RING_BYTES, Disk::SYSTEM).unwrap();
    let timeline = crate::clock::Timeline::start();
    let mut state = State { next_sequence: 1, readings: timeline.readings(), ..State::default() };
    spool.keep(&mut state).unwrap();
    let callsite = CallsiteInfo {
        id: 5,
        severity: kymo_model::Severity::INFO,
        template: "{n}".into(),
        names: vec!["n".into()],
        file: "f".into(),
        line: 1,
        module: "m".into(),
        kind: "log".into(),
        category: None,
        metric: None,
    };
    spool.add_entry(&Entry::Callsite(callsite)).unwrap();
    let mut writers = [Writer::default(); 3];
    for number in 0..10_u64 {
        for (thread, writer) in (0_u32..).zip(&mut writers) {
            let ready = Ready { callsite: 5, thread, ..Ready::new(&(number, ())) };
            writer.write(spool.ring(thread as usize), &ready, 0, 64).unwrap();
        }
        let ready = Ready { callsite: 5, thread: 3, ..Ready::new(&(number, ())) };
        assert!(spool.spill.as_ref().unwrap().write(&ready).is_ok());
    }
    spool.add_entry(&Entry::Thread(ThreadInfo { number: 3, ..ThreadInfo::default() })).unwrap();
}

fn recover(path: &Path, framed: &Framed) -> (Kept, RecoveryReport) {
    let mut kept = Kept::default();
    let report = DeadSpool::open(path).unwrap().recover(framed, &mut kept).unwrap();
    (kept, report)
}

#[test]
fn an_abandoned_spool_is_read_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.spool");
    abandoned(&path);
    let (kept, report) = recover(&path, &Framed::default());
    let expected: Vec<(u64, u32, u64)> = (0..40).map(|n| (n + 1, (n % 4) as u32, n / 4)).collect();
    assert_eq!(kept.records, expected, "as they were recorded, round and round");
    assert_eq!((kept.callsites, kept.threads), (vec![5], vec![3]));
    assert_eq!((report.records, report.damaged_places, report.next_sequence), (40, 0, 41));

    let record_words = 5;
    let framed = Framed {
        positions: vec![
            crate::sink::Position { ring: crate::sink::RingId(1), end: 4 * record_words },
            crate::sink::Position { ring: crate::sink::RingId::SPILL, end: 10 * 8 * record_words },
            crate::sink::Position { ring: crate::sink::RingId(200), end: 1 },
        ],
        next_sequence: 15,
    };
    let (kept, report) = recover(&path, &framed);
    assert_eq!((report.records, report.next_sequence), (26, 41));
    let of = |thread| kept.records.iter().filter(|record| record.1 == thread).count();
    assert_eq!([of(0), of(1), of(2), of(3)], [10, 6, 10, 0], "what is framed is not repeated");
    assert_eq!(kept.records[0].0, 15, "the sequence goes on");
}

/// Every bit of what follows the first page, in both files: at most the record it lies in is missing from its ring,
/// what follows in the spill file too, and all are as they were.
#[test]
fn damage_costs_what_it_hits() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.spool"), folder.path().join("b.spool"));
    abandoned(&path);
    let (whole, _) = recover(&path, &Framed::default());
    let spilled = std::fs::read(spill::path_of(&path)).unwrap();
    let spooled = std::fs::read(&path).unwrap();
    for ring in 0..3 {
        for byte in (0..10 * 5 * 8).step_by(3) {
            let mut damaged = spooled.clone();
            damaged[RINGS_AT as usize + ring * RING_BYTES + byte] ^= 1 << (byte % 8);
            std::fs::write(&copy, damaged).unwrap();
            std::fs::write(spill::path_of(&copy), &spilled).unwrap();
            let (kept, report) = recover(&copy, &Framed::default());
            assert_eq!((kept.records.len(), report.damaged_places), (39, 1), "ring {ring}, byte {byte}");
            let missing: Vec<_> = whole
                .records
                .iter()
                .filter(|(_, thread, number)| {
                    !kept.records.iter().any(|record| (record.1, record.2) == (*thread, *number))
                })
                .collect();
            assert_eq!(missing.len(), 1);
            assert_eq!((missing[0].1, missing[0].2), (ring as u32, byte as u64 / 40));
        }
    }
    for byte in 0..spilled.len() {
        let mut damaged = spilled.clone();
        damaged[byte] ^= 1 << (byte % 8);
        std::fs::write(&copy, &spooled).unwrap();
        std::fs::write(spill::path_of(&copy), damaged).unwrap();
        let (kept, _) = recover(&copy, &Framed::default());
        assert_eq!(kept.records.len(), 30 + byte / (5 * 8), "byte {byte} of the spill file");
    }
}

/// A file cut anywhere, or of noise: no panic, and nothing that was not recorded.
#[test]
fn cut_files_and_noise_are_survived() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.spool"), folder.path().join("b.spool"));
    abandoned(&path);
    let (whole, _) = recover(&path, &Framed::default());
    let spooled = std::fs::read(&path).unwrap();
    for length in (0..spooled.len()).step_by(977) {
        std::fs::write(&copy, &spooled[..length]).unwrap();
        let Ok(dead) = DeadSpool::open(&copy) else {
            assert!(length < 80, "the header is whole");
            continue;
        };
        let mut kept = Kept::default();
        dead.recover(&Framed::default(), &mut kept).unwrap();
        assert!(
            kept.records
                .iter()
                .all(|record| { whole.records.iter().any(|one| (one.1, one.2) == (record.1, record.2)) })
        );
    }
}
