//! The members of a message turned into a model event.

use kymo_model::{Attributes, Event, EventKind, Severity, Timestamp, Value};

use super::exception::{self, Context};
use super::fingerprint::fingerprint;
use super::ids::{id_text, is_plausible_id, is_present};
use super::message::{Field, Message};
use super::session::Session;
use super::{Item, Request, VisitId, composite, severity, source, time};
use crate::json::{self, Member, into_scalar_text, says_something};

/// Largest number that scripts count to without a gap.
const SEQUENCE_MAX: u64 = 1 << 53;

/// What the messages of a post have in common.
pub(super) struct Sender<'a> {
    /// When the post came in.
    pub(super) observed: Timestamp,
    /// Its headers.
    pub(super) request: &'a Request<'a>,
    /// What it says about browser and tab.
    pub(super) session: &'a Session,
    /// Texts that hold JSON stay texts: there is too much in them.
    pub(super) is_dense: bool,
}

/// Turns the members into an item; `json` is the message as sent. Values of unexpected types spoil
/// nothing: plain ones are taken as text, others are kept as attributes.
pub(super) fn read(mut message: Message, json: &str, sender: &Sender<'_>) -> Item {
    let mut attributes = Attributes::default();
    let category = take_text(&mut message, Field::Category);
    let caption = take_text(&mut message, Field::Caption);
    let description = take_text(&mut message, Field::Description);
    let parameters = parameters(message.take(Field::Parameters));
    let details = message.take(Field::Details).and_then(|value| details(value, sender));
    let context =
        Context { category: category.as_deref(), caption: caption.as_deref(), details: details.as_ref() };
    let thrown = message.take(Field::Exception).and_then(|value| exception::read(value, &context));
    source::push(message.take(Field::MethodSourceInfo), thrown.as_ref(), &mut attributes);
    let description = description.map(|text| filled(text, &parameters));
    if !parameters.is_empty() {
        attributes.push(Field::Parameters.name(), Value::List(parameters));
    }
    if let Some(details) = details {
        attributes.push(Field::Details.name(), details);
    }
    let ids = Ids::take(&mut message, sender, &mut attributes);
    let severity = take_severity(&mut message, &mut attributes);
    let sequence = take_sequence(&mut message, &mut attributes);
    let date = message.take(Field::Timestamp).filter(says_something);
    let time = date.as_ref().and_then(Value::as_text).and_then(time::parse);
    let is_identified = sequence.is_some() || date.is_some();
    if let (Some(odd), None) = (date, time) {
        attributes.push(Field::Timestamp.name(), odd);
    }
    attributes.0.extend(message.others.into_iter().filter(|(_, value)| says_something(value)));

    let kind = if thrown.is_some() { EventKind::Error } else { EventKind::Log };
    let exception = thrown.map(|thrown| thrown.exception);
    let mut event = Event::new(kind, time.unwrap_or(sender.observed), sender.observed);
    event.severity = severity;
    event.category = category;
    event.body = body(caption, description)
        .or_else(|| exception.as_ref().and_then(|exception| exception.message.clone()));
    event.exception = exception;
    event.attributes = attributes;
    Item {
        event,
        fingerprint: is_identified.then(|| fingerprint(ids.agent_session.as_deref(), json, time)),
        agent_session_id: ids.agent_session,
        page_load_id: ids.page_load,
        visit_id: ids.visit,
        sequence,
        properties: sender.session.properties.clone(),
    }
}

/// The member as text, if it says something. Lists and maps go to the unknown members.
fn take_text(message: &mut Message, field: Field) -> Option<String> {
    match into_scalar_text(message.take(field)?) {
        Ok(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Err(other) => {
            message.others.push((field.name().to_owned(), other));
            None
        }
    }
}

/// Nobody stops an application from giving one value instead of a list.
fn parameters(value: Option<Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::List(values)) => values,
        Some(single) => vec![single],
    }
}

fn filled(description: String, parameters: &[Value]) -> String {
    if parameters.is_empty() {
        return description;
    }
    composite::format(&description, parameters).unwrap_or(description)
}

/// Caption, and below it the description if it says more.
fn body(caption: Option<String>, description: Option<String>) -> Option<String> {
    let description = description.filter(|text| !text.trim().is_empty());
    match (caption, description) {
        (Some(caption), Some(description)) if caption.trim() != description.trim() => {
            Some(format!("{caption}\n{description}"))
        }
        (caption, description) => caption.or(description),
    }
}

/// Agents send lists and maps as the text of their JSON, or as they are; "null" is how they write
/// none.
fn details(value: Value, sender: &Sender<'_>) -> Option<Value> {
    let value = match value {
        Value::Text(text) if matches!(text.trim(), "" | "null") => return None,
        Value::Text(text) if !sender.is_dense => json::read_embedded(&text).unwrap_or(Value::Text(text)),
        other => other,
    };
    says_something(&value).then_some(value)
}

fn take_severity(message: &mut Message, attributes: &mut Attributes) -> Severity {
    let Some(level) = message.take(Field::Severity).filter(says_something) else {
        return Severity::INFO;
    };
    severity::of_level(&level).unwrap_or_else(|| {
        attributes.push(Field::Severity.name(), level);
        Severity::INFO
    })
}

fn take_sequence(message: &mut Message, attributes: &mut Attributes) -> Option<u64> {
    let value = message.take(Field::Sequence).filter(says_something)?;
    let number = match &value {
        Value::Int(_) | Value::Float(_) => value.to_scalar_text().and_then(|text| text.parse().ok()),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.filter(|&number| number <= SEQUENCE_MAX);
    if number.is_none() {
        attributes.push(Field::Sequence.name(), value);
    }
    number
}

struct Ids {
    agent_session: Option<String>,
    page_load: Option<String>,
    visit: Option<VisitId>,
}

impl Ids {
    /// The first id that says anything counts, and only if it is plausible: another one in its
    /// place would name another tab.
    fn take(message: &mut Message, sender: &Sender<'_>, attributes: &mut Attributes) -> Self {
        let request = sender.request;
        let header = |text: Option<&str>| text.filter(|text| is_present(text)).map(str::to_owned);

        let own = take_id(message, Field::AgentSessionId);
        if let Some(odd) = own.as_ref().filter(|id| !is_plausible_id(id)) {
            attributes.push(Field::AgentSessionId.name(), Value::Text(odd.clone()));
        }
        let agent_session = own
            .or_else(|| header(request.agent_session_id))
            .or_else(|| sender.session.agent_session_id.clone())
            .filter(|id| is_plausible_id(id));

        let own = take_id(message, Field::SessionId);
        if let Some(id) = &own {
            attributes.push("session.id", Value::Text(id.clone()));
        }
        let page_load = own.or_else(|| header(request.session_id)).filter(|id| is_plausible_id(id));

        let cookie = request.cookie.filter(|id| is_plausible_id(id));
        let visit = match cookie {
            Some(id) => Some(VisitId { id: id.to_owned(), from_cookie: true }),
            None => page_load.clone().map(|id| VisitId { id, from_cookie: false }),
        };
        Self { agent_session, page_load, visit }
    }
}

/// The member as an id. What cannot be one goes to the unknown members.
fn take_id(message: &mut Message, field: Field) -> Option<String> {
    let value = message.take(field)?;
    let id = id_text(&value);
    if id.is_none() && value.as_text().is_none() {
        message.others.push((field.name().to_owned(), value));
    }
    id
}
