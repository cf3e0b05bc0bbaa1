//! The properties of an event.

use crate::json::{Fields, Member};

use super::names::canonical;

/// An item's properties, the known ones apart.
pub(super) type Root = Fields<Field, 12>;

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

impl Member for Field {
    fn named(key: &str) -> Option<Self> {
        let name = canonical(key, &NAMES)?;
        NAMES.iter().position(|&known| known == name).map(|at| FIELDS[at])
    }

    fn name(self) -> &'static str {
        NAMES[self.index()]
    }

    fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use kymo_model::Value;

    use super::*;

    #[test]
    fn fields_and_names_are_in_the_same_order() {
        for (at, field) in FIELDS.into_iter().enumerate() {
            assert_eq!(field.index(), at);
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
