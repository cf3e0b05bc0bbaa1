//! A record as it was read, and the event that it is.

use std::sync::Arc;

use kymo_model::{Attributes, Event, EventKind, Exception, Severity, Timestamp, User, Value};

use crate::definitions::{Callsite, Metric, Span, Thread};
use crate::record::{ArgValue, DetailsKind};
use crate::render::{Rendered, render};

/// One record with everything that it refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRecord {
    /// Its place in the session, from 1.
    pub sequence: u64,
    /// When.
    pub time: Timestamp,
    /// How bad: its own, or else its callsite's.
    pub severity: Severity,
    /// Where it belongs, if that is not its callsite's.
    pub category: Option<String>,
    /// The place in the program.
    pub callsite: Arc<Callsite>,
    /// On which thread.
    pub thread: Arc<Thread>,
    /// Values of the callsite's fields.
    pub args: Vec<ArgValue>,
    /// Whom it happened to.
    pub user: Option<User>,
    /// The innermost span around it.
    pub span: Option<Arc<Span>>,
    /// The id by which others refer to it.
    pub reference_id: Option<String>,
    /// A document that goes with it.
    pub details: Option<(DetailsKind, String)>,
    /// The error with its causes.
    pub exception: Option<Exception>,
    /// Named values that the callsite does not know of.
    pub attributes: Attributes,
}

impl ReadRecord {
    /// The text: the template with the arguments in its holes.
    pub fn message(&self) -> String {
        self.rendered().text
    }

    /// Its category, or else its callsite's.
    pub fn category(&self) -> Option<&str> {
        self.category.as_deref().or(self.callsite.category.as_deref())
    }

    fn rendered(&self) -> Rendered {
        render(&self.callsite.template, &self.callsite.fields, &self.args)
    }

    /// The event of the model, which arrived at `observed_time`. What the model has no field for becomes
    /// attributes, by OpenTelemetry's names where there are any: `thread.id`, `thread.name`, `code.*`,
    /// `kymo.template`, `kymo.details`, `kymo.details.kind`, `kymo.spans` (names, outermost first), and the
    /// spans' own fields where the record has none of that name.
    pub fn to_event(&self, observed_time: Timestamp) -> Event {
        let mut event = Event::new(self.callsite.kind.clone(), self.time, observed_time);
        event.severity = self.severity;
        event.category = self.category().map(str::to_owned);
        let rendered = self.rendered();
        event.body = (!rendered.text.is_empty()).then_some(rendered.text);
        event.exception.clone_from(&self.exception);
        event.user.clone_from(&self.user);
        event.reference_id.clone_from(&self.reference_id);
        if self.exception.is_some() && event.kind == EventKind::Log {
            event.kind = EventKind::Error;
        }
        let attributes = &mut event.attributes;
        for (name, arg) in self.callsite.fields.iter().zip(&self.args).filter(|(name, _)| !name.is_empty()) {
            attributes.push(name.as_str(), arg.to_value());
        }
        attributes.0.extend(self.attributes.0.iter().cloned());
        self.put_spans(attributes);
        if rendered.holes > 0 {
            attributes.push("kymo.template", Value::Text(self.callsite.template.clone()));
        }
        if let Some((kind, text)) = &self.details {
            attributes.push("kymo.details", Value::Text(text.clone()));
            attributes.push("kymo.details.kind", Value::Text(kind.as_str().to_owned()));
        }
        if let Some(metric) = &self.callsite.metric {
            put_metric(attributes, metric);
        }
        self.put_place(attributes);
        event
    }

    fn put_spans(&self, attributes: &mut Attributes) {
        let Some(innermost) = &self.span else { return };
        let mut names = Vec::new();
        for span in innermost.outwards() {
            names.push(Value::Text(span.callsite.template.clone()));
            for (name, arg) in span.callsite.fields.iter().zip(&span.args) {
                if !name.is_empty() && attributes.get(name).is_none() {
                    attributes.push(name.as_str(), arg.to_value());
                }
            }
        }
        names.reverse();
        attributes.push("kymo.spans", Value::List(names));
    }

    fn put_place(&self, attributes: &mut Attributes) {
        let source = &self.callsite.source;
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                attributes.push(name, value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        put("code.file.path", text(&source.file));
        put("code.line.number", source.line.map(|line| Value::Int(line.into())));
        put("code.namespace", text(&source.module));
        put("code.function.name", text(&source.function));
        put("thread.id", Some(ArgValue::U64(self.thread.id).to_value()));
        put("thread.name", text(&self.thread.name));
    }
}

fn put_metric(attributes: &mut Attributes, metric: &Metric) {
    attributes.push("metric.name", Value::Text(metric.name.clone()));
    if let Some(unit) = &metric.unit {
        attributes.push("metric.unit", Value::Text(unit.clone()));
    }
    attributes.push("metric.aggregation", Value::Text(metric.aggregation.as_str().to_owned()));
}
