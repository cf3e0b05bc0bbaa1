//! Errors on their way into the file, told to who wants to know of them.

use std::collections::HashMap;
use std::sync::Arc;

use kymo_format::{ArgValue, Callsite};
use kymo_model::Severity;

use crate::record::FieldValue;
use crate::record::parts::ReadParts;
use crate::sending::policy::{AlertEvent, Queue, THREAD};
use crate::sink::{Record as Recorded, ThreadInfo};

/// What is needed to tell an error in words, and to whom.
#[derive(Debug)]
pub(super) struct Alerts {
    queue: Arc<Queue>,
    /// By the writer's key; those of errors.
    callsites: HashMap<u32, Callsite>,
    /// The thread that tells them. What it records itself is not told: it would be for ever.
    own_thread: Option<u32>,
}

impl Alerts {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, callsites: HashMap::new(), own_thread: None }
    }

    pub(super) fn define(&mut self, key: u32, callsite: &Callsite) {
        // Others become errors by a record's own severity only, and their texts come as values.
        if callsite.severity >= Severity::ERROR {
            self.callsites.insert(key, callsite.clone());
        }
    }

    pub(super) fn define_thread(&mut self, thread: &ThreadInfo) {
        if thread.name.as_deref() == Some(THREAD) {
            self.own_thread = Some(thread.number);
        }
    }

    pub(super) fn tell(&self, recorded: &Recorded<'_>, severity: Severity, parts: Option<&ReadParts<'_>>) {
        if !self.queue.is_wanted() || self.own_thread == Some(recorded.thread()) {
            return;
        }
        if !self.queue.has_room() {
            // No text is made for nobody: errors may come by the thousand.
            return;
        }
        let callsite = self.callsites.get(&recorded.callsite());
        let args: Vec<ArgValue> = recorded.values().filter_map(value).collect();
        let message = match callsite {
            Some(callsite) => callsite.message(&args),
            None => Callsite::new(severity, "{}", &[""]).message(&args),
        };
        let category = parts.and_then(|parts| parts.category);
        let category = category.or_else(|| callsite?.category.as_deref());
        let exception = parts.and_then(|parts| parts.exception.as_ref()?.type_name.as_deref());
        self.queue.push(AlertEvent::new(message, severity, category, recorded.time, exception));
    }
}

fn value(value: FieldValue<'_>) -> Option<ArgValue> {
    Some(match value {
        FieldValue::Unsigned(number) => ArgValue::U64(number),
        FieldValue::Signed(number) => ArgValue::I64(number),
        FieldValue::Float(number) => ArgValue::F64(number),
        FieldValue::Bool(value) => ArgValue::Bool(value),
        FieldValue::Text { text, .. } => ArgValue::Text(text.into_owned()),
        FieldValue::Absent => ArgValue::Null,
        FieldValue::Span(_) | FieldValue::Parts(_) => return None,
    })
}
