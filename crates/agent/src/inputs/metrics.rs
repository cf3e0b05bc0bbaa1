//! The crate `metrics`: counters, gauges and histograms are kept here and written now and then, if they changed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::counts;
use super::samples::{CATEGORY, Sample, Text};
use crate::callsite::made::soon;

mod histogram;

use histogram::Values;

/// Series of each of the three kinds: a counter takes some 200 bytes, a histogram of many values 4 KB.
const SERIES_MAX: usize = 4096;
/// Names with a unit or a description.
const DESCRIBED_MAX: usize = 4096;

static KEPT: Kept = Kept {
    counters: Series::new(),
    gauges: Series::new(),
    histograms: Series::new(),
    described: RwLock::new(None),
};

struct Kept {
    counters: Series<Count>,
    gauges: Series<Level>,
    histograms: Series<Distribution>,
    described: RwLock<Option<HashMap<String, Described>>>,
}

#[derive(Clone, Debug, Default)]
struct Described {
    unit: Option<Text>,
    description: Option<Text>,
}

/// Takes what the macros of the crate `metrics` say.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KymoMetrics;

/// Our recorder, for who has a place for it: one of several of a program.
pub fn metrics_recorder() -> KymoMetrics {
    KymoMetrics
}

/// Makes ours the recorder of the program. What changed is written every 15 s
/// ([`metrics_every`](crate::Builder::metrics_every)) and at the end of the session: counters and gauges as events of
/// kind `metric.sample`, histograms as `metric.event` with count, sum, least, most and quantiles (within 3 %) of the
/// values since the event before.
///
/// Errors: there is one already; nothing changes then.
///
/// ```
/// kymo::install_metrics()?;
/// metrics::describe_histogram!("shop.checkout", metrics::Unit::Seconds, "time until a receipt is printed");
/// metrics::counter!("shop.orders", "till" => "3").increment(1);
/// metrics::histogram!("shop.checkout").record(0.731);
/// # Ok::<(), metrics::SetRecorderError<kymo::KymoMetrics>>(())
/// ```
pub fn install_metrics() -> Result<(), metrics::SetRecorderError<KymoMetrics>> {
    metrics::set_global_recorder(KymoMetrics)
}

/// Nobody is within the maps as long as this lives.
pub(super) struct Held {
    _counters: Locked<Count>,
    _gauges: Locked<Level>,
    _histograms: Locked<Distribution>,
    _described: RwLockWriteGuard<'static, Option<HashMap<String, Described>>>,
}

type Locked<T> = RwLockWriteGuard<'static, Option<HashMap<Key, Arc<T>>>>;

/// For who forks: as a writer, so that no reader of another thread is counted in the child for ever.
pub(super) fn hold() -> Held {
    Held {
        _counters: KEPT.counters.0.write().unwrap_or_else(PoisonError::into_inner),
        _gauges: KEPT.gauges.0.write().unwrap_or_else(PoisonError::into_inner),
        _histograms: KEPT.histograms.0.write().unwrap_or_else(PoisonError::into_inner),
        _described: KEPT.described.write().unwrap_or_else(PoisonError::into_inner),
    }
}

/// Writes what changed since the last time.
pub(super) fn write() {
    KEPT.counters.each(|key, count| {
        if let Some(value) = count.changed() {
            labelled(Sample::total(name(key), value), key).record();
        }
    });
    KEPT.gauges.each(|key, level| {
        if let Some(value) = level.changed() {
            labelled(Sample::gauge(name(key), value), key).record();
        }
    });
    KEPT.histograms.each(|key, distribution| {
        if let Some(values) = distribution.changed() {
            labelled(Sample::summary(name(key), values), key).record();
        }
    });
}

fn name(key: &Key) -> Text {
    Cow::Owned(key.name().to_owned())
}

fn labelled(mut sample: Sample, key: &Key) -> Sample {
    for label in key.labels() {
        sample = sample.label(label.key().to_owned(), label.value().to_owned());
    }
    let described = KEPT.described.read().unwrap_or_else(PoisonError::into_inner);
    let described = described.as_ref().and_then(|described| described.get(key.name()));
    let Described { unit, description } = described.cloned().unwrap_or_default();
    if let Some(unit) = unit {
        sample = sample.unit(unit);
    }
    if let Some(description) = description {
        sample = sample.description(description);
    }
    sample.category(CATEGORY)
}

/// Series by name and labels.
struct Series<T>(RwLock<Option<HashMap<Key, Arc<T>>>>);

impl<T: Default> Series<T> {
    const fn new() -> Self {
        Self(RwLock::new(None))
    }

    /// `None`: there are too many.
    fn get(&self, key: &Key) -> Option<Arc<T>> {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(series) = known.as_ref().and_then(|known| known.get(key)) {
                return Some(Arc::clone(series));
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if known.len() >= SERIES_MAX && !known.contains_key(key) {
            counts::refused_series();
            return None;
        }
        let series = known.entry(key.clone()).or_insert_with(|| {
            counts::new_series();
            Arc::default()
        });
        Some(Arc::clone(series))
    }

    fn each(&self, mut tell: impl FnMut(&Key, &T)) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Outside of the lock: recording may wait for the disk.
        let all: Vec<(Key, Arc<T>)> =
            known.iter().flatten().map(|(key, series)| (key.clone(), Arc::clone(series))).collect();
        drop(known);
        for (key, series) in all {
            tell(&key, &series);
        }
    }
}

#[derive(Default)]
struct Count {
    value: AtomicU64,
    written: AtomicU64,
}

impl Count {
    fn changed(&self) -> Option<u64> {
        let value = self.value.load(Ordering::Relaxed);
        (self.written.swap(value, Ordering::Relaxed) != value).then_some(value)
    }
}

impl metrics::CounterFn for Count {
    fn increment(&self, value: u64) {
        self.value.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.value.fetch_max(value, Ordering::Relaxed);
    }
}

/// Bits of floats.
#[derive(Default)]
struct Level {
    value: AtomicU64,
    /// One more than what was written, so that a first zero is written.
    written: Mutex<Option<u64>>,
}

impl Level {
    fn changed(&self) -> Option<f64> {
        let value = self.value.load(Ordering::Relaxed);
        let mut written = soon(|| self.written.try_lock())?;
        (written.replace(value) != Some(value)).then(|| f64::from_bits(value))
    }

    fn add(&self, value: f64) {
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        let _ = self.value.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

impl metrics::GaugeFn for Level {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        self.value.store(value.to_bits(), Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Distribution(Mutex<Values>);

impl Distribution {
    fn changed(&self) -> Option<[super::samples::Number; super::samples::SUMMARY.len()]> {
        std::mem::take(&mut *soon(|| self.0.try_lock())?).summary()
    }
}

impl metrics::HistogramFn for Distribution {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        // In a child, whose parent was adding to it in another thread when it forked, it is never given back.
        match soon(|| self.0.try_lock()) {
            Some(mut values) => values.add(value, count as u64),
            None => counts::refused_series(),
        }
    }
}

fn describe(key: &KeyName, unit: Option<Unit>, description: SharedString) {
    let mut described = KEPT.described.write().unwrap_or_else(PoisonError::into_inner);
    let described = described.get_or_insert_default();
    if described.len() < DESCRIBED_MAX || described.contains_key(key.as_str()) {
        let description = description.into_owned();
        let one = Described {
            unit: unit.map(|unit| Cow::Borrowed(ucum(unit))),
            description: (!description.is_empty()).then_some(Cow::Owned(description)),
        };
        described.insert(key.as_str().to_owned(), one);
    }
}

/// As UCUM has it.
fn ucum(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "1",
        Unit::CountPerSecond => "1/s",
        Unit::Microseconds => "us",
        Unit::Bytes => "By",
        other => other.as_canonical_label(),
    }
}

impl Recorder for KymoMetrics {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        describe(&key, unit, description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        describe(&key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        describe(&key, unit, description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        KEPT.counters.get(key).map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        KEPT.gauges.get(key).map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        KEPT.histograms.get(key).map_or_else(Histogram::noop, Histogram::from_arc)
    }
}
