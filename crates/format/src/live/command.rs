//! What a server tells an agent to do.

use super::fields::Fields;
use super::message::kind;
use crate::error::Malformed;
use crate::wire::{put_bytes_field, put_number_field};

/// What a server tells an agent to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a data connection with this key and send what comes after this sequence.
    Follow {
        /// The last sequence that is known.
        after: u64,
        /// Holds once.
        key: [u8; super::KEY_BYTES],
    },
    /// End the data connection of this follow.
    Stop,
    /// Upload what there is of the session.
    SendNow,
    /// Record by another filter for a time.
    Verbosity {
        /// As `set_filter` takes it.
        filter: String,
        /// Then the one before holds again.
        seconds: u64,
    },
    /// Close the fragment that is being written.
    Roll,
}

impl Command {
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Follow { .. } => kind::FOLLOW,
            Self::Stop => kind::STOP,
            Self::SendNow => kind::SEND_NOW,
            Self::Verbosity { .. } => kind::VERBOSITY,
            Self::Roll => kind::ROLL,
        }
    }

    pub(super) fn put(&self, number: u64, out: &mut Vec<u8>) {
        put_number_field(out, 1, number);
        match self {
            Self::Follow { after, key } => {
                put_number_field(out, 2, *after);
                put_bytes_field(out, 3, key);
            }
            Self::Verbosity { filter, seconds } => {
                put_bytes_field(out, 2, filter.as_bytes());
                put_number_field(out, 3, *seconds);
            }
            Self::Stop | Self::SendNow | Self::Roll => {}
        }
    }

    /// The number and the command; `None` for a kind that is no command.
    pub(super) fn of(kind: u8, fields: &Fields<'_>) -> Result<Option<(u64, Self)>, Malformed> {
        let command = match kind {
            kind::FOLLOW => Self::Follow { after: fields.number(2)?, key: fields.sixteen(3)? },
            kind::STOP => Self::Stop,
            kind::SEND_NOW => Self::SendNow,
            kind::VERBOSITY => Self::Verbosity { filter: fields.text(2)?, seconds: fields.number(3)? },
            kind::ROLL => Self::Roll,
            _ => return Ok(None),
        };
        Ok(Some((fields.number(1)?, command)))
    }
}
