//! Random trees, as the parser makes them.

use std::ops::Bound;

use kymo_model::{Severity, Timestamp};
use kymo_testkit::Random;

use crate::field::{FIELDS, FieldType};
use crate::{EventField, Field, Node, Pattern, Query, Range, SessionField, Subject, Term, Test, Words};

const TEXTS: [&str; 10] =
    ["ann", "Ann Okafor", "a*b", "\"q\"", "back\\slash", "日本語", "-1", ">x", "(p)", "TO OR [x]"];

pub(super) fn query(random: &mut Random, subject: Subject) -> Query {
    Query { subject, root: node(random, 0) }
}

fn node(random: &mut Random, depth: u32) -> Node {
    let below = if depth < 4 { 8 } else { 4 };
    match random.below(below) {
        4 => Node::Not(Box::new(node(random, depth + 1))),
        5 => Node::EVERYTHING,
        6 => Node::And(nodes(random, depth)),
        7 => Node::Or(nodes(random, depth)),
        _ => Node::Term(term(random)),
    }
}

fn nodes(random: &mut Random, depth: u32) -> Vec<Node> {
    let count = 2 + random.below(2);
    (0..count).map(|_| node(random, depth + 1)).collect()
}

fn term(random: &mut Random) -> Term {
    let row = &FIELDS[random.below(FIELDS.len() as u64) as usize];
    let (field, field_type) = match random.below(12) {
        0 => (Field::Event(EventField::Text), FieldType::Words),
        1 => (Field::Event(EventField::Attribute("my key:1".into())), FieldType::Value),
        2 => (Field::Session(SessionField::Property("a\"b.c".into())), FieldType::Text),
        _ => (row.field(), row.field_type),
    };
    let test = test(random, field_type);
    let is_read = !(field == Field::Event(EventField::Text) && test == Test::Exists);
    Term { field, test: if is_read { test } else { Test::Contains("x".into()) } }
}

fn text(random: &mut Random) -> &'static str {
    TEXTS[random.below(TEXTS.len() as u64) as usize]
}

fn test(random: &mut Random, field_type: FieldType) -> Test {
    if random.below(8) == 0 {
        return Test::Exists;
    }
    match field_type {
        FieldType::Words if random.below(3) > 0 => {
            let is_prefix = random.below(2) == 0;
            Words::of(text(random), is_prefix).map_or(Test::Exists, Test::Words)
        }
        FieldType::Value if random.below(3) == 0 => Test::Number(range(random)),
        FieldType::Text | FieldType::Value if random.below(3) > 0 => matches(random),
        FieldType::Words | FieldType::Text | FieldType::Value => {
            Test::Contains(crate::text::fold(text(random)))
        }
        FieldType::Word(words) => Test::Word(words[random.below(words.len() as u64) as usize]),
        FieldType::Flag => Test::Flag(random.below(2) == 0),
        FieldType::Number | FieldType::Duration => Test::Number(range(random)),
        FieldType::Time => time(random),
        FieldType::Severity => {
            let from = 1 + random.below(24) as u8;
            let to = from + random.below(u64::from(25 - from)) as u8;
            Test::Severity(Severity::from_number(from).unwrap(), Severity::from_number(to).unwrap())
        }
    }
}

fn matches(random: &mut Random) -> Test {
    let pieces: Vec<&str> = match random.below(4) {
        0 => vec![text(random), ""],
        1 => vec!["", text(random), text(random)],
        _ => vec![text(random)],
    };
    Test::Matches(Pattern::new(pieces))
}

fn range(random: &mut Random) -> Range<f64> {
    let from = random.below(1000) as f64 / 8.0 - 20.0;
    let to = from + 1.0 + random.below(1000) as f64 / 3.0;
    let bound = |random: &mut Random, number: f64| match random.below(3) {
        0 => Bound::Unbounded,
        1 => Bound::Included(number),
        _ => Bound::Excluded(number),
    };
    Range { from: bound(random, from), to: bound(random, to) }
}

fn time(random: &mut Random) -> Test {
    let from = super::NOW.as_unix_nanos() - random.below(1 << 50) as i64;
    let to = from + 1 + random.below(1 << 40) as i64;
    let bound =
        |random: &mut Random, nanos: i64| (random.below(3) > 0).then_some(Timestamp::from_unix_nanos(nanos));
    Test::Time { from: bound(random, from), to: bound(random, to) }
}
