//! `kill -9`: every call that returned is read back, once, and at most the one that was under way besides.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use kymo_format::{ArgValue, ReadRecord};

use crate::part::{self, Scores};

/// Rounds of the test that always runs; `cargo xtask kill` asks for more.
const ROUNDS: u64 = 12;
const ROUNDS_ENV: &str = "KYMO_KILL_ROUNDS";
/// Small, so that fragments roll while it plays.
const FRAGMENT_BYTES_MAX: u64 = 64 * 1024;
const THREADS: &str = "KYMO_TEST_THREADS";
const RING_BYTES: &str = "KYMO_TEST_RING_BYTES";
/// Player of the score that says the process is under way.
const READY: u64 = 63;

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_logs_for_ever() {
    let Some(folder) = part::folder() else { return };
    let builder = part::builder(&folder).ring_bytes(part::setting(RING_BYTES) as usize);
    let _session = builder.fragments(FRAGMENT_BYTES_MAX, Duration::from_hours(1)).start();
    let scores = Scores::new(&folder);
    std::thread::scope(|scope| {
        for player in 0..part::setting(THREADS) {
            let scores = &scores;
            scope.spawn(move || {
                for number in 1.. {
                    call(player, number);
                    scores.set(player, number);
                    if number == 1 {
                        scores.set(READY, 1);
                    }
                }
            });
        }
    });
}

/// Texts of every length, now and then one that does not go into a ring, and warnings, which wake the drainer.
fn call(player: u64, number: u64) {
    if number.is_multiple_of(5_003) {
        let text = "x".repeat(70_000);
        kymo::info!("player {player} call {number} {text}", player, number, text);
    } else if number.is_multiple_of(1_009) {
        kymo::warn!("player {player} call {number} {text}", player, number, text = "careful");
    } else {
        kymo::info!("player {player} call {number} {text}", player, number, text = text(number));
    }
}

/// Up to 1,200 bytes: a ring of default size is gone round every four hundred calls.
fn text(number: u64) -> &'static str {
    static LETTERS: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| ('a'..='z').cycle().take(1_200).collect());
    &LETTERS[..(number * 7 % 1_200) as usize]
}

/// One round: the process is killed after `after`; gives how many calls had returned.
fn round(threads: u64, ring_bytes: u64, after: Duration) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let settings = [(THREADS, threads.to_string()), (RING_BYTES, ring_bytes.to_string())];
    let mut child = part::start("kill::plays_a_program_that_logs_for_ever", folder.path(), &settings);
    let scores = Scores::new(folder.path());
    scores.wait(READY, 1, &mut child);
    // When it hits is chance anyway; this spreads it over passes of the drainer and laps of the rings.
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    let recovered = part::recover(folder.path());
    assert_eq!(recovered.len(), 1);
    assert_eq!((recovered[0].damaged_places, recovered[0].reason.as_str()), (0, "killed"));
    assert_eq!(part::leftovers(folder.path()), [""; 0]);
    let session = part::only(folder.path());
    assert_eq!((session.reason(), session.losses.len(), session.damages), ("killed", 0, 0));
    assert!(part::recover(folder.path()).is_empty(), "once");
    check(&session.records, &scores, threads, folder.path())
}

fn check(records: &[ReadRecord], scores: &Scores, threads: u64, folder: &Path) -> u64 {
    let mut by_player: BTreeMap<u64, Vec<&ReadRecord>> = BTreeMap::new();
    for record in records {
        let ArgValue::U64(player) = record.args[0] else { panic!("a player in {record:?}") };
        by_player.entry(player).or_default().push(record);
    }
    let mut returned = 0;
    for player in 0..threads {
        let score = scores.get(player);
        let found = by_player.remove(&player).unwrap_or_default();
        let count = found.len() as u64;
        assert!(
            count == score || count == score + 1,
            "player {player}: {score} calls returned, {count} records, in {}",
            folder.display()
        );
        for (record, number) in found.iter().zip(1_u64..) {
            assert_eq!(record.args[1], ArgValue::U64(number), "player {player}, in order, each once");
            let ArgValue::Text(text_found) = &record.args[2] else { panic!("a text in {record:?}") };
            match text_found.as_str() {
                "careful" => assert!(number.is_multiple_of(1_009)),
                long if long.len() == 70_000 => assert!(number.is_multiple_of(5_003)),
                short => assert_eq!(short, text(number)),
            }
        }
        returned += score;
    }
    assert!(by_player.is_empty(), "nobody else played");
    returned
}

fn rounds(threads: u64, ring_bytes: u64) {
    let rounds = std::env::var(ROUNDS_ENV).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut returned = 0;
    for number in 0..rounds {
        returned += round(threads, ring_bytes, Duration::from_micros(number * 7_919 % 60_000));
    }
    println!(
        "{threads} threads, rings of {ring_bytes} bytes: {rounds} rounds, {returned} calls, all read back"
    );
    assert!(returned > rounds * threads, "they did play");
}

#[test]
fn one_thread() {
    rounds(1, 256 * 1024);
}

#[test]
fn eight_threads() {
    rounds(8, 256 * 1024);
}

/// Rings that are gone round every sixty calls, and are full most of the time.
#[test]
fn eight_threads_with_tiny_rings() {
    rounds(8, 4096);
}
