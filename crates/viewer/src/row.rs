//! An event in one line.

use kymo_format::{ArgValue, METRIC_EVENT, METRIC_SAMPLE, ReadRecord};
use kymo_model::{EventKind, Exception, Severity, Timestamp, User, Value};

use crate::session::is_severe;
use crate::text::one_line;

/// Characters of a text that a row keeps: more than any terminal is wide.
const TEXT_CHARS_MAX: usize = 500;
/// The same of names.
const NAME_CHARS_MAX: usize = 60;

/// What a list shows of an event. Its texts are harmless.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) time: Option<Timestamp>,
    pub(crate) severity: Severity,
    pub(crate) is_severe: bool,
    pub(crate) category: String,
    pub(crate) user: Option<String>,
    pub(crate) text: String,
}

impl Row {
    /// Of that record.
    pub(crate) fn of(record: &ReadRecord) -> Self {
        Self {
            time: Some(record.time),
            severity: record.severity,
            is_severe: is_severe(record),
            category: one_line(record.category().unwrap_or_default(), NAME_CHARS_MAX),
            user: record.user.as_ref().map(|user| one_line(&user_text(user), NAME_CHARS_MAX)),
            text: one_line(&caption(record), TEXT_CHARS_MAX),
        }
    }

    /// Of one that is not in the file any more.
    pub(crate) fn unreadable() -> Self {
        let text = "this event cannot be read any more: the file has changed".to_owned();
        let (category, user) = (String::new(), None);
        Self { time: None, severity: Severity::INFO, is_severe: false, category, user, text }
    }
}

/// The user's name, else their id.
pub(crate) fn user_text(user: &User) -> String {
    user.name.clone().or_else(|| user.id.clone()).unwrap_or_default()
}

/// What an event says: its message, or what stands for one.
pub(crate) fn caption(record: &ReadRecord) -> String {
    let message = record.message();
    let kind = record.callsite.kind.as_str();
    let mut text = match &record.callsite.metric {
        Some(metric) if kind == METRIC_SAMPLE => {
            let unit = metric.unit.as_deref().filter(|unit| *unit != "1").unwrap_or_default();
            let value = record.args.first().map(arg_text).unwrap_or_default();
            format!("{} = {value} {unit}", metric.name).trim_end().to_owned()
        }
        Some(metric) if message.is_empty() => metric.name.clone(),
        _ => message,
    };
    if kind != METRIC_SAMPLE {
        for (name, value) in fields_unsaid(record) {
            text.push_str(if text.is_empty() { "" } else { "  " });
            text.extend([name, "=", &value]);
        }
    }
    match (&record.exception, text.is_empty()) {
        (Some(exception), true) => exception_text(exception),
        (None, true) => format!("({kind})"),
        _ if !matches!(record.callsite.kind, EventKind::Log | EventKind::Error)
            && !matches!(kind, METRIC_SAMPLE | METRIC_EVENT) =>
        {
            format!("({kind}) {text}")
        }
        _ => text,
    }
}

/// Fields that have a name and no hole in the template.
pub(crate) fn fields_unsaid(record: &ReadRecord) -> impl Iterator<Item = (&str, String)> {
    let template = record.callsite.template.as_str();
    let positional = template.matches("{}").count() + template.matches("{:").count();
    let named = record.callsite.fields.iter().zip(&record.args).enumerate();
    named.filter_map(move |(at, (name, arg))| {
        let is_said = at < positional
            || template.contains(&format!("{{{name}}}"))
            || template.contains(&format!("{{{name}:"));
        (!name.is_empty() && !is_said).then(|| (name.as_str(), arg_text(arg)))
    })
}

fn arg_text(arg: &ArgValue) -> String {
    value_text(&arg.to_value())
}

/// A value in one line.
pub(crate) fn value_text(value: &Value) -> String {
    value.to_scalar_text().unwrap_or_else(|| serde_json::to_string(value).unwrap_or_default())
}

/// Type and message.
pub(crate) fn exception_text(exception: &Exception) -> String {
    match (&exception.type_name, &exception.message) {
        (Some(name), Some(message)) => format!("{name}: {message}"),
        (Some(text), None) | (None, Some(text)) => text.clone(),
        (None, None) => "an error without a name".to_owned(),
    }
}
