//! Items that are JSON by its grammar but more than our reader takes: half a surrogate pair (a
//! client cut a text inside an emoji), a number beyond `f64`, nesting too deep for a recursive
//! reader. Rewritten so that it reads, and nothing is lost.

use std::borrow::Cow;

/// Depth at which a list or map becomes its own JSON text. `serde_json` stops at 128 levels; the
/// rest of the item needs a few.
const DEPTH_MAX: usize = 100;

/// `json` must be one JSON value by the grammar. One pass, cold: only items that failed come here.
///
/// * an unpaired `\uD8xx` escape becomes `\uFFFD`
/// * a number that is infinite as `f64` becomes a text of its digits
/// * what is nested deeper than [`DEPTH_MAX`] becomes a text of its JSON
pub(crate) fn repair(json: &str) -> String {
    rewrite(json, DEPTH_MAX)
}

/// The same, with every list and map inside the outermost one as a text of its JSON.
pub(crate) fn flatten(json: &str) -> String {
    rewrite(json, 1)
}

/// Commas and opening brackets of `json` that are not inside a text.
pub(crate) fn marks(json: &str) -> usize {
    let bytes = json.as_bytes();
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            byte => count += usize::from(is_mark(byte)),
        }
        at += 1;
    }
    count
}

fn is_mark(byte: u8) -> bool {
    matches!(byte, b',' | b'{' | b'[')
}

/// No more values than that can be read from `json`, nor from the texts in it that hold JSON
/// themselves.
pub(crate) fn values_at_most(json: &str) -> usize {
    1 + json.bytes().filter(|&byte| is_mark(byte)).count()
}

fn rewrite(json: &str, depth_max: usize) -> String {
    let bytes = json.as_bytes();
    let mut repaired = String::with_capacity(json.len() + 16);
    let mut depth = 0;
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'"' => {
                let end = string_end(bytes, at);
                repaired.push_str(&without_lone_surrogates(&json[at..end]));
                end
            }
            b'[' | b'{' if depth == depth_max => {
                let end = nested_end(bytes, at);
                push_as_text(&mut repaired, &json[at..end]);
                end
            }
            b'-' | b'0'..=b'9' => {
                let end = number_end(bytes, at);
                push_number(&mut repaired, &json[at..end]);
                end
            }
            byte => {
                match byte {
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => depth -= 1,
                    _ => {}
                }
                // Outside of strings JSON is ASCII.
                repaired.push(char::from(byte));
                at + 1
            }
        };
        at = end;
    }
    repaired
}

/// Behind the closing quote of the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind the bracket that closes the one at `start`.
fn nested_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let is_part = |byte: &&u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
    start + bytes[start..].iter().take_while(is_part).count()
}

fn push_number(repaired: &mut String, number: &str) {
    if number.parse().is_ok_and(f64::is_finite) {
        repaired.push_str(number);
    } else {
        push_as_text(repaired, number);
    }
}

fn push_as_text(repaired: &mut String, json: &str) {
    repaired.push_str(&serde_json::to_string(json).expect("a text is always JSON"));
}

/// `quoted` is a JSON string with its quotes.
fn without_lone_surrogates(quoted: &str) -> Cow<'_, str> {
    if !quoted.contains("\\u") {
        return Cow::Borrowed(quoted);
    }
    let mut kept = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(escape_at) = rest.find('\\') {
        let (before, escape) = rest.split_at(escape_at);
        kept.push_str(before);
        let len = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                kept.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => 2,
        };
        kept.push_str(&escape[..len]);
        rest = &escape[len..];
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// The UTF-16 unit of the `\uxxxx` that `text` starts with.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use kymo_model::Value;

    use super::*;

    #[test]
    fn what_reads_already_stays() {
        for json in [
            r#"{"a":[1,-2.5e3,true,null,"x\"y\\"],"b":{}}"#,
            r#""\ud83d\ude00 \ud800\udc00 \\ud83d \n""#,
            r#"["é","中",[[]]]"#,
        ] {
            assert_eq!(repair(json), json);
        }
    }

    #[test]
    fn what_does_not_read_is_rewritten() {
        let check = |json: &str, expected: &str| {
            assert!(serde_json::from_str::<Value>(json).is_err(), "needs no repair: {json}");
            let repaired = repair(json);
            assert_eq!(repaired, expected, "{json}");
            assert!(serde_json::from_str::<Value>(&repaired).is_ok(), "{repaired}");
        };
        check(r#"{"a":"cut \ud83d"}"#, r#"{"a":"cut \ufffd"}"#);
        check(r#""\ude00\ud83dx""#, r#""\ufffd\ufffdx""#);
        check(r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#);
        check(r#""\ud83d\n\u0041""#, r#""\ufffd\n\u0041""#);
        check(r#"{"\udead":-1e999}"#, r#"{"\ufffd":"-1e999"}"#);
    }

    #[test]
    fn flat_is_one_level() {
        assert_eq!(
            flatten(r#"{"a":{"b":[1]},"c":[],"d":"x,{"}"#),
            r#"{"a":"{\"b\":[1]}","c":"[]","d":"x,{"}"#
        );
        assert_eq!((marks(r#"{"a":"x,{","b":1}"#), values_at_most(r#"{"a":"x,{","b":1}"#)), (2, 5));
    }

    #[test]
    fn deep_nesting_becomes_text() {
        let json = format!("{}{}{}", "[".repeat(100_000), r#""]\"""#, "]".repeat(100_000));
        let mut value: Value = serde_json::from_str(&repair(&json)).unwrap();
        for _ in 0..DEPTH_MAX {
            value = match value {
                Value::List(mut inner) => inner.remove(0),
                other => panic!("{other:?}"),
            };
        }
        let text = value.as_text().unwrap();
        assert_eq!(text.len(), json.len() - 2 * DEPTH_MAX);
    }
}
