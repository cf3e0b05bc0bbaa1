//! Made-up histories: neither the cut into batches nor the order of arrival may matter (D1).

use std::collections::{BTreeMap, BTreeSet};

use kymo_model::{Event, EventKind, Severity, User};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::notation::at;
use crate::key::SessionKey;
use crate::rules::Rules;
use crate::step::{self, Applied, Incoming, Role, Rows};

pub(super) const MINUTE_MS: i64 = 60_000;

/// So many histories from a seed that is printed, and can be given: another seed is another run.
pub(super) fn config(cases: u32) -> ProptestConfig {
    let seed = std::env::var("KYMO_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_120);
    println!("KYMO_SEED={seed}");
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// An event of a made-up history; `sort` is read by each history as it likes.
#[derive(Clone, Debug)]
pub(super) struct Seed {
    pub(super) who: usize,
    pub(super) time_ms: i64,
    pub(super) sort: u8,
    /// On its way, where the history has delays.
    pub(super) delay_ms: i64,
}

pub(super) fn seeds(time_ms: impl Strategy<Value = i64>, count: usize) -> impl Strategy<Value = Vec<Seed>> {
    let seed = (0..6usize, time_ms, 0..10u8, 0..=10 * MINUTE_MS)
        .prop_map(|(who, time_ms, sort, delay_ms)| Seed { who, time_ms, sort, delay_ms });
    vec(seed, 1..count)
}

/// Three identities, two external ids, nobody.
pub(super) fn key(who: usize) -> Option<SessionKey> {
    match who {
        0..3 => Some(SessionKey::Identity(format!("user-{who}"))),
        3..5 => Some(SessionKey::External(format!("run-{who}"))),
        _ => None,
    }
}

pub(super) fn incoming(seed: &Seed, role: Role, arrival: u64) -> Incoming {
    let time = at(seed.time_ms as f64 / 1000.0);
    let kind = if seed.sort.is_multiple_of(5) { EventKind::Error } else { EventKind::Log };
    let mut event = Event::new(kind, time, time.plus(std::time::Duration::from_millis(seed.delay_ms as u64)));
    event.severity = Severity::from_number(1 + seed.sort * 2).unwrap();
    event.body = Some(format!("event {arrival}"));
    // By external id, several people take part; some events know only the id.
    let id = if (3..5).contains(&seed.who) { usize::from(seed.sort % 3) } else { seed.who };
    let name = (seed.sort > 4).then(|| format!("Name {id}"));
    event.user = (seed.sort != 9).then(|| User { id: Some(format!("user-{id}")), name });
    let properties =
        vec![("version".into(), format!("1.{}", seed.sort)), (format!("p{}", seed.sort % 4), "x".into())];
    Incoming { properties, arrival, ..Incoming::new(key(seed.who), role, event) }
}

pub(super) fn by_sort(sort: u8) -> Role {
    match sort {
        0 => Role::Start,
        1 | 2 => Role::End,
        3 => Role::Heartbeat,
        _ => Role::Ordinary,
    }
}

fn history(seeds: &[Seed], role: impl Fn(&Seed) -> Role) -> Vec<Incoming> {
    seeds.iter().zip(1..).map(|(seed, arrival)| incoming(seed, role(seed), arrival)).collect()
}

/// Rows and the bodies stored in each session, after `history` in batches of these sizes (over
/// again), with the closing job in between.
fn deliver(history: &[Incoming], sizes: &[usize]) -> (Rows, Stored) {
    let rules = Rules::default();
    let mut rows = Rows::default();
    let mut stored = Stored::default();
    let mut rest = history;
    for size in sizes.iter().cycle() {
        let (batch, later) = rest.split_at((*size).min(rest.len()));
        let applied = step::step(&mut rows, batch, at(0.0), &rules);
        stored.record(batch, &applied);
        step::close_idle(&mut rows, at(0.0), &rules);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    step::close_idle(&mut rows, at(1e6), &rules);
    (rows, stored)
}

#[derive(Default)]
pub(super) struct Stored {
    /// Bodies and sequences, by session.
    pub(super) by_session: BTreeMap<Option<kymo_model::SessionId>, Vec<(u64, String)>>,
}

impl Stored {
    pub(super) fn record(&mut self, batch: &[Incoming], applied: &[Applied]) {
        assert_eq!(batch.len(), applied.len());
        for (incoming, applied) in batch.iter().zip(applied) {
            if let Applied::Stored { session, sequence, .. } = *applied {
                let body = incoming.event.body.clone().unwrap();
                self.by_session.entry(session).or_default().push((sequence, body));
            }
        }
    }
}

/// Everything of a session that must not depend on arrival, as text to be compared and read.
fn summaries(rows: &Rows, stored: &Stored) -> Vec<String> {
    let mut all: Vec<String> = rows
        .sessions
        .values()
        .map(|row| {
            let mut bodies: Vec<&str> =
                stored.by_session.get(&Some(row.id)).into_iter().flatten().map(|(_, body)| body.as_str()).collect();
            bodies.sort_unstable();
            format!(
                "{:?} {}..{} {:?} visible {} start {:?} {} events {} errors {:?} {:?} skew {} {:?} {bodies:?}",
                row.key,
                row.started_at,
                row.last_activity_at,
                row.end,
                row.visible,
                row.start_event_at,
                row.event_count,
                row.error_count,
                row.users,
                row.properties,
                row.clock_skew_nanos,
                row.kymogram,
            )
        })
        .collect();
    all.sort_unstable();
    all
}

fn sorted(history: &[Incoming]) -> Vec<Incoming> {
    let mut sorted = history.to_vec();
    sorted.sort_by_key(|incoming| incoming.event.time);
    sorted
}

/// Compares with the same history in one batch, which the step sorts.
fn same_as_one_batch(history: &[Incoming], sizes: &[usize]) -> Result<(), TestCaseError> {
    let (rows, stored) = deliver(history, sizes);
    let sorted = sorted(history);
    let (whole_rows, whole_stored) = deliver(&sorted, &[usize::MAX]);
    prop_assert_eq!(summaries(&rows, &stored), summaries(&whole_rows, &whole_stored));
    Ok(())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(1..9usize, 1..6)
}

/// Visits of at most `split_after`, an hour apart: no event can bridge two.
fn visits() -> impl Strategy<Value = i64> {
    (0..4i64, 0..=15 * MINUTE_MS).prop_map(|(visit, offset)| visit * 60 * MINUTE_MS + offset)
}

proptest! {
    #![proptest_config(config(2000))]

    /// In order of time, with starts, ends, heartbeats: the rows are equal in everything, ids and
    /// sequences included.
    #[test]
    fn any_cut_gives_the_same(seeds in seeds(0..90 * MINUTE_MS, 60), sizes in sizes()) {
        let history = sorted(&history(&seeds, |seed| by_sort(seed.sort)));
        let (rows, stored) = deliver(&history, &sizes);
        let (whole_rows, whole_stored) = deliver(&history, &[usize::MAX]);
        prop_assert_eq!(rows.sessions, whole_rows.sessions);
        prop_assert_eq!(stored.by_session, whole_stored.by_session);
    }

    #[test]
    fn any_order_gives_the_same(seeds in seeds(visits(), 60).prop_shuffle(), sizes in sizes()) {
        let history = history(&seeds, |seed| if seed.sort == 3 { Role::Heartbeat } else { Role::Ordinary });
        same_as_one_batch(&history, &sizes)?;
    }

    /// Long visits with an event at least every five minutes, each up to ten minutes on its way.
    #[test]
    fn ten_minutes_late_gives_the_same(
        gaps in vec((0..=5 * MINUTE_MS, 0..12u8), 1..60),
        seeds in seeds(Just(0), 60),
        sizes in sizes(),
    ) {
        let mut clock_ms = 0;
        let mut seeds = seeds;
        for (seed, (gap_ms, long)) in seeds.iter_mut().zip(gaps.iter().cycle()) {
            clock_ms += if *long == 0 { gap_ms + 31 * MINUTE_MS } else { *gap_ms };
            seed.who = 0;
            seed.time_ms = clock_ms;
        }
        seeds.sort_by_key(|seed| seed.time_ms + seed.delay_ms);
        let history = history(&seeds, |seed| if seed.sort == 3 { Role::Heartbeat } else { Role::Ordinary });
        same_as_one_batch(&history, &sizes)?;
    }

    /// By external id nothing splits, so not even ends mind the order.
    #[test]
    fn external_ids_with_ends_in_any_order(
        seeds in seeds(0..300 * MINUTE_MS, 60).prop_shuffle(),
        sizes in sizes(),
    ) {
        let mut seeds = seeds;
        let mut started = BTreeSet::new();
        for seed in &mut seeds {
            seed.who = 3 + seed.who % 2;
            // Of two starts, the one that arrives first is stored.
            if seed.sort == 0 && !started.insert(seed.who) {
                seed.sort = 4;
            }
        }
        let role = |seed: &Seed| match by_sort(seed.sort) {
            // Whether a heartbeat is late depends on the ends known when it comes.
            Role::Heartbeat => Role::Ordinary,
            role => role,
        };
        same_as_one_batch(&history(&seeds, role), &sizes)?;
    }

    /// Page after page, a few seconds each, ended (sort 1) or not: within a page any order, the
    /// end first included.
    #[test]
    fn identities_with_ends_in_any_order_of_their_events(
        seeds in seeds(0..=10_000i64, 60).prop_shuffle(),
        pages in vec(0..6i64, 60),
        sizes in sizes(),
    ) {
        let mut paged: Vec<(i64, Seed)> = pages.into_iter().zip(seeds).collect();
        let mut started = BTreeSet::new();
        for (page, seed) in &mut paged {
            match seed.sort {
                0 if !started.insert((seed.who, *page)) => seed.sort = 4,
                // A start in the very moment of its end would be the next page's.
                0 => seed.time_ms = seed.time_ms.min(9_999),
                1 => seed.time_ms = 10_000,
                2 | 3 => seed.sort = 4,
                _ => {}
            }
            seed.time_ms += *page * 11_000;
        }
        paged.sort_by_key(|(page, _)| *page);
        let seeds: Vec<Seed> = paged.into_iter().map(|(_, seed)| seed).collect();
        same_as_one_batch(&history(&seeds, |seed| by_sort(seed.sort)), &sizes)?;
    }
}
