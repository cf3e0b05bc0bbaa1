//! Metrics, sessions of users and what a forked process records: told by themselves or by the keeper.

use std::time::Duration;

use kymo::{ConsentState, EndReason, Sample, Severity};
use kymo_format::{ArgValue, ReadRecord};
use kymo_model::Value;

use crate::part;

/// Waits until the session has so many messages in its file.
fn wait_for(messages: u64) {
    while kymo::status().unwrap().tally.messages < messages {
        assert!(kymo::flush());
        std::thread::yield_now();
    }
}

fn samples(session: &part::Session) -> Vec<&ReadRecord> {
    session.records.iter().filter(|record| record.callsite.metric.is_some()).collect()
}

fn named(record: &ReadRecord) -> Vec<(&str, &ArgValue)> {
    record.callsite.fields.iter().map(String::as_str).zip(&record.args).collect()
}

fn text(text: &str) -> ArgValue {
    ArgValue::Text(text.to_owned())
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_measures() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).start();
    Sample::gauge("shop.queue.{length}", 17).unit("{order}").label("till", "3").record();
    for value in [0.5, 0.25] {
        Sample::measured("shop.checkout", value).unit("s").description("until the receipt").record();
    }
    kymo::info!(target: "shop.cart", "to the cart {id}", id = 7);
    kymo::warn!(category: "shop.stock", "low");
    kymo::info!(target: "shop.cart", "no value",);
}

#[test]
fn samples_are_events_of_their_metric() {
    let folder = tempfile::tempdir().unwrap();
    part::play("measured::plays_a_program_that_measures", folder.path(), &[]);
    let session = part::only(folder.path());
    let texts = session.messages();
    assert_eq!(
        texts,
        [
            "shop.queue.{length} 17 {order}",
            "shop.checkout 0.5 s",
            "shop.checkout 0.25 s",
            "to the cart 7",
            "low",
            "no value"
        ]
    );
    let samples = samples(&session);
    assert_eq!(samples.len(), 3);
    assert_eq!(named(samples[0]), [("value", &ArgValue::I64(17)), ("till", &text("3"))]);
    let metric = samples[1].callsite.metric.as_ref().unwrap();
    let said = (metric.name.as_str(), metric.unit.as_deref(), metric.description.as_deref());
    assert_eq!(said, ("shop.checkout", Some("s"), Some("until the receipt")));
    assert_eq!(
        (metric.aggregation.as_str(), samples[1].callsite.kind.as_str()),
        ("distribution", "metric.sample")
    );
    assert!(std::sync::Arc::ptr_eq(&samples[1].callsite, &samples[2].callsite));
    let categories: Vec<_> = session.records[3..].iter().map(|record| record.category().unwrap()).collect();
    assert_eq!(categories, ["shop.cart", "shop.stock", "shop.cart"]);
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_counts() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).metrics_every(Duration::from_secs(1)).start();
    kymo::install_metrics().unwrap();
    metrics::describe_counter!("orders", metrics::Unit::Count, "how many were sold");
    metrics::describe_histogram!("took", metrics::Unit::Milliseconds, "");
    let counter = metrics::counter!("orders", "till" => "3");
    counter.increment(2);
    metrics::gauge!("queue").set(4.5);
    metrics::gauge!("queue").decrement(1.5);
    for value in 1..=100 {
        metrics::histogram!("took", "host" => "a").record(f64::from(value));
    }
    wait_for(3);
    // What does not change is not written again.
    counter.increment(1);
    metrics::gauge!("queue").set(3.0);
    wait_for(4);
    counter.absolute(10);
    for number in 0..5_000 {
        metrics::counter!("many", "number" => number.to_string()).increment(0);
    }
    let inputs = kymo::status().unwrap().inputs;
    assert_eq!((inputs.series, inputs.series_refused), (4096 + 2, 5_001 - 4096));
    session.end(EndReason::Normal, None);
}

#[test]
fn what_changed_is_written_now_and_then_and_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    part::play("measured::plays_a_program_that_counts", folder.path(), &[]);
    let session = part::only(folder.path());
    let samples = samples(&session);
    let found: Vec<_> = samples
        .iter()
        .map(|record| {
            let metric = record.callsite.metric.as_ref().unwrap();
            (metric.name.as_str(), record.callsite.kind.as_str(), named(record))
        })
        .collect();
    let till = text("3");
    let orders = |value| vec![("value", value), ("till", &till)];
    assert_eq!(found[0], ("orders", "metric.sample", orders(&ArgValue::U64(2))));
    assert_eq!(found[1], ("queue", "metric.sample", vec![("value", &ArgValue::F64(3.0))]));
    assert_eq!((found[2].0, found[2].1), ("took", "metric.event"));
    assert_eq!(
        found[2].2[..4],
        [
            ("count", &ArgValue::U64(100)),
            ("sum", &ArgValue::F64(5050.0)),
            ("min", &ArgValue::F64(1.0)),
            ("max", &ArgValue::F64(100.0))
        ]
    );
    let ArgValue::F64(p90) = found[2].2[5].1 else { panic!("{found:?}") };
    assert!((p90 / 90.0 - 1.0).abs() < 0.03 && found[2].2[7] == ("host", &text("a")), "{found:?}");
    assert_eq!(samples[2].callsite.metric.as_ref().unwrap().unit.as_deref(), Some("ms"));
    assert_eq!(found[3], ("orders", "metric.sample", orders(&ArgValue::U64(3))));
    assert_eq!(found.len(), 5, "counters that were never above 0 are not written: {found:?}");
    assert_eq!(found[4], ("orders", "metric.sample", orders(&ArgValue::U64(10))));
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_of_many_users() {
    let Some(folder) = part::folder() else { return };
    let builder = part::builder(&folder).users(kymo::Users::Many);
    let _session = builder.heartbeats(Duration::from_secs(1)).system_metrics(Duration::from_secs(1)).start();
    let ann = kymo::user_session("17", Some("Ann"));
    let silent = kymo::user_session("18", None).without_heartbeats();
    ann.event(Severity::WARN, "no item 4").category("shop.cart").record();
    assert_eq!(kymo::status().unwrap().inputs.user_sessions, 1);
    // Two starts, a warning, a heartbeat, eight figures of the system.
    wait_for(12);
    drop(silent);
    ann.end(EndReason::TimedOut, Some("silent for long"));
    assert_eq!(kymo::consent().unwrap().state, ConsentState::Unset);
    kymo::set_consent(ConsentState::Granted).unwrap();
    assert_eq!(kymo::consent().unwrap().version.as_deref(), Some("1.2.3"));
    let count = kymo::status().unwrap().inputs.user_sessions;
    assert_eq!(count, 0);
}

#[test]
fn sessions_of_users_begin_live_and_end() {
    let folder = tempfile::tempdir().unwrap();
    part::play("measured::plays_a_program_of_many_users", folder.path(), &[]);
    let session = part::only(folder.path());
    let of = |user: &str| {
        let records = session
            .records
            .iter()
            .filter(|record| record.user.as_ref().is_some_and(|who| who.id.as_deref() == Some(user)));
        records.collect::<Vec<&ReadRecord>>()
    };
    let mut ann = of("17");
    let id = ann[0].attributes.get("session.id").cloned().unwrap();
    assert!(ann.iter().all(|record| record.attributes.get("session.id") == Some(&id)));
    assert!(ann.iter().all(|record| record.user.as_ref().unwrap().name.as_deref() == Some("Ann")));
    let heartbeats = ann.len();
    ann.retain(|record| record.callsite.kind.as_str() != "session.heartbeat");
    assert!(heartbeats > ann.len(), "it lived");
    let said: Vec<(&str, String)> =
        ann.iter().map(|record| (record.callsite.kind.as_str(), record.message())).collect();
    assert_eq!(
        said,
        [
            ("session.start", "Ann begins".to_owned()),
            ("log", "no item 4".to_owned()),
            ("session.end", "Ann ends: silent for long".to_owned())
        ]
    );
    let reason = |record: &ReadRecord| record.attributes.get("session.end_reason").cloned();
    assert_eq!(reason(ann[2]), Some(Value::Text("timed_out".to_owned())));
    let silent = of("18");
    let kinds: Vec<&str> = silent.iter().map(|record| record.callsite.kind.as_str()).collect();
    assert_eq!(kinds, ["session.start", "session.end"], "without heartbeats");
    assert_eq!(reason(silent[1]), Some(Value::Text("normal".to_owned())));
    assert_ne!(silent[0].attributes.get("session.id"), Some(&id));

    let measured: Vec<&str> = samples(&session)
        .iter()
        .map(|record| record.callsite.metric.as_ref().unwrap().name.as_str())
        .collect();
    for name in [
        "process.cpu.time",
        "process.cpu.utilization",
        "process.memory.usage",
        "process.thread.count",
        "process.open_file_descriptor.count",
        "system.filesystem.free",
        "system.memory.available",
        "system.cpu.load_average.1m",
    ] {
        assert!(measured.contains(&name), "{name}: {measured:?}");
    }
    let memory =
        samples(&session).into_iter().find(|record| record.message().starts_with("process.memory")).unwrap();
    let ArgValue::U64(bytes) = memory.args[0] else { panic!("{memory:?}") };
    assert!((1 << 20..1 << 30).contains(&bytes), "{bytes}");
    let consent = kymo::Consent::read(&folder.path().join("sessions"), "Shop").unwrap();
    assert_eq!(consent.state, ConsentState::Granted);
}
