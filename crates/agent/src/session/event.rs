//! Messages with more than a text and values: an error with its causes, a document, for whom, under which id.

use std::borrow::Cow;
use std::panic::Location;

use kymo_format::DetailsKind;
use kymo_model::{Attributes, Exception, Severity, Value};

use super::running;
use crate::callsite::made::{Made, kept};
use crate::callsite::{Callsite, LOG};
use crate::record::Parts;
use crate::recorder::record;

/// Causes of an error that are kept, each inside the one before.
const CAUSES_MAX: usize = 16;

/// What distinguishes the places that record events: where, how bad, of what sort.
type Key = (Cow<'static, str>, u32, u8, &'static str);

static CALLSITES: Made<Key> = Made::new();
static OVERFLOW: Callsite = Callsite::new(Severity::INFO, "{}", &[""], "", 0, "");

/// A message with whatever belongs to it; [`Event::record`] records it.
///
/// Takes a microsecond or so, more than the macros: for errors, documents and what is said on behalf of somebody.
///
/// ```
/// # let error = std::io::Error::other("connection reset");
/// kymo::Event::new(kymo::Severity::ERROR, "the payment failed")
///     .category("shop.payment")
///     .error(&error)
///     .user("17", Some("Ann"))
///     .details_json(r#"{"order": 4711}"#)
///     .record();
/// ```
#[derive(Debug)]
#[must_use = "nothing happens before `record`"]
pub struct Event {
    severity: Severity,
    text: String,
    kind: &'static str,
    file: Cow<'static, str>,
    line: u32,
    parts: Parts,
    attributes: Vec<(String, Value)>,
}

impl Event {
    /// That text, that bad. It is said to come from where this is called.
    #[track_caller]
    pub fn new(severity: Severity, text: impl Into<String>) -> Self {
        let place = Location::caller();
        Self {
            severity,
            text: text.into(),
            kind: LOG,
            file: Cow::Borrowed(place.file()),
            line: place.line(),
            parts: Parts::default(),
            attributes: Vec::new(),
        }
    }

    /// A feature was used: what people do with the program, counted and seen in its place.
    #[track_caller]
    pub fn usage(feature: impl Into<String>) -> Self {
        Self::new(Severity::INFO, feature).kind("usage")
    }

    /// Of another sort than `log`: the words of `kymo_model::EventKind`, or one of your own.
    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// Where it belongs: parts apart by dots, `shop.payment`.
    pub fn category(mut self, category: &str) -> Self {
        self.parts.category(category);
        self
    }

    /// For whom it happened: the application's id for them, and what to call them.
    pub fn user(mut self, id: &str, name: Option<&str>) -> Self {
        self.parts.user(id, name);
        self
    }

    /// The id by which others refer to it; shown to the user, it finds this message.
    pub fn reference_id(mut self, id: &str) -> Self {
        self.parts.reference_id(id);
        self
    }

    /// A document in JSON, at most 512 KiB of it; not checked.
    pub fn details_json(mut self, json: &str) -> Self {
        self.parts.details(DetailsKind::Json, json);
        self
    }

    /// A document in XML, at most 512 KiB of it; not checked.
    pub fn details_xml(mut self, xml: &str) -> Self {
        self.parts.details(DetailsKind::Xml, xml);
        self
    }

    /// A document as text, at most 512 KiB of it.
    pub fn details_text(mut self, text: &str) -> Self {
        self.parts.details(DetailsKind::Text, text);
        self
    }

    /// The error behind it, with up to 16 causes.
    pub fn error<E: std::error::Error + ?Sized>(self, error: &E) -> Self {
        let name = std::any::type_name::<E>();
        // Of a trait object there is no name to know.
        let name = (!name.starts_with("dyn ")).then_some(name);
        self.with_exception(&exception(error.to_string(), name, error.source()))
    }

    pub(super) fn with_exception(mut self, exception: &Exception) -> Self {
        self.parts.exception(exception);
        self
    }

    /// A value with a name.
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn at(mut self, file: &str, line: u32) -> Self {
        (self.file, self.line) = (Cow::Owned(file.to_owned()), line);
        self
    }

    /// Records it. Blocks and fails as the macros do: only where the ring is full, and never.
    pub fn record(mut self) {
        let key = (self.file, self.line, self.severity.number(), self.kind);
        let made = CALLSITES.get(key, |(file, line, _, kind)| {
            Callsite::new(self.severity, "{}", &[""], kept(file), *line, "").of_kind(kind)
        });
        let callsite = made.unwrap_or(&OVERFLOW);
        if !callsite.is_enabled() {
            return;
        }
        if made.is_none() {
            self.parts.severity(self.severity);
        }
        self.parts.attributes(&Attributes(self.attributes));
        if self.parts.is_empty() {
            record(callsite, &(self.text.as_str(), ()));
        } else {
            record(callsite, &(self.text.as_str(), (&self.parts, ())));
        }
    }
}

/// An error by its message, with up to [`CAUSES_MAX`] in all.
pub(crate) fn exception(
    message: String,
    type_name: Option<&str>,
    mut cause: Option<&(dyn std::error::Error + 'static)>,
) -> Exception {
    let one = |message, type_name: Option<&str>| Exception {
        type_name: type_name.map(str::to_owned),
        message: Some(message),
        ..Exception::default()
    };
    let mut chain = vec![one(message, type_name)];
    while let Some(error) = cause
        && chain.len() < CAUSES_MAX
    {
        chain.push(one(error.to_string(), None));
        cause = error.source();
    }
    let inside_out = chain.into_iter().rev();
    let whole = inside_out.reduce(|inner, outer| Exception { inner: Some(Box::new(inner)), ..outer });
    whole.unwrap_or_default()
}

/// Says whose session it is from now on: the application's id for them, and what to call them. An event of its own, so
/// that what came before stays as it was.
pub fn set_user(id: &str, name: Option<&str>) {
    if let Some(running) = running() {
        running.set_user(id);
    }
    let text = format!("the user is {}", name.unwrap_or(id));
    Event::new(Severity::INFO, text).kind("session.user").user(id, name).record();
}
