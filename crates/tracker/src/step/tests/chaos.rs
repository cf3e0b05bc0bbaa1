//! Whatever comes, the books are right.

use std::collections::BTreeSet;

use kymo_model::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use super::notation::at;
use super::properties::{MINUTE_MS, Seed, Stored, by_sort, incoming, key, seeds};
use crate::key::SessionKey;
use crate::row::{End, SessionRow};
use crate::rules::Rules;
use crate::step::{self, Applied, Incoming, Rows, Signal};

proptest! {
    #![proptest_config(super::properties::config(1000))]

    #[test]
    fn the_books_are_right_whatever_comes(deeds in vec(deed(), 1..40)) {
        chaos(&deeds)?;
    }
}

/// What may happen next.
#[derive(Clone, Debug)]
enum Deed {
    Batch(Vec<(Seed, bool)>),
    Signal { who: usize, close: bool },
    CloseIdle,
    Wait { ms: i64 },
}

fn deed() -> impl Strategy<Value = Deed> {
    // Mostly around now and five minutes off, at times anywhere.
    let time = prop_oneof![8 => -20 * MINUTE_MS..20 * MINUTE_MS, 1 => any::<i32>().prop_map(i64::from)];
    prop_oneof![
        4 => seeds(time, 12)
            .prop_flat_map(|seeds| {
                let count = seeds.len();
                (Just(seeds), vec(proptest::bool::weighted(0.01), count))
            })
            .prop_map(|(seeds, extreme)| Deed::Batch(seeds.into_iter().zip(extreme).collect())),
        2 => (0..6usize, any::<bool>()).prop_map(|(who, close)| Deed::Signal { who, close }),
        1 => Just(Deed::CloseIdle),
        1 => (0..20 * MINUTE_MS).prop_map(|ms| Deed::Wait { ms }),
    ]
}

fn chaos(deeds: &[Deed]) -> Result<(), TestCaseError> {
    let rules = Rules::default();
    let mut rows = Rows::default();
    let mut stored = Stored::default();
    let mut now_ms = 0;
    let mut arrival = 0;
    for deed in deeds {
        let before = rows.clone();
        rows.touched.clear();
        rows.touched_marks.clear();
        let now = at(now_ms as f64 / 1000.0);
        match deed {
            Deed::Wait { ms } => now_ms += ms,
            Deed::CloseIdle => step::close_idle(&mut rows, now, &rules),
            Deed::Signal { who, close } => {
                let id = key(*who).map_or("nobody".to_owned(), |key| key.text().to_owned());
                step::signal(&mut rows, &Signal { id, close: *close }, now, &rules);
            }
            Deed::Batch(seeds) => {
                let batch: Vec<Incoming> = seeds
                    .iter()
                    .map(|(seed, extreme)| {
                        arrival += 1;
                        let seed = Seed { time_ms: seed.time_ms + now_ms, ..seed.clone() };
                        let mut incoming = incoming(&seed, by_sort(seed.sort), arrival);
                        if *extreme {
                            incoming.event.time =
                                if seed.sort.is_multiple_of(2) { Timestamp::MIN } else { Timestamp::MAX };
                        }
                        incoming
                    })
                    .collect();
                let applied = step::step(&mut rows, &batch, now, &rules);
                stored.record(&batch, &applied);
                check_answers(&rows, &batch, &applied)?;
            }
        }
        check_changes(&before, &rows)?;
    }
    check_counts(&rows, &stored)
}

fn check_answers(rows: &Rows, batch: &[Incoming], applied: &[Applied]) -> Result<(), TestCaseError> {
    for (incoming, applied) in batch.iter().zip(applied) {
        let (Applied::Stored { session, .. } | Applied::Dropped { session, .. }) = *applied;
        prop_assert_eq!(session.map(|id| &rows.sessions[&id].key), incoming.key.as_ref());
    }
    Ok(())
}

fn check_changes(before: &Rows, after: &Rows) -> Result<(), TestCaseError> {
    for (id, row) in &before.sessions {
        let kept = after.sessions.get(id);
        prop_assert!(kept.is_some(), "session {} is gone", id);
        prop_assert!(kept == Some(row) || after.touched.contains(id), "session {} is not listed", id);
        let end = kept.and_then(|kept| kept.end);
        match (row.end, end) {
            (Some(End::Event { at: old }), Some(End::Event { at: new })) => prop_assert!(old <= new),
            (Some(old), new) if old.is_final() => prop_assert_eq!(Some(old), new),
            _ => {}
        }
    }
    for (id, row) in &after.sessions {
        prop_assert_eq!(*id, row.id);
        prop_assert!(before.sessions.contains_key(id) || after.touched.contains(id), "{} is not listed", id);
        prop_assert!(row.started_at <= row.last_activity_at);
        prop_assert!(row.users.is_sorted_by_key(|span| span.first_at));
        prop_assert!(row.properties.is_sorted_by_key(|property| &property.name));
    }
    let of_external_ids = |row: &&SessionRow| matches!(row.key, SessionKey::External(_));
    let ids: Vec<&SessionKey> = after.sessions.values().filter(of_external_ids).map(|row| &row.key).collect();
    prop_assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "one session to an id");
    for id in before.marks.keys().chain(after.marks.keys()) {
        prop_assert!(before.marks.get(id) == after.marks.get(id) || after.touched_marks.contains(id));
    }
    Ok(())
}

fn check_counts(rows: &Rows, stored: &Stored) -> Result<(), TestCaseError> {
    for (session, events) in &stored.by_session {
        let sequences: Vec<u64> = events.iter().map(|(sequence, _)| *sequence).collect();
        let expected: Vec<u64> = (1..=events.len() as u64).collect();
        prop_assert_eq!(sequences, expected, "in order of arrival, without gaps");
        let next = session.map_or(rows.next_loose_sequence, |id| rows.sessions[&id].next_sequence);
        prop_assert_eq!(next, events.len() as u64 + 1);
    }
    for row in rows.sessions.values() {
        let count = stored.by_session.get(&Some(row.id)).map_or(0, Vec::len) as u64;
        let drawn: u64 = row.kymogram.buckets().iter().map(|bucket| u64::from(bucket.count)).sum();
        prop_assert_eq!((row.event_count, drawn), (count, count));
    }
    Ok(())
}
