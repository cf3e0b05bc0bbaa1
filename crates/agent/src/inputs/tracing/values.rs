//! Values of `tracing`, in the places that the callsite has for them.

use std::error::Error;
use std::fmt::{Debug, Write};

use kymo_model::{Attributes, Value};
use tracing_core::Metadata;
use tracing_core::field::{Field, Visit};

use super::callsites::{self, NAMED_MAX};
use crate::record::{FieldKind, Gathered, Parts};
use crate::session::exception;

/// Takes values as they come: by their place among the callsite's.
pub(super) struct Values<'a> {
    gathered: &'a mut Gathered,
    unusual: Option<Box<Unusual>>,
}

/// What goes into the parts.
#[derive(Default)]
struct Unusual {
    parts: Parts,
    /// Values that the callsite has no place for, or none any more.
    attributes: Vec<(String, Value)>,
    has_exception: bool,
}

impl<'a> Values<'a> {
    pub(super) fn new(gathered: &'a mut Gathered) -> Self {
        Self { gathered, unusual: None }
    }

    /// True if the value of that field comes next now; else it goes into the attributes.
    #[inline]
    fn is_next(&mut self, field: &Field) -> bool {
        let index = field.index();
        if index == self.gathered.len() && index < NAMED_MAX {
            return true;
        }
        if index < self.gathered.len() || index >= NAMED_MAX {
            return false;
        }
        // Those between have no value in this call.
        while self.gathered.len() < index {
            self.gathered.push(FieldKind::Absent, 0);
        }
        true
    }

    #[cold]
    fn add(&mut self, field: &Field, value: Value) {
        let attributes = &mut self.unusual.get_or_insert_default().attributes;
        attributes.push((field.name().to_owned(), value));
    }

    /// What goes behind the values. With `metadata` they are of a callsite that says nothing itself.
    pub(super) fn finish(self, metadata: Option<&Metadata<'_>>) -> Option<Parts> {
        if self.unusual.is_none() && metadata.is_none() {
            return None;
        }
        let Unusual { mut parts, attributes, .. } = *self.unusual.unwrap_or_default();
        if let Some(metadata) = metadata {
            parts.severity(callsites::severity(*metadata.level()));
            parts.category(metadata.target());
        }
        parts.attributes(&Attributes(attributes));
        Some(parts)
    }
}

impl Visit for Values<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // `?value` and `%value` come here alike, and the message.
        if self.is_next(field) {
            self.gathered.push_written(FieldKind::Text, |text| write!(text, "{value:?}"));
        } else {
            self.add(field, Value::Text(format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.is_next(field) {
            self.gathered.push_text(value);
        } else {
            self.add(field, value.into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if self.is_next(field) {
            self.gathered.push(FieldKind::Signed, value as u64);
        } else {
            self.add(field, value.into());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if self.is_next(field) {
            self.gathered.push(FieldKind::Unsigned, value);
        } else {
            let value = i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from);
            self.add(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if self.is_next(field) {
            self.gathered.push(FieldKind::Float, value.to_bits());
        } else {
            self.add(field, value.into());
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if self.is_next(field) {
            self.gathered.push(FieldKind::Bool, value.into());
        } else {
            self.add(field, value.into());
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let unusual = self.unusual.get_or_insert_default();
        if !unusual.has_exception {
            unusual.has_exception = true;
            unusual.parts.exception(&exception(value.to_string(), None, value.source()));
        }
        if self.is_next(field) {
            self.gathered.push_written(FieldKind::Text, |text| write!(text, "{value}"));
        } else {
            self.add(field, value.to_string().into());
        }
    }
}
