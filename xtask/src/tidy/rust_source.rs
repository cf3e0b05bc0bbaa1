//! Rust text without its comments and strings, and what must not stand in it.

use super::findings::Findings;
use super::tree::Tree;
use super::words::has_word;

const EXEMPTIONS: [&str; 2] = ["#[allow(", "#![allow("];
const UNSAFE: &str = "unsafe";
/// The one room for it (ADR 0014): this file and folder.
const UNSAFE_ROOM: [&str; 2] = ["crates/agent/src/raw.rs", "crates/agent/src/raw/"];

pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts(&[".rs"]) {
        for (index, line) in mask(text).lines().enumerate() {
            if EXEMPTIONS.iter().any(|exemption| line.contains(exemption)) {
                findings.problem(path, index + 1, "#[expect(.., reason = \"..\")]", "an allow without end");
            }
            if has_word(line, UNSAFE) && !UNSAFE_ROOM.iter().any(|room| path.starts_with(room)) {
                findings.problem(path, index + 1, "safe code", UNSAFE);
            }
        }
    }
}

/// The same text with blanks for what stands in comments, strings and character literals. Lines
/// stay lines; columns may shift where characters are wider than a byte.
pub(crate) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = masked.ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest),
            'r' if !after_word || masked.ends_with(['b', 'c']) => raw_string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if skipped == 0 {
            masked.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            masked.extend(rest[..skipped].chars().map(|hidden| if hidden == '\n' { '\n' } else { ' ' }));
            rest = &rest[skipped..];
        }
    }
    masked
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"` or `r#"…"#`; 0 for an identifier that begins with `r`.
fn raw_string(rest: &str) -> usize {
    let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
    let opening = 1 + hashes;
    if !rest[opening..].starts_with('"') {
        return 0;
    }
    let closing = format!("\"{}", "#".repeat(hashes));
    rest[opening + 1..].find(&closing).map_or(rest.len(), |at| opening + 1 + at + closing.len())
}

/// `'x'` or `'\n'`; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match characters.next() {
        // What follows the backslash may itself be a quote.
        Some((_, '\\')) => rest.get(3..).and_then(|after| after.find('\'')).map_or(0, |at| 3 + at + 1),
        Some(_) => characters.next().filter(|&(_, end)| end == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked() {
        for (text, expected) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */\n */ d", "a             \n    d"),
            (r#"f("a\"b", 1)"#, "f(      , 1)"),
            (r##"f(r#"a"b"#, br"c")"##, "f(        , b    )"),
            ("for r in 'a'..='\\'' {}", "for r in    ..=     {}"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("\"open", "     "),
        ] {
            assert_eq!(mask(text), expected, "{text}");
        }
    }

    fn problems(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check(&Tree::sample(&[("a.rs", text)]), &mut findings);
        findings.problems().to_vec()
    }

    #[test]
    fn exemptions_and_unsafe_code_are_problems() {
        assert_eq!(
            problems("//!\n#[allow(dead_code)]\n"),
            ["a.rs:2: expected #[expect(.., reason = \"..\")], found an allow without end"]
        );
        assert_eq!(problems("#![allow(dead_code)]").len(), 1);
        assert_eq!(problems("fn f() { unsafe { g() } }").len(), 1);
        let in_its_room = Tree::sample(&[("crates/agent/src/raw/map.rs", "fn f() { unsafe { g() } }")]);
        let mut findings = Findings::default();
        check(&in_its_room, &mut findings);
        assert_eq!(findings.problems(), [""; 0]);
        assert_eq!(problems("// #[allow(x)] unsafe\n#[expect(unsafe_code, reason = \"unsafe\")]"), [""; 0]);
    }
}
