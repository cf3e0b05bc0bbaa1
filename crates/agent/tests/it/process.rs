//! Spools of processes that live, and of those that ended in other ways.

use kymo::{DeadSpool, DropReason, FrameSink, OpenError, Recorder, SpoolKind};

use crate::part;

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_never_stops() {
    let Some(folder) = part::folder() else { return };
    let recorder = Recorder::start(part::config(&folder), Box::new(part::sink(&folder))).unwrap();
    kymo::info!("only call");
    std::mem::forget(recorder);
    part::Scores::new(&folder).set(0, 1);
    // Killed by the test, or ended by it when its input closes.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[test]
fn a_spool_in_use_is_left_alone_and_a_leaked_recorder_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = part::start("process::plays_a_program_that_never_stops", folder.path(), &[]);
    let scores = part::Scores::new(folder.path());
    while scores.get(0) == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "it waits");
        std::thread::yield_now();
    }
    assert!(matches!(DeadSpool::open(&part::spool(folder.path())), Err(OpenError::InUse)));
    child.kill().unwrap();
    child.wait().unwrap();
    let dead = DeadSpool::open(&part::spool(folder.path())).unwrap();
    assert_eq!((dead.pid(), dead.is_of_earlier_boot()), (child.id(), false));
    assert!(matches!(DeadSpool::open(&part::spool(folder.path())), Err(OpenError::InUse)), "one at a time");
    drop(dead);
    let (records, report) = part::recover(folder.path());
    assert_eq!((records.len(), report.next_sequence), (1, 2));
    assert!(!part::spool(folder.path()).exists());
}

/// A sink whose disk is full until told otherwise.
struct Failing(std::sync::Arc<std::sync::atomic::AtomicBool>, Box<dyn FrameSink>);

impl FrameSink for Failing {
    fn write_batch(&mut self, batch: &kymo::Batch<'_>) -> std::io::Result<()> {
        if self.0.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.1.write_batch(batch)
    }
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_disk_is_full() {
    let Some(folder) = part::folder() else { return };
    let full = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let sink = Box::new(Failing(std::sync::Arc::clone(&full), Box::new(part::sink(&folder))));
    let mut config = part::config(&folder);
    config.ring_bytes = 4096;
    let recorder = Recorder::start(config, sink).unwrap();
    // Far more than the ring holds: the calls stop waiting after two seconds and go on without.
    for number in 0..10_000_u64 {
        kymo::info!("call {number}", number);
    }
    let status = recorder.status();
    assert_eq!(status.spool, SpoolKind::Mapped);
    assert!(status.dropped.of(DropReason::Stalled) > 9_000, "{status:?}");
    assert!(status.last_error.is_some());
    full.store(false, std::sync::atomic::Ordering::SeqCst);
    let mut kept = 10_000 - status.dropped.total();
    // It is tried again by itself.
    while recorder.status().framed < kept {
        std::thread::yield_now();
    }
    assert!(recorder.flush());
    kymo::info!("call {number}", number = 10_000_u64);
    kept += 1;
    let status = recorder.stop();
    assert_eq!(status.framed, kept, "{status:?}");
    part::Scores::new(&folder).set(0, kept);
}

#[test]
fn a_failing_sink_costs_only_what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = part::start("process::plays_a_program_whose_disk_is_full", folder.path(), &[]);
    assert!(child.wait().unwrap().success());
    let records = part::all(folder.path());
    assert_eq!(records.len() as u64, part::Scores::new(folder.path()).get(0));
    let numbers: Vec<u64> = records.iter().map(|record| record.values[0].parse().unwrap()).collect();
    let kept = numbers.len() as u64 - 1;
    assert_eq!(numbers[..kept as usize], (0..kept).collect::<Vec<_>>(), "the oldest are kept");
    assert_eq!(numbers.last(), Some(&10_000), "and it goes on");
}
