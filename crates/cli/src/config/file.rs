//! The file `kymo.toml`: every key is known and of its type, or the error says where it stands.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, anyhow};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Kind, Value, key};
use super::{AGENT, KEYS, Settings, unknown};

/// Reads a file into the settings.
pub(super) fn read(path: &Path, settings: &mut Settings) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let name = path.display().to_string();
    add(&text, &name, settings).map_err(|(at, reason)| {
        let (line, column) = place(&text, at);
        anyhow!("{name}:{line}:{column}: {reason}")
    })
}

/// Where something is wrong, in bytes, and what.
type Wrong = (usize, String);

fn add(text: &str, name: &str, settings: &mut Settings) -> Result<(), Wrong> {
    let table = DeTable::parse(text)
        .map_err(|error| (error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    walk(table.get_ref(), "", &mut |key_name, at, value| {
        if key_name == AGENT {
            return Ok(());
        }
        let Some(key) = key(key_name) else { return Err((at.start, unknown(key_name))) };
        let wrong = |reason: String| (value.span().start, reason);
        let read = value_of(value.get_ref())
            .ok_or_else(|| wrong(format!("{key_name}: expected {}", key.expected())))?;
        let read = match read {
            // Files that belong to the configuration lie where it lies.
            Value::Text(path) if key_name.starts_with("server.tls.") && key.kind == Kind::Path => {
                let folder = Path::new(name).parent().unwrap_or(Path::new(""));
                Value::Text(folder.join(path).to_string_lossy().into_owned())
            }
            other => other,
        };
        let source = format!("{name}:{}", place(text, at.start).0);
        settings.set(key, read, source).map_err(wrong)
    })
}

type Found<'found> = &'found mut dyn FnMut(&str, Range<usize>, &Spanned<DeValue<'_>>) -> Result<(), Wrong>;

fn walk(table: &DeTable<'_>, prefix: &str, found: Found<'_>) -> Result<(), Wrong> {
    for (part, value) in table {
        let name = if prefix.is_empty() {
            part.get_ref().to_string()
        } else {
            format!("{prefix}.{}", part.get_ref())
        };
        let is_section = KEYS.iter().any(|key| key.name.starts_with(&format!("{name}.")));
        match value.get_ref() {
            DeValue::Table(inner) if is_section => walk(inner, &name, found)?,
            _ => found(&name, part.span(), value)?,
        }
    }
    Ok(())
}

/// `None`: no key has values of that type.
fn value_of(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Integer(number) => {
            u64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Number)
        }
        DeValue::Boolean(is_on) => Some(Value::Switch(*is_on)),
        DeValue::Array(list) => list
            .iter()
            .map(|one| match one.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Value::Texts),
        _ => None,
    }
}

/// Line and column of a byte, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at.min(text.len()))];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
