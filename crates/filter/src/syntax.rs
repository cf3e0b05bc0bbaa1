//! The grammar: text to clauses whose names mean nothing yet.
//!
//! ```text
//! filter    = [ or ]
//! or        = and { ("OR" | "||") and }
//! and       = unary { [ "AND" | "&&" ] unary }
//! unary     = ( "-" | "!" | "NOT " ) unary | "(" or ")" | clause
//! clause    = "*" | "~" value | name ":" ( "(" or of values ")" | test ) | name "~" value | value
//! test      = ( ">" | ">=" | "<" | "<=" ) value | ( "[" | "{" ) value "TO" value ( "]" | "}" ) | value
//! value     = quoted | bare, where * is a gap and \ takes the next character as it is
//! ```

use std::ops::Range;

use winnow::ModalResult;
use winnow::Parser;
use winnow::combinator::{alt, opt, peek, repeat};
use winnow::error::{ErrMode, ParserError};
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, literal, one_of, take_while};

use crate::error::Fault;
use crate::query::{DEPTH_MAX, FILTER_CHARS_MAX};

type Input<'text> = LocatingSlice<&'text str>;
type Parsed<T> = ModalResult<T, Fault>;

impl<'text> ParserError<Input<'text>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'text>) -> Self {
        let at = input.current_token_start();
        Self::new(&(at..at), "expected a term")
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Syntax {
    Everything,
    And(Vec<Syntax>),
    Or(Vec<Syntax>),
    Not(Box<Syntax>),
    Clause(Clause),
}

/// A test of a named field, or of the text of events.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clause {
    pub(crate) name: Option<Name>,
    pub(crate) relation: Relation,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Relation {
    Is(Value),
    Contains(Value),
    Compare(Comparison, Value),
    /// With whether the bound itself is meant.
    Between((Value, bool), (Value, bool)),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    /// The text between the gaps: at least one piece.
    pub(crate) pieces: Vec<String>,
    pub(crate) is_quoted: bool,
    pub(crate) span: Range<usize>,
}

impl Value {
    pub(crate) fn text(&self) -> String {
        self.pieces.join("*")
    }

    /// Just `*`.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_quoted && self.pieces.len() > 1 && self.pieces.iter().all(String::is_empty)
    }
}

pub(crate) fn parse(text: &str) -> Result<Syntax, Fault> {
    let length = text.chars().count();
    if length > FILTER_CHARS_MAX {
        let message = format!("the filter has {length} characters, expected at most {FILTER_CHARS_MAX}");
        return Err(Fault::new(&(0..0), message));
    }
    // Databases take it for the end of a text.
    if let Some(at) = text.find('\0') {
        return Err(Fault::new(&(at..at + 1), "expected a filter without NUL characters"));
    }
    let mut input = Input::new(text);
    let parsed = whole(&mut input);
    parsed.map_err(|error| match error {
        ErrMode::Backtrack(fault) | ErrMode::Cut(fault) => fault,
        ErrMode::Incomplete(_) => Fault::new(&(text.len()..text.len()), "expected more"),
    })
}

fn whole(input: &mut Input<'_>) -> Parsed<Syntax> {
    space(input)?;
    if input.is_empty() {
        return Ok(Syntax::Everything);
    }
    let syntax = any_of(input, None, 0)?;
    match peek_char(input) {
        None => Ok(syntax),
        Some(_) => fail(input, 1, "there is no \"(\" to this \")\""),
    }
}

fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

fn peek_char(input: &Input<'_>) -> Option<char> {
    input.chars().next()
}

/// Refuses the next `letters`.
fn fail<T>(input: &Input<'_>, letters: usize, message: impl Into<String>) -> Parsed<T> {
    let at = input.current_token_start();
    let end = at + input.chars().take(letters).map(char::len_utf8).sum::<usize>();
    Err(ErrMode::Cut(Fault::new(&(at..end), message)))
}

/// An operator that is a word of its own.
fn keyword<'text>(word: &'static str) -> impl Parser<Input<'text>, (), ErrMode<Fault>> {
    let after = alt((one_of(|letter: char| letter.is_whitespace() || "()\"".contains(letter)).void(), end));
    (literal(word), peek(after)).void()
}

fn end(input: &mut Input<'_>) -> Parsed<()> {
    winnow::combinator::eof.void().parse_next(input)
}

fn any_of(input: &mut Input<'_>, name: Option<&Name>, depth: usize) -> Parsed<Syntax> {
    if depth > DEPTH_MAX {
        return fail(input, 1, format!("groups are nested too deeply, expected at most {DEPTH_MAX}"));
    }
    let mut branches = vec![all_of(input, name, depth)?];
    while opt(alt((keyword("OR"), literal("||").void()))).parse_next(input)?.is_some() {
        space(input)?;
        branches.push(all_of(input, name, depth)?);
    }
    Ok(one_or(branches, Syntax::Or))
}

fn one_or(mut all: Vec<Syntax>, join: fn(Vec<Syntax>) -> Syntax) -> Syntax {
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            all.extend(last);
            join(all)
        }
    }
}

fn all_of(input: &mut Input<'_>, name: Option<&Name>, depth: usize) -> Parsed<Syntax> {
    let mut parts = vec![unary(input, name, depth)?];
    loop {
        space(input)?;
        let is_joined = opt(alt((keyword("AND"), literal("&&").void()))).parse_next(input)?.is_some();
        if is_joined {
            space(input)?;
        } else if peek_char(input).is_none_or(|letter| letter == ')') || starts_or(input)? {
            break;
        }
        parts.push(unary(input, name, depth)?);
    }
    Ok(one_or(parts, Syntax::And))
}

fn starts_or(input: &mut Input<'_>) -> Parsed<bool> {
    let start = input.checkpoint();
    let found = opt(alt((keyword("OR"), literal("||").void()))).parse_next(input)?.is_some();
    input.reset(&start);
    Ok(found)
}

fn unary(input: &mut Input<'_>, name: Option<&Name>, depth: usize) -> Parsed<Syntax> {
    if depth > DEPTH_MAX {
        return fail(input, 1, format!("nested too deeply, expected at most {DEPTH_MAX} levels"));
    }
    let negation = alt((one_of(['-', '!']).void(), keyword("NOT")));
    if opt(negation).parse_next(input)?.is_some() {
        space(input)?;
        return Ok(Syntax::Not(Box::new(unary(input, name, depth + 1)?)));
    }
    let found = match peek_char(input) {
        None => return fail(input, 0, "expected a term, the filter ends here"),
        Some('(') => group(input, name, depth)?,
        Some(')') => return fail(input, 1, "expected a term before \")\""),
        Some(_) if starts_or(input)? => return fail(input, 2, "expected a term before OR"),
        Some(_) => clause(input, name, depth)?,
    };
    match peek_char(input) {
        Some(letter) if !letter.is_whitespace() && letter != ')' => {
            fail(input, 1, format!("expected a space before {letter:?}"))
        }
        _ => Ok(found),
    }
}

fn group(input: &mut Input<'_>, name: Option<&Name>, depth: usize) -> Parsed<Syntax> {
    let open = input.current_token_start();
    any.void().parse_next(input)?;
    space(input)?;
    let inner = any_of(input, name, depth + 1)?;
    space(input)?;
    if opt(literal(")")).parse_next(input)?.is_none() {
        return Err(ErrMode::Cut(Fault::new(&(open..open + 1), "there is no \")\" to this \"(\"")));
    }
    Ok(inner)
}

fn clause(input: &mut Input<'_>, inherited: Option<&Name>, depth: usize) -> Parsed<Syntax> {
    if let Some(name) = inherited {
        let relation = relation(input)?;
        return Ok(Syntax::Clause(Clause { name: Some(name.clone()), relation }));
    }
    let start = input.checkpoint();
    let name = opt(name).parse_next(input)?;
    match (name, peek_char(input)) {
        (Some(name), Some(':')) => {
            any.void().parse_next(input)?;
            if peek_char(input) == Some('(') {
                return group(input, Some(&name), depth);
            }
            let relation = relation(input)?;
            Ok(Syntax::Clause(Clause { name: Some(name), relation }))
        }
        (Some(name), Some('~')) => {
            any.void().parse_next(input)?;
            let relation = Relation::Contains(value(input)?);
            Ok(Syntax::Clause(Clause { name: Some(name), relation }))
        }
        _ => {
            input.reset(&start);
            loose(input)
        }
    }
}

/// Words, a phrase or a part, of no field in particular.
fn loose(input: &mut Input<'_>) -> Parsed<Syntax> {
    if let Some(sign @ ('<' | '>' | '[' | ']' | '{' | '}' | ':')) = peek_char(input) {
        return fail(input, 1, format!("expected a field before {sign:?}, such as duration:>60"));
    }
    if opt(literal("~")).parse_next(input)?.is_some() {
        let relation = Relation::Contains(value(input)?);
        return Ok(Syntax::Clause(Clause { name: None, relation }));
    }
    let value = value(input)?;
    if value.is_open() {
        return Ok(Syntax::Everything);
    }
    Ok(Syntax::Clause(Clause { name: None, relation: Relation::Is(value) }))
}

/// A field's name: letters, digits and a few signs; others with `\`, or in quotes after a point.
fn name(input: &mut Input<'_>) -> Parsed<Name> {
    let start = input.current_token_start();
    let is_plain = |letter: char| letter.is_alphanumeric() || "_.-@$#/".contains(letter);
    let plain = take_while(1.., is_plain).map(str::to_owned);
    let parts: Vec<String> = repeat(1.., alt((plain, escaped.map(String::from)))).parse_next(input)?;
    let mut text = parts.concat();
    if text.ends_with('.') && peek_char(input) == Some('"') {
        text.push_str(&quoted(input)?);
    }
    Ok(Name { text, span: start..input.current_token_start() })
}

fn escaped(input: &mut Input<'_>) -> Parsed<char> {
    (literal("\\"), any).map(|(_, letter)| letter).parse_next(input)
}

fn relation(input: &mut Input<'_>) -> Parsed<Relation> {
    let comparison = alt((
        literal(">=").value(Comparison::AtLeast),
        literal(">").value(Comparison::Above),
        literal("<=").value(Comparison::AtMost),
        literal("<").value(Comparison::Below),
    ));
    if let Some(comparison) = opt(comparison).parse_next(input)? {
        return Ok(Relation::Compare(comparison, value(input)?));
    }
    match peek_char(input) {
        Some('[' | '{') => between(input),
        Some('~') => {
            any.void().parse_next(input)?;
            Ok(Relation::Contains(value(input)?))
        }
        _ => Ok(Relation::Is(value(input)?)),
    }
}

fn between(input: &mut Input<'_>) -> Parsed<Relation> {
    let start = input.current_token_start();
    let includes_from = one_of(['[', '{']).parse_next(input)? == '[';
    space(input)?;
    let from = edge(input)?;
    space(input)?;
    if opt(keyword("TO")).parse_next(input)?.is_none() {
        return fail(input, 1, "expected TO and the end of the range, such as [1 TO 5]");
    }
    space(input)?;
    let to = edge(input)?;
    space(input)?;
    match opt(one_of([']', '}'])).parse_next(input)? {
        Some(close) => Ok(Relation::Between((from, includes_from), (to, close == ']'))),
        None => {
            Err(ErrMode::Cut(Fault::new(&(start..start + 1), "there is no \"]\" or \"}\" to this range")))
        }
    }
}

fn edge(input: &mut Input<'_>) -> Parsed<Value> {
    token(input, "[]{}()\"")
}

fn value(input: &mut Input<'_>) -> Parsed<Value> {
    token(input, "()\"")
}

/// A quoted text, or letters up to a space or one of `ends`.
fn token(input: &mut Input<'_>, ends: &str) -> Parsed<Value> {
    let start = input.current_token_start();
    if peek_char(input) == Some('"') {
        let text = quoted(input)?;
        return Ok(Value { pieces: vec![text], is_quoted: true, span: start..input.current_token_start() });
    }
    let mut pieces = vec![String::new()];
    while let Some(letter) = peek_char(input) {
        if letter.is_whitespace() || ends.contains(letter) {
            break;
        }
        any.void().parse_next(input)?;
        match (letter, pieces.last_mut()) {
            ('*', _) => pieces.push(String::new()),
            ('\\', Some(piece)) => match opt(any).parse_next(input)? {
                Some(letter) => piece.push(letter),
                None => return fail(input, 0, "expected the character that \"\\\" stands before"),
            },
            (letter, piece) => piece.into_iter().for_each(|piece| piece.push(letter)),
        }
    }
    let end = input.current_token_start();
    if end == start {
        return fail(input, 1, "expected a value, with no space before it");
    }
    Ok(Value { pieces, is_quoted: false, span: start..end })
}

fn quoted(input: &mut Input<'_>) -> Parsed<String> {
    let open = input.current_token_start();
    literal("\"").void().parse_next(input)?;
    let mut text = String::new();
    loop {
        match opt(any).parse_next(input)? {
            Some('"') => return Ok(text),
            Some('\\') => text.extend(opt(any).parse_next(input)?),
            Some(letter) => text.push(letter),
            None => {
                let fault = Fault::new(&(open..open + 1), "there is no closing quotation mark to this one");
                return Err(ErrMode::Cut(fault));
            }
        }
    }
}
