//! Foreign text for people: it must not steer a terminal.

use unicode_width::UnicodeWidthChar;

/// Text without control characters, nor those that turn the direction of writing.
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_harmful(letter) {
            safe.extend(letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    safe
}

fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || ('\u{202a}'..='\u{202e}').contains(&letter)
        || ('\u{2066}'..='\u{2069}').contains(&letter)
}

/// One line of at most so many characters: breaks become `⏎`, tabs spaces.
pub(crate) fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = String::new();
    let mut letters = text.trim_end().chars().peekable();
    let mut count = 0;
    while let Some(letter) = letters.next() {
        if count == chars_max {
            line.push('…');
            break;
        }
        count += 1;
        match letter {
            '\r' if letters.peek() == Some(&'\n') => count -= 1,
            '\n' | '\r' => line.push_str(" ⏎ "),
            '\t' => line.push(' '),
            letter if is_harmful(letter) => line.extend(letter.escape_unicode()),
            letter => line.push(letter),
        }
    }
    line
}

/// The same with its end cut off so that it fits into so many cells of a terminal.
pub(crate) fn fitted(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let (mut fitted, mut used) = (String::new(), 0);
    for letter in text.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide + 1 > cells {
            break;
        }
        used += wide;
        fitted.push(letter);
    }
    if cells > 0 {
        fitted.push('…');
    }
    fitted
}

/// How many cells of a terminal a text takes.
pub(crate) fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// A whole number with commas between thousands.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time as people write it: `0.4 s`, `02:10`, `3:02:10`, `2 d 03:00`.
pub(crate) fn duration(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds < 10 => format!("{:.1} s", span.as_secs_f64()),
        (0, 0, _) => format!("{minutes:02}:{:02}", seconds % 60),
        (0, _, _) => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("{days} d {hours:02}:{minutes:02}"),
    }
}

/// Bytes as people write them.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\n\u{202e}c"), r"a\u{1b}[2Jb\u{a}\u{202e}c");
        assert_eq!(harmless("é中😀"), "é中😀");
        assert_eq!(one_line("a\r\nb\tc\u{1b}\n", 20), r"a ⏎ b c\u{1b}");
        assert_eq!(one_line("abcdef", 3), "abc…");
    }

    #[test]
    fn texts_fit_their_cells() {
        for (text, cells, expected) in
            [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("中文字", 5, "中文…"), ("中文", 2, "…"), ("x", 0, "")]
        {
            assert_eq!(fitted(text, cells), expected, "{text}");
            assert!(width(&fitted(text, cells)) <= cells);
        }
    }

    #[test]
    fn figures_are_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        let spans = [0.42, 9.96, 130.0, 11_000.0, 183_600.0].map(Duration::from_secs_f64);
        assert_eq!(spans.map(duration), ["0.4 s", "10.0 s", "02:10", "3:03:20", "2 d 03:00"]);
        assert_eq!([12, 4_200, 4_200_000].map(bytes), ["12 B", "4.2 kB", "4.2 MB"]);
    }
}
