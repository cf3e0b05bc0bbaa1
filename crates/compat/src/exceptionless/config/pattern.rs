//! Names with wild cards, as agents write them in settings.

/// A name, with a `*` for "anything" at either end or both. Case does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Folded.
    text: String,
    open_before: bool,
    open_after: bool,
}

/// The patterns of a comma list; empty places in it say nothing.
pub(super) fn patterns(list: &str) -> impl Iterator<Item = Pattern> {
    list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(Pattern::new)
}

impl Pattern {
    fn new(text: &str) -> Self {
        let (open_before, rest) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (open_after, rest) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
        Self { text: rest.to_lowercase(), open_before, open_after }
    }

    /// Whether a `*` stands where it is only a letter.
    pub(super) fn has_inner_wild_card(&self) -> bool {
        self.text.contains('*')
    }

    /// `name` is folded.
    pub(super) fn matches(&self, name: &str) -> bool {
        match (self.open_before, self.open_after) {
            (false, false) => name == self.text,
            (true, false) => name.ends_with(&self.text),
            (false, true) => name.starts_with(&self.text),
            (true, true) => name.contains(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wild_cards_stand_at_the_ends() {
        let rows = [
            ("password", "password", true),
            ("PassWord", "password", true),
            ("password", "password2", false),
            ("*word", "password", true),
            ("*word", "words", false),
            ("pass*", "password", true),
            ("pass*", "my-pass", false),
            ("*ssw*", "password", true),
            ("*ssw*", "swiss", false),
            ("*", "", true),
            ("*", "anything", true),
            ("**", "anything", true),
            ("ÄRGER*", "ärgerlich", true),
            ("a*b", "axb", false),
            ("a*b", "a*b", true),
        ];
        for (pattern, name, expected) in rows {
            assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        let found: Vec<Pattern> = patterns(" a , ,*b*,").collect();
        assert_eq!(found, [Pattern::new("a"), Pattern::new("*b*")]);
    }
}
