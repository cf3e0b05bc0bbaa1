//! The line in which a filter is written, with what is wrong under the hand.

use crossterm::event::{KeyCode, KeyEvent};
use kymo_filter::{FilterError, Query, Subject};
use kymo_model::Timestamp;

use super::input::Input;
use super::paint::Pieces;
use super::theme::{QUIET, STRONG, Theme};
use crate::text::harmless;

/// A filter that holds, and one that is being written.
#[derive(Debug)]
pub(super) struct FilterBar {
    subject: Subject,
    text: String,
    query: Option<Query>,
    editing: Option<Input>,
    error: Option<FilterError>,
}

impl FilterBar {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, text: String::new(), query: None, editing: None, error: None }
    }

    /// The filter that holds; `None`: everything.
    pub(super) fn query(&self) -> Option<&Query> {
        self.query.as_ref()
    }

    pub(super) fn is_editing(&self) -> bool {
        self.editing.is_some()
    }

    pub(super) fn begin(&mut self) {
        self.editing = Some(Input::of(&self.text));
    }

    /// Sets it; one that is not understood is left to be mended. True: it holds now.
    pub(super) fn set(&mut self, text: &str, now: Timestamp) -> bool {
        let text = text.trim();
        match Query::parse(text, self.subject, now) {
            Ok(query) => {
                self.query = Some(query).filter(|_| !matches!(text, "" | "*"));
                text.clone_into(&mut self.text);
                (self.editing, self.error) = (None, None);
                true
            }
            Err(error) => {
                self.editing = Some(Input::of(text));
                self.error = Some(error);
                false
            }
        }
    }

    /// Takes a key while it is written; true: another filter holds now.
    pub(super) fn key(&mut self, key: KeyEvent, now: Timestamp) -> bool {
        let Some(input) = &mut self.editing else { return false };
        match key.code {
            KeyCode::Esc => (self.editing, self.error) = (None, None),
            KeyCode::Enter => {
                let text = input.text().to_owned();
                return self.set(&text, now);
            }
            KeyCode::Tab => {
                if let Some(FilterError { position, length, suggestion: Some(suggestion), .. }) = &self.error
                {
                    input.replace(*position, *length, suggestion);
                }
            }
            _ => {
                input.key(key);
            }
        }
        if let Some(input) = &self.editing {
            self.error = Query::parse(input.text(), self.subject, now).err();
        }
        false
    }

    /// The line, and at which cell of it the caret stands.
    pub(super) fn pieces(&self, theme: Theme) -> (Pieces, Option<usize>) {
        let mut pieces = vec![(" / ".to_owned(), theme.accent())];
        let Some(input) = &self.editing else {
            let is_empty = self.text.is_empty();
            let text = if is_empty { "filter".to_owned() } else { harmless(&self.text) };
            pieces.push((text, if is_empty { QUIET } else { STRONG }));
            return (pieces, None);
        };
        let letters: Vec<char> = input.text().chars().collect();
        let part = |range: std::ops::Range<usize>| -> String {
            letters.get(range).map_or_else(String::new, |letters| letters.iter().collect())
        };
        let before: String = part(0..input.caret());
        match &self.error {
            Some(error) => {
                let begin = error.position.min(letters.len());
                let end = (begin + error.length).min(letters.len());
                let missing = if begin == end { "␣" } else { "" };
                pieces.push((part(0..begin), STRONG));
                pieces.push((part(begin..end) + missing, theme.wrong()));
                pieces.push((part(end..letters.len()), STRONG));
            }
            None => pieces.push((input.text().to_owned(), STRONG)),
        }
        (pieces, Some(3 + crate::text::width(&before)))
    }

    /// What is wrong, while it is written.
    pub(super) fn message(&self) -> Option<String> {
        let error = self.error.as_ref().filter(|_| self.editing.is_some())?;
        let mend = if error.suggestion.is_some() { " (Tab)" } else { "" };
        Some(harmless(&error.to_string()).replacen("filter, ", "", 1) + mend)
    }
}
