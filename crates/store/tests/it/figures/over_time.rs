//! A program's session over time: threads and series are added up alike from the tail, from segments and from both, and as by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use kymo_model::{Event, EventKind, SessionId, Severity, Timestamp, Value};
use kymo_store::{EventFilter, Figure, Item, Lanes, ProjectPk, SeriesList, SeriesPoints, StoreErrorKind};
use kymo_testkit::Random;
use kymo_tracker::{Incoming, Role, SessionKey};

use crate::stand::{BEGIN, Stand};

const RUN: SessionId = SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b7);
const EVENTS: u64 = 3000;
const THREADS: u64 = 9;

fn at(number: u64) -> Timestamp {
    BEGIN.plus(Duration::from_millis(number * 10))
}

/// Of thread `number % 9` squared, so that some are busier; each fifth is a sample, each seventh of these of many values.
fn item(number: u64) -> Item {
    let mut event = Event::new(EventKind::Log, at(number), at(number));
    let attributes = &mut event.attributes;
    attributes.push("text", Value::Text("\"thread.id\":99 {".to_owned()));
    if number.is_multiple_of(5) {
        let is_summary = number.is_multiple_of(7);
        event.kind = EventKind::Other(if is_summary { "metric.event" } else { "metric.sample" }.to_owned());
        event.attributes.0.clear();
        let value = Value::Float(number as f64);
        let (name, values): (&str, &[&str]) = if is_summary {
            ("took", &["count", "sum", "min", "max", "p50", "p90", "p99"])
        } else {
            ("queue", &["value"])
        };
        for name in values {
            event.attributes.push(*name, value.clone());
        }
        event.attributes.push("till", Value::Int(number as i64 % 2));
        event.attributes.push("kymo.template", Value::Text("{value}".to_owned()));
        event.attributes.push("metric.name", Value::Text(name.to_owned()));
        event.attributes.push("metric.aggregation", Value::Text("gauge".to_owned()));
    } else if number.is_multiple_of(11) {
        event.kind = EventKind::Error;
        event.severity = Severity::ERROR;
    }
    let thread = thread(number);
    event.attributes.push("thread.id", Value::Int(thread as i64));
    if thread == 4 {
        event.attributes.push("thread.name", Value::Text("a \"b\"".to_owned()));
    }
    let key = Some(SessionKey::Process(RUN.to_string()));
    let incoming = Incoming { number: Some(number), ..Incoming::new(key, Role::Ordinary, event) };
    Item { incoming, fingerprint: None }
}

fn thread(number: u64) -> u64 {
    let bounded = number % THREADS;
    bounded * bounded % THREADS
}

struct Found {
    lanes: Lanes,
    list: SeriesList,
    points: SeriesPoints,
}

async fn look(stand: &Stand, shop: ProjectPk, session: SessionId) -> Found {
    let range = (at(500), at(2500));
    let store = stand.store();
    let asked = ("queue{till=\"1\"}".to_owned(), Figure::Value);
    Found {
        lanes: store.threads(shop, session, range, 40, 2).await.unwrap(),
        list: store.metric_series(shop, session).await.unwrap(),
        points: store.metric_points(shop, session, asked, range, 20).await.unwrap(),
    }
}

fn check(found: &Found) {
    let mut by_thread: BTreeMap<u64, u64> = BTreeMap::new();
    (500..2500).for_each(|number| *by_thread.entry(thread(number)).or_default() += 1);
    let lanes = &found.lanes;
    assert_eq!(lanes.threads, by_thread.len() as u64);
    let told: Vec<_> = lanes.lanes.iter().map(|lane| (lane.thread, lane.count)).collect();
    let mut most: Vec<_> = by_thread.iter().map(|(thread, count)| (Some(*thread), *count)).collect();
    most.sort_by_key(|(thread, count)| (std::cmp::Reverse(*count), *thread));
    assert_eq!(told, most[..2]);
    let rest = lanes.rest.as_ref().unwrap();
    assert_eq!((rest.thread, rest.count), (None, 2000 - told[0].1 - told[1].1));
    for lane in lanes.lanes.iter().chain(&lanes.rest) {
        assert_eq!(lane.buckets.iter().map(|bucket| u64::from(bucket.count)).sum::<u64>(), lane.count);
    }
    let errors: u64 = lanes.lanes.iter().chain(&lanes.rest).map(|lane| lane.errors).sum();
    let is_error = |number: &u64| number.is_multiple_of(11) && !number.is_multiple_of(5);
    assert_eq!(errors, (500..2500).filter(is_error).count() as u64);

    let keys: Vec<String> = found.list.series.iter().map(|series| series.key.to_string()).collect();
    assert_eq!(keys, ["queue{till=\"0\"}", "queue{till=\"1\"}", "took{till=\"0\"}", "took{till=\"1\"}"]);
    let of_series: Vec<u64> =
        (1..=EVENTS).filter(|number| number % 5 == 0 && number % 7 != 0 && number % 2 == 1).collect();
    let series = &found.list.series[1];
    assert_eq!((series.samples, series.is_summary), (of_series.len() as u64, false));
    let ends = (*of_series.first().unwrap() as f64, *of_series.last().unwrap() as f64);
    assert_eq!((series.least, series.most, series.last), (ends.0, ends.1, ends.1));

    let inside: Vec<u64> = of_series.iter().copied().filter(|number| (500..2500).contains(number)).collect();
    let points = &found.points;
    assert_eq!(points.points.iter().map(|point| point.samples).sum::<u64>(), inside.len() as u64);
    for point in &points.points {
        let first = 500 + u64::from(point.index) * 100;
        let of_bucket: Vec<f64> = inside
            .iter()
            .filter(|number| (first..first + 100).contains(*number))
            .map(|n| *n as f64)
            .collect();
        let (least, most) = (of_bucket[0], *of_bucket.last().unwrap());
        assert_eq!((point.least, point.most, point.last), (least, most, most));
        assert_eq!(point.at, at(most as u64));
    }
    let before = of_series.iter().rfind(|number| **number < 500).unwrap();
    let after = of_series.iter().find(|number| **number >= 2500).unwrap();
    assert_eq!(points.before, Some((at(*before), *before as f64)));
    assert_eq!(points.after, Some((at(*after), *after as f64)));
}

#[tokio::test]
async fn threads_and_series_are_the_same_in_tail_and_segments() {
    let (stand, shop) = Stand::new().await;
    let seed = 11;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut numbers: Vec<u64> = (1..=EVENTS).collect();
    // Files come in any order.
    for place in (1..numbers.len()).rev() {
        numbers.swap(place, random.below(place as u64 + 1) as usize);
    }
    for (count, part) in numbers.chunks(500).enumerate() {
        stand.submit(shop, part.iter().map(|number| item(*number)).collect()).await.unwrap();
        if count == 3 {
            stand.store().flush().await.unwrap();
        }
    }
    let store = stand.store();
    let row = store.session(&kymo_store::Projects::All, &RUN.to_string()).await.unwrap().1;
    check(&look(&stand, shop, row.id).await);
    store.flush().await.unwrap();
    check(&look(&stand, shop, row.id).await);

    let errors = EventFilter { errors_only: true, ..EventFilter::default() };
    let counted = store.density(shop, row.id, errors, (at(0), at(EVENTS + 1)), 7).await.unwrap();
    assert!(counted.iter().all(|bucket| bucket.count == bucket.errors));
    assert_eq!(store.gaps(shop, &row).await.unwrap(), []);
    let none = store.metric_points(shop, row.id, ("queue".into(), Figure::Value), (at(0), at(9)), 5).await;
    assert_eq!(none.unwrap_err().kind(), StoreErrorKind::NotFound);
}
