//! More threads than rings, threads that come and go, and what they cost.

use std::collections::BTreeMap;
use std::sync::Barrier;

use kymo_format::{ArgValue, ReadRecord};
use kymo_model::EndReason;

use crate::part;

const CALLS: u64 = 200;

#[test]
#[ignore = "played by other tests"]
fn plays_500_threads_at_once_and_as_many_one_after_the_other() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).start();
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
    let status = session.end(EndReason::Normal, None).unwrap();
    assert_eq!((status.tally.messages, status.recorder.dropped.total()), (1_000 * CALLS, 0), "{status:?}");
}

fn calls(player: u64) {
    for number in 0..CALLS {
        kymo::info!("player {player} call {number}", player, number);
    }
}

fn number(record: &ReadRecord, arg: usize) -> u64 {
    let ArgValue::U64(number) = record.args[arg] else { panic!("a number in {record:?}") };
    number
}

#[test]
fn every_call_of_every_thread_is_framed_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let part = "threads::plays_500_threads_at_once_and_as_many_one_after_the_other";
    part::play(part, folder.path(), &[]);
    let session = part::only(folder.path());
    assert_eq!(session.reason(), "normal");
    let mut by_player: BTreeMap<u64, Vec<ReadRecord>> = BTreeMap::new();
    for record in session.records {
        by_player.entry(number(&record, 0)).or_default().push(record);
    }
    assert_eq!(by_player.len(), 1_000);
    let mut threads = std::collections::BTreeSet::new();
    for (player, records) in by_player {
        let numbers: Vec<u64> = records.iter().map(|record| number(record, 1)).collect();
        assert_eq!(numbers, (0..CALLS).collect::<Vec<_>>(), "player {player}");
        assert!(records.is_sorted_by_key(|record| record.time));
        assert!(records.iter().all(|record| record.thread == records[0].thread));
        assert!(threads.insert(records[0].thread.id), "a thread of its own");
    }
    assert_eq!(part::leftovers(folder.path()), [""; 0], "ended in order: nothing is left");
    // With 500 threads of the test itself, whose stacks are some 8 KB each; the agent's part has a bench.
    let memory = std::fs::read_to_string(folder.path().join("memory")).unwrap();
    let resident = memory.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap().trim().to_owned();
    println!("with 500 threads: {resident} resident in all");
}
