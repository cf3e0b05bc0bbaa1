//! Records as events of the model.

use kymo_format::{
    Aggregation, Arg, Callsite, DetailsKind, Extra, METRIC_SAMPLE, Metric, Record, Settings, Thread, Writer,
};
use kymo_model::{Event, EventKind, Exception, Severity, Timestamp, Value};

use crate::reading::read;
use crate::sample::header;

const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

fn writer() -> Writer {
    let mut writer = Writer::new(&header(), Settings::default()).unwrap();
    let mut order = Callsite::new(Severity::INFO, "order {} took {ms:.1} ms", &["", "ms", "host"]);
    order.source.file = Some("src/order.rs".to_owned());
    order.category = Some("shop::order".to_owned());
    let mut sample = Callsite::new(Severity::INFO, "", &["value"]);
    sample.kind = EventKind::from_word(METRIC_SAMPLE);
    let (name, unit) = ("queue.length".to_owned(), Some("1".to_owned()));
    sample.metric = Some(Metric { name, unit, description: None, aggregation: Aggregation::Gauge });
    let request = Callsite::new(Severity::INFO, "request", &["path", "host"]);
    for (key, callsite) in [order, sample, request].iter().enumerate() {
        writer.define_callsite(key as u32, callsite).unwrap();
    }
    writer.define_thread(0, &Thread { id: 12, name: Some("main".to_owned()) }).unwrap();
    writer
}

fn event(mut writer: Writer, callsite: u32, args: &[Arg<'_>], extra: Option<&Extra<'_>>) -> Event {
    writer.record(&Record { time: NOW, thread: 0, callsite, args, extra, origin: None }).unwrap();
    writer.close().unwrap();
    read(writer.output()).records()[0].to_event(Timestamp::MAX)
}

fn text(event: &Event, name: &str) -> Option<String> {
    event.attributes.get(name).and_then(Value::to_scalar_text)
}

#[test]
fn a_record_with_everything() {
    let mut writer = writer();
    writer.open_span(7, 2, None, &[Arg::Text("/a"), Arg::Text("outer")]).unwrap();
    writer.open_span(8, 2, Some(7), &[Arg::Text("/b")]).unwrap();
    let inner = Exception { type_name: Some("Io".to_owned()), ..Exception::default() };
    let exception =
        Exception { inner: Some(Box::new(inner)), message: Some("m".to_owned()), ..Exception::default() };
    let extra = Extra {
        span: Some(8),
        severity: Some(Severity::ERROR),
        user_id: Some("ann"),
        reference_id: Some("r1"),
        details: Some((DetailsKind::Json, "{}")),
        exception: Some(&exception),
        attributes: &[("tenant", Arg::U64(u64::MAX))],
        ..Extra::default()
    };
    let args = [Arg::U64(5), Arg::F64(2.25), Arg::Text("own")];
    let event = event(writer, 0, &args, Some(&extra));
    assert_eq!((event.time, event.observed_time), (NOW, Timestamp::MAX));
    assert_eq!(event.body.as_deref(), Some("order 5 took 2.2 ms"));
    assert_eq!((event.kind.clone(), event.severity), (EventKind::Error, Severity::ERROR));
    assert_eq!(event.category.as_deref(), Some("shop::order"));
    assert_eq!(event.exception.as_ref(), Some(&exception));
    assert_eq!(event.user.clone().and_then(|user| user.id).as_deref(), Some("ann"));
    assert_eq!(event.reference_id.as_deref(), Some("r1"));
    for (name, expected) in [
        ("ms", "2.25"),
        ("host", "own"),
        ("path", "/b"),
        ("tenant", "18446744073709551615"),
        ("kymo.template", "order {} took {ms:.1} ms"),
        ("kymo.details", "{}"),
        ("kymo.details.kind", "json"),
        ("code.file.path", "src/order.rs"),
        ("thread.id", "12"),
        ("thread.name", "main"),
    ] {
        assert_eq!(text(&event, name).as_deref(), Some(expected), "{name}");
    }
    let names = Value::List(vec![Value::Text("request".to_owned()); 2]);
    assert_eq!(event.attributes.get("kymo.spans"), Some(&names));
}

#[test]
fn a_sample_of_a_metric() {
    let event = event(writer(), 1, &[Arg::U64(3)], None);
    assert_eq!((event.kind.as_str(), event.body.as_deref()), (METRIC_SAMPLE, None));
    assert_eq!(text(&event, "value").as_deref(), Some("3"));
    assert_eq!(text(&event, "metric.name").as_deref(), Some("queue.length"));
    assert_eq!(text(&event, "metric.unit").as_deref(), Some("1"));
    assert_eq!(text(&event, "metric.aggregation").as_deref(), Some("gauge"));
}
