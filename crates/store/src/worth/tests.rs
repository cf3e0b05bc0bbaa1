//! A table of stories, and what is chosen of each.

use kymo_model::{Kymogram, SessionKind, User};
use kymo_tracker::{End, Property, SessionKey};

use super::*;

const DAY: Duration = Duration::from_hours(24);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_nanos(1_790_000_000_000_000_000).plus(Duration::from_secs(seconds))
}

/// A session that begins `start` seconds after the range; its events by seconds after that, true for errors.
fn session(number: u128, start: u64, events: &[(u64, bool)], end: Option<End>) -> SessionRow {
    let started_at = at(start);
    let mut kymogram = Kymogram::default();
    for &(after, is_error) in events {
        let severity = if is_error { Severity::ERROR } else { Severity::INFO };
        kymogram.add(at(start + after), severity);
    }
    let last = events.last().map_or(started_at, |(after, _)| at(start + after));
    SessionRow {
        id: SessionId::from_u128(number),
        kind: SessionKind::User,
        key: SessionKey::Identity("ann".into()),
        started_at,
        last_activity_at: last,
        last_observed_at: last,
        end,
        visible: true,
        start_event_at: None,
        event_count: events.len() as u64,
        error_count: events.iter().filter(|(_, is_error)| *is_error).count() as u64,
        dropped: BTreeMap::new(),
        next_sequence: 1,
        users: Vec::new(),
        properties: Vec::new(),
        clock_skew_nanos: 0,
        kymogram,
        tab: None,
        process: None,
    }
}

fn of_version(mut row: SessionRow, version: &str) -> SessionRow {
    let value = (row.started_at, version.to_owned());
    let name = "service.version".to_owned();
    row.properties.push(Property { name, first: value.clone(), last: value });
    row
}

fn of_user(mut row: SessionRow, id: &str) -> SessionRow {
    let user = User { id: Some(id.to_owned()), name: None };
    row.users.push(UserSpan { user, first_at: row.started_at, last_at: row.last_activity_at });
    row
}

fn chosen(rows: Vec<SessionRow>, from: u64) -> Vec<(u128, WorthReason)> {
    chosen_of(rows, &[], from)
}

fn chosen_of(rows: Vec<SessionRow>, new_types: &[NewType], from: u64) -> Vec<(u128, WorthReason)> {
    let rows = rows.into_iter().map(|row| (ProjectPk(1), row)).collect();
    choose(rows, new_types, at(from))
        .into_iter()
        .map(|worth| (worth.session.id.as_u128(), worth.reason))
        .collect()
}

const CRASH: &[(u64, bool)] = &[(0, false), (10, true)];
const SILENT: Option<End> = Some(End::TimedOut);

#[test]
fn nothing_is_worth_opening_when_nothing_went_wrong() {
    let rows = vec![
        session(1, 0, &[(0, false), (500, false)], SILENT),
        session(2, 0, CRASH, None),
        session(3, 0, CRASH, Some(End::CloseCall { received_at: at(20) })),
    ];
    assert_eq!(chosen(rows, 0), []);
}

#[test]
fn a_version_crashes_for_the_first_time_once() {
    let week = 7 * DAY.as_secs();
    let old = of_version(session(1, 0, CRASH, SILENT), "1.0");
    let again = of_version(session(2, week, CRASH, SILENT), "1.0");
    let new = of_version(session(3, week + 5, CRASH, SILENT), "2.0");
    let second = of_version(session(4, week + 9, CRASH, SILENT), "2.0");
    let first = WorthReason::FirstCrashOfVersion { version: "2.0".into() };
    assert_eq!(chosen(vec![old.clone(), again.clone(), new, second], week), [(3, first)]);
    assert_eq!(chosen(vec![old, again], week), [], "that version did so before");
}

#[test]
fn an_error_type_is_new_once() {
    let new = |number, name: &str| NewType { session: SessionId::from_u128(number), name: name.to_owned() };
    let rows = || vec![session(1, 0, CRASH, None), session(2, 5, CRASH, None)];
    let types = [new(3, "Filtered"), new(2, "Newest"), new(1, "Older")];
    let reason = WorthReason::NewErrorType { error_type: "Newest".into() };
    assert_eq!(chosen_of(rows(), &types, 0), [(2, reason)], "the newest of a session that is asked for");
    let crashed = vec![of_version(session(2, 5, CRASH, SILENT), "2.0"), session(1, 0, CRASH, None)];
    let rules: Vec<u128> = chosen_of(crashed, &types, 0).into_iter().map(|(id, _)| id).collect();
    assert_eq!(rules, [2, 1], "one rule for each session");
}

#[test]
fn a_burst_is_far_beyond_what_is_usual() {
    let many =
        |number, count: u64| session(number, 0, &(0..count).map(|at| (at, true)).collect::<Vec<_>>(), None);
    let burst = WorthReason::ErrorBurst { errors: 9, median: 3 };
    assert_eq!(chosen(vec![many(1, 3), many(2, 3), many(3, 9)], 0), [(3, burst)]);
    assert_eq!(chosen(vec![many(1, 3), many(2, 4), many(3, 8)], 0), [], "twice as many is no burst");
    assert_eq!(chosen(vec![many(1, 1), many(2, 1), many(3, 4)], 0), [], "nor are four");
}

#[test]
fn a_user_is_in_trouble_the_third_time() {
    let crash = |number, user| of_user(session(number, number as u64, CRASH, SILENT), user);
    let reason = WorthReason::UserInTrouble { user: "ann".into(), sessions: 3 };
    assert_eq!(
        chosen(vec![crash(1, "ann"), crash(2, "ann"), crash(3, "bob"), crash(4, "ann")], 0),
        [(4, reason)]
    );
    assert_eq!(chosen(vec![crash(1, "ann"), crash(2, "ann"), crash(3, "bob")], 0), []);
}

#[test]
fn silence_before_the_end_is_measured() {
    let short = session(1, 0, &[(0, false), (30, true)], SILENT);
    let long = session(2, 0, &[(0, false), (600, true)], SILENT);
    let found = chosen(vec![short, long], 0);
    let [(2, WorthReason::SilenceThenCrash { silence })] = found.as_slice() else { panic!("{found:?}") };
    // The kymogram's stretches are up to a sixteenth of the life wide here.
    assert!((Duration::from_mins(8)..=Duration::from_mins(10)).contains(silence), "{silence:?}");
}

#[test]
fn a_session_is_chosen_once_and_what_is_before_the_range_not_at_all() {
    let row = |number, start| of_user(of_version(session(number, start, CRASH, SILENT), "1"), "ann");
    let found = chosen(vec![row(1, 0), row(2, 100), row(3, 200), row(4, 300)], 50);
    let reason = WorthReason::UserInTrouble { user: "ann".into(), sessions: 4 };
    assert_eq!(found, [(4, reason)], "the version crashed before the range");
}
