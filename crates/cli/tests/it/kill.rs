//! `kill -9` under load: nothing that was answered is lost, nothing is stored twice.
//!
//! Eight connections send each request again until it is answered: batches of events, heartbeat and
//! close calls between them, and posts of web pages with several tabs. Fifty times the server dies:
//! from outside at a random moment, or from inside at a place that matters. What it holds in the
//! end is compared with what was sent, and with a server that had a quiet life.

mod calls;
mod events;
mod load;
mod report;
mod request;
mod tabs;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use kymo_testkit::{Kymo, Random};

use self::load::{Load, quiet};
use self::report::Report;
pub(crate) use self::report::pages;
use self::request::{Request, Sent};
use crate::KYMO;

const ROUNDS: usize = 50;
const CONNECTIONS: u64 = 8;
/// Every round flushes a few times; merging needs eight segments.
const FLUSHES: (&str, &str) = ("KYMO_FLUSH_AFTER_MS", "40");
/// Where the server makes itself die: the place, the highest pass that it dies at, and whether
/// every round gets there.
const PLACES: [(&str, u64, bool); 6] = [
    ("before_commit", 40, true),
    ("after_commit", 40, true),
    ("segment_written", 4, true),
    ("segment_listed", 4, true),
    ("merge_written", 1, false),
    ("merge_listed", 1, false),
];
/// A round in which the place is not reached ends by a kill.
const ROUND_AT_MOST: Duration = Duration::from_secs(6);

#[test]
fn nothing_is_lost_or_doubled_when_the_server_is_killed() {
    let seed = std::env::var("KYMO_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_120);
    println!("KYMO_SEED={seed}");
    let mut random = Random::new(seed);
    let mut kymo = Kymo::with_project(KYMO);
    kymo.kill();
    let load = Load::start(seed, CONNECTIONS, &kymo.ingest_token);
    let mut died_at: BTreeMap<&str, u32> = BTreeMap::new();
    for round in 0..ROUNDS {
        // Every other round; the places in turn.
        let place = (round % 2 == 0).then(|| PLACES[(round / 2) % PLACES.len()]);
        let died = one_round(&mut kymo, &load, &mut random, place);
        *died_at.entry(died).or_default() += 1;
    }
    for (place, _, sure) in PLACES {
        assert!(!sure || died_at.contains_key(place), "never died at {place}: {died_at:?}");
    }
    start(&mut kymo, &load, None);
    let sent = load.finish();
    let requests: Vec<usize> = sent.iter().map(Vec::len).collect();
    println!("requests by connection: {requests:?}; died at {died_at:?}");
    check_variety(&sent);

    let found = Report::of(&kymo);
    found.check_against(&sent);
    kymo.kill();
    let calm = Kymo::with_project(KYMO);
    quiet(&calm, &sent);
    Report::of(&calm).check_equal(&found);
}

/// Lets the server run until it dies; returns where.
fn one_round(
    kymo: &mut Kymo,
    load: &Load,
    random: &mut Random,
    place: Option<(&'static str, u64, bool)>,
) -> &'static str {
    let Some((place, passes_max, _)) = place else {
        let answers = random.below(60);
        let delay = Duration::from_micros(random.below(20_000));
        start(kymo, load, None);
        load.wait_for_answers(answers, ROUND_AT_MOST);
        std::thread::sleep(delay);
        load.server_is_gone();
        kymo.kill();
        return "kill";
    };
    let pass = 1 + random.below(passes_max);
    start(kymo, load, Some(&format!("{place}:{pass}")));
    let died = dies_within(kymo, ROUND_AT_MOST);
    load.server_is_gone();
    if !died {
        kymo.kill();
        return "kill";
    }
    let status = kymo.wait_for_end();
    // Not a panic and not an exit: the abort.
    assert_eq!(status.signal(), Some(6), "{place}:{pass}");
    place
}

/// The load has what it is meant to have.
fn check_variety(sent: &[Vec<Sent>]) {
    let all = || sent.iter().flatten();
    let calls = all().filter(|sent| matches!(sent.request, Request::Call { moves: true, .. })).count();
    let repeats = all().filter(|sent| sent.is_repeat).count();
    let mut tabs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut loads: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for message in all().flat_map(|sent| &sent.messages) {
        tabs.entry(&message.agent).or_default().insert(&message.tab);
        loads.entry(&message.tab).or_default().insert(&message.load);
    }
    let opened: usize = tabs.values().map(|tabs| tabs.len() - 1).sum();
    let reloads: usize = loads.values().map(|loads| loads.len() - 1).sum();
    println!(
        "{calls} calls, {repeats} posts repeated, {} tabs, {opened} of them opened from another, {reloads} reloads",
        loads.len()
    );
    assert!(calls > 0 && repeats > 0 && opened > 0 && reloads > 0);
}

fn start(kymo: &mut Kymo, load: &Load, die_at: Option<&str>) {
    let mut environment = vec![FLUSHES, ("KYMO_LOG", "error")];
    environment.extend(die_at.map(|wish| ("KYMO_DIE_AT", wish)));
    kymo.start_with(&environment);
    load.server_is_at(kymo.url());
}

fn dies_within(kymo: &Kymo, at_most: Duration) -> bool {
    let address = kymo.url().strip_prefix("http://").expect("an address").to_owned();
    let started = Instant::now();
    while started.elapsed() < at_most {
        if TcpStream::connect(&address).is_err() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
