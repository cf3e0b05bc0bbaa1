//! Sessions of programs: by their agent's numbers, in any order and however often they come.

use std::collections::BTreeMap;
use std::time::Duration;

use kymo_model::{
    DropReason, EndReason, Event, EventKind, SessionId, SessionKind, SessionState, Severity, Timestamp, User,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::notation::at;
use super::properties::config;
use crate::key::SessionKey;
use crate::process::{Beat, STRETCHES_MAX, Told};
use crate::row::{SessionRow, ToldEnd};
use crate::rules::Rules;
use crate::step::{self, Applied, Incoming, Role, Rows};

fn key(run: usize) -> SessionKey {
    SessionKey::Process(format!("run-{run}"))
}

fn event(run: usize, number: u64, seconds: f64) -> Incoming {
    let mut event = Event::new(EventKind::Log, at(seconds), at(500.0));
    event.severity = Severity::from_number(1 + (number % 24) as u8).unwrap();
    event.body = Some(format!("event {number}"));
    event.user =
        number.is_multiple_of(5).then(|| User { id: Some(format!("user-{}", number % 3)), name: None });
    Incoming { number: Some(number), ..Incoming::new(Some(key(run)), Role::Ordinary, event) }
}

fn told(run: usize) -> Told {
    Told {
        key: key(run),
        started_at: at(0.0),
        properties: vec![("service.name".into(), "shop".into())],
        user: Some(User { id: Some("root".into()), name: None }),
        previous: None,
        recorded: 0,
        lost: Vec::new(),
        end: None,
        arrival: 1,
    }
}

fn ended(run: usize, seconds: f64, reason: EndReason) -> Told {
    Told { end: Some(ToldEnd { at: at(seconds), reason, recovered: false }), ..told(run) }
}

fn only(rows: &Rows) -> &SessionRow {
    let mut all = rows.sessions.values();
    let row = all.next().unwrap();
    assert!(all.next().is_none(), "one session");
    row
}

fn send(rows: &mut Rows, batch: &[Incoming], now: f64) -> Vec<Applied> {
    step::step(rows, batch, at(now), &Rules::default())
}

fn reason(applied: Applied) -> Option<DropReason> {
    super::notation::drop_of(&applied)
}

#[test]
fn a_run_is_one_session_numbered_by_its_agent() {
    let mut rows = Rows::default();
    // Hours of silence, the later file first.
    let applied = send(&mut rows, &[event(1, 41, 90_000.0), event(1, 42, 90_001.0)], 500.0);
    step::tell(&mut rows, &told(1), at(501.0));
    send(&mut rows, &[event(1, 1, 2.0)], 502.0);
    let row = only(&rows);
    assert!(
        matches!(applied[0], Applied::Stored { session, stream, sequence: 41 } if session == stream && session == Some(row.id))
    );
    assert_eq!((row.kind, row.event_count, row.next_sequence), (SessionKind::Process, 3, 43));
    assert_eq!((row.started_at, row.last_activity_at), (at(0.0), at(90_001.0)));
    assert_eq!(row.property("service.name").unwrap().last.1, "shop");
    assert_eq!(row.users[0].user.id.as_deref(), Some("root"));
    assert_eq!(row.process.as_ref().unwrap().missing(), 39);
    assert_eq!(row.clock_skew_nanos, 0);
}

#[test]
fn what_is_stored_is_a_duplicate_whatever_it_says() {
    let mut rows = Rows::default();
    send(&mut rows, &[event(1, 1, 2.0)], 500.0);
    let before = only(&rows).clone();
    let again = send(&mut rows, &[event(1, 1, 9_999.0)], 600.0);
    assert_eq!(reason(again[0]), Some(DropReason::Duplicate));
    let row = only(&rows);
    assert_eq!(row.dropped, BTreeMap::from([(DropReason::Duplicate, 1)]));
    assert_eq!(SessionRow { dropped: BTreeMap::new(), ..row.clone() }, before);
}

#[test]
fn too_many_gaps_drop_with_a_reason() {
    let mut rows = Rows::default();
    let batch: Vec<Incoming> = (1..=STRETCHES_MAX as u64 + 1).map(|at| event(1, at * 2, 1.0)).collect();
    let applied = send(&mut rows, &batch, 500.0);
    assert_eq!(reason(*applied.last().unwrap()), Some(DropReason::TooManyGaps));
    assert_eq!(only(&rows).event_count, STRETCHES_MAX as u64);
    let odd = send(&mut rows, &[event(1, 0, 1.0), event(1, u64::MAX, 1.0)], 500.0);
    assert_eq!(odd.into_iter().map(reason).collect::<Vec<_>>(), [Some(DropReason::Unreadable); 2]);
}

#[test]
fn silence_is_no_end_and_only_news_breaks_it() {
    let rules = Rules::default();
    let limit = rules.silent_after.as_secs_f64();
    let mut rows = Rows::default();
    step::tell(&mut rows, &told(1), at(1000.0));
    send(&mut rows, &[event(1, 1, 2.0)], 1001.0);
    step::close_idle(&mut rows, at(1000.9 + limit), &rules);
    assert_eq!(only(&rows).state(), SessionState::Running);
    step::close_idle(&mut rows, at(1001.0 + limit), &rules);
    assert_eq!(only(&rows).state(), SessionState::Silent);
    assert_eq!(only(&rows).silent_since(), Some(at(1001.0)));
    // The same file once more is no word from the program.
    step::tell(&mut rows, &told(1), at(2000.0));
    send(&mut rows, &[event(1, 1, 2.0)], 2000.0);
    assert_eq!((only(&rows).state(), only(&rows).silent_since()), (SessionState::Silent, Some(at(1001.0))));
    send(&mut rows, &[event(1, 2, 3.0)], 2001.0);
    assert_eq!((only(&rows).state(), only(&rows).silent_since()), (SessionState::Running, None));
    step::close_idle(&mut rows, at(9000.0), &rules);
    step::tell(&mut rows, &Told { recorded: 9, ..told(1) }, at(9001.0));
    assert_eq!(only(&rows).state(), SessionState::Running);
    // A beat, too.
    step::close_idle(&mut rows, at(9999.0), &rules);
    let beat = Incoming { number: None, ..event(1, 0, 4.0) };
    send(&mut rows, &[Incoming { role: Role::Heartbeat, ..beat }], 10_000.0);
    assert_eq!(only(&rows).state(), SessionState::Running);
}

#[test]
fn the_end_is_what_the_file_says() {
    let rules = Rules::default();
    let mut rows = Rows::default();
    let found = ToldEnd { at: at(70.0), reason: EndReason::Killed, recovered: true };
    step::tell(&mut rows, &Told { end: Some(found), ..told(1) }, at(500.0));
    assert_eq!(only(&rows).state(), SessionState::Ended(EndReason::Killed));
    assert_eq!(only(&rows).last_activity_at, at(70.0));
    // The program itself knows better; what comes late changes nothing of it.
    step::tell(&mut rows, &ended(1, 60.0, EndReason::Crashed), at(501.0));
    step::tell(&mut rows, &told(1), at(502.0));
    send(&mut rows, &[event(1, 1, 80.0)], 503.0);
    step::close_idle(&mut rows, at(1e6), &rules);
    assert_eq!(only(&rows).state(), SessionState::Ended(EndReason::Crashed));
    assert_eq!(only(&rows).event_count, 1);
}

/// One thing that a file brings.
#[derive(Clone, Debug)]
enum Piece {
    Events(Vec<Incoming>),
    Told(Told),
}

/// A row without what depends on the order of arrival: the id, when it came, and how often it came again.
fn lasting(row: &SessionRow) -> SessionRow {
    SessionRow {
        id: SessionId::from_u128(0),
        last_observed_at: Timestamp::default(),
        dropped: BTreeMap::new(),
        ..row.clone()
    }
}

/// The rows in the end, and what was stored of each session.
fn deliver(pieces: &[Piece], idle: bool) -> (Vec<SessionRow>, Vec<(SessionKey, u64, String)>) {
    let rules = Rules::default();
    let mut rows = Rows::default();
    let mut stored = Vec::new();
    for (count, piece) in pieces.iter().enumerate() {
        let now = at(500.0).plus(Duration::from_mins(count as u64));
        match piece {
            Piece::Events(batch) => {
                for (incoming, applied) in batch.iter().zip(step::step(&mut rows, batch, now, &rules)) {
                    if let Applied::Stored { sequence, .. } = applied {
                        stored.push((
                            incoming.key.clone().unwrap(),
                            sequence,
                            incoming.event.body.clone().unwrap(),
                        ));
                    }
                }
            }
            Piece::Told(told) => step::tell(&mut rows, told, now),
        }
        if idle {
            step::close_idle(&mut rows, now.plus(Duration::from_mins(10)), &rules);
        }
    }
    step::close_idle(&mut rows, at(1e7), &rules);
    stored.sort();
    let mut rows: Vec<SessionRow> = rows.sessions.values().map(lasting).collect();
    rows.sort_by_key(|row| row.key.clone());
    (rows, stored)
}

fn piece() -> impl Strategy<Value = Piece> {
    let reasons =
        [EndReason::Normal, EndReason::Crashed, EndReason::Killed, EndReason::LostPower, EndReason::Unknown];
    let events = (0..2usize, vec((1..200u64, 1..20u64), 1..4)).prop_map(|(run, stretches)| {
        // An event of a number is always the same; files overlap as they like.
        let numbers = stretches.into_iter().flat_map(|(first, count)| first..first + count);
        Piece::Events(numbers.map(|number| event(run, number, (number * 37 % 101) as f64)).collect())
    });
    let told = (0..2usize, 0..300u64, 0..90u64, 0..12usize, any::<bool>(), 0..3usize).prop_map(
        move |(run, recorded, seconds, end, recovered, lost)| {
            let end =
                reasons.get(end).map(|reason| ToldEnd { at: at(seconds as f64), reason: *reason, recovered });
            let lost = vec![(["full", "rate", "disk_full"][lost].to_owned(), recorded)];
            Piece::Told(Told { recorded, lost, end, ..told(run) })
        },
    );
    prop_oneof![3 => events, 1 => told]
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn any_order_and_any_repeats_give_the_same(
        pieces in vec(piece(), 1..12),
        again in vec(any::<prop::sample::Index>(), 0..12),
        idle in any::<bool>(),
        shuffled in any::<u64>(),
    ) {
        let mut other = pieces.clone();
        other.extend(again.iter().map(|at| at.get(&pieces).clone()));
        let mut state = shuffled | 1;
        for last in (1..other.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            other.swap(last, (state >> 33) as usize % (last + 1));
        }
        prop_assert_eq!(deliver(&other, idle), deliver(&pieces, false));
    }
}

fn beat(run: usize, heard_at: f64, recorded: u64, errors: u64) -> Beat {
    let lost = vec![("ring_full".to_owned(), 3)];
    Beat { key: key(run), heard_at: at(heard_at), recorded, messages: recorded, errors, lost }
}

#[test]
fn a_beat_is_a_word_of_a_process_that_is_known() {
    let rules = Rules::default();
    let limit = rules.silent_after.as_secs_f64();
    let mut rows = Rows::default();
    step::beat(&mut rows, &beat(1, 1000.0, 10, 1));
    assert!(rows.sessions.is_empty(), "a beat makes no session");
    step::tell(&mut rows, &told(1), at(1000.0));
    step::beat(&mut rows, &beat(1, 1060.0, 10, 1));
    let row = only(&rows);
    assert_eq!((row.event_count, row.error_count, row.process.as_ref().unwrap().missing()), (0, 1, 10));
    assert_eq!(row.process.as_ref().unwrap().lost, BTreeMap::from([("ring_full".to_owned(), 3)]));
    // Its own clock is elsewhere: only what passed counts.
    assert_eq!((row.last_activity_at, row.last_observed_at), (at(60.0), at(1060.0)));
    step::close_idle(&mut rows, at(1059.9 + limit), &rules);
    assert_eq!(only(&rows).state(), SessionState::Running);
    step::close_idle(&mut rows, at(1060.0 + limit), &rules);
    assert_eq!((only(&rows).state(), only(&rows).silent_since()), (SessionState::Silent, Some(at(1060.0))));
    // Nothing is new but that it lives.
    step::beat(&mut rows, &beat(1, 2000.0, 10, 1));
    assert_eq!(only(&rows).state(), SessionState::Running);
    step::tell(&mut rows, &ended(1, 1500.0, EndReason::Normal), at(2001.0));
    step::beat(&mut rows, &beat(1, 2002.0, 11, 1));
    let row = only(&rows);
    assert_eq!((row.state(), row.last_activity_at), (SessionState::Ended(EndReason::Normal), at(1500.0)));
}

#[test]
fn errors_that_were_told_of_are_not_counted_again_when_they_come() {
    let errors = |rows: &Rows| (only(rows).error_count, only(rows).process.as_ref().unwrap().awaited_errors);
    let error = |number: u64| {
        let mut incoming = event(1, number, 1.0);
        incoming.event.kind = EventKind::Error;
        incoming
    };
    let mut rows = Rows::default();
    step::tell(&mut rows, &told(1), at(1000.0));
    send(&mut rows, &[error(1)], 1000.0);
    step::beat(&mut rows, &beat(1, 1060.0, 9, 3));
    assert_eq!(errors(&rows), (3, 2));
    send(&mut rows, &[error(2), error(1)], 1070.0);
    assert_eq!(errors(&rows), (3, 1));
    // An older word once more, then more errors than were told of.
    step::beat(&mut rows, &beat(1, 1065.0, 5, 2));
    send(&mut rows, &[error(3), error(4)], 1080.0);
    assert_eq!(errors(&rows), (4, 0));
    step::beat(&mut rows, &beat(1, 1120.0, 9, u64::MAX));
    assert!(errors(&rows).0 <= 1 << 53);
}

#[test]
fn what_a_person_asked_for_is_noted() {
    let mut rows = Rows::default();
    step::request(&mut rows, &key(1));
    assert!(rows.sessions.is_empty());
    step::tell(&mut rows, &told(1), at(1000.0));
    rows.touched.clear();
    step::request(&mut rows, &key(1));
    let row = only(&rows);
    assert!(row.process.as_ref().unwrap().is_requested && rows.touched.contains(&row.id));
}
