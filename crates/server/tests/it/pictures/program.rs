//! A session of a program: threads, metrics, an error now and then, and a file in its middle that never came.

use std::time::Duration;

use kymo_format::{
    Aggregation, Arg, Callsite, End, Header, METRIC_EVENT, METRIC_SAMPLE, Metric, Record, Settings, Thread,
    Writer,
};
use kymo_model::{Attributes, EndReason, EventKind, SessionId, SessionKind, Severity, Timestamp, Value};
use kymo_testkit::Random;

use crate::stand::Stand;

/// As the address of its page has it.
const SESSION: &str = "0199f0c1-2b3c-7d4e-9f50-000000000007";
const LASTS: Duration = Duration::from_mins(40);
const STEP: Duration = Duration::from_millis(1500);
const FRAGMENTS: u64 = 5;
/// Removed before it was sent.
const MISSING: u64 = 3;
const THREADS: [&str; 8] = ["main", "checkout", "printer", "scanner", "prices", "stock", "network", "screen"];
/// Callsites from this key on are of metrics.
const METRICS: u32 = 10;
const MESSAGES: [(&str, Severity); 4] = [
    ("a receipt was printed", Severity::INFO),
    ("price of {item} was looked up", Severity::DEBUG),
    ("the drawer is stuck", Severity::ERROR),
    ("{item} is almost sold out", Severity::WARN),
];

/// Sends what there is of it.
pub(super) fn send(stand: &Stand, now: Timestamp) {
    let begin = now.minus(Duration::from_mins(55));
    let mut random = Random::new(7);
    let mut next_sequence = 1;
    let steps = (LASTS.as_millis() / STEP.as_millis()) as u64;
    for fragment in 1..=FRAGMENTS {
        let header = Header { fragment, first_sequence: next_sequence, ..header(begin) };
        let mut writer = Writer::new(&header, Settings::default()).expect("a header");
        define(&mut writer);
        for step in steps * (fragment - 1) / FRAGMENTS..steps * fragment / FRAGMENTS {
            record(&mut writer, step, begin.plus(STEP * step as u32), &mut random);
        }
        if fragment == FRAGMENTS {
            let end =
                End { time: begin.plus(LASTS), reason: EndReason::Normal, note: None, recovered: false };
            writer.end(end);
        }
        writer.close().expect("a whole file");
        next_sequence = writer.next_sequence();
        if fragment != MISSING {
            upload(stand, fragment, writer.output());
        }
    }
}

fn header(begin: Timestamp) -> Header {
    let mut resource = Attributes::default();
    for (name, value) in [
        ("service.namespace", "Shop"),
        ("service.name", "till"),
        ("service.version", "2.4.1"),
        ("deployment.environment.name", "production"),
        ("host.name", "till-3"),
        ("host.arch", "x86_64"),
        ("os.name", "Debian GNU/Linux"),
        ("os.version", "12"),
        ("process.executable.path", "/opt/shop/till"),
        ("process.command_line", "/opt/shop/till --desk 3 --key ***"),
        ("user.name", "Person 7"),
        ("customer", "4711"),
    ] {
        resource.push(name, Value::Text(value.to_owned()));
    }
    resource.push("process.pid", Value::Int(4711));
    Header {
        session: SESSION.parse::<SessionId>().expect("an id"),
        fragment: 1,
        first_sequence: 1,
        started_at: begin,
        opened_at: begin,
        kind: SessionKind::Process,
        previous: None,
        agent: "kymo 0.0.1".to_owned(),
        resource,
    }
}

fn define(writer: &mut Writer) {
    for (key, name) in (0..).zip(THREADS) {
        let thread = Thread { id: 4711 + u64::from(key), name: Some(name.to_owned()) };
        writer.define_thread(key, &thread).expect("a thread");
    }
    for (key, (template, severity)) in (0..).zip(MESSAGES) {
        let mut callsite =
            Callsite::new(severity, template, if template.contains('{') { &["item"] } else { &[] });
        callsite.category = Some("shop.till".to_owned());
        writer.define_callsite(key, &callsite).expect("a callsite");
    }
    let metrics: [(&str, &str, Aggregation, &[&str]); 4] = [
        (
            "shop.checkout",
            "s",
            Aggregation::Distribution,
            &["count", "sum", "min", "max", "p50", "p90", "p99"],
        ),
        ("shop.orders", "{order}", Aggregation::Total, &["value", "till"]),
        ("process.memory.usage", "By", Aggregation::Gauge, &["value"]),
        ("process.cpu.utilization", "1", Aggregation::Gauge, &["value"]),
    ];
    for (key, (name, unit, aggregation, fields)) in (METRICS..).zip(metrics) {
        let mut callsite = Callsite::new(Severity::INFO, name, fields);
        let kind = if fields.len() > 2 { METRIC_EVENT } else { METRIC_SAMPLE };
        callsite.kind = EventKind::Other(kind.to_owned());
        callsite.category =
            Some(if name.starts_with("shop") { "metrics" } else { "metrics.system" }.to_owned());
        callsite.metric = Some(Metric {
            name: name.to_owned(),
            unit: Some(unit.to_owned()),
            description: None,
            aggregation,
        });
        writer.define_callsite(key, &callsite).expect("a callsite");
    }
}

fn record(writer: &mut Writer, step: u64, time: Timestamp, random: &mut Random) {
    let mut put = |thread: u32, callsite: u32, args: &[Arg<'_>]| {
        let record = Record { time, thread, callsite, args, extra: None, origin: None };
        writer.record(&record).expect("a record");
    };
    // Busier in the middle, and each thread less than the one before.
    let share = step as f64 / 1600.0;
    let wave = (share * std::f64::consts::PI).sin();
    for thread in 0..THREADS.len() as u32 {
        if random.below(u64::from(thread + 1) * 3) as f64 > wave * 2.0 {
            continue;
        }
        match random.below(40) {
            0 if thread == 2 => put(thread, 2, &[]),
            1 => put(thread, 3, &[Arg::Text("lamp")]),
            2..20 => put(thread, 1, &[Arg::Text("lamp")]),
            _ => put(thread, 0, &[]),
        }
    }
    if step.is_multiple_of(10) {
        let orders = (share * 400.0) as u64 + random.below(3);
        put(0, METRICS + 1, &[Arg::U64(orders), Arg::Text("3")]);
        let median = 0.4 + wave * 0.5 + random.below(100) as f64 / 1000.0;
        let values = [9.0, 9.0 * median, median * 0.3, median * 3.1, median, median * 1.9, median * 2.7];
        put(0, METRICS, &values.map(Arg::F64));
    }
    if step.is_multiple_of(40) {
        put(6, METRICS + 2, &[Arg::U64(180_000_000 + (share * 9e7) as u64 + random.below(9_000_000))]);
        put(6, METRICS + 3, &[Arg::F64(0.04 + wave * 0.4 + random.below(80) as f64 / 1000.0)]);
    }
}

fn upload(stand: &Stand, fragment: u64, bytes: &[u8]) {
    let token = format!("Bearer {}", stand.token("ingest"));
    let authorization = ("authorization", token.as_str());
    let head = [authorization, ("content-type", "application/octet-stream")];
    let answer = stand.send("POST", "/api/v1/uploads", &head, Some(bytes[..bytes.len().min(4096)].to_vec()));
    let answer = answer.expect("an answer");
    assert!(answer.status < 300, "{}", answer.body);
    let piece = [
        authorization,
        ("content-type", "application/partial-upload"),
        ("upload-offset", "0"),
        ("upload-complete", "?1"),
    ];
    let path = format!("/api/v1/uploads/{SESSION}/fragments/{fragment}");
    let answer = stand.send("PATCH", &path, &piece, Some(bytes.to_vec())).expect("an answer");
    assert_eq!(answer.status, 204, "{}", answer.body);
}
