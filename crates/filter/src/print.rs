//! A tree as text that is read as the same tree.

use std::fmt;
use std::ops::Bound;

use kymo_model::Severity;

use crate::field::{EventField, Field, Subject, name_of};
use crate::query::{Node, Query, Range, Term, Test};
use crate::text::Pattern;
use crate::values::WORST;

/// The filter in full: defaults filled in, times absolute. Read again, it is the same tree, if a parser
/// made this one.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_node(f, &self.root, self.subject, false)
    }
}

fn write_node(f: &mut fmt::Formatter<'_>, node: &Node, subject: Subject, is_inner: bool) -> fmt::Result {
    match node {
        Node::And(nodes) if nodes.is_empty() => f.write_str("*"),
        Node::Or(nodes) if nodes.is_empty() => f.write_str("-*"),
        Node::And(nodes) => write_all(f, nodes, " ", subject, is_inner),
        Node::Or(nodes) => write_all(f, nodes, " OR ", subject, is_inner),
        Node::Not(node) => {
            f.write_str("-")?;
            write_node(f, node, subject, true)
        }
        Node::Term(term) => write_term(f, term, subject),
    }
}

fn write_all(
    f: &mut fmt::Formatter<'_>,
    nodes: &[Node],
    between: &str,
    subject: Subject,
    is_inner: bool,
) -> fmt::Result {
    if is_inner {
        f.write_str("(")?;
    }
    for (position, node) in nodes.iter().enumerate() {
        f.write_str(if position == 0 { "" } else { between })?;
        write_node(f, node, subject, true)?;
    }
    f.write_str(if is_inner { ")" } else { "" })
}

fn write_term(f: &mut fmt::Formatter<'_>, term: &Term, subject: Subject) -> fmt::Result {
    let name = escape(&name_of(&term.field, subject), "_.-@");
    if term.field == Field::Event(EventField::Text) {
        return match &term.test {
            Test::Contains(part) => write!(f, "~{}", quote(part)),
            Test::Words(words) => f.write_str(&words_text(words)),
            // Not made by the parser: an event without any text has no such term.
            _ => f.write_str("*"),
        };
    }
    match &term.test {
        Test::Exists => write!(f, "_exists_:{name}"),
        Test::Flag(flag) => write!(f, "{name}:{flag}"),
        Test::Word(word) => write!(f, "{name}:{word}"),
        Test::Words(words) => write!(f, "{name}:{}", words_text(words)),
        Test::Matches(pattern) => write!(f, "{name}:{}", pattern_text(pattern)),
        Test::Contains(part) => write!(f, "{name}~{}", quote(part)),
        Test::Number(range) => write_range(f, &name, range),
        Test::Time { from: Some(from), to: None } => write!(f, "{name}:>={from}"),
        Test::Time { from: None, to: Some(to) } => write!(f, "{name}:<{to}"),
        Test::Time { from: Some(from), to: Some(to) } => write!(f, "{name}:[{from} TO {to}}}"),
        Test::Time { from: None, to: None } => write!(f, "{name}:[* TO *]"),
        Test::Severity(from, to) => write_severity(f, &name, *from, *to),
    }
}

fn write_range(f: &mut fmt::Formatter<'_>, name: &str, range: &Range<f64>) -> fmt::Result {
    match (range.from, range.to) {
        (Bound::Included(from), Bound::Unbounded) => return write!(f, "{name}:>={from}"),
        (Bound::Excluded(from), Bound::Unbounded) => return write!(f, "{name}:>{from}"),
        (Bound::Unbounded, Bound::Included(to)) => return write!(f, "{name}:<={to}"),
        (Bound::Unbounded, Bound::Excluded(to)) => return write!(f, "{name}:<{to}"),
        _ => {}
    }
    match range.from {
        Bound::Included(from) => write!(f, "{name}:[{from} TO ")?,
        Bound::Excluded(from) => write!(f, "{name}:{{{from} TO ")?,
        Bound::Unbounded => write!(f, "{name}:[* TO ")?,
    }
    match range.to {
        Bound::Included(to) => write!(f, "{to}]"),
        Bound::Excluded(to) => write!(f, "{to}}}"),
        Bound::Unbounded => f.write_str("*]"),
    }
}

fn write_severity(f: &mut fmt::Formatter<'_>, name: &str, from: Severity, to: Severity) -> fmt::Result {
    let begins = from.number() == from.level() * 4 + 1;
    let ends = to.number() == to.level() * 4 + 4;
    match (from, to) {
        _ if !begins || !ends => write!(f, "{name}:[{} TO {}]", from.number(), to.number()),
        _ if from.level() == to.level() => write!(f, "{name}:{}", from.text()),
        (_, WORST) => write!(f, "{name}:>={}", from.text()),
        _ => write!(f, "{name}:[{} TO {}]", from.text(), to.text()),
    }
}

fn words_text(words: &crate::text::Words) -> String {
    if words.is_prefix() {
        return format!("{}*", words.words().join("."));
    }
    match words.words() {
        [word] => word.clone(),
        words => format!("\"{}\"", words.join(" ")),
    }
}

fn pattern_text(pattern: &Pattern) -> String {
    match pattern.whole() {
        Some(whole) if whole.chars().all(is_plain) && !whole.is_empty() => whole.to_owned(),
        Some(whole) => quote(whole),
        None => {
            let pieces: Vec<String> = pattern.pieces().iter().map(|piece| escape(piece, "_.-@/")).collect();
            pieces.join("*")
        }
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || "_.-@/".contains(letter)
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn escape(text: &str, plain: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if !letter.is_alphanumeric() && !plain.contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
