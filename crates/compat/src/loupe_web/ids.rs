//! Ids that others made.

use kymo_model::Value;

/// Longest id, in characters. Agents make ones of 36; applications may set their own.
const ID_CHARS_MAX: usize = 100;

/// Whether a foreign id may be used as one: 1 to 100 characters, not blank, none of them a
/// control character, and not the words that scripts send for "none".
pub fn is_plausible_id(text: &str) -> bool {
    is_present(text)
        // A char has at most four bytes; the check keeps counting off long texts.
        && text.len() <= 4 * ID_CHARS_MAX
        && text.chars().count() <= ID_CHARS_MAX
        && !text.chars().any(char::is_control)
}

/// Whether it says anything: a script that has no id sends nothing, "null" or "undefined".
pub(super) fn is_present(text: &str) -> bool {
    !matches!(text.trim(), "" | "null" | "undefined")
}

/// An id as text; `None` for none and for values that cannot be one.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(_) | Value::Int(_) | Value::Float(_) => {
            value.to_scalar_text().filter(|text| is_present(text))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plausible_within_limits() {
        let check = |text: &str, expected: bool| assert_eq!(is_plausible_id(text), expected, "{text:?}");
        check("7550bb38-9571-4c1f-9107-af3028a36330", true);
        check("1", true);
        check("naïve-Ünïcode-✓", true);
        check("a b, c", true);
        check(&"é".repeat(100), true);
        check(&"é".repeat(101), false);
        check(&"x".repeat(10_000), false);
        check("", false);
        check(" \t", false);
        check("null", false);
        check("undefined", false);
        check("Undefined behaviour", true);
        check("a\nb", false);
        check("a\u{0}", false);
        check("\u{9b}31m", false);
    }

    #[test]
    fn ids_of_other_types() {
        let check = |json: &str, expected: Option<&str>| {
            assert_eq!(id_text(&serde_json::from_str(json).unwrap()).as_deref(), expected, "{json}");
        };
        check("123", Some("123"));
        check("18446744073709551615", Some("18446744073709551615"));
        check(r#""null""#, None);
        check(r#"" ""#, None);
        check("null", None);
        check("true", None);
        check(r#"{"id":1}"#, None);
    }
}
