//! Content types and what their charset means.

use std::borrow::Cow;

/// Whether events may come in this content type: JSON or plain text, with any parameters. No
/// content type at all is accepted too; hand-made clients leave it out.
pub fn is_allowed_content_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    ["", "application/json", "text/plain"].iter().any(|allowed| essence.eq_ignore_ascii_case(allowed))
}

/// The body in UTF-8, from the charset its content type names: UTF-8, ASCII, Latin-1 or UTF-16.
/// Any other charset is taken for UTF-8. The result is at most twice as long; bytes that are no
/// UTF-8 are left to the decoder, which replaces them.
pub fn to_utf8<'a>(body: &'a [u8], content_type: Option<&str>) -> Cow<'a, [u8]> {
    let charset = content_type.and_then(charset_of).unwrap_or_default();
    let is = |name: &str| charset.eq_ignore_ascii_case(name);
    if is("iso-8859-1") || is("latin1") || is("iso_8859-1") {
        let text: String = body.iter().copied().map(char::from).collect();
        Cow::Owned(text.into_bytes())
    } else if is("utf-16be") {
        Cow::Owned(from_utf16(body, u16::from_be_bytes))
    } else if is("utf-16le") {
        Cow::Owned(from_utf16(body, u16::from_le_bytes))
    } else if is("utf-16") || is("unicode") {
        let from_unit = if body.starts_with(&[0xfe, 0xff]) { u16::from_be_bytes } else { u16::from_le_bytes };
        Cow::Owned(from_utf16(body, from_unit))
    } else {
        Cow::Borrowed(body)
    }
}

fn charset_of(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    })
}

/// Unpaired surrogates and half a unit at the end become U+FFFD.
fn from_utf16(body: &[u8], from_unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let (pairs, rest) = body.as_chunks::<2>();
    let units = pairs.iter().map(|&pair| from_unit(pair));
    let mut text: String =
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_text_are_allowed() {
        let check = |content_type: &str, expected: bool| {
            assert_eq!(is_allowed_content_type(content_type), expected, "{content_type}");
        };
        check("application/json", true);
        check("Application/JSON; charset=utf-8", true);
        check("text/plain;charset=UTF-8", true);
        check("", true);
        check("application/x-www-form-urlencoded", false);
        check("text/html", false);
        check("application/json5", false);
    }

    #[test]
    fn charsets_are_honoured() {
        let check = |body: &[u8], content_type: &str, expected: &str| {
            assert_eq!(to_utf8(body, Some(content_type)), expected.as_bytes(), "{content_type}");
        };
        check("é€".as_bytes(), "application/json", "é€");
        check("é€".as_bytes(), "text/plain; charset=\"UTF-8\"", "é€");
        check(b"\xe9", "text/plain; charset=ISO-8859-1", "é");
        check(b"\xe9", "text/plain; boundary=x; Charset=latin1", "é");
        check(b"\x7b\x00\xe9\x00", "application/json; charset=utf-16le", "{é");
        check(b"\x00\x7b\x00\xe9", "application/json; charset=utf-16be", "{é");
        check(b"\xfe\xff\x00\x7b", "application/json; charset=utf-16", "\u{feff}{");
        check(b"\x3d\xd8\x00\xde", "text/plain; charset=utf-16le", "😀");
        check(b"\x3d\xd8\x41", "text/plain; charset=utf-16le", "\u{fffd}\u{fffd}");
        check(b"abc", "text/plain; charset=klingon", "abc");
    }
}
