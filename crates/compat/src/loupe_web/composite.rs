//! A description with its parameters: the agents send both, and the receiver puts the text
//! together as .NET does (composite formatting).

use std::iter::Peekable;
use std::str::Chars;

use kymo_model::Value;

/// How much longer than what was sent a text may get: a hole costs three bytes and may be filled
/// with megabytes. Ten uses of every parameter, and some columns of padding.
const GROWTH_MAX: usize = 10;
/// See [`GROWTH_MAX`].
const PADDING_BYTES_MAX: usize = 1000;
/// Largest number read in a hole, as in .NET.
const NUMBER_MAX: usize = 1_000_000;

/// The text with its holes filled: `{0}`, `{1,5}` (at least five characters wide, at the right;
/// negative: at the left), `{0:format}` (the format means nothing here), `{{` and `}}`. Truth
/// values and null are written as JSON does and as nothing, lists and maps as their JSON.
///
/// `None` where .NET reports a fault - a lone brace, a hole without parameter - and for texts that
/// would grow out of proportion.
pub(super) fn format(template: &str, parameters: &[Value]) -> Option<String> {
    let texts: Vec<String> = parameters.iter().map(text_of).collect();
    let sent = template.len() + texts.iter().map(String::len).sum::<usize>();
    let bytes_max = sent.saturating_mul(GROWTH_MAX).saturating_add(PADDING_BYTES_MAX);
    let mut text = String::with_capacity(sent);
    let mut chars = template.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '{' if chars.next_if_eq(&'{').is_some() => text.push('{'),
            '{' => {
                let hole = Hole::read(&mut chars)?;
                let filling = texts.get(hole.index)?;
                let padding = hole.width.saturating_sub(filling.chars().count());
                if text.len() + padding + filling.len() > bytes_max {
                    return None;
                }
                let spaces = std::iter::repeat_n(' ', padding);
                if hole.is_left {
                    text.push_str(filling);
                    text.extend(spaces);
                } else {
                    text.extend(spaces);
                    text.push_str(filling);
                }
            }
            '}' => {
                chars.next_if_eq(&'}')?;
                text.push('}');
            }
            other => text.push(other),
        }
    }
    Some(text)
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::List(_) | Value::Map(_) => serde_json::to_string(value).unwrap_or_default(),
        plain => plain.to_scalar_text().unwrap_or_default(),
    }
}

struct Hole {
    index: usize,
    width: usize,
    is_left: bool,
}

impl Hole {
    /// What stands behind the opening brace, up to the closing one.
    fn read(chars: &mut Peekable<Chars<'_>>) -> Option<Self> {
        let index = number(chars)?;
        skip_spaces(chars);
        let mut hole = Self { index, width: 0, is_left: false };
        if chars.next_if_eq(&',').is_some() {
            skip_spaces(chars);
            hole.is_left = chars.next_if_eq(&'-').is_some();
            hole.width = number(chars)?;
            skip_spaces(chars);
        }
        match chars.next()? {
            '}' => Some(hole),
            ':' => chars.find(|&char| matches!(char, '{' | '}')).filter(|&char| char == '}').map(|_| hole),
            _ => None,
        }
    }
}

fn skip_spaces(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if_eq(&' ').is_some() {}
}

fn number(chars: &mut Peekable<Chars<'_>>) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = chars.peek().and_then(|char| char.to_digit(10)) {
        chars.next();
        number = Some(number.unwrap_or(0) * 10 + digit as usize).filter(|&number| number < NUMBER_MAX);
        number?;
    }
    number
}

#[cfg(test)]
mod tests {
    use kymo_model::Attributes;

    use super::*;

    #[test]
    fn holes_are_filled() {
        let check = |template: &str, parameters: &str, expected: Option<&str>| {
            let parameters: Vec<Value> = serde_json::from_str(parameters).unwrap();
            assert_eq!(format(template, &parameters).as_deref(), expected, "{template}");
        };
        check("Added {0} x {1}", r#"[2,"tea"]"#, Some("Added 2 x tea"));
        check("{1}{0}{1}", r#"["a","b"]"#, Some("bab"));
        check("[{0,5}] [{0,-5}] [{0,1}]", r#"["äb"]"#, Some("[   äb] [äb   ] [äb]"));
        check("{0 , -4 :X}|{0:yyyy-MM}", "[7]", Some("7   |7"));
        check("{{0}} {{{0}}}", "[1]", Some("{0} {1}"));
        check("{0} {1} {2} {3}", r#"[null,true,{"a":[1]},1.5]"#, Some(r#" true {"a":[1]} 1.5"#));
        check("none used", "[1]", Some("none used"));
        check("", "[1]", Some(""));
        check("{0} {1}", "[1]", None);
        check("{", "[1]", None);
        check("{0", "[1]", None);
        check("}", "[1]", None);
        check("{ }", "[1]", None);
        check("{a}", "[1]", None);
        check("{-1}", "[1]", None);
        check("{ 0}", "[1]", None);
        check("{0,}", "[1]", None);
        check("{0:{1}}", "[1]", None);
        check("{0;}", "[1]", None);
        check("{99999999999999999999}", "[1]", None);
        check("{0,1000000}", "[1]", None);
    }

    #[test]
    fn texts_do_not_grow_out_of_proportion() {
        let long = [Value::Text("x".repeat(100_000))];
        assert!(format(&"{0}".repeat(10), &long).is_some());
        assert_eq!(format(&"{0}".repeat(100_000), &long), None);
        assert!(format("{0,900}", &[Value::Int(1)]).is_some());
        assert_eq!(format(&"{0,900}".repeat(1000), &[Value::Int(1)]), None);
        let map = Value::Map(Attributes(vec![("a".into(), Value::Null)]));
        assert_eq!(format("{0}", &[map]).as_deref(), Some(r#"{"a":null}"#));
    }
}
