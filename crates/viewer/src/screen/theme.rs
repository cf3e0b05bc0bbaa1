//! Colours: the sixteen of the terminal, so that they fit light and dark ones, and none of them for text that has to
//! be read on an unknown ground. Colour is never all: a letter, a sign or an attribute says the same.

use ratatui::style::{Color, Modifier, Style};

/// What stands in the background.
pub(super) const QUIET: Style = Style::new().add_modifier(Modifier::DIM);

/// Names and headings.
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// Where the person is.
pub(super) const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// How things look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    /// False: attributes only.
    pub(super) has_colors: bool,
}

impl Theme {
    fn colored(self, color: Color) -> Style {
        if self.has_colors { Style::new().fg(color) } else { Style::new() }
    }

    /// Of a level, 0 (trace) to 5 (fatal).
    pub(super) fn level(self, level: u8) -> Style {
        match level {
            0 | 1 => QUIET,
            2 => Style::new(),
            3 => self.colored(Color::Yellow).add_modifier(Modifier::BOLD),
            4 => self.colored(Color::Red).add_modifier(Modifier::BOLD),
            _ => self.colored(Color::Magenta).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    /// Of a column of a kymogram whose worst event is of that level.
    pub(super) fn column(self, level: u8) -> Style {
        match level {
            0 | 1 => self.colored(Color::DarkGray),
            2 => self.colored(Color::Blue),
            3 => self.colored(Color::Yellow),
            4 => self.colored(Color::Red),
            _ => self.colored(Color::Magenta),
        }
    }

    /// What can be done, what is on.
    pub(super) fn accent(self) -> Style {
        self.colored(Color::Cyan)
    }

    /// What should not be overlooked.
    pub(super) fn warning(self) -> Style {
        self.colored(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// What is wrong.
    pub(super) fn wrong(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }
}

/// The letter of a level: what colour says, said again.
pub(super) fn letter(level: u8) -> &'static str {
    ["T", "D", "I", "W", "E", "F"][usize::from(level.min(5))]
}
