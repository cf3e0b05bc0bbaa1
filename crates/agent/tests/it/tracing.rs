//! What comes through `tracing`, compared event by event.

use std::fmt;

use kymo_format::{ArgValue, ReadRecord, Span};
use kymo_model::{EndReason, Severity, Value};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::part::{self, Scores};

#[derive(Debug)]
struct Refused(std::num::ParseIntError);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the price was refused")
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Records something itself when it is shown.
struct Talkative;

impl fmt::Debug for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!(inner = 1, "from within");
        f.write_str("Talkative")
    }
}

#[test]
#[ignore = "played by other tests"]
fn plays_every_kind_of_value() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).start();
    tracing_subscriber::registry().with(kymo::tracing_layer()).init();
    let nothing: Option<u64> = None;
    let error = Refused("x".parse::<u8>().unwrap_err());
    let host = String::from("db-eu-17");
    tracing::info!(id = 7_u64, delta = -3_i32, ratio = 0.5, ready = true, host, "order done");
    tracing::warn!(target: "shop.cart", "{} items of {host}", 3);
    tracing::info!(missing = nothing, shown = %host, debugged = ?Some(1));
    tracing::error!(error = &error as &dyn std::error::Error, price = "x", "no price");
    tracing::info!(value = ?Talkative, "outer");
    tracing::info!(
        a = 1,
        b = 2,
        c = 3,
        d = 4,
        e = 5,
        f = 6,
        g = 7,
        h = 8,
        i = 9,
        j = 10,
        k = 11,
        l = 12,
        m = u64::MAX,
        n = "fourteen",
        "many"
    );
    tracing::info!(big = u128::MAX, bytes = &[1_u8, 2][..], "unusual {{braces}}");
    tracing::debug!("not this");
}

fn named(record: &ReadRecord) -> Vec<(&str, &ArgValue)> {
    let names = record.callsite.fields.iter().map(String::as_str);
    names.zip(&record.args).filter(|(name, _)| !name.is_empty()).collect()
}

fn text(text: &str) -> ArgValue {
    ArgValue::Text(text.to_owned())
}

#[test]
fn every_kind_of_value_is_kept_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    part::play("tracing::plays_every_kind_of_value", folder.path(), &[]);
    let session = part::only(folder.path());
    let messages = session.messages();
    assert_eq!(
        messages,
        [
            "order done",
            "3 items of db-eu-17",
            "missing=null shown=db-eu-17 debugged=Some(1)",
            "no price",
            "from within",
            "outer",
            "many",
            "unusual {braces}"
        ]
    );
    let [first, cart, values, error, _, outer, many, unusual] = &session.records[..] else {
        panic!("{:?}", session.records)
    };
    assert_eq!(
        named(first),
        [
            ("id", &ArgValue::U64(7)),
            ("delta", &ArgValue::I64(-3)),
            ("ratio", &ArgValue::F64(0.5)),
            ("ready", &ArgValue::Bool(true)),
            ("host", &text("db-eu-17")),
        ]
    );
    assert_eq!((first.severity, first.category()), (Severity::INFO, Some("it::tracing")));
    let source = &first.callsite.source;
    assert!(source.file.as_ref().unwrap().ends_with("tests/it/tracing.rs"), "{source:?}");
    assert_eq!((source.module.as_deref(), source.line.is_some()), (Some("it::tracing"), true));
    assert_eq!((cart.severity, cart.category()), (Severity::WARN, Some("shop.cart")));
    assert_eq!(values.args[0], ArgValue::Null);

    let exception = error.exception.as_ref().unwrap();
    assert_eq!(exception.message.as_deref(), Some("the price was refused"));
    let cause = exception.inner.as_ref().unwrap();
    assert_eq!(cause.message.as_deref(), Some("invalid digit found in string"));
    assert_eq!(named(error), [("error", &text("the price was refused")), ("price", &text("x"))]);

    assert_eq!(named(outer), [("value", &text("Talkative"))]);
    assert_eq!(named(many).len(), 12);
    let rest: Vec<_> = many.attributes.0.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    assert_eq!(rest, [("m", Value::Text(u64::MAX.to_string())), ("n", Value::Text("fourteen".to_owned()))]);
    assert_eq!(named(unusual)[0], ("big", &text(&u128::MAX.to_string())));
}

#[test]
#[ignore = "played by other tests"]
fn plays_spans_across_threads() {
    let Some(folder) = part::folder() else { return };
    tracing_subscriber::registry().with(kymo::tracing_layer()).init();
    let request = tracing::info_span!("request {braced}", path = "/cart", status = tracing::field::Empty);
    // Within a span that was there before the session.
    let session = part::builder(&folder).start();
    request.in_scope(|| tracing::info!("first"));
    let other = request.clone();
    std::thread::spawn(move || {
        let _within = other.enter();
        let query = tracing::info_span!("query", rows = 3_u64).entered();
        tracing::info!("on another thread");
        tracing::info!(parent: &other, "by name");
        other.record("status", 200);
        tracing::info!("changed around it");
        drop(query);
        tracing::info!(parent: None, "alone");
    })
    .join()
    .unwrap();
    let again = tracing::debug_span!("not let through");
    again.in_scope(|| request.in_scope(|| tracing::info!("changed")));
    assert!(kymo::close_fragment());
    request.in_scope(|| tracing::info!("in another fragment"));
    session.end(EndReason::Normal, None);
    let session = part::builder(&folder).start();
    request.in_scope(|| tracing::info!("in another session"));
    drop(request);
    tracing::info!("outside");
    drop(session);
}

/// The span and those around it: names with values, innermost first.
fn spans(record: &ReadRecord) -> Vec<String> {
    let shown = |span: &Span| {
        let values = span.args.iter().map(|arg| match arg {
            ArgValue::Null => "-".to_owned(),
            ArgValue::Text(text) => text.clone(),
            ArgValue::U64(number) => number.to_string(),
            ArgValue::I64(number) => number.to_string(),
            other => format!("{other:?}"),
        });
        format!("{} {}", span.callsite.template, values.collect::<Vec<_>>().join(" "))
    };
    std::iter::successors(record.span.as_deref(), |span| span.parent.as_deref()).map(shown).collect()
}

#[test]
fn spans_are_known_on_every_thread_in_every_fragment_and_session() {
    let folder = tempfile::tempdir().unwrap();
    part::play("tracing::plays_spans_across_threads", folder.path(), &[]);
    let sessions = part::sessions(folder.path());
    let found: Vec<(String, Vec<String>)> = sessions
        .iter()
        .flat_map(|session| &session.records)
        .filter(|record| !record.category().unwrap().starts_with("kymo."))
        .map(|record| (record.message(), spans(record)))
        .collect();
    let (before, after) = ("request {braced} /cart", "request {braced} /cart 200");
    let expected: [(&str, &[&str]); 9] = [
        ("first", &[before]),
        ("on another thread", &["query 3", before]),
        ("by name", &[before]),
        ("changed around it", &["query 3", after]),
        ("alone", &[]),
        ("changed", &[after]),
        ("in another fragment", &[after]),
        ("in another session", &[after]),
        ("outside", &[]),
    ];
    let found: Vec<(&str, Vec<&str>)> = found
        .iter()
        .map(|(text, spans)| (text.as_str(), spans.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(found, expected.map(|(text, spans)| (text, spans.to_vec())));
    let ids: Vec<u64> = sessions
        .iter()
        .flat_map(|session| &session.records)
        .filter_map(|r| Some(r.span.as_ref()?.id))
        .collect();
    assert!(ids.iter().all(|id| ids.iter().filter(|other| other == &id).count() <= 5), "{ids:?}");
}

#[test]
#[ignore = "played by other tests"]
fn plays_levels_that_change() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).filter("warn,shop=debug").start();
    // Another layer sees what it asks for, whatever ours does.
    let others = std::fs::File::create(folder.join("others")).unwrap();
    let plain = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(others);
    tracing_subscriber::registry()
        .with(kymo::tracing_layer())
        .with(plain.with_filter(EnvFilter::new("shop=trace")))
        .init();
    for round in 0..4 {
        match round {
            1 => kymo::set_filter("info,shop=error").unwrap(),
            2 => kymo::set_filter("off,shop=trace").unwrap(),
            3 => assert!(kymo::set_filter("info,shop=trac").is_err()),
            _ => {}
        }
        tracing::trace!(target: "shop.cart", round, "shop trace");
        tracing::debug!(target: "shop.cart", round, "shop debug");
        tracing::error!(target: "shop.cart", round, "shop error");
        tracing::info!(target: "other", round, "other info");
        tracing::warn!(target: "other", round, "other warn");
        kymo::warn!("own {round}", round);
    }
}

#[test]
fn levels_change_for_all_inputs_and_for_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    part::play("tracing::plays_levels_that_change", folder.path(), &[]);
    let session = part::only(folder.path());
    assert_eq!(
        session.messages(),
        [
            "shop debug",
            "shop error",
            "other warn",
            "own 0", // warn, shop=debug
            "shop error",
            "other info",
            "other warn",
            "own 1", // info, shop=error
            "shop trace",
            "shop debug",
            "shop error", // off, shop=trace
            "shop trace",
            "shop debug",
            "shop error", // as before
        ]
    );
    let others = std::fs::read_to_string(folder.path().join("others")).unwrap();
    assert_eq!(others.lines().count(), 4 * 3, "{others}");
}

#[test]
#[ignore = "played by other tests"]
fn plays_behind_an_env_filter_that_is_reloaded() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).filter("trace").start();
    let (filter, handle) = tracing_subscriber::reload::Layer::new(EnvFilter::new("warn"));
    tracing_subscriber::registry().with(kymo::tracing_layer().with_filter(filter)).init();
    tracing::info!("off");
    handle.reload(EnvFilter::new("info,it[asked]=trace")).unwrap();
    tracing::info!("on");
    tracing::trace!("off");
    tracing::info_span!("asked").in_scope(|| tracing::trace!("within"));
}

#[test]
fn an_env_filter_goes_in_front() {
    let folder = tempfile::tempdir().unwrap();
    part::play("tracing::plays_behind_an_env_filter_that_is_reloaded", folder.path(), &[]);
    assert_eq!(part::only(folder.path()).messages(), ["on", "within"]);
}

#[test]
#[ignore = "played by other tests"]
fn plays_spans_until_it_is_killed() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).fragments(16 * 1024, std::time::Duration::from_hours(1)).start();
    tracing_subscriber::registry().with(kymo::tracing_layer()).init();
    let scores = Scores::new(&folder);
    let whole = tracing::info_span!("whole", program = "killed").entered();
    for number in 1_u64.. {
        let request = tracing::info_span!("request", number);
        request.in_scope(|| {
            tracing::info!(number, "begins");
            tracing::info!(number, "ends");
        });
        scores.set(0, number);
    }
    drop(whole);
}

#[test]
fn a_kill_keeps_the_spans_around_what_it_keeps() {
    for round in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = part::start("tracing::plays_spans_until_it_is_killed", folder.path(), &[]);
        let scores = Scores::new(folder.path());
        scores.wait(0, 3 + round * 1_000, &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        part::recover(folder.path());
        let session = part::only(folder.path());
        let own: Vec<&ReadRecord> =
            session.records.iter().filter(|record| record.category() == Some("it::tracing")).collect();
        assert!(own.len() as u64 >= 2 * scores.get(0), "{} records", own.len());
        for record in own {
            let ArgValue::U64(number) = record.args[1] else { panic!("a number in {record:?}") };
            assert_eq!(spans(record), [format!("request {number}"), "whole killed".to_owned()], "{number}");
        }
    }
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_span_that_is_older_than_its_fragment() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).flush_every(std::time::Duration::from_hours(1)).start();
    tracing_subscriber::registry().with(kymo::tracing_layer()).init();
    let whole = tracing::info_span!("whole", program = "killed").entered();
    tracing::info!("in the first fragment");
    assert!(kymo::close_fragment());
    // Recovery finds spans that it reads of: there is none here.
    for _ in 0..2 {
        tracing::info!(parent: None, "elsewhere");
        assert!(kymo::close_fragment());
    }
    tracing::info_span!("request", number = 1_u64).in_scope(|| tracing::info!("in the spool only"));
    Scores::new(&folder).set(0, 1);
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    drop(whole);
}

#[test]
fn a_kill_keeps_a_span_that_is_older_than_its_fragment() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = part::start("tracing::plays_a_span_that_is_older_than_its_fragment", folder.path(), &[]);
    Scores::new(folder.path()).wait(0, 1, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    part::recover(folder.path());
    let session = part::only(folder.path());
    assert_eq!(session.headers.len(), 4);
    assert_eq!(session.messages(), ["in the first fragment", "elsewhere", "elsewhere", "in the spool only"]);
    assert_eq!(spans(&session.records[3]), ["request 1", "whole killed"]);
}

#[test]
#[ignore = "played by other tests"]
fn plays_spans_whose_first_event_is_dropped() {
    let Some(folder) = part::folder() else { return };
    let session = part::builder(&folder).when_full(kymo::FullPolicy::Drop).ring_bytes(4096).start();
    ::tracing::subscriber::set_global_default(tracing_subscriber::registry().with(kymo::tracing_layer()))
        .unwrap();
    let dropped = || kymo::status().unwrap().recorder.dropped.total();
    loop {
        let span = ::tracing::info_span!("request", path = "/cart");
        let _within = span.enter();
        for _ in 0..50 {
            kymo::info!("{text}", text = "a text that fills the ring, as fast as it can be filled");
        }
        let before = dropped();
        ::tracing::info!("first");
        let is_dropped = dropped() > before;
        assert!(kymo::flush());
        if is_dropped {
            ::tracing::info!("second");
            break;
        }
    }
    session.end(EndReason::Normal, None);
}

#[test]
fn a_span_whose_first_event_was_dropped_is_told_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    part::play("tracing::plays_spans_whose_first_event_is_dropped", folder.path(), &[]);
    let records = part::only(folder.path()).records;
    let second = records.iter().find(|record| record.message() == "second").unwrap();
    assert_eq!(spans(second), ["request /cart"]);
}
