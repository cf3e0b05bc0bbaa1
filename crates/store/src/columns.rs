//! Events as columns: the one schema of tail batches and segments.
//!
//! | column | type | |
//! |---|---|---|
//! | `session_id` | text, null | our session id; null: the event belongs to no session |
//! | `sequence` | int64 | order of arrival in the session, from 1 |
//! | `time` | timestamp ns UTC | the agent's clock |
//! | `observed_time` | timestamp ns UTC | the server's clock |
//! | `severity_number` | int8 | OpenTelemetry, 1 to 24 |
//! | `kind` | text | `log`, `error`, `usage`, … |
//! | `category` | text, null | logger, feature or resource |
//! | `message` | text, null | |
//! | `user_id`, `user_name` | text, null | |
//! | `reference_id` | text, null | the agent's id for this event |
//! | `exception` | text, null | JSON, see the API's description |
//! | `attributes` | text, null | JSON object; null when empty |

use std::sync::{Arc, LazyLock};

use arrow_array::builder::{Int8Builder, Int64Builder, StringBuilder, TimestampNanosecondBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use kymo_model::{Event, SessionId, Severity, Timestamp, User};

use crate::error::StoreError;

/// Version of this schema; columns are only ever added.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Column positions.
pub(crate) mod at {
    pub(crate) const SESSION_ID: usize = 0;
    pub(crate) const SEQUENCE: usize = 1;
    pub(crate) const TIME: usize = 2;
    pub(crate) const OBSERVED_TIME: usize = 3;
    pub(crate) const SEVERITY_NUMBER: usize = 4;
    pub(crate) const KIND: usize = 5;
    pub(crate) const CATEGORY: usize = 6;
    pub(crate) const MESSAGE: usize = 7;
    pub(crate) const USER_ID: usize = 8;
    pub(crate) const USER_NAME: usize = 9;
    pub(crate) const REFERENCE_ID: usize = 10;
    pub(crate) const EXCEPTION: usize = 11;
    pub(crate) const ATTRIBUTES: usize = 12;
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let moment = || DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("session_id"),
        Field::new("sequence", DataType::Int64, false),
        Field::new("time", moment(), false),
        Field::new("observed_time", moment(), false),
        Field::new("severity_number", DataType::Int8, false),
        Field::new("kind", DataType::Utf8, false),
        text("category"),
        text("message"),
        text("user_id"),
        text("user_name"),
        text("reference_id"),
        text("exception"),
        text("attributes"),
    ]))
});

/// The schema.
pub(crate) fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// A stored event as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its session; `None`: it belongs to none.
    pub session: Option<SessionId>,
    /// Order of arrival in the session, from 1.
    pub sequence: u64,
    /// The agent's clock.
    pub time: Timestamp,
    /// The server's clock.
    pub observed_time: Timestamp,
    /// How bad.
    pub severity: Severity,
    /// Of what sort.
    pub kind: String,
    /// Logger, feature or resource.
    pub category: Option<String>,
    /// The text.
    pub message: Option<String>,
    /// Whom it happened to.
    pub user: Option<User>,
    /// The agent's id for it.
    pub reference_id: Option<String>,
    /// The exception as JSON.
    pub exception: Option<String>,
    /// The attributes as a JSON object.
    pub attributes: Option<String>,
}

impl StoredEvent {
    /// What the event would be once it is stored.
    pub fn of(session: Option<SessionId>, sequence: u64, event: &Event) -> Self {
        // Maps with text keys and no foreign `Serialize` cannot fail.
        let exception = event.exception.as_ref().and_then(|exception| serde_json::to_string(exception).ok());
        let attributes = Some(&event.attributes).filter(|all| !all.is_empty());
        Self {
            session,
            sequence,
            time: event.time,
            observed_time: event.observed_time,
            severity: event.severity,
            kind: event.kind.as_str().to_owned(),
            category: event.category.clone(),
            message: event.body.clone(),
            user: event.user.clone().filter(|user| user.id.is_some() || user.name.is_some()),
            reference_id: event.reference_id.clone(),
            exception,
            attributes: attributes.and_then(|all| serde_json::to_string(all).ok()),
        }
    }
}

/// Collects events into one batch.
pub(crate) struct BatchBuilder {
    session_id: StringBuilder,
    sequence: Int64Builder,
    time: TimestampNanosecondBuilder,
    observed_time: TimestampNanosecondBuilder,
    severity_number: Int8Builder,
    kind: StringBuilder,
    texts: [StringBuilder; 7],
    scratch: Vec<u8>,
}

impl BatchBuilder {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        let text = || StringBuilder::with_capacity(rows, 0);
        Self {
            session_id: StringBuilder::with_capacity(rows, rows * 36),
            sequence: Int64Builder::with_capacity(rows),
            time: TimestampNanosecondBuilder::with_capacity(rows).with_timezone("UTC"),
            observed_time: TimestampNanosecondBuilder::with_capacity(rows).with_timezone("UTC"),
            severity_number: Int8Builder::with_capacity(rows),
            kind: text(),
            texts: std::array::from_fn(|_| text()),
            scratch: Vec::new(),
        }
    }

    /// Hot: once per event inside the commit; measured by the server bench.
    pub(crate) fn push(&mut self, session: Option<SessionId>, sequence: u64, event: &Event) {
        self.session_id.append_option(session.map(|id| id.to_string()));
        self.sequence.append_value(sequence as i64);
        self.time.append_value(event.time.as_unix_nanos());
        self.observed_time.append_value(event.observed_time.as_unix_nanos());
        self.severity_number.append_value(event.severity.number() as i8);
        self.kind.append_value(event.kind.as_str());
        let user = event.user.as_ref();
        let [category, message, user_id, user_name, reference_id, exception, attributes] = &mut self.texts;
        category.append_option(event.category.as_deref());
        message.append_option(event.body.as_deref());
        user_id.append_option(user.and_then(|user| user.id.as_deref()));
        user_name.append_option(user.and_then(|user| user.name.as_deref()));
        reference_id.append_option(event.reference_id.as_deref());
        append_json(exception, &mut self.scratch, event.exception.as_ref());
        append_json(attributes, &mut self.scratch, Some(&event.attributes).filter(|all| !all.is_empty()));
    }

    pub(crate) fn rows(&self) -> usize {
        use arrow_array::builder::ArrayBuilder as _;
        self.sequence.len()
    }

    pub(crate) fn finish(mut self) -> Result<RecordBatch, StoreError> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.session_id.finish()),
            Arc::new(self.sequence.finish()),
            Arc::new(self.time.finish()),
            Arc::new(self.observed_time.finish()),
            Arc::new(self.severity_number.finish()),
            Arc::new(self.kind.finish()),
        ];
        columns.extend(self.texts.iter_mut().map(|text| Arc::new(text.finish()) as ArrayRef));
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}

fn append_json(column: &mut StringBuilder, scratch: &mut Vec<u8>, value: Option<&impl serde::Serialize>) {
    scratch.clear();
    // Maps with text keys and no foreign `Serialize` cannot fail; an unwritable value would be null.
    let written = value.is_some_and(|value| serde_json::to_writer(&mut *scratch, value).is_ok());
    column.append_option(if written { std::str::from_utf8(scratch).ok() } else { None });
}

/// The session of a row of the `session_id` column.
pub(crate) fn session_at(sessions: &StringArray, row: usize) -> Option<SessionId> {
    if sessions.is_null(row) { None } else { sessions.value(row).parse().ok() }
}

/// Reads rows of batches of the whole schema.
pub(crate) struct Reader<'batch> {
    batch: &'batch RecordBatch,
}

impl<'batch> Reader<'batch> {
    pub(crate) fn new(batch: &'batch RecordBatch) -> Self {
        Self { batch }
    }

    fn text(&self, column: usize, row: usize) -> Option<String> {
        let texts: &StringArray = self.batch.column(column).as_string();
        if texts.is_null(row) { None } else { Some(texts.value(row).to_owned()) }
    }

    pub(crate) fn event(&self, row: usize) -> Result<StoredEvent, StoreError> {
        let number = self.batch.column(at::SEVERITY_NUMBER).as_primitive::<Int8Type>().value(row);
        let moment = |column: usize| {
            Timestamp::from_unix_nanos(
                self.batch.column(column).as_primitive::<TimestampNanosecondType>().value(row),
            )
        };
        let user = User { id: self.text(at::USER_ID, row), name: self.text(at::USER_NAME, row) };
        Ok(StoredEvent {
            session: session_at(self.batch.column(at::SESSION_ID).as_string(), row),
            sequence: self.batch.column(at::SEQUENCE).as_primitive::<Int64Type>().value(row) as u64,
            time: moment(at::TIME),
            observed_time: moment(at::OBSERVED_TIME),
            severity: u8::try_from(number)
                .ok()
                .and_then(Severity::from_number)
                .ok_or_else(|| StoreError::corrupt(format!("severity number {number}, expected 1 to 24")))?,
            kind: self.text(at::KIND, row).unwrap_or_default(),
            category: self.text(at::CATEGORY, row),
            message: self.text(at::MESSAGE, row),
            user: Some(user).filter(|user| user.id.is_some() || user.name.is_some()),
            reference_id: self.text(at::REFERENCE_ID, row),
            exception: self.text(at::EXCEPTION, row),
            attributes: self.text(at::ATTRIBUTES, row),
        })
    }
}

#[cfg(test)]
mod tests {
    use kymo_model::{EventKind, Value};

    use super::*;

    #[test]
    fn an_event_comes_back_as_it_went_in() {
        let moment = Timestamp::from_unix_nanos(1_790_000_000_123_456_789);
        let mut event =
            Event::new(EventKind::Other("tea \"time\"".into()), moment, Timestamp::from_unix_nanos(7));
        event.body = Some("é中😀".into());
        event.user = Some(User { id: None, name: Some("Ann".into()) });
        event.attributes.push("n", Value::Int(-1));
        let mut builder = BatchBuilder::with_capacity(2);
        builder.push(Some(SessionId::from_u128(5)), 3, &event);
        builder.push(None, 4, &Event::new(EventKind::Log, moment, moment));
        assert_eq!(builder.rows(), 2);
        let batch = builder.finish().unwrap();
        let read = Reader::new(&batch).event(0).unwrap();
        assert_eq!(read.session, Some(SessionId::from_u128(5)));
        assert_eq!((read.sequence, read.time, read.kind.as_str()), (3, moment, "tea \"time\""));
        assert_eq!(read.message.as_deref(), Some("é中😀"));
        assert_eq!(read.user, event.user);
        assert_eq!(read.attributes.as_deref(), Some(r#"{"n":-1}"#));
        assert_eq!(read, StoredEvent::of(Some(SessionId::from_u128(5)), 3, &event));
        let loose = Reader::new(&batch).event(1).unwrap();
        assert_eq!((loose.session, loose.user, loose.attributes), (None, None, None));
    }
}
