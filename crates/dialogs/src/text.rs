//! Foreign text made harmless, and cut.

/// Without what would move or hide other text: control characters but line ends and tabs, and the characters that
/// turn the direction of writing.
pub(crate) fn cleaned(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|&c| !is_hidden(c) || matches!(c, '\n' | '\t')).collect()
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|&c| !is_hidden(c)).collect()
}

/// At most so many characters; what is cut ends with an ellipsis.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars_max - 1).chain(['…']).collect(),
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_other_text() {
        assert_eq!(cleaned("a\r\nb\tc\x1b[31m\u{202e}d"), "a\nb\tc[31md");
        assert_eq!(one_line("a\nb\u{2028}c\0"), "a b c");
        assert_eq!(cleaned("日本語 ñ 😀"), "日本語 ñ 😀");
    }

    #[test]
    fn a_cut_is_seen() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
