//! What all decoders need from JSON that strangers wrote.
//!
//! | module | holds |
//! |---|---|
//! | `fields` | an object's members, the known ones apart |
//! | `repair` | what is JSON but more than our reader takes |

mod fields;
mod repair;

use kymo_model::Value;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub(crate) use fields::{Fields, Member};
pub(crate) use repair::{flatten, marks, values_at_most};

/// The JSON read as a `T`, repaired if need be; `None` if it is no JSON or no `T`.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Option<T> {
    serde_json::from_str(json).ok().or_else(|| {
        serde_json::from_str::<&RawValue>(json).ok()?;
        serde_json::from_str(&repair::repair(json)).ok()
    })
}

/// A list or map that came as the text of its JSON.
pub(crate) fn read_embedded(text: &str) -> Option<Value> {
    if text.trim_start().starts_with(['{', '[']) { read(text.trim()) } else { None }
}

/// Serialisers write out every member of their model; the empty ones say nothing.
pub(crate) fn has_content(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Text(text) => !text.is_empty(),
        Value::List(values) => !values.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        Value::Bool(true) | Value::Int(_) | Value::Float(_) => true,
    }
}

/// Like [`has_content`], for values that a person wrote: "false" is an answer.
pub(crate) fn says_something(value: &Value) -> bool {
    has_content(value) || *value == Value::Bool(false)
}

/// The value as text if it is a plain one, else the value.
pub(crate) fn into_scalar_text(value: Value) -> Result<String, Value> {
    match value {
        Value::Text(text) => Ok(text),
        other => other.to_scalar_text().ok_or(other),
    }
}
