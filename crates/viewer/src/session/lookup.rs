//! A record as a filter looks at it.

use std::cell::OnceCell;

use kymo_filter::EventFacts;
use kymo_format::ReadRecord;
use kymo_model::{Event, Severity, Timestamp};

/// A record that becomes an event only when somebody asks for its texts.
#[derive(Debug)]
pub struct LazyEvent<'record> {
    record: &'record ReadRecord,
    event: OnceCell<Event>,
}

impl<'record> LazyEvent<'record> {
    /// Of that record.
    pub fn new(record: &'record ReadRecord) -> Self {
        Self { record, event: OnceCell::new() }
    }

    /// The event. What was recorded was observed when it happened.
    pub fn into_event(self) -> Event {
        self.event.into_inner().unwrap_or_else(|| self.record.to_event(self.record.time))
    }
}

impl EventFacts for LazyEvent<'_> {
    fn time(&self) -> Timestamp {
        self.record.time
    }

    fn severity(&self) -> Severity {
        self.record.severity
    }

    fn sequence(&self) -> u64 {
        self.record.sequence
    }

    fn event(&self) -> &Event {
        self.event.get_or_init(|| self.record.to_event(self.record.time))
    }
}
