//! Bytes of a connection to messages.

use std::fmt;

use super::message::{Message, kind};
use super::{GREETING_BYTES_MAX, MAGIC, MESSAGE_BYTES_MAX, REGISTER_BYTES_MAX};
use crate::wire::Cursor;

/// Kind and length of a message take at most that.
const HEAD_BYTES_MAX: usize = 6;

/// What came is not the protocol; the connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Bytes of the connection before the place.
    pub offset: u64,
    /// What was expected there.
    pub expected: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "byte {} of the connection: expected {}", self.offset, self.expected)
    }
}

impl std::error::Error for Broken {}

/// Takes what came of one direction of a connection, in pieces of any size.
#[derive(Clone, Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Of the buffer, what was given out.
    taken: usize,
    /// Of the connection, what was given out.
    offset: u64,
    wants_magic: bool,
    is_greeted: bool,
    skipped: u64,
}

impl Decoder {
    /// For what comes from who connects: the magic first.
    pub fn of_client() -> Self {
        Self { buffer: Vec::new(), taken: 0, offset: 0, wants_magic: true, is_greeted: false, skipped: 0 }
    }

    /// For what comes from the server.
    pub fn of_server() -> Self {
        Self { wants_magic: false, ..Self::of_client() }
    }

    /// Greetings are over: longer messages may come.
    pub fn greeted(&mut self) {
        self.is_greeted = true;
    }

    /// Adds what came. Who feeds takes out messages until there are none, so that no more than one and a piece are kept.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
        } else if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// What came and is no message yet: on a data connection, after the welcome, the session file begins with it.
    pub fn rest(self) -> Vec<u8> {
        let mut buffer = self.buffer;
        buffer.drain(..self.taken);
        buffer
    }

    /// Messages of kinds that this version does not know.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Memory that an idle connection does not need is given back.
    pub fn shrink(&mut self) {
        if self.taken == self.buffer.len() {
            (self.buffer, self.taken) = (Vec::new(), 0);
        }
    }

    /// The next message; `None` until more came.
    #[expect(clippy::should_implement_trait, reason = "as `Reader::next`: more may come after `None`")]
    pub fn next(&mut self) -> Result<Option<Message>, Broken> {
        loop {
            let rest = &self.buffer[self.taken..];
            if self.wants_magic {
                let known = rest.len().min(MAGIC.len());
                if rest[..known] != MAGIC[..known] {
                    return Err(self.broken("the protocol's first eight bytes"));
                }
                if known < MAGIC.len() {
                    return Ok(None);
                }
                self.wants_magic = false;
                self.take(MAGIC.len());
                continue;
            }
            let Some((&kind, behind)) = rest.split_first() else { return Ok(None) };
            let mut cursor = Cursor::new(&behind[..behind.len().min(HEAD_BYTES_MAX - 1)]);
            let max = self.payload_max(kind);
            let length = match cursor.varint() {
                Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
                Err(_) if behind.len() < HEAD_BYTES_MAX - 1 => return Ok(None),
                Err(_) => return Err(self.broken("a length of at most five bytes")),
            };
            if length > max {
                return Err(
                    self.broken(&format!("a message 0x{kind:02x} of at most {max} bytes, not of {length}"))
                );
            }
            let head = rest.len() - behind.len() + (behind.len().min(HEAD_BYTES_MAX - 1) - cursor.len());
            let Some(payload) = rest.get(head..head + length) else { return Ok(None) };
            let message = Message::of(kind, payload)
                .map_err(|error| self.broken(&format!("a message 0x{kind:02x}: {}", error.0)))?;
            self.take(head + length);
            match message {
                Some(message) => return Ok(Some(message)),
                None => self.skipped += 1,
            }
        }
    }

    fn payload_max(&self, kind: u8) -> usize {
        match kind {
            _ if !self.is_greeted => GREETING_BYTES_MAX,
            kind::REGISTER => REGISTER_BYTES_MAX,
            _ => MESSAGE_BYTES_MAX,
        }
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        self.offset += count as u64;
    }

    fn broken(&self, expected: &str) -> Broken {
        Broken { offset: self.offset, expected: expected.to_owned() }
    }
}
