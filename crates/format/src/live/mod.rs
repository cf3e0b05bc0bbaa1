//! The live protocol's messages, both ways, sans-IO: `docs/spec/live.md`.
//!
//! [`Message::encode`] appends one; a [`Decoder`] is fed whatever came and gives them one by one. What a newer side says and this
//! one does not know is stepped over. Nothing is allocated on the word of a length, and nothing beyond the longest
//! payload of what may come next is kept.

mod chunks;
mod command;
mod decoder;
mod fields;
mod message;

pub use chunks::{ChunkKind, Chunks, FileChunk, header_of, header_payload};
pub use command::Command;
pub use decoder::{Broken, Decoder};
pub use message::{Counts, Hello, Message, Refusal, Role};

/// The first bytes of a connection, from who connects.
pub const MAGIC: [u8; 8] = *b"\x8AKYML\r\n\x1A";
/// The version of the protocol that this crate speaks.
pub const VERSION: u64 = 1;

/// Longest payload before `welcome`: a token and two names.
pub const GREETING_BYTES_MAX: usize = 4 << 10;
/// Longest payload of `register`: a header of a session file and its counts.
pub const REGISTER_BYTES_MAX: usize = 320 << 10;
/// Longest payload of any other message: a piece of a session file, and a filter.
pub const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Bytes of a key that lets a data connection in.
pub const KEY_BYTES: usize = 16;
