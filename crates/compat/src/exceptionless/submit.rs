//! An event in a query string, for senders that can do nothing but fetch a URL.

use std::collections::HashMap;

use kymo_model::{Attributes, Timestamp, Value};

use super::root::{Field, Root};
use super::{Item, Submission, event, query};

/// The event of `GET events/submit?…` or `GET events/submit/{type}?…`; `None` if the query says
/// nothing. Names are read in any case, `tags` may repeat and may be comma lists, and unknown
/// names become data, with several values as a list (Exceptionless HTTP API, GET submit).
///
/// There is no fingerprint: equal calls are how such a sender counts.
pub fn decode_submit(
    raw_query: &str,
    path_type: Option<&str>,
    observed: Timestamp,
    client: &Submission<'_>,
) -> Option<Item> {
    let mut root = Root::default();
    let mut user = Attributes::default();
    let mut tags = Vec::new();
    let mut named = Named::default();
    let mut is_empty = true;
    for (raw_name, raw_value) in query::parts(raw_query) {
        let name = query::decode_form(raw_name);
        let text = query::decode_form(raw_value);
        if name.is_empty() || text.trim().is_empty() || query::is_key_name(&name) {
            continue;
        }
        is_empty = false;
        match name.to_ascii_lowercase().as_str() {
            "type" => root.set(Field::Type, Value::Text(text)),
            "source" => root.set(Field::Source, Value::Text(text)),
            "message" => root.set(Field::Message, Value::Text(text)),
            "reference" => root.set(Field::ReferenceId, Value::Text(text)),
            "date" => root.set(Field::Date, Value::Text(text)),
            "geo" => root.set(Field::Geo, Value::Text(text)),
            "count" => root.set(Field::Count, number(text)),
            "value" => root.set(Field::Value, number(text)),
            "tags" => tags.extend(text.split(',').map(str::trim).map(|tag| Value::Text(tag.to_owned()))),
            "identity" => user.push("identity", Value::Text(text)),
            // The public description says `identityname`, the reference reads `identity.name`.
            "identity.name" | "identityname" => user.push("name", Value::Text(text)),
            _ => named.add(name, Value::Text(text)),
        }
    }
    if is_empty {
        return None;
    }
    if let Some(path_type) = path_type.filter(|text| !text.is_empty()) {
        root.set(Field::Type, Value::Text(path_type.to_owned()));
    }
    root.set(Field::Tags, Value::List(tags));
    root.others.append(&mut named.entries);
    if !user.is_empty() {
        root.others.push(("@user".to_owned(), Value::Map(user)));
    }
    Some(event::read(root, observed, client).item)
}

/// Own names with their values. Repeated names make a list.
#[derive(Default)]
struct Named {
    entries: Vec<(String, Value)>,
    places: HashMap<String, usize>,
}

impl Named {
    fn add(&mut self, name: String, value: Value) {
        let Some(&at) = self.places.get(&name) else {
            self.places.insert(name.clone(), self.entries.len());
            self.entries.push((name, value));
            return;
        };
        match &mut self.entries[at].1 {
            Value::List(values) => values.push(value),
            first => *first = Value::List(vec![std::mem::replace(first, Value::Null), value]),
        }
    }
}

fn number(text: String) -> Value {
    if let Ok(whole) = text.parse() {
        return Value::Int(whole);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::Float(number),
        _ => Value::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submit(query: &str, path_type: Option<&str>) -> Option<Item> {
        decode_submit(query, path_type, Timestamp::from_unix_nanos(0), &Submission::default())
    }

    #[test]
    fn all_names_at_once() {
        let item = submit(
            "access_token=KEY&source=build&value=10&count=3&tags=one,two&Tags=three&geo=32.85,-96.9613\
             &reference=get-ref-0001&date=2026-11-20T12:00:00Z&identity=u1&identity.name=User+One&rp=true&x=1&x=2",
            Some("usage"),
        )
        .unwrap();
        let event = &item.event;
        assert_eq!(event.kind.as_str(), "usage");
        assert_eq!(event.category.as_deref(), Some("build"));
        assert_eq!(event.time.to_string(), "2026-11-20T12:00:00Z");
        assert_eq!(event.reference_id.as_deref(), Some("get-ref-0001"));
        let user = event.user.as_ref().unwrap();
        assert_eq!((user.id.as_deref(), user.name.as_deref()), (Some("u1"), Some("User One")));
        assert_eq!(
            serde_json::to_string(&event.attributes).unwrap(),
            r#"{"rp":"true","x":["1","2"],"@tags":["one","two","three"],"@value":10,"@geo":"32.85,-96.9613","@count":3}"#
        );
        assert_eq!(item.properties, [("rp".to_owned(), "true".to_owned())]);
        assert_eq!(item.fingerprint, None);
    }

    #[test]
    fn nothing_said_is_nothing_stored() {
        let check = |query: &str, expected: Option<&str>| {
            let found = submit(query, None);
            assert_eq!(found.as_ref().map(|item| item.event.kind.as_str()), expected, "{query}");
        };
        check("", None);
        check("api_key=KEY", None);
        check("source=&message=+", None);
        check("message=hello", Some("log"));
        check("type=custom", Some("custom"));
    }
}
