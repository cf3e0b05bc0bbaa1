//! The fields of an item turned into a model event.

mod date;
mod error_data;
pub(super) mod properties;
pub(super) mod severity;

use kymo_model::{Attributes, Event, EventKind, Exception, Severity, Timestamp, User, Value};

use crate::json::{Member as _, has_content, into_scalar_text};

use super::body::entries_of_text;
use super::names::{FreeNames, canonical, is_valid_id};
use super::root::{Field, Root};
use super::{Item, Privacy, Submission};

type Entries = Vec<(String, Value)>;

/// An item without its fingerprint.
pub(super) struct Read {
    pub(super) item: Item,
    /// The seconds of the fingerprint, if the client said enough to know the event again: a date,
    /// or else an id.
    pub(super) identified_at: Option<u32>,
}

/// Turns the fields into an event. Wrong kinds of values spoil nothing: plain ones are taken as
/// text, others are kept as attributes.
pub(super) fn read(mut root: Root, observed: Timestamp, client: &Submission<'_>) -> Read {
    let kind_text = take_text(&mut root, Field::Type);
    let category = take_text(&mut root, Field::Source);
    let message = take_text(&mut root, Field::Message);
    let posted_date = root.take(Field::Date).filter(has_content);
    let ids = Ids::take(&mut root);
    let mut tail = root_attributes(&mut root);
    let data = merged_data(&mut root);

    let everything = Privacy::default();
    let privacy = client.privacy.unwrap_or(&everything);
    let mut known = Known::default();
    properties::of_submission(client, &mut known.properties);
    for (key, value) in data {
        known.sort(key, value, privacy);
    }
    let exception = known.take_exception();
    let Known { mut attributes, properties, user, level, session_ref, .. } = known;

    let kind = kind_of(kind_text, exception.is_some());
    let is_critical = tail.get("@tags").is_some_and(has_critical);
    let time = posted_date.as_ref().and_then(Value::as_text).and_then(date::parse);

    let mut event = Event::new(kind, time.unwrap_or(observed), observed);
    event.severity = severity_of(level, &event.kind, is_critical, &mut attributes);
    event.category = category;
    event.body = message.or_else(|| exception.as_ref().and_then(first_message));
    event.user = user_of(user, privacy, &mut attributes);
    let identity = event.user.as_ref().and_then(|user| user.id.clone());
    if !privacy.includes_private() {
        event.user = None;
    }
    event.exception = exception;
    let identified_at = match (&posted_date, time) {
        (Some(_), Some(time)) => Some(seconds_of(time)),
        (Some(_), None) => Some(0),
        (None, _) => ids.reference_id.as_ref().map(|_| 0),
    };
    if let (Some(unreadable), None) = (posted_date, time) {
        attributes.push("@date", unreadable);
    }
    attributes.0.append(&mut tail.0);
    attributes.0.extend(ids.attributes.0);
    let session_id = match event.kind {
        EventKind::SessionStart => ids.reference_id.clone(),
        _ => session_ref,
    };
    event.reference_id = ids.reference_id;
    event.attributes = attributes;
    Read { item: Item { event, session_id, identity, properties, fingerprint: None }, identified_at }
}

/// Low 32 bits of the unix seconds: enough to keep neighbours together.
fn seconds_of(time: Timestamp) -> u32 {
    time.as_unix_millis().div_euclid(1000) as u32
}

/// The field as text, if it says something. Lists and maps go to the unknown properties.
fn take_text(root: &mut Root, field: Field) -> Option<String> {
    let value = root.take(field)?;
    match into_scalar_text(value) {
        Ok(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Err(other) => {
            if has_content(&other) {
                root.others.push((field.name().to_owned(), other));
            }
            None
        }
    }
}

/// The id by which others refer to the event, and attributes of the ids that are none.
#[derive(Default)]
struct Ids {
    reference_id: Option<String>,
    attributes: Attributes,
}

impl Ids {
    /// `id` stands in for a missing `reference_id`. Ids of the server the event was taken from
    /// mean nothing here and are attributes.
    fn take(root: &mut Root) -> Self {
        let mut ids = Self::default();
        let reference_id = take_text(root, Field::ReferenceId);
        let id = take_text(root, Field::Id);
        let (posted, spare) = if reference_id.is_some() { (reference_id, id) } else { (id, None) };
        match posted {
            Some(text) if is_valid_id(&text) => ids.reference_id = Some(text),
            Some(text) => ids.attributes.push("@invalid_reference_id", Value::Text(text)),
            None => {}
        }
        for (name, text) in [("@id", spare), ("@stack_id", take_text(root, Field::StackId))] {
            if let Some(text) = text {
                ids.attributes.push(name, Value::Text(text));
            }
        }
        ids
    }
}

/// The root fields that the model has no place for.
fn root_attributes(root: &mut Root) -> Attributes {
    let mut attributes = Attributes::default();
    match root.take(Field::Tags) {
        Some(Value::List(tags)) => {
            let tags: Vec<Value> = tags.into_iter().filter(has_content).map(tag).collect();
            if !tags.is_empty() {
                attributes.push("@tags", Value::List(tags));
            }
        }
        Some(map @ Value::Map(_)) => root.others.push((Field::Tags.name().to_owned(), map)),
        Some(single) if has_content(&single) => attributes.push("@tags", Value::List(vec![tag(single)])),
        _ => {}
    }
    for (field, name) in [(Field::Value, "@value"), (Field::Geo, "@geo"), (Field::Count, "@count")] {
        if let Some(value) = root.take(field).filter(has_content) {
            attributes.push(name, value);
        }
    }
    attributes
}

fn tag(value: Value) -> Value {
    into_scalar_text(value).map_or_else(|other| other, Value::Text)
}

fn has_critical(tags: &Value) -> bool {
    let is_critical = |tag: &Value| tag.as_text().is_some_and(|text| text.eq_ignore_ascii_case("critical"));
    matches!(tags, Value::List(tags) if tags.iter().any(is_critical))
}

/// `data`, then the unknown root properties under names that are still free there.
fn merged_data(root: &mut Root) -> Entries {
    let mut data = match root.take(Field::Data) {
        Some(Value::Map(entries)) => entries.0,
        Some(Value::Text(text)) if text.trim().is_empty() => Vec::new(),
        Some(Value::Text(text)) => match entries_of_text(&text) {
            Some(entries) => entries,
            None => vec![(Field::Data.name().to_owned(), Value::Text(text))],
        },
        Some(other) => vec![(Field::Data.name().to_owned(), other)],
        None => Vec::new(),
    };
    let others = std::mem::take(&mut root.others);
    if !others.is_empty() {
        let mut names = FreeNames::beside(&data);
        for (name, value) in others {
            data.push((names.take(name), value));
        }
    }
    data
}

/// The keys of `data`, those with a meaning apart.
#[derive(Default)]
struct Known {
    attributes: Attributes,
    properties: Vec<(String, String)>,
    user: Option<Entries>,
    error: Option<Exception>,
    simple_error: Option<Entries>,
    level: Option<Value>,
    session_ref: Option<String>,
}

impl Known {
    fn sort(&mut self, key: String, value: Value, privacy: &Privacy) {
        match key.as_str() {
            "@level" if self.level.is_none() => self.level = Some(value),
            "@error" | "@simple_error" | "@user" | "@environment" | "@request" | "@user_description"
            | "@stack" => self.sort_object(key, value, privacy),
            // Only the server knows who sent it.
            "@submission_client" => {}
            "@version" => {
                properties::of_version(&value, &mut self.properties);
                self.attributes.push(key, value);
            }
            "@ref:session" => {
                let valid = value.as_text().filter(|text| is_valid_id(text));
                self.session_ref = valid.map(str::to_owned);
                self.attributes.push(key, value);
            }
            _ => {
                let Some(value) = privacy.clean_entry(&key, value) else { return };
                if !key.starts_with('@') && !key.starts_with("_@") {
                    properties::of_extended(&key, &value, &mut self.properties);
                }
                self.attributes.push(key, value);
            }
        }
    }

    /// Keys whose value is an object, or an object's JSON as text; anything else is moved aside
    /// as `_@key` (Exceptionless HTTP API).
    fn sort_object(&mut self, key: String, value: Value, privacy: &Privacy) {
        let entries = match value {
            Value::Map(entries) => Ok(entries.0),
            Value::Text(text) => entries_of_text(&text).ok_or(Value::Text(text)),
            other => Err(other),
        };
        let entries = match entries {
            Ok(entries) => privacy.clean_object(&key, entries),
            Err(Value::Null) => return,
            Err(other) => {
                let moved = format!("_{key}");
                if let Some(other) = privacy.clean_entry(&moved, other) {
                    self.attributes.push(moved, other);
                }
                return;
            }
        };
        match key.as_str() {
            "@user" if self.user.is_none() => self.user = Some(entries),
            "@user" if !privacy.includes_private() => {}
            "@error" if self.error.is_none() => self.error = Some(error_data::exception(entries)),
            "@simple_error" if self.simple_error.is_none() => self.simple_error = Some(entries),
            "@environment" => {
                properties::of_environment(&entries, &mut self.properties);
                self.push_map(key, entries);
            }
            "@request" => {
                properties::of_request(&entries, &mut self.properties);
                self.push_map(key, entries);
            }
            _ => self.push_map(key, entries),
        }
    }

    /// The structured form says more; beside it the simple one stays an attribute.
    fn take_exception(&mut self) -> Option<Exception> {
        let simple = self.simple_error.take();
        let exception = match (self.error.take(), simple) {
            (Some(error), simple) => {
                self.push_map("@simple_error".to_owned(), simple.unwrap_or_default());
                Some(error)
            }
            (None, simple) => simple.map(error_data::exception),
        };
        exception.filter(|exception| *exception != Exception::default())
    }

    fn push_map(&mut self, key: String, entries: Entries) {
        if !entries.is_empty() {
            self.attributes.push(key, Value::Map(Attributes(entries)));
        }
    }
}

/// Types are compared exactly (Exceptionless HTTP API). Without one it is an error if it tells of
/// an exception, else a log line.
fn kind_of(text: Option<String>, has_exception: bool) -> EventKind {
    let Some(text) = text else {
        return if has_exception { EventKind::Error } else { EventKind::Log };
    };
    match text.as_str() {
        "log" => EventKind::Log,
        "error" => EventKind::Error,
        "usage" => EventKind::Usage,
        "404" => EventKind::NotFound,
        "session" => EventKind::SessionStart,
        "sessionend" => EventKind::SessionEnd,
        _ => EventKind::Other(text),
    }
}

fn severity_of(
    level: Option<Value>,
    kind: &EventKind,
    is_critical: bool,
    attributes: &mut Attributes,
) -> Severity {
    let named = level.as_ref().and_then(Value::as_text).and_then(severity::of_level);
    named.unwrap_or_else(|| {
        if let Some(unknown) = level.filter(has_content) {
            attributes.push("@level", unknown);
        }
        severity::of_kind(kind, is_critical)
    })
}

fn first_message(exception: &Exception) -> Option<String> {
    exception.chain().find_map(|link| link.message.clone())
}

/// The user; what else `@user` holds stays an attribute, if it may be kept.
fn user_of(entries: Option<Entries>, privacy: &Privacy, attributes: &mut Attributes) -> Option<User> {
    let mut user = User::default();
    let mut rest = Attributes::default();
    for (key, value) in entries? {
        let slot = match canonical(&key, &["identity", "name"]) {
            Some("identity") => Some(&mut user.id),
            Some("name") => Some(&mut user.name),
            _ => None,
        };
        match (slot, value.to_scalar_text()) {
            // A blank identity is none (Exceptionless HTTP API).
            (Some(_), Some(text)) if text.trim().is_empty() => {}
            (Some(slot), Some(text)) if slot.is_none() => *slot = Some(text),
            _ if has_content(&value) => rest.push(key, value),
            _ => {}
        }
    }
    if !rest.is_empty() && privacy.includes_private() {
        attributes.push("@user", Value::Map(rest));
    }
    (user != User::default()).then_some(user)
}

#[cfg(test)]
mod tests;
