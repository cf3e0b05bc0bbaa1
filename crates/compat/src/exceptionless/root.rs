//! One item's JSON read into the fields of an event. Hot: every posted event passes here once,
//! straight from the text; nothing may be added that looks at all properties again.

use std::fmt;

use kymo_model::Value;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The root properties that mean something (Exceptionless HTTP API, event model).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Date,
    Type,
    Source,
    Message,
    Data,
    Tags,
    ReferenceId,
    Value,
    Geo,
    Count,
    Id,
    StackId,
}

/// In the order of [`Field`].
const NAMES: [&str; 12] = [
    "date",
    "type",
    "source",
    "message",
    "data",
    "tags",
    "reference_id",
    "value",
    "geo",
    "count",
    "id",
    "stack_id",
];

const FIELDS: [Field; 12] = [
    Field::Date,
    Field::Type,
    Field::Source,
    Field::Message,
    Field::Data,
    Field::Tags,
    Field::ReferenceId,
    Field::Value,
    Field::Geo,
    Field::Count,
    Field::Id,
    Field::StackId,
];

/// An item's properties, the known ones apart.
#[derive(Debug, Default)]
pub(super) struct Root {
    fields: [Option<Value>; 12],
    /// The unknown ones in order.
    pub(super) others: Vec<(String, Value)>,
}

impl Root {
    /// The field's value, if it was there and not null.
    pub(super) fn take(&mut self, field: Field) -> Option<Value> {
        self.fields[field as usize].take()
    }

    /// Sets a field. Of two spellings the later one counts, as in the reference; the earlier one
    /// is kept among the others.
    pub(super) fn set(&mut self, field: Field, value: Value) {
        if value == Value::Null {
            return;
        }
        if let Some(earlier) = self.fields[field as usize].replace(value) {
            self.others.push((field.name().to_owned(), earlier));
        }
    }
}

impl Field {
    pub(super) fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// The field that `key` spells.
    pub(super) fn named(key: &str) -> Option<Self> {
        let name = super::names::canonical(key, &NAMES)?;
        NAMES.iter().position(|&known| known == name).map(|at| FIELDS[at])
    }
}

impl<'de> Deserialize<'de> for Root {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Properties;
        impl<'de> Visitor<'de> for Properties {
            type Value = Root;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Root, A::Error> {
                let mut root = Root::default();
                while let Some(key) = map.next_key::<Key>()? {
                    let value = map.next_value()?;
                    match key {
                        Key::Known(field) => root.set(field, value),
                        Key::Other(name) => root.others.push((name, value)),
                    }
                }
                Ok(root)
            }
        }
        deserializer.deserialize_map(Properties)
    }
}

enum Key {
    Known(Field),
    Other(String),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a property name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Field::named(name).map_or_else(|| Key::Other(name.to_owned()), Key::Known))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_names_are_in_the_same_order() {
        for (at, field) in FIELDS.into_iter().enumerate() {
            assert_eq!(field as usize, at);
            assert_eq!(Field::named(field.name()), Some(field));
        }
    }

    #[test]
    fn the_last_spelling_counts_and_none_is_lost() {
        let mut root: Root =
            serde_json::from_str(r#"{"Message":"a","message":"b","x":1,"geo":null}"#).unwrap();
        assert_eq!(root.take(Field::Message), Some(Value::Text("b".into())));
        assert_eq!(root.take(Field::Geo), None);
        assert_eq!(root.others, [("message".into(), Value::Text("a".into())), ("x".into(), Value::Int(1))]);
    }
}
