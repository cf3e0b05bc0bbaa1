//! Clauses become tests of fields.

use std::ops::{Bound, Range as Span};

use kymo_model::{Severity, Timestamp};

use crate::error::{Fault, nearest};
use crate::field::{EventField, Field, FieldType, Subject, lookup, name_of, names};
use crate::query::{Node, Range, TERMS_MAX, Term, Test};
use crate::syntax::{Clause, Comparison, Name, Relation, Syntax, Value};
use crate::text::{Pattern, Words, fold};
use crate::values::{self, Stretch};

/// Kinds of events that Exceptionless calls otherwise.
const KINDS: [(&str, &str); 3] =
    [("session", "session.start"), ("sessionend", "session.end"), ("404", "not_found")];

pub(crate) fn resolve(syntax: &Syntax, subject: Subject, now: Timestamp) -> Result<Node, Fault> {
    let mut resolver = Resolver { subject, now, terms: 0 };
    resolver.node(syntax)
}

struct Resolver {
    subject: Subject,
    now: Timestamp,
    terms: usize,
}

/// A range of one type of value, with both bounds as they were written.
struct Bounds<'value> {
    from: Option<(&'value Value, bool)>,
    to: Option<(&'value Value, bool)>,
}

impl Resolver {
    fn node(&mut self, syntax: &Syntax) -> Result<Node, Fault> {
        Ok(match syntax {
            Syntax::Everything => Node::EVERYTHING,
            Syntax::And(parts) => Node::And(self.nodes(parts)?),
            Syntax::Or(parts) => Node::Or(self.nodes(parts)?),
            Syntax::Not(inner) => Node::Not(Box::new(self.node(inner)?)),
            Syntax::Clause(clause) => self.clause(clause)?,
        })
    }

    fn nodes(&mut self, parts: &[Syntax]) -> Result<Vec<Node>, Fault> {
        parts.iter().map(|part| self.node(part)).collect()
    }

    fn clause(&mut self, clause: &Clause) -> Result<Node, Fault> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            let (Relation::Is(value)
            | Relation::Contains(value)
            | Relation::Compare(_, value)
            | Relation::Between((value, _), _)) = &clause.relation;
            return Err(Fault::new(
                &value.span,
                format!("the filter has too many terms, expected at most {TERMS_MAX}"),
            ));
        }
        let Some(name) = &clause.name else {
            return self.tested(Field::Event(EventField::Text), FieldType::Words, None, &clause.relation);
        };
        match (name.text.as_str(), &clause.relation) {
            ("_exists_", Relation::Is(value)) => self.exists(value),
            ("_missing_", Relation::Is(value)) => Ok(Node::Not(Box::new(self.exists(value)?))),
            ("_exists_" | "_missing_", _) => {
                Err(Fault::new(&name.span, format!("expected a field's name, such as {}:ended", name.text)))
            }
            (_, relation) => {
                let (field, field_type) = self.field(&name.text, &name.span)?;
                // Lists of Exceptionless' sessions are asked for in this way.
                let asks_for_sessions = fold(&name.text) == "type"
                    && matches!(relation, Relation::Is(value) if fold(&value.text()) == "session");
                if asks_for_sessions && self.subject == Subject::Session {
                    return Ok(Node::EVERYTHING);
                }
                self.tested(field, field_type, Some(name), relation)
            }
        }
    }

    fn field(&self, text: &str, span: &Span<usize>) -> Result<(Field, FieldType), Fault> {
        lookup(text, self.subject).ok_or_else(|| {
            let suggestion = nearest(text, names());
            let hint = match suggestion {
                Some(_) => "",
                None => {
                    "; attributes of events are attributes.NAME, properties of sessions properties.NAME, \
                         and text with \":\" or \"~\" goes into quotation marks"
                }
            };
            Fault::new(span, format!("there is no field {text}{hint}")).or_rather(suggestion)
        })
    }

    fn exists(&self, value: &Value) -> Result<Node, Fault> {
        let (field, _) = self.field(&value.text(), &value.span)?;
        Ok(Node::Term(Term { field, test: Test::Exists }))
    }

    fn tested(
        &self,
        field: Field,
        field_type: FieldType,
        name: Option<&Name>,
        relation: &Relation,
    ) -> Result<Node, Fault> {
        let written = name.map_or("the text", |name| name.text.as_str());
        let test = match relation {
            Relation::Is(value) if value.is_open() => Test::Exists,
            Relation::Is(value) => return self.is(field, field_type, written, value),
            Relation::Contains(value) => match field_type {
                FieldType::Words | FieldType::Text | FieldType::Value => part(value)?,
                _ => {
                    let message =
                        format!("{written} is no text: expected {written}:VALUE, one of {field_type}");
                    return Err(Fault::new(&value.span, message));
                }
            },
            Relation::Compare(comparison, value) => {
                let bounds = match comparison {
                    Comparison::Above => Bounds { from: Some((value, false)), to: None },
                    Comparison::AtLeast => Bounds { from: Some((value, true)), to: None },
                    Comparison::Below => Bounds { from: None, to: Some((value, false)) },
                    Comparison::AtMost => Bounds { from: None, to: Some((value, true)) },
                };
                return self.between(field, field_type, written, &value.span, &bounds);
            }
            Relation::Between((from, includes_from), (to, includes_to)) => {
                let span = from.span.start..to.span.end;
                let bound = |value, includes| {
                    Some((value, includes)).filter(|(value, _): &(&Value, _)| !value.is_open())
                };
                let bounds = Bounds { from: bound(from, *includes_from), to: bound(to, *includes_to) };
                return self.between(field, field_type, written, &span, &bounds);
            }
        };
        Ok(Node::Term(Term { field, test }))
    }

    fn is(&self, field: Field, field_type: FieldType, written: &str, value: &Value) -> Result<Node, Fault> {
        let test = match field_type {
            FieldType::Words => words(written, value)?,
            FieldType::Text | FieldType::Value => {
                let whole = value.text();
                let ours = KINDS
                    .iter()
                    .find(|(theirs, _)| field == Field::Event(EventField::Kind) && *theirs == whole);
                match ours {
                    Some((_, ours)) => Test::Matches(Pattern::new([*ours])),
                    None => Test::Matches(Pattern::new(value.pieces.iter().map(String::as_str))),
                }
            }
            FieldType::Word(choices) => Test::Word(choice(written, choices, value)?),
            FieldType::Flag => Test::Flag(choice(written, &["true", "false"], value)? == "true"),
            FieldType::Duration => {
                // To the second, as durations are shown.
                let seconds =
                    values::duration(&value.text()).map_err(|message| Fault::new(&value.span, message))?;
                Test::Number(Range { from: Bound::Included(seconds), to: Bound::Excluded(seconds + 1.0) })
            }
            FieldType::Number | FieldType::Time | FieldType::Severity => {
                let bounds = Bounds { from: Some((value, true)), to: Some((value, true)) };
                return self.between(field, field_type, written, &value.span, &bounds);
            }
        };
        Ok(Node::Term(Term { field, test }))
    }

    fn between(
        &self,
        field: Field,
        field_type: FieldType,
        written: &str,
        span: &Span<usize>,
        bounds: &Bounds<'_>,
    ) -> Result<Node, Fault> {
        let Some(test) = (match field_type {
            FieldType::Number | FieldType::Value => Some(Test::Number(range(bounds, values::number)?)),
            FieldType::Duration => Some(Test::Number(range(bounds, values::duration)?)),
            FieldType::Time => self.times(bounds)?,
            FieldType::Severity => severities(bounds)?,
            FieldType::Words | FieldType::Text | FieldType::Word(_) | FieldType::Flag => {
                let kept = name_of(&field, self.subject).starts_with("properties.");
                let hint = if kept { "; of events, attributes.NAME can be compared" } else { "" };
                let message = format!("{written} cannot be compared: expected {written}:VALUE{hint}");
                return Err(Fault::new(span, message));
            }
        }) else {
            return Ok(Node::Not(Box::new(Node::EVERYTHING)));
        };
        let is_empty = match &test {
            Test::Number(Range { from: Bound::Included(from), to: Bound::Included(to) }) => from > to,
            Test::Number(Range {
                from: Bound::Included(from) | Bound::Excluded(from),
                to: Bound::Included(to) | Bound::Excluded(to),
            }) => from >= to,
            Test::Time { from: Some(from), to: Some(to) } => from >= to,
            Test::Severity(from, to) => from > to,
            _ => false,
        };
        if is_empty {
            return Err(Fault::new(span, "the range ends before it begins"));
        }
        Ok(Node::Term(Term { field, test }))
    }

    /// `None`: no moment is in it.
    fn times(&self, bounds: &Bounds<'_>) -> Result<Option<Test>, Fault> {
        let stretch = |value: &Value| -> Result<Stretch, Fault> {
            values::time(&value.text(), self.now).map_err(|message| {
                Fault::new(&value.span, message).or_rather(nearest(&value.text(), ["now"]))
            })
        };
        let from = match bounds.from {
            Some((value, true)) => Some(stretch(value)?.first),
            Some((value, false)) => Some(stretch(value)?.end),
            None => None,
        };
        let to = match bounds.to {
            Some((value, true)) => Some(stretch(value)?.end),
            Some((value, false)) => Some(stretch(value)?.first),
            None => None,
        };
        Ok(Some(Test::Time { from, to }))
    }
}

/// Some of the text, whatever it is.
fn part(value: &Value) -> Result<Test, Fault> {
    let text = fold(&value.text());
    if text.is_empty() {
        return Err(Fault::new(&value.span, "expected a part of the text after \"~\""));
    }
    Ok(Test::Contains(text))
}

fn words(written: &str, value: &Value) -> Result<Test, Fault> {
    let is_prefix = match value.pieces.as_slice() {
        [_] => false,
        // The word before it is whole if something else stands between them.
        [piece, rest] if rest.is_empty() => piece.ends_with(char::is_alphanumeric),
        pieces => {
            let longest = pieces.iter().max_by_key(|piece| piece.len()).map_or("", String::as_str);
            let message = format!(
                "{written} is searched by words, where * stands at the end only: for a part of a word expected ~ and the part"
            );
            return Err(Fault::new(&value.span, message).or_rather(Some(&format!("~\"{longest}\""))));
        }
    };
    if let Some(words) = Words::of(&value.text(), is_prefix) {
        return Ok(Test::Words(words));
    }
    let suggestion = format!("~\"{}\"", value.text().replace('\\', "\\\\").replace('"', "\\\""));
    let message = "expected a letter or digit: signs are found by ~ only";
    Err(Fault::new(&value.span, message).or_rather(Some(&suggestion)))
}

fn choice(written: &str, choices: &[&'static str], value: &Value) -> Result<&'static str, Fault> {
    let text = fold(&value.text());
    choices.iter().copied().find(|choice| *choice == text).ok_or_else(|| {
        let message = format!("{:?} is no {written}: expected {}", value.text(), choices.join(", "));
        Fault::new(&value.span, message).or_rather(nearest(&text, choices.iter().copied()))
    })
}

fn range(bounds: &Bounds<'_>, read: fn(&str) -> Result<f64, String>) -> Result<Range<f64>, Fault> {
    let bound = |bound: Option<(&Value, bool)>| match bound {
        None => Ok(Bound::Unbounded),
        Some((value, is_included)) => {
            let number = read(&value.text()).map_err(|message| Fault::new(&value.span, message))?;
            Ok(if is_included { Bound::Included(number) } else { Bound::Excluded(number) })
        }
    };
    Ok(Range { from: bound(bounds.from)?, to: bound(bounds.to)? })
}

/// `None`: no severity is in it.
fn severities(bounds: &Bounds<'_>) -> Result<Option<Test>, Fault> {
    let read = |value: &Value| {
        values::severity(&value.text()).map_err(|message| {
            let suggestion = nearest(&value.text(), values::level_names());
            Fault::new(&value.span, message).or_rather(suggestion)
        })
    };
    let beside = |severity: Severity, step: i16| {
        u8::try_from(i16::from(severity.number()) + step).ok().and_then(Severity::from_number)
    };
    let from = match bounds.from {
        Some((value, true)) => Some(read(value)?.0),
        Some((value, false)) => beside(read(value)?.1, 1),
        None => Some(Severity::TRACE),
    };
    let to = match bounds.to {
        Some((value, true)) => Some(read(value)?.1),
        Some((value, false)) => beside(read(value)?.0, -1),
        None => Some(values::WORST),
    };
    Ok(from.zip(to).map(|(from, to)| Test::Severity(from, to)))
}
