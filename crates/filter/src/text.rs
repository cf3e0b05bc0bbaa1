//! Words, patterns and substrings of texts: the one tokenizer and the one way to fold case.
//!
//! Case is folded letter by letter to the lower case that is a single letter; the few letters without
//! one stay. So every folded letter has a fixed set of spellings ([`spellings`]), which is what lets a
//! database compare without knowing Unicode.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The letter with its case folded.
pub fn fold_char(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => letter,
    }
}

/// The text with its case folded.
pub fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// The words of a text: runs of letters and digits of any script, folded.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|run| !run.is_empty()).map(fold)
}

/// Whether `text` contains `folded` when its case is folded as well.
pub fn contains(text: &str, folded: &str) -> bool {
    if folded.is_empty() {
        return true;
    }
    if text.is_ascii() {
        let (text, folded) = (text.as_bytes(), folded.as_bytes());
        return text.windows(folded.len()).any(|window| window.eq_ignore_ascii_case(folded));
    }
    fold(text).contains(folded)
}

/// Every letter that folds to this one, itself included if it does.
pub fn spellings(folded: char) -> impl Iterator<Item = char> {
    static OTHERS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
        let mut others: HashMap<char, Vec<char>> = HashMap::new();
        for letter in ('\0'..=char::MAX).filter(|letter| fold_char(*letter) != *letter) {
            others.entry(fold_char(letter)).or_default().push(letter);
        }
        others
    });
    let others = OTHERS.get(&folded).map_or(&[] as &[char], Vec::as_slice);
    std::iter::once(folded).filter(|letter| fold_char(*letter) == *letter).chain(others.iter().copied())
}

/// Words that follow each other in one text, with anything but letters and digits between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    words: Vec<String>,
    is_prefix: bool,
}

impl Words {
    /// The words of `text`; `is_prefix`: the last may be the beginning of a longer one. `None`: it has
    /// none.
    pub fn of(text: &str, is_prefix: bool) -> Option<Self> {
        let words: Vec<String> = words(text).collect();
        if words.is_empty() { None } else { Some(Self { words, is_prefix }) }
    }

    /// The words, folded; at least one.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether the last may be the beginning of a longer one.
    pub fn is_prefix(&self) -> bool {
        self.is_prefix
    }

    /// Whether the text has them.
    pub fn matches(&self, text: &str) -> bool {
        if !self.words.first().is_some_and(|first| contains(text, first)) {
            return false;
        }
        let found: Vec<String> = words(text).collect();
        found.windows(self.words.len()).any(|window| {
            let last = window.len() - 1;
            window[..last] == self.words[..last]
                && (window[last] == self.words[last]
                    || self.is_prefix && window[last].starts_with(&self.words[last]))
        })
    }
}

/// A whole text, with gaps of any length where `*` stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// From the pieces between the gaps; a single piece is the whole text.
    pub fn new<'piece>(pieces: impl IntoIterator<Item = &'piece str>) -> Self {
        let mut folded: Vec<String> = Vec::new();
        let mut pieces = pieces.into_iter().peekable();
        while let Some(piece) = pieces.next() {
            // Two gaps beside each other are one.
            if !piece.is_empty() || folded.is_empty() || pieces.peek().is_none() {
                folded.push(fold(piece));
            }
        }
        if folded.is_empty() {
            folded.push(String::new());
        }
        Self(folded)
    }

    /// The pieces between the gaps, folded; at least one.
    pub fn pieces(&self) -> &[String] {
        &self.0
    }

    /// The text, if there is no gap.
    pub fn whole(&self) -> Option<&str> {
        match self.0.as_slice() {
            [whole] => Some(whole),
            _ => None,
        }
    }

    /// Whether it describes the text.
    pub fn matches(&self, text: &str) -> bool {
        if let (Some(whole), true) = (self.whole(), text.is_ascii()) {
            return text.eq_ignore_ascii_case(whole);
        }
        let text = fold(text);
        let (first, rest) = match self.0.split_first() {
            Some((whole, [])) => return text == *whole,
            Some(split) => split,
            None => return false,
        };
        let (Some((last, inner)), Some(mut text)) = (rest.split_last(), text.strip_prefix(first.as_str()))
        else {
            return false;
        };
        // The earliest place is the best: it leaves most for the pieces after it.
        for piece in inner {
            match text.find(piece.as_str()) {
                Some(at) => text = &text[at + piece.len()..],
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let rows: [(&str, &[&str]); 5] = [
            ("Disk FULL: 95%", &["disk", "full", "95"]),
            ("ann@example.test", &["ann", "example", "test"]),
            ("Straße ÄRGER", &["straße", "ärger"]),
            ("日本語 no_3", &["日本語", "no", "3"]),
            (" -- ", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn words_follow_each_other() {
        let check = |text: &str, wanted: &str, is_prefix: bool, expected: bool| {
            let found = Words::of(wanted, is_prefix).unwrap().matches(text);
            assert_eq!(found, expected, "{wanted} in {text}");
        };
        check("the disk is full", "disk", false, true);
        check("the disks are full", "disk", false, false);
        check("the disks are full", "disk", true, true);
        check("time -- OUT!", "Time out", false, true);
        check("time is out", "time out", false, false);
        check("a b a c", "a c", false, true);
        check("ΑΒΓ δ", "αβγ Δ", false, true);
        check("a timeout", "a.time", true, true);
    }

    #[test]
    fn patterns_describe_whole_texts() {
        let check = |pieces: &[&str], text: &str, expected: bool| {
            assert_eq!(Pattern::new(pieces.iter().copied()).matches(text), expected, "{pieces:?} {text}");
        };
        check(&["2.", ""], "2.1", true);
        check(&["2.", ""], "12.1", false);
        check(&["http", "handler"], "HttpMessageHandler", true);
        check(&["ab", "ba"], "aba", false);
        check(&["", "a", "b", ""], "xbxaxb", true);
        check(&["", "a", "b", ""], "xbxa", false);
        check(&["", "", "a"], "xa", true);
        check(&["Ä"], "ä", true);
        check(&[""], "", true);
    }

    #[test]
    fn a_folded_letter_has_all_its_spellings() {
        assert_eq!(spellings('k').collect::<Vec<_>>(), ['k', 'K', '\u{212a}']);
        assert_eq!(spellings('7').collect::<Vec<_>>(), ['7']);
        assert!(('\0'..=char::MAX).all(|letter| fold_char(fold_char(letter)) == fold_char(letter)));
        let runs = ('\0'..=char::MAX)
            .filter(|letter| letter.is_alphanumeric())
            .all(|letter| fold_char(letter).is_alphanumeric());
        assert!(runs, "folding leaves words words");
    }
}
