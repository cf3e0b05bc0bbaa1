//! Numbering, folding, limits.

use std::time::Duration;

use kymo_model::{DropReason, Event, EventKind, Severity, Timestamp, User};

use super::notation::{at, drop_of, play};
use crate::key::SessionKey;
use crate::row::{PROPERTIES_MAX, PROPERTY_CHARS_MAX, SessionRow, USERS_MAX};
use crate::rules::Rules;
use crate::step::{self, Applied, Incoming, Need, Role, Rows, Signal};

fn incoming(seconds: f64, arrival: u64) -> Incoming {
    let event = Event::new(EventKind::Log, at(seconds), at(seconds));
    Incoming { arrival, ..Incoming::new(Some(SessionKey::External("X".into())), Role::Ordinary, event) }
}

fn fold(batch: &[Incoming]) -> SessionRow {
    let mut rows = Rows::default();
    step::step(&mut rows, batch, at(300.0), &Rules::default());
    assert_eq!(rows.sessions.len(), 1);
    rows.sessions.into_values().next().unwrap()
}

#[test]
fn sequences_follow_arrival_not_time() {
    let world = play("u=A", "ev@5; ev@20, hb@25, ev@10 u=-, start@30, ev@0, start@40, ev@10, ev@3 u=-");
    let numbers: Vec<(bool, u64)> = world
        .applied
        .iter()
        .map(|applied| match *applied {
            Applied::Stored { session, sequence, .. } => (session.is_some(), sequence),
            Applied::Dropped { session, .. } => (session.is_some(), 0),
        })
        .collect();
    let expected = [(true, 2), (true, 0), (false, 1), (true, 3), (true, 4), (true, 0), (true, 5), (false, 2)];
    assert_eq!(numbers, expected);
    assert_eq!(drop_of(&world.applied[1]), Some(DropReason::Heartbeat));
    assert_eq!(drop_of(&world.applied[5]), Some(DropReason::DuplicateStart));
    assert_eq!(world.sessions()[0].next_sequence, 6);
    assert_eq!(world.rows.next_loose_sequence, 3);
}

#[test]
fn needs_reach_one_window_further() {
    let script = [incoming(100.0, 1), incoming(50.0, 2), Incoming { key: None, ..incoming(0.0, 3) }];
    let rules = Rules::default();
    let expected = Need {
        key: SessionKey::External("X".into()),
        active_from: at(50.0 - 900.0),
        started_to: at(100.0 + 900.0),
    };
    assert_eq!(step::needs(&script, &rules), [expected]);

    let signal = Signal { id: "X".into(), close: false };
    let [by_id, by_identity] = step::signal_needs(&signal, at(0.0), &rules);
    assert_eq!(by_id.key, SessionKey::External("X".into()));
    assert_eq!(by_identity.key, SessionKey::Identity("X".into()));
    assert_eq!((by_id.active_from, by_id.started_to), (at(-900.0), at(900.0)));
}

#[test]
fn ends_of_time_do_not_overflow() {
    let rules = Rules { split_after: Duration::MAX, ..Rules::default() };
    let mut batch = [incoming(0.0, 1), incoming(0.0, 2)];
    batch[0].event.time = Timestamp::MIN;
    batch[1].event.time = Timestamp::MAX;
    for incoming in &mut batch {
        incoming.key = Some(SessionKey::Identity("A".into()));
    }
    let mut rows = Rows::default();
    step::step(&mut rows, &batch, Timestamp::MAX, &rules);
    step::close_idle(&mut rows, Timestamp::MAX, &rules);
    assert_eq!(rows.sessions.len(), 2, "the longest span is half of all time");
}

#[test]
fn users_are_listed_by_first_appearance() {
    let world = play(
        "s=X",
        "ev@20 u=B s=X; ev@10 u=A s=X; ev@30 u=A n=Alice s=X; ev@5 u=A s=X; ev@40 u=- n=Guest s=X",
    );
    let row = world.sessions()[0];
    let seen: Vec<_> =
        row.users.iter().map(|span| (span.user.id.as_deref(), span.user.name.as_deref())).collect();
    assert_eq!(seen, [(Some("A"), Some("Alice")), (Some("B"), None), (None, Some("Guest"))]);
    assert_eq!((row.users[0].first_at, row.users[0].last_at), (at(5.0), at(30.0)));
}

#[test]
fn beyond_the_limit_the_first_users_and_the_last_stay() {
    let mut batch: Vec<Incoming> = (0..40)
        .map(|n| {
            let mut one = incoming(f64::from(n), n as u64);
            one.event.user = Some(User { id: Some(format!("user-{n:02}")), name: None });
            one
        })
        .collect();
    let in_order = fold(&batch);
    batch.reverse();
    // One step sorts by time; one event to a step does not.
    let mut rows = Rows::default();
    for one in &batch {
        step::step(&mut rows, std::slice::from_ref(one), at(300.0), &Rules::default());
    }
    let reversed = rows.sessions.into_values().next().unwrap();
    assert_eq!(in_order.users, reversed.users);
    let ids: Vec<&str> = in_order.users.iter().filter_map(|span| span.user.id.as_deref()).collect();
    assert_eq!(ids.len(), USERS_MAX);
    assert_eq!((ids[0], ids[USERS_MAX - 2], ids[USERS_MAX - 1]), ("user-00", "user-14", "user-39"));
}

#[test]
fn properties_keep_first_and_last_by_time() {
    let mut batch = [incoming(10.0, 1), incoming(20.0, 2), incoming(0.0, 3)];
    let long = "ä".repeat(PROPERTY_CHARS_MAX + 1);
    for (one, value) in batch.iter_mut().zip(["1.1", "1.2", "1.0"]) {
        one.properties = vec![("version".into(), value.into()), ("long".into(), long.clone())];
    }
    for batch in [vec![&batch[0], &batch[1], &batch[2]], vec![&batch[2], &batch[1], &batch[0]]] {
        let row = fold(&batch.into_iter().cloned().collect::<Vec<_>>());
        let version = row.property("version").unwrap();
        assert_eq!((version.first.1.as_str(), version.last.1.as_str()), ("1.0", "1.2"));
        assert_eq!((version.first.0, version.last.0), (at(0.0), at(20.0)));
        assert_eq!(row.property("long").unwrap().last.1.chars().count(), PROPERTY_CHARS_MAX);
        assert_eq!(row.properties[0].name, "long", "in order of name");
    }
}

#[test]
fn beyond_the_limit_the_first_properties_stay() {
    let mut batch = [incoming(0.0, 1), incoming(1.0, 2)];
    batch[0].properties = (0..PROPERTIES_MAX).map(|n| (format!("p{n:02}"), "v".into())).collect();
    batch[1].properties = vec![("a".into(), "new".into()), ("p00".into(), "w".into())];
    let row = fold(&batch);
    assert_eq!(row.properties.len(), PROPERTIES_MAX);
    assert!(row.property("a").is_none());
    assert_eq!(row.property("p00").unwrap().last.1, "w", "known names go on");
}

#[test]
fn skew_is_the_smallest_difference() {
    let mut batch = [incoming(0.0, 1), incoming(10.0, 2), incoming(20.0, 3), incoming(30.0, 4)];
    for (one, late) in batch.iter_mut().zip([4.0, 3.0, -2.0, 5.0]) {
        one.event.observed_time =
            at((one.event.time.as_unix_millis() - at(0.0).as_unix_millis()) as f64 / 1e3 + late);
    }
    let row = fold(&batch);
    assert_eq!(row.clock_skew_nanos, -2_000_000_000);
}

#[test]
fn kymogram_draws_the_stored_events() {
    let mut batch = [incoming(0.0, 1), incoming(10.0, 2), incoming(20.0, 3)];
    batch[0].role = Role::Start;
    batch[1].role = Role::Heartbeat;
    batch[2].event.severity = Severity::FATAL;
    let row = fold(&batch);
    let counts: Vec<(u32, u8)> =
        row.kymogram.buckets().iter().map(|bucket| (bucket.count, bucket.worst_level)).collect();
    assert_eq!(counts, [(1, 2), (1, 5)]);
}

#[test]
fn touched_lists_only_what_changed() {
    let mut world = play("u=A", "ev@0; ev@0 u=B; ev@0 s=X; ev@290 u=C; end@295 u=C");
    let id = |world: &super::notation::World, key: &str| {
        world.sessions().iter().find(|row| row.key.text() == key).unwrap().id
    };
    world.rows.touched.clear();
    let late = Incoming {
        key: Some(SessionKey::Identity("C".into())),
        role: Role::Heartbeat,
        ..incoming(299.0, 99)
    };
    step::step(&mut world.rows, &[late], at(301.0), &Rules::default());
    let ended = id(&world, "C");
    assert_eq!(world.rows.touched.iter().copied().collect::<Vec<_>>(), [ended]);
    let ended = &world.rows.sessions[&ended];
    assert_eq!(ended.dropped, [(DropReason::LateHeartbeat, 1)].into(), "a late heartbeat is only counted");
    assert_eq!(ended.last_activity_at, at(295.0));
    world.rows.touched.clear();
    step::signal(&mut world.rows, &Signal { id: "B".into(), close: false }, at(301.0), &Rules::default());
    assert_eq!(world.rows.touched.iter().copied().collect::<Vec<_>>(), [id(&world, "B")]);
    step::step(&mut world.rows, &[incoming(1.0, 100)], at(301.0), &Rules::default());
    assert!(world.rows.touched.contains(&id(&world, "X")));
    assert!(!world.rows.touched.contains(&id(&world, "A")));
}
