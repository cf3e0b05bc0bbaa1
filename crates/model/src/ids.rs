//! Our own ids. Foreign ids are values beside them and never become one (they would turn into
//! paths, keys or headers).

use std::fmt;
use std::str::FromStr;

/// Longest project id: it appears in every URL and every log line about the project.
const PROJECT_ID_CHARS_MAX: usize = 64;

/// What a token belongs to and what owns sessions. 1 to 64 ASCII letters, digits, `-` or `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(String);

impl ProjectId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=PROJECT_ID_CHARS_MAX).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { expected: "1 to 64 ASCII letters, digits, '-' or '_'" })
        }
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session's id in this server: 128 bits, written like a UUID. The first 48 bits are the
/// milliseconds of the event that opened it, so ids sort by birth; see ADR 0003.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u128);

impl SessionId {
    /// From the 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

/// `0192f0c1-2b3c-8d4e-9f50-61728394a5b6`, lower case.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SessionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const EXPECTED: InvalidId =
            InvalidId { expected: "a session id such as 0192f0c1-2b3c-8d4e-9f50-61728394a5b6" };
        let bytes = text.as_bytes();
        let hyphens_in_place = bytes.len() == 36 && [8, 13, 18, 23].iter().all(|&at| bytes[at] == b'-');
        if !hyphens_in_place {
            return Err(EXPECTED);
        }
        let mut bits: u128 = 0;
        let mut digits = 0;
        for &byte in bytes.iter().filter(|&&byte| byte != b'-') {
            let digit = (byte as char).to_digit(16).ok_or(EXPECTED)?;
            bits = bits << 4 | u128::from(digit);
            digits += 1;
        }
        if digits == 32 { Ok(Self(bits)) } else { Err(EXPECTED) }
    }
}

/// The text is not an id of the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId {
    /// What a valid id looks like.
    pub expected: &'static str,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for InvalidId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_print_and_parse() {
        let id = SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b6);
        assert_eq!(id.to_string(), "0192f0c1-2b3c-8d4e-9f50-61728394a5b6");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "0192f0c1-2b3c-8d4e-9f50-61728394a5b",
            "0192f0c12b3c8d4e9f5061728394a5b6----",
            "../../../../../../../../../etc/passwd",
        ] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn project_ids_are_plain() {
        assert!("shop-1".parse::<ProjectId>().is_ok());
        for bad in ["", "a/b", "a.b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<ProjectId>().is_err(), "{bad}");
        }
    }
}
