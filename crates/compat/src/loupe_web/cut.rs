//! A body's text cut into messages, without building values and without recursion. What is whole
//! before a break is taken. Hot: every byte of a post passes here once.

use serde_json::value::RawValue;

use super::{ITEMS_MAX, Unreadable};
use crate::json;

/// A post, its parts still JSON.
#[derive(Debug, Default)]
pub(super) struct Post<'a> {
    /// The elements of `logMessages`, at most [`ITEMS_MAX`].
    pub(super) elements: Vec<&'a str>,
    /// How many there were.
    pub(super) found: usize,
    /// What it says about the sender.
    pub(super) session: Option<&'a str>,
    /// Its other members.
    pub(super) others: Vec<(String, &'a str)>,
    /// Where it breaks off.
    pub(super) broken: Option<Unreadable>,
}

/// Cuts a text that begins with a brace or a bracket. A list is one of messages; an object is a
/// post, or, without `logMessages`, a message itself.
pub(super) fn cut(text: &str) -> Post<'_> {
    let mut cutter = Cutter { text, at: 0, post: Post::default() };
    let is_object = text.starts_with('{');
    let whole = if is_object { cutter.object() } else { cutter.list() };
    let end = cutter.at;
    let whole = whole.and_then(|lists| {
        cutter.skip_space();
        if cutter.at == text.len() { Ok(lists) } else { Err("more behind the end") }
    });
    let Cutter { mut post, at, .. } = cutter;
    match whole {
        Ok(Lists::None) if !post.others.is_empty() => {
            post.others.clear();
            post.take(text[..end].trim());
        }
        Ok(_) => {}
        Err(found) => {
            post.broken = Some(Unreadable::Broken { index: post.found, at, expected: "whole JSON", found });
        }
    }
    post
}

impl<'a> Post<'a> {
    fn take(&mut self, element: &'a str) {
        self.found += 1;
        if self.elements.len() < ITEMS_MAX {
            self.elements.push(element);
        }
    }
}

/// Whether there was a list of messages.
#[derive(Clone, Copy)]
enum Lists {
    None,
    Some,
}

struct Cutter<'a> {
    text: &'a str,
    at: usize,
    post: Post<'a>,
}

/// What was found where something else should be.
type Broken = &'static str;

impl<'a> Cutter<'a> {
    fn object(&mut self) -> Result<Lists, Broken> {
        let mut lists = Lists::None;
        self.eat(b'{')?;
        if self.eat(b'}').is_ok() {
            return Ok(lists);
        }
        loop {
            let key = self.value()?;
            let key: String =
                Some(key).filter(|key| key.starts_with('"')).and_then(json::read).ok_or("no name")?;
            self.eat(b':')?;
            if key.eq_ignore_ascii_case("logMessages") {
                lists = Lists::Some;
                self.messages()?;
            } else {
                let value = self.value()?;
                if key.eq_ignore_ascii_case("session") && self.post.session.is_none() {
                    self.post.session = Some(value);
                } else {
                    self.post.others.push((key, value));
                }
            }
            if self.eat(b',').is_err() {
                return self.eat(b'}').map(|()| lists);
            }
        }
    }

    /// The value of `logMessages`: a list, or a single message.
    fn messages(&mut self) -> Result<(), Broken> {
        self.skip_space();
        if self.text[self.at..].starts_with('[') {
            return self.list().map(|_| ());
        }
        let single = self.value()?;
        if single != "null" {
            self.post.take(single);
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Lists, Broken> {
        self.eat(b'[')?;
        if self.eat(b']').is_ok() {
            return Ok(Lists::Some);
        }
        loop {
            let element = self.value()?;
            self.post.take(element);
            if self.eat(b',').is_err() {
                return self.eat(b']').map(|()| Lists::Some);
            }
        }
    }

    fn value(&mut self) -> Result<&'a str, Broken> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value.get())
            }
            Some(Err(error)) if !error.is_eof() => Err("something else"),
            _ => Err("the end"),
        }
    }

    fn eat(&mut self, byte: u8) -> Result<(), Broken> {
        self.skip_space();
        match self.text.as_bytes().get(self.at) {
            Some(&found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err("something else"),
            None => Err("the end"),
        }
    }

    fn skip_space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.at += rest.iter().take_while(is_space).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, elements: &[&str], session: Option<&str>, broken: Option<(usize, usize, &str)>) {
        let post = cut(text);
        assert_eq!((&post.elements[..], post.session), (elements, session), "{text}");
        assert_eq!(post.found, elements.len(), "{text}");
        let found = post.broken.map(|broken| match broken {
            Unreadable::Broken { index, at, found, .. } => (index, at, found),
            other => panic!("{other}"),
        });
        assert_eq!(found, broken, "{text}");
    }

    #[test]
    fn posts_of_all_forms() {
        check(
            r#"{"logMessages":[{"a":[1]}, "x" ],"session":{}}"#,
            &[r#"{"a":[1]}"#, r#""x""#],
            Some("{}"),
            None,
        );
        check("{ \"session\" : null ,\n\"LOGMESSAGES\":[ ] } ", &[], Some("null"), None);
        check(r#"{"logMessages":null}"#, &[], None, None);
        check(r#"{"logMessages":{"a":1},"logmessages":[2]}"#, &[r#"{"a":1}"#, "2"], None, None);
        check(r#"{"log\u004dessages":[1]}"#, &["1"], None, None);
        check(r#"[1, {"logMessages":[2]}]"#, &["1", r#"{"logMessages":[2]}"#], None, None);
        check("[]", &[], None, None);
        check("{}", &[], None, None);
        check(r#"{"session":{}}"#, &[], Some("{}"), None);
        check(r#"{"a":1,"session":2}"#, &[r#"{"a":1,"session":2}"#], Some("2"), None);
        check(r#"{"\udead":1}"#, &[r#"{"\udead":1}"#], None, None);
    }

    #[test]
    fn what_is_whole_before_a_break_is_taken() {
        check(r#"{"logMessages":[{"a":1},{"b":"#, &[r#"{"a":1}"#], None, Some((1, 24, "the end")));
        check(r#"{"logMessages":[{"a":1}"#, &[r#"{"a":1}"#], None, Some((1, 23, "the end")));
        check(r#"{"logMessages":[{"a":1}],"session":{"#, &[r#"{"a":1}"#], None, Some((1, 35, "the end")));
        check(r#"{"session":{},"logMessages":[{"a":1"#, &[], Some("{}"), Some((0, 29, "the end")));
        check(r#"{"logMessages":[1,{'a':1},2]}"#, &["1"], None, Some((1, 18, "something else")));
        check(r#"[{"a":1},]"#, &[r#"{"a":1}"#], None, Some((1, 9, "something else")));
        check("[1 2]", &["1"], None, Some((1, 3, "something else")));
        check(r#"{"logMessages":[1]} x"#, &["1"], None, Some((1, 20, "more behind the end")));
        check(r#"{"caption":"a","#, &[], None, Some((0, 15, "the end")));
        check(r#"{"a":1}{"#, &[], None, Some((0, 7, "more behind the end")));
        check("{1:2}", &[], None, Some((0, 2, "no name")));
        check("{", &[], None, Some((0, 1, "the end")));
        check("[", &[], None, Some((0, 1, "the end")));
    }

    #[test]
    fn only_so_many_are_taken() {
        let text = format!("[{}1]", "1,".repeat(ITEMS_MAX + 4));
        let post = cut(&text);
        assert_eq!((post.elements.len(), post.found), (ITEMS_MAX, ITEMS_MAX + 5));
    }
}
