//! OpenTelemetry's severity numbers.

use std::fmt;

/// How bad an event is: 1 to 24 as in the OpenTelemetry logs data model, four numbers to a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Severity(u8);

impl Severity {
    /// Finest detail.
    pub const TRACE: Self = Self(1);
    /// For the developer.
    pub const DEBUG: Self = Self(5);
    /// The ordinary.
    pub const INFO: Self = Self(9);
    /// Unexpected, survived.
    pub const WARN: Self = Self(13);
    /// Something failed.
    pub const ERROR: Self = Self(17);
    /// The program could not go on.
    pub const FATAL: Self = Self(21);

    /// From a severity number; `None` outside 1 to 24.
    pub const fn from_number(number: u8) -> Option<Self> {
        if number >= 1 && number <= 24 { Some(Self(number)) } else { None }
    }

    /// The number, 1 to 24.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Level 0 (trace) to 5 (fatal).
    pub const fn level(self) -> u8 {
        (self.0 - 1) / 4
    }

    /// The level's lower-case name: `trace`, `debug`, `info`, `warn`, `error`, `fatal`.
    pub const fn text(self) -> &'static str {
        match self.level() {
            0 => "trace",
            1 => "debug",
            2 => "info",
            3 => "warn",
            4 => "error",
            _ => "fatal",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_numbers_make_a_level() {
        let rows = [
            (1, "trace"),
            (4, "trace"),
            (5, "debug"),
            (9, "info"),
            (12, "info"),
            (13, "warn"),
            (17, "error"),
            (20, "error"),
            (21, "fatal"),
            (24, "fatal"),
        ];
        for (number, text) in rows {
            assert_eq!(Severity::from_number(number).map(Severity::text), Some(text));
        }
        assert_eq!(Severity::from_number(0), None);
        assert_eq!(Severity::from_number(25), None);
    }
}
