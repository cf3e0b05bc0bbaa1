//! Plans and packages, from files on a disk.

use std::collections::BTreeMap;

use kymo_format::{Arg, Callsite, Header, Record, RingPosition, Settings, Thread, Writer};
use kymo_model::{Attributes, SessionId, SessionKind, Severity, Timestamp};

use super::*;
use crate::repository::Summary;
use crate::repository::names::FileName;
use crate::sending::sent::Mailed;
use crate::sending::{Criteria, Sent, SentFragment, select};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_000 + millis).unwrap()
}

/// A session of two fragments with that many records each; small frames, so that there is much to divide.
pub(crate) fn session(folder: &Path, id: u128, records: u64) {
    let mut header = Header {
        session: SessionId::from_u128(id),
        fragment: 1,
        first_sequence: 1,
        started_at: at(id as i64),
        opened_at: at(id as i64),
        kind: SessionKind::Process,
        previous: None,
        agent: "test".to_owned(),
        resource: Attributes::default(),
    };
    let stem = FileName::new(header.session, header.started_at);
    for fragment in 1..=2 {
        (header.fragment, header.first_sequence) = (fragment, (fragment - 1) * records + 1);
        let settings = Settings { frame_raw_bytes: 2048, ..Settings::default() };
        let mut writer = Writer::new(&header, settings).unwrap();
        writer.define_callsite(0, &Callsite::new(Severity::INFO, "{} of {}", &["", ""])).unwrap();
        writer.define_thread(0, &Thread::default()).unwrap();
        for record in 0..records {
            let text =
                format!("{:032x}", (u128::from(record) + 1).wrapping_mul(id.wrapping_mul(0x9E37_79B9)));
            let args = [Arg::Text(&text), Arg::U64(record)];
            writer
                .record(&Record {
                    time: at(record as i64),
                    thread: 0,
                    callsite: 0,
                    args: &args,
                    extra: None,
                    origin: None,
                })
                .unwrap();
            if record % 7 == 0 || record + 1 == records {
                writer.reached(RingPosition { ring: 0, position: (record + 1) * 8 }).unwrap();
                writer.flush().unwrap();
            }
        }
        writer.close().unwrap();
        std::fs::write(folder.join(stem.fragment(fragment)), writer.output()).unwrap();
    }
    let summary = Summary { id: header.session.to_string(), state: "ended".to_owned(), ..Summary::default() };
    summary.write(&folder.join(stem.summary())).unwrap();
}

/// Sequences and texts by session; what is damaged fails.
fn read(bytes: &[u8]) -> BTreeMap<u128, Vec<(u64, String)>> {
    let (mut reader, mut found, mut current) = (Reader::new(), BTreeMap::<_, Vec<_>>::new(), 0);
    reader.feed(bytes);
    reader.finish();
    while let Some(item) = reader.next() {
        match item {
            Item::Header(header) => current = header.session.as_u128(),
            Item::Record(record) => {
                found.entry(current).or_default().push((record.sequence, record.message()));
            }
            Item::Damage(damage) => panic!("{damage:?}"),
            _ => {}
        }
    }
    found
}

fn written(package: &Package) -> Vec<u8> {
    let (mut bytes, mut told) = (Vec::new(), 0);
    let left_out = package.write(&mut bytes, &mut |more| told += more, &|| false).unwrap();
    assert_eq!((left_out, told, package.bytes()), (vec![], bytes.len() as u64, bytes.len() as u64));
    bytes
}

fn records_of(folder: &Path, locals: &[Local]) -> BTreeMap<u128, Vec<(u64, String)>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for local in locals {
        for fragment in &local.fragments {
            for (id, mut records) in read(&std::fs::read(folder.join(&fragment.path)).unwrap()) {
                all.entry(id).or_default().append(&mut records);
            }
        }
    }
    all
}

#[test]
fn a_package_has_every_event_of_every_session() {
    let folder = tempfile::tempdir().unwrap();
    for id in 1..=3 {
        session(folder.path(), id, 200);
    }
    let locals = select(folder.path(), Criteria::ALL).unwrap();
    let plan = Plan::new(&locals, PlanOptions::default());
    assert_eq!((plan.packages.len(), plan.unreadable.len(), locals.len()), (1, 0, 3));
    let bytes = written(&plan.packages[0]);
    assert_eq!(read(&bytes), records_of(folder.path(), &locals));
    let mut again = Vec::new();
    assert_eq!(write(&locals, &mut again, None).unwrap(), [""; 0]);
    assert_eq!(again, bytes);
}

#[test]
fn packages_have_a_largest_size_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (id, records) in [(1, 5), (2, 900), (3, 1), (4, 60)] {
        session(folder.path(), id, records);
    }
    let locals = select(folder.path(), Criteria::ALL).unwrap();
    let expected = records_of(folder.path(), &locals);
    for bytes_max in [1, 700, 3000, 10_000, 40_000, u64::MAX] {
        let plan = Plan::new(&locals, PlanOptions { bytes_max: Some(bytes_max), is_after_mail: false });
        let mut found = BTreeMap::<_, Vec<_>>::new();
        for package in &plan.packages {
            assert!(package.bytes() <= bytes_max || package.pieces.len() == 1, "{}", package.bytes());
            // A frame of 2 KiB of such texts is not much shorter in the file.
            assert!(package.bytes() <= bytes_max.max(3000), "{}", package.bytes());
            for (id, mut records) in read(&written(package)) {
                found.entry(id).or_default().append(&mut records);
            }
        }
        assert_eq!(found, expected, "{bytes_max}");
        assert!(bytes_max > 700 || plan.packages.len() > 20, "{}", plan.packages.len());
        let sessions: usize = plan.packages.iter().map(|package| package.sessions().len()).sum();
        assert!(bytes_max < 10_000 || sessions < 20, "small ones are not divided: {sessions}");
    }
}

#[test]
fn what_a_mail_took_does_not_go_again_and_a_frame_that_was_not_done_does() {
    let folder = tempfile::tempdir().unwrap();
    session(folder.path(), 1, 300);
    let mut locals = select(folder.path(), Criteria::ALL).unwrap();
    let expected = records_of(folder.path(), &locals)[&1].clone();
    let whole = locals[0].fragments[0].bytes;
    let options = PlanOptions { bytes_max: None, is_after_mail: true };
    for bytes in (1..whole).step_by(97) {
        let known = SentFragment { bytes, is_complete: false, is_given_up: false };
        locals[0].sent.mailed = Mailed { fragments: [(1, known)].into(), is_whole: false };
        let plan = Plan::new(&locals, options);
        let rest = read(&written(&plan.packages[0]))[&1].clone();
        assert!(expected.ends_with(&rest));
        let piece = &plan.packages[0].pieces[0];
        assert!(piece.fragment == 2 || piece.from <= bytes.max(piece.head), "{bytes}");
    }
    let known = SentFragment { bytes: whole, is_complete: false, is_given_up: false };
    let fragments = [(1, known), (2, known)].into();
    locals[0].sent.mailed = Mailed { fragments, is_whole: false };
    let plan = Plan::new(&locals, options);
    assert_eq!((plan.packages.len(), plan.settled), (0, vec![(0, 1), (0, 2)]));
    let Mailed { fragments, .. } = std::mem::take(&mut locals[0].sent.mailed);
    locals[0].sent = Sent { to: "https://kymo.example".to_owned(), fragments, ..Sent::default() };
    assert_eq!(read(&written(&Plan::new(&locals, options).packages[0]))[&1], expected, "not by mail");
}

#[test]
fn of_what_grows_only_whole_batches_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    session(folder.path(), 1, 10);
    let mut locals = select(folder.path(), Criteria::ALL).unwrap();
    locals[0].is_running = true;
    locals[0].fragments.remove(0);
    locals[0].fragments[0].is_closed = false;
    let header = Header {
        session: SessionId::from_u128(1),
        fragment: 2,
        first_sequence: 11,
        started_at: at(1),
        opened_at: at(1),
        kind: SessionKind::Process,
        previous: None,
        agent: "test".to_owned(),
        resource: Attributes::default(),
    };
    let mut writer = Writer::new(&header, Settings::default()).unwrap();
    writer.define_callsite(0, &Callsite::new(Severity::INFO, "hello", &[])).unwrap();
    writer.define_thread(0, &Thread::default()).unwrap();
    let path = locals[0].fragments[0].path.clone();
    let mut to = 0;
    for number in 1..=3 {
        let record =
            Record { time: at(number), thread: 0, callsite: 0, args: &[], extra: None, origin: None };
        writer.record(&record).unwrap();
        // The third is half a batch: chunks that are whole, and no word of the rings.
        if number < 3 {
            writer.reached(RingPosition { ring: 0, position: number as u64 * 8 }).unwrap();
        }
        writer.flush().unwrap();
        if number < 3 {
            to = writer.output().len() as u64;
        }
    }
    assert!(writer.output().len() as u64 > to);
    std::fs::write(&path, writer.output()).unwrap();
    let plan = Plan::new(&locals, PlanOptions::default());
    let piece = &plan.packages[0].pieces[0];
    assert_eq!((piece.fragment, piece.to, piece.is_last), (2, to, false));
}

#[test]
fn what_grows_is_taken_as_far_as_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    session(folder.path(), 1, 100);
    let mut locals = select(folder.path(), Criteria::ALL).unwrap();
    let path = locals[0].fragments[1].path.clone();
    let bytes = std::fs::read(&path).unwrap();
    locals[0].is_running = true;
    locals[0].fragments[1].is_closed = false;
    let mut before = 0;
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let plan = Plan::new(&locals, PlanOptions::default());
        let found = read(&written(&plan.packages[0]))[&1].len();
        assert!(found >= before && plan.unreadable.is_empty(), "{length}: {plan:?}");
        before = found;
    }
    assert_eq!(before, 200);
}

#[test]
fn a_file_is_there_when_it_is_whole_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    session(folder.path(), 1, 100);
    let locals = select(folder.path(), Criteria::ALL).unwrap();
    let package = &Plan::new(&locals, PlanOptions::default()).packages[0];
    let target = tempfile::tempdir().unwrap();
    let name = file_name(&locals);
    assert!(name.starts_with("kymo-") && name.ends_with("Z-00000001.kymo"), "{name}");
    let path = free_name(target.path(), &name);
    assert!(matches!(package.save(&path, &mut |_| {}, &|| true), Err(PackageError::Stopped)));
    assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0, "nothing is left");
    package.save(&path, &mut |_| {}, &|| false).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), written(package));
    let Err(PackageError::Target(error)) = package.save(&path, &mut |_| {}, &|| false) else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(free_name(target.path(), &name), path.with_file_name(name.replace(".kymo", "-2.kymo")));
    assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 1);
}
