//! Spans: who they are, and telling of them with the first record within.
//!
//! A record tells them itself, so that neither a kill nor anything else comes between.

use std::error::Error;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kymo_model::Severity;
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Record};

use super::callsites::{self, NAMED_MAX};
use crate::callsite::Callsite;
use crate::record::{FieldKind, ToldSpan, spans_void, with_gathered};
use crate::recorder::{GENERATION, introduce, record};

/// Longest text of a span's value: what the session file keeps of it.
const TEXT_BYTES_MAX: usize = 1024;

/// The next span's number: `tracing`'s own are used again.
static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Debug)]
pub(super) struct Span {
    id: u64,
    callsite: &'static Callsite,
    parent: Option<Arc<Self>>,
    values: Mutex<SpanValues>,
    /// How often its values changed.
    changes: AtomicU64,
    /// The [`Span::state`] in which it was told; 0: never.
    told: AtomicU64,
}

impl Span {
    pub(super) fn new(attributes: &Attributes<'_>, parent: Option<Arc<Self>>) -> Self {
        let mut values = SpanValues::default();
        attributes.record(&mut values);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            callsite: callsites::of_span(attributes.metadata()),
            parent,
            values: Mutex::new(values),
            changes: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }

    fn values(&self) -> MutexGuard<'_, SpanValues> {
        // What it guards is whole after any panic: each change is one assignment.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Values that came later.
    pub(super) fn record(&self, later: &Record<'_>) {
        // Apart, since a value's `Debug` may record within this span.
        let mut new = SpanValues::default();
        later.record(&mut new);
        self.values().take(new);
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// What has to be told with the next record within it, if anything: it and those around it, innermost first.
    #[inline]
    pub(super) fn news(&self) -> Option<News> {
        (self.told.load(Ordering::Acquire) != self.state()).then(|| self.all_news())
    }

    /// Differs from before when it, one around it or the recorder has changed. A sum, to be quick: what it adds up only
    /// ever rises.
    #[inline]
    fn state(&self) -> u64 {
        let mut sum = 1 + GENERATION.load(Ordering::Acquire) + spans_void();
        let mut span = Some(self);
        while let Some(one) = span {
            sum += one.changes.load(Ordering::Acquire);
            span = one.parent.as_deref();
        }
        sum
    }

    #[cold]
    fn all_news(&self) -> News {
        let mut news = News::default();
        let mut span = Some(self);
        while let Some(one) = span {
            // Of before what is told: what changes meanwhile is told once more.
            news.states.push(one.state());
            let parent = one.parent.as_deref();
            // In a child after a fork this may begin its session, which is a change.
            if let Some(callsite) = introduce(one.callsite) {
                let mut told = ToldSpan::new(one.id, parent.map_or(0, Self::id), callsite);
                one.values().tell(&mut told);
                news.spans.push(told);
            }
            span = parent;
        }
        news
    }

    /// The news were recorded: from now on others rely on them.
    pub(super) fn told(&self, news: &News) {
        let mut span = Some(self);
        for state in &news.states {
            let Some(one) = span else { return };
            one.told.store(*state, Ordering::Release);
            span = one.parent.as_deref();
        }
    }

    /// Nothing happens within it any more.
    pub(super) fn close(&self) {
        static CLOSE: Callsite = Callsite::new(Severity::INFO, "", &[], "", 0, "").of_spans();
        if self.told.load(Ordering::Acquire) != 0 && CLOSE.is_enabled() {
            with_gathered(|gathered| {
                gathered.push(FieldKind::Span, self.id);
                record(&CLOSE, gathered);
            });
        }
    }
}

/// Spans on their way into a record, innermost first, and the [`Span::state`] of each.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) spans: Vec<ToldSpan>,
    states: Vec<u64>,
}

/// By the place of their field; those beyond [`NAMED_MAX`] are left out.
#[derive(Debug, Default)]
struct SpanValues(Vec<Option<SpanValue>>);

#[derive(Debug)]
enum SpanValue {
    Word(FieldKind, u64),
    Text(String),
}

impl SpanValues {
    fn put(&mut self, field: &Field, value: SpanValue) {
        let index = field.index();
        if index < NAMED_MAX {
            if index >= self.0.len() {
                self.0.resize_with(index + 1, || None);
            }
            self.0[index] = Some(value);
        }
    }

    fn put_text(&mut self, field: &Field, mut text: String) {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        self.put(field, SpanValue::Text(text));
    }

    fn take(&mut self, new: Self) {
        if new.0.len() > self.0.len() {
            self.0.resize_with(new.0.len(), || None);
        }
        for (value, new) in self.0.iter_mut().zip(new.0) {
            if new.is_some() {
                *value = new;
            }
        }
    }

    fn tell(&self, told: &mut ToldSpan) {
        for value in &self.0 {
            match value {
                None => told.push(FieldKind::Absent, 0),
                Some(SpanValue::Word(kind, word)) => told.push(*kind, *word),
                Some(SpanValue::Text(text)) => told.push_text(text),
            }
        }
    }
}

impl Visit for SpanValues {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put_text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, SpanValue::Word(FieldKind::Signed, value as u64));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, SpanValue::Word(FieldKind::Unsigned, value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, SpanValue::Word(FieldKind::Float, value.to_bits()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, SpanValue::Word(FieldKind::Bool, value.into()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put_text(field, value.to_string());
    }
}
