//! A line that a person types.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Text with a caret.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    text: String,
    /// In characters.
    caret: usize,
}

impl Input {
    pub(super) fn of(text: &str) -> Self {
        Self { text: text.to_owned(), caret: text.chars().count() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Characters before the caret.
    pub(super) fn caret(&self) -> usize {
        self.caret
    }

    fn byte(&self, at: usize) -> usize {
        self.text.char_indices().nth(at).map_or(self.text.len(), |(byte, _)| byte)
    }

    /// Takes a key; false: it is none for a line.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let end = self.text.chars().count();
        match key.code {
            KeyCode::Char('a') if is_control => self.caret = 0,
            KeyCode::Char('e') if is_control => self.caret = end,
            KeyCode::Char('u') if is_control => {
                self.text.drain(..self.byte(self.caret));
                self.caret = 0;
            }
            KeyCode::Char('w') if is_control => {
                let before: Vec<char> = self.text.chars().take(self.caret).collect();
                let word = before.iter().rev().skip_while(|letter| **letter == ' ');
                let kept = word.skip_while(|letter| **letter != ' ').count();
                self.replace(kept, self.caret - kept, "");
            }
            KeyCode::Char(letter) if !is_control => {
                self.replace(self.caret, 0, letter.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace if self.caret > 0 => self.replace(self.caret - 1, 1, ""),
            KeyCode::Delete if self.caret < end => self.replace(self.caret, 1, ""),
            KeyCode::Left => self.caret = self.caret.saturating_sub(1),
            KeyCode::Right => self.caret = (self.caret + 1).min(end),
            KeyCode::Home => self.caret = 0,
            KeyCode::End => self.caret = end,
            KeyCode::Backspace | KeyCode::Delete => {}
            _ => return false,
        }
        true
    }

    /// Puts a text in the place of some characters, and the caret behind it.
    pub(super) fn replace(&mut self, from: usize, count: usize, by: &str) {
        let range = self.byte(from)..self.byte(from + count);
        self.text.replace_range(range, by);
        self.caret = from + by.chars().count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_by_characters() {
        let mut input = Input::of("é b");
        for (code, modifiers, expected) in [
            (KeyCode::Char('中'), KeyModifiers::NONE, "é b中"),
            (KeyCode::Left, KeyModifiers::NONE, "é b中"),
            (KeyCode::Backspace, KeyModifiers::NONE, "é 中"),
            (KeyCode::Home, KeyModifiers::NONE, "é 中"),
            (KeyCode::Delete, KeyModifiers::NONE, " 中"),
            (KeyCode::End, KeyModifiers::NONE, " 中"),
            (KeyCode::Char('w'), KeyModifiers::CONTROL, " "),
            (KeyCode::Char('u'), KeyModifiers::CONTROL, ""),
            (KeyCode::Backspace, KeyModifiers::NONE, ""),
        ] {
            assert!(input.key(KeyEvent::new(code, modifiers)));
            assert_eq!(input.text(), expected, "{code:?}");
        }
        assert!(!input.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
    }
}
