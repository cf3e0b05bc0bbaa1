//! Spellings: property names and ids.

use std::collections::{HashMap, HashSet};

use kymo_model::Value;

/// Shortest and longest id that clients may choose (Exceptionless HTTP API).
const ID_CHARS: std::ops::RangeInclusive<usize> = 8..=100;

/// Whether a client may use it to name an event or a session: 8 to 100 letters (of any script),
/// digits or hyphens.
pub fn is_valid_id(text: &str) -> bool {
    // A char has at most four bytes; the check keeps counting off long texts.
    text.len() <= 4 * ID_CHARS.end()
        && ID_CHARS.contains(&text.chars().count())
        && text.chars().all(|c| c.is_alphanumeric() || c == '-')
}

/// The known name that `key` spells: as it is, or in another case, or in `PascalCase` or
/// `camelCase`. Clients of different languages spell the same model differently.
pub(super) fn canonical(key: &str, known: &[&'static str]) -> Option<&'static str> {
    known
        .iter()
        .find(|&&name| name == key)
        .or_else(|| known.iter().find(|&&name| is_spelling_of(key, name)))
        .copied()
}

fn is_spelling_of(key: &str, name: &str) -> bool {
    // `_id` is somebody's own key, not an id in another case.
    if key.starts_with('_') || key.len() > name.len() {
        return false;
    }
    letters(key).eq(letters(name))
}

fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|&byte| byte != b'_').map(|byte| byte.to_ascii_lowercase())
}

/// Names in use, and for each the last number tried, so that many equal names stay linear.
pub(super) struct FreeNames {
    taken: HashSet<String>,
    last_number: HashMap<String, u32>,
}

impl FreeNames {
    /// Beside these entries.
    pub(super) fn beside(entries: &[(String, Value)]) -> Self {
        let taken = entries.iter().map(|(name, _)| name.clone()).collect();
        Self { taken, last_number: HashMap::new() }
    }

    /// `name` if it is free; else `@x` becomes `_@x`, and others get a number.
    pub(super) fn take(&mut self, name: String) -> String {
        if self.taken.insert(name.clone()) {
            return name;
        }
        let base = if name.starts_with('@') { format!("_{name}") } else { name };
        if self.taken.insert(base.clone()) {
            return base;
        }
        let number = self.last_number.entry(base.clone()).or_default();
        loop {
            *number += 1;
            let candidate = format!("{base}{number}");
            if self.taken.insert(candidate.clone()) {
                return candidate;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_several_spellings() {
        let known = ["id", "reference_id", "type"];
        let check = |key: &str, expected: Option<&str>| assert_eq!(canonical(key, &known), expected, "{key}");
        check("reference_id", Some("reference_id"));
        check("ReferenceId", Some("reference_id"));
        check("referenceId", Some("reference_id"));
        check("REFERENCE_ID", Some("reference_id"));
        check("Type", Some("type"));
        check("_id", None);
        check("type2", None);
        check("", None);
    }

    #[test]
    fn ids_are_plain_and_not_short() {
        let check = |text: &str, expected: bool| assert_eq!(is_valid_id(text), expected, "{text}");
        check("1234567", false);
        check("12345678", true);
        check("äöüß-日本語字", true);
        check("with space", false);
        check("../../etc/passwd", false);
        check("under_score", false);
        check(&"x".repeat(100), true);
        check(&"x".repeat(101), false);
        check(&"é".repeat(100), true);
    }
}
