//! More threads than rings, threads that come and go, and what they cost.

use std::collections::BTreeMap;
use std::sync::Barrier;

use kymo::{PlainRecord, Recorder};

use crate::part;

const CALLS: u64 = 200;

#[test]
#[ignore = "played by other tests"]
fn plays_500_threads_at_once_and_as_many_one_after_the_other() {
    let Some(folder) = part::folder() else { return };
    let recorder = Recorder::start(part::config(&folder), Box::new(part::sink(&folder))).unwrap();
    let all_there = Barrier::new(500);
    std::thread::scope(|scope| {
        for player in 0..500_u64 {
            let all_there = &all_there;
            scope.spawn(move || {
                all_there.wait();
                calls(player);
                // Nobody ends before all have called: each holds what it was given.
                all_there.wait();
                if player == 0 {
                    let memory = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
                    std::fs::write(part::folder().unwrap().join("memory"), memory).unwrap();
                }
                all_there.wait();
            });
        }
    });
    for player in 500..1_000 {
        std::thread::spawn(move || calls(player)).join().unwrap();
    }
    let status = recorder.stop();
    assert_eq!((status.framed, status.dropped.total()), (1_000 * CALLS, 0), "{status:?}");
}

fn calls(player: u64) {
    for number in 0..CALLS {
        kymo::info!("player {player} call {number}", player, number);
    }
}

#[test]
fn every_call_of_every_thread_is_framed_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let part = "threads::plays_500_threads_at_once_and_as_many_one_after_the_other";
    let mut child = part::start(part, folder.path(), &[]);
    assert!(child.wait().unwrap().success());
    let mut by_player: BTreeMap<u64, Vec<PlainRecord>> = BTreeMap::new();
    for record in part::all(folder.path()) {
        by_player.entry(record.values[0].parse().unwrap()).or_default().push(record);
    }
    assert_eq!(by_player.len(), 1_000);
    let mut threads = std::collections::BTreeSet::new();
    for (player, records) in by_player {
        let numbers: Vec<u64> = records.iter().map(|record| record.values[1].parse().unwrap()).collect();
        assert_eq!(numbers, (0..CALLS).collect::<Vec<_>>(), "player {player}");
        assert!(records.is_sorted_by_key(|record| record.time_ns));
        assert!(records.iter().all(|record| record.thread == records[0].thread));
        assert!(threads.insert(records[0].thread), "a number of its own");
    }
    assert!(!part::spool(folder.path()).exists(), "stopped in order: nothing is left");
    // With 500 threads of the test itself, whose stacks are some 8 KB each; the agent's part has a bench.
    let memory = std::fs::read_to_string(folder.path().join("memory")).unwrap();
    let resident = memory.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap().trim().to_owned();
    println!("with 500 threads: {resident} resident in all");
}
