//! Query strings.

/// Parameters that carry a key. Their names are compared in any case, and they are never part of
/// anything else.
pub(super) const KEY_NAMES: [&str; 3] = ["access_token", "api_key", "apikey"];

/// Name and raw value of each `name=value` in order; a part without `=` is a name.
pub(super) fn parts(raw_query: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = raw_query.strip_prefix('?').unwrap_or(raw_query);
    query.split('&').filter(|part| !part.is_empty()).map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// Whether the parameter carries a key.
pub(super) fn is_key_name(name: &str) -> bool {
    KEY_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The text as a form writes it: `+` is a space.
pub(super) fn decode_form(raw: &str) -> String {
    decode_percent(&raw.replace('+', " "))
}

/// The text with its `%xx` replaced; whatever is not one of these stays, and what is no UTF-8
/// afterwards is replaced by U+FFFD.
pub(super) fn decode_percent(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = (hex_digit(bytes.get(at + 1)), hex_digit(bytes.get(at + 2)));
        if let (b'%', (Some(high), Some(low))) = (byte, digits) {
            decoded.push(high << 4 | low);
            at += 3;
        } else {
            decoded.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_digit(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_decoding_is_lenient() {
        let check = |raw: &str, expected: &str| assert_eq!(decode_percent(raw), expected, "{raw}");
        check("a+b%20c", "a+b c");
        check("%C3%A9", "é");
        check("%", "%");
        check("%4", "%4");
        check("%zz%41", "%zzA");
        check("%ff", "\u{fffd}");
        check("100%25", "100%");
        assert_eq!(decode_form("User+One%2B"), "User One+");
    }
}
