//! The recorder of this process. There is one at a time, so these tests take turns.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::*;
use crate::inputs::filter::Filter;
use crate::outcome::DropReason;
use crate::raw::fork;
use crate::sink::{Batch, PlainFrames};
use crate::spool::{DeadSpool, Framed};

static TURN: Mutex<()> = Mutex::new(());

pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn values(folder: &std::path::Path, name: &str) -> Vec<String> {
    let frames = PlainFrames::read(&folder.join(name)).unwrap();
    frames.into_iter().flat_map(|frame| frame.records).map(|record| record.values[0].clone()).collect()
}

fn start(folder: &std::path::Path, name: &str) -> (Config, Box<dyn FrameSink>) {
    let sink = PlainFrames::append(&folder.join(format!("{name}.frames"))).unwrap();
    (Config::new(folder.join(format!("{name}.spool"))), Box::new(sink))
}

#[test]
fn levels_values_and_restarts() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let call = |number: u64| {
        crate::event!(Severity::DEBUG, "{what} {number}", what = "debug", number);
        crate::event!(Severity::INFO, "{what} {number}", what = "info", number);
    };
    call(0);
    let (mut config, sink) = start(folder.path(), "a");
    config.first_sequence = 40;
    let recorder = Recorder::start(config, sink).unwrap();
    let (config, sink) = start(folder.path(), "b");
    let second = Recorder::start(config, sink).unwrap_err();
    assert_eq!(second.kind(), io::ErrorKind::AlreadyExists);
    call(1);
    set_filter(&Arc::new(Filter::at_least(Severity::DEBUG)));
    call(2);
    set_filter(&Arc::new(Filter::at_least(Severity::WARN)));
    call(3);
    let status = recorder.stop();
    assert_eq!((status.framed, status.dropped.total(), status.spool), (3, 0, SpoolKind::Mapped));
    call(4);
    assert_eq!(values(folder.path(), "a.frames"), ["info", "debug", "info"]);
    let frames = PlainFrames::read(&folder.path().join("a.frames")).unwrap();
    assert_eq!(frames[0].records[0].sequence, 40);
    // The lease and the callsites of this thread are of before; both are made anew.
    let (config, sink) = start(folder.path(), "b");
    let recorder = Recorder::start(config, sink).unwrap();
    call(5);
    assert_eq!(recorder.stop().framed, 1);
    assert_eq!(values(folder.path(), "b.frames"), ["info"]);
}

#[test]
fn a_full_ring_drops_and_counts_if_that_is_the_policy() {
    struct Stuck(Arc<Mutex<()>>);
    impl FrameSink for Stuck {
        fn write_batch(&mut self, _: &Batch<'_>) -> io::Result<()> {
            drop(self.0.lock());
            Ok(())
        }
    }
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let (mut config, _) = start(folder.path(), "a");
    (config.ring_bytes, config.full) = (4096, FullPolicy::Drop);
    let recorder = Recorder::start(config, Box::new(Stuck(Arc::clone(&gate)))).unwrap();
    for number in 0..1_000_u64 {
        crate::event!(Severity::INFO, "{number}", number);
    }
    let dropped = recorder.status().dropped;
    // 512 words, five a record.
    assert!(dropped.of(DropReason::RingFull) >= 1_000 - 512 / 5, "{dropped:?}");
    assert_eq!(dropped.total(), dropped.of(DropReason::RingFull));
    drop(closed);
    let status = recorder.stop();
    assert_eq!(status.framed + status.dropped.total(), 1_000);
}

#[test]
fn what_is_dropped_is_told_also_when_nothing_else_was_recorded() {
    struct Told(Arc<Mutex<Vec<(usize, u64)>>>);
    impl FrameSink for Told {
        fn write_batch(&mut self, batch: &Batch<'_>) -> io::Result<()> {
            self.0.lock().unwrap().push((batch.len(), batch.dropped.of(DropReason::TooLarge)));
            Ok(())
        }
    }
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let (mut config, _) = start(folder.path(), "a");
    // Rings in memory, without a spill file beside them.
    config.spool = folder.path().join("no such folder/a.spool");
    let told = Arc::new(Mutex::new(Vec::new()));
    let recorder = Recorder::start(config, Box::new(Told(Arc::clone(&told)))).unwrap();
    crate::event!(Severity::INFO, "{text}", text = "x".repeat(100_000));
    assert!(recorder.flush());
    assert_eq!(*told.lock().unwrap(), [(0, 1)], "once");
    recorder.stop();
}

#[test]
fn every_spool_kind_keeps_everything() {
    fn full(_: &std::fs::File, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
    let _turn = turn();
    let written = Disk { allocate: full, ..Disk::SYSTEM };
    for (kind, disk) in [(SpoolKind::Written, written), (SpoolKind::Memory, Disk::SYSTEM)] {
        let folder = tempfile::tempdir().unwrap();
        let (mut config, sink) = start(folder.path(), "a");
        config.disk = disk;
        if kind == SpoolKind::Memory {
            config.spool = folder.path().join("no such folder/a.spool");
        }
        let recorder = Recorder::start(config, sink).unwrap();
        for number in 0..20_000_u64 {
            crate::event!(Severity::INFO, "{number} {text}", number, text = "some text");
        }
        assert!(recorder.status().degraded.is_some());
        let status = recorder.stop();
        assert_eq!((status.spool, status.framed, status.dropped.total()), (kind, 20_000, 0));
        let expected: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
        assert_eq!(values(folder.path(), "a.frames"), expected);
    }
}

#[test]
fn what_the_sink_records_is_dropped_and_counted_and_a_sink_that_panics_is_one_that_fails() {
    struct Talkative(Arc<AtomicBool>);
    impl FrameSink for Talkative {
        fn write_batch(&mut self, batch: &Batch<'_>) -> io::Result<()> {
            crate::event!(Severity::WARN, "writing {records}", records = batch.len());
            assert!(self.0.load(Ordering::Relaxed), "until it is let");
            Ok(())
        }
    }
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let (config, _) = start(folder.path(), "a");
    let is_let = Arc::new(AtomicBool::new(false));
    let recorder = Recorder::start(config, Box::new(Talkative(Arc::clone(&is_let)))).unwrap();
    crate::event!(Severity::INFO, "one");
    assert!(!recorder.flush(), "it panicked");
    assert_eq!(recorder.status().last_error.as_deref(), Some("the sink panicked"));
    is_let.store(true, Ordering::Relaxed);
    assert!(recorder.flush(), "it is tried again");
    let status = recorder.stop();
    // One for each try, of which there may have been some between.
    let own = status.dropped.of(DropReason::Reentrant);
    assert!(status.framed == 1 && own >= 2 && status.dropped.total() == own, "{status:?}");
}

#[test]
fn a_forked_child_is_mute_or_has_a_session_of_its_own() {
    let _turn = turn();
    for starts in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (mut config, sink) = start(folder.path(), "parent");
        if starts {
            let folder = folder.path().to_owned();
            config.after_fork = AfterFork::Start(Arc::new(move || start(&folder, "child")));
        }
        let recorder = Recorder::start(config, sink).unwrap();
        let call = |text: &str| crate::event!(Severity::INFO, "{text}", text);
        call("before");
        let code = fork::child(|| {
            call("in the child");
            call("and again");
            let status = stop_forked();
            i32::from(status.map_or(0, |status| status.framed) != 2 * u64::from(starts))
        })
        .wait();
        assert_eq!(code, 0);
        call("after");
        // The child is gone, and nothing of it holds on to the parent's lock or stands in its rings.
        let in_use = DeadSpool::open(&folder.path().join("parent.spool"));
        assert!(matches!(in_use, Err(crate::spool::OpenError::InUse)));
        let status = recorder.stop();
        assert_eq!((status.framed, status.dropped.total()), (2, 0));
        assert_eq!(values(folder.path(), "parent.frames"), ["before", "after"]);
        assert_eq!(folder.path().join("child.frames").exists(), starts);
        if starts {
            assert_eq!(values(folder.path(), "child.frames"), ["in the child", "and again"]);
        }
    }
}

/// A child that outlives its parent must not look like the parent to recovery, and one that ends without stopping
/// leaves a spool of its own.
#[test]
fn a_child_leaves_its_own_spool_behind() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let (mut config, sink) = start(folder.path(), "parent");
    let child_folder = folder.path().to_owned();
    config.after_fork = AfterFork::Start(Arc::new(move || start(&child_folder, "child")));
    let recorder = Recorder::start(config, sink).unwrap();
    let code = fork::child(|| {
        crate::event!(Severity::INFO, "{text}", text = "left behind");
        7
    })
    .wait();
    assert_eq!(code, 7);
    recorder.stop();
    let dead = DeadSpool::open(&folder.path().join("child.spool")).unwrap();
    assert_ne!(dead.pid(), std::process::id());
    let mut sink = PlainFrames::append(&folder.path().join("recovered")).unwrap();
    assert_eq!(dead.recover(&Framed::default(), &mut sink).unwrap().records, 1);
    assert_eq!(values(folder.path(), "recovered"), ["left behind"]);
}

/// The parent is done and its spool stays, since its disk is full; a child that lives on must not keep it from being
/// recovered.
#[test]
fn a_child_has_no_share_of_its_parents_lock() {
    struct Full;
    impl FrameSink for Full {
        fn write_batch(&mut self, _: &Batch<'_>) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let (config, _) = start(folder.path(), "parent");
    let recorder = Recorder::start(config, Box::new(Full)).unwrap();
    crate::event!(Severity::INFO, "{text}", text = "kept");
    let (here, done) = (folder.path().join("here"), folder.path().join("done"));
    let child = fork::child(|| {
        std::fs::write(&here, "").unwrap();
        // Lives until its parent says so, or for ten seconds if that has failed.
        let waited = (0..10_000).find(|_| {
            std::thread::sleep(Duration::from_millis(1));
            done.exists()
        });
        i32::from(waited.is_none())
    });
    // It lets go as the first thing it does.
    while !here.exists() {
        std::thread::yield_now();
    }
    assert_eq!(recorder.stop().framed, 0);
    let dead = DeadSpool::open(&folder.path().join("parent.spool")).unwrap();
    let mut sink = PlainFrames::append(&folder.path().join("recovered")).unwrap();
    assert_eq!(dead.recover(&Framed::default(), &mut sink).unwrap().records, 1);
    std::fs::write(&done, "").unwrap();
    assert_eq!(child.wait(), 0);
}

#[test]
fn a_thread_that_ends_with_records_in_its_ring_loses_none_and_its_ring_is_used_again() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let (config, sink) = start(folder.path(), "a");
    let recorder = Recorder::start(config, sink).unwrap();
    for number in 0..100_u64 {
        std::thread::spawn(move || crate::event!(Severity::INFO, "{number}", number)).join().unwrap();
    }
    assert_eq!(recorder.shared.rings_used(), 0, "all given back, drained or not");
    assert_eq!(recorder.stop().framed, 100);
    let expected: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(values(folder.path(), "a.frames"), expected);
    let frames = PlainFrames::read(&folder.path().join("a.frames")).unwrap();
    assert!(frames.iter().all(|frame| frame.positions.len() <= 2), "one ring did for all");
}
