//! The head of a file: whose session it is, and what made it; and how a session ends.

use kymo_model::{Attributes, EndReason, SessionId, SessionKind, Timestamp};

use crate::error::{Malformed, WriteError};
use crate::limits::HEADER_BYTES_MAX;
use crate::values;
use crate::wire::{Cursor, Field, put_bytes_field, put_fixed_field, put_number_field, put_text_field};

/// The version of the format that this crate writes. Readers of version 1 read every version 1.x: what is new
/// there has numbers of its own and is stepped over. A file of version 2 is refused.
pub const FORMAT_VERSION: u64 = 1;

/// The head of a fragment, which is one file of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The session.
    pub session: SessionId,
    /// Which fragment of it, from 1.
    pub fragment: u64,
    /// Sequence of the first record of this fragment; 1 in the first.
    pub first_sequence: u64,
    /// When the session began.
    pub started_at: Timestamp,
    /// When this fragment was begun.
    pub opened_at: Timestamp,
    /// What the session stands for.
    pub kind: SessionKind,
    /// The session before this one, where a fork or a roll-over made this one of it.
    pub previous: Option<SessionId>,
    /// Name and version of what wrote the file.
    pub agent: String,
    /// Application, version, environment, host, operating system, process, runtime and whatever else the
    /// program says about itself, by OpenTelemetry's names (`service.name`, `host.name`, …).
    pub resource: Attributes,
}

mod header_field {
    pub(super) const VERSION: u64 = 1;
    pub(super) const SESSION: u64 = 2;
    pub(super) const FRAGMENT: u64 = 3;
    pub(super) const FIRST_SEQUENCE: u64 = 4;
    pub(super) const STARTED_AT: u64 = 5;
    pub(super) const OPENED_AT: u64 = 6;
    pub(super) const KIND: u64 = 7;
    pub(super) const PREVIOUS: u64 = 8;
    pub(super) const AGENT: u64 = 9;
    pub(super) const RESOURCE: u64 = 10;
}

pub(crate) fn header_bytes(header: &Header) -> Result<Vec<u8>, WriteError> {
    use header_field as field;
    let mut out = Vec::new();
    put_number_field(&mut out, field::VERSION, FORMAT_VERSION);
    put_bytes_field(&mut out, field::SESSION, &header.session.as_u128().to_be_bytes());
    put_number_field(&mut out, field::FRAGMENT, header.fragment);
    put_number_field(&mut out, field::FIRST_SEQUENCE, header.first_sequence);
    put_fixed_field(&mut out, field::STARTED_AT, header.started_at.as_unix_nanos() as u64);
    put_fixed_field(&mut out, field::OPENED_AT, header.opened_at.as_unix_nanos() as u64);
    put_text_field(&mut out, field::KIND, Some(header.kind.as_str()));
    if let Some(previous) = header.previous {
        put_bytes_field(&mut out, field::PREVIOUS, &previous.as_u128().to_be_bytes());
    }
    put_text_field(&mut out, field::AGENT, Some(&header.agent));
    values::put_attributes_field(&mut out, field::RESOURCE, &header.resource)?;
    if out.len() > HEADER_BYTES_MAX {
        return Err(WriteError::TooLarge { what: "a header", found: out.len(), max: HEADER_BYTES_MAX });
    }
    Ok(out)
}

/// The other way of [`header_bytes`].
pub(crate) fn header(bytes: &[u8], unknown: &mut u64) -> Result<Header, Malformed> {
    use header_field as number;
    let mut header = Header {
        session: SessionId::from_u128(0),
        fragment: 1,
        first_sequence: 1,
        started_at: Timestamp::default(),
        opened_at: Timestamp::default(),
        kind: SessionKind::Process,
        previous: None,
        agent: String::new(),
        resource: Attributes::default(),
    };
    let mut version = None;
    let mut cursor = Cursor::new(bytes);
    while let Some((which, field)) = cursor.field()? {
        match which {
            number::VERSION => version = Some(field.number()?),
            number::SESSION => header.session = session_id(field)?,
            number::FRAGMENT => header.fragment = field.number()?,
            number::FIRST_SEQUENCE => header.first_sequence = field.number()?,
            number::STARTED_AT => header.started_at = timestamp(field)?,
            number::OPENED_AT => header.opened_at = timestamp(field)?,
            number::KIND => match SessionKind::from_word(field.text()?) {
                Some(kind) => header.kind = kind,
                None => *unknown += 1,
            },
            number::PREVIOUS => header.previous = Some(session_id(field)?),
            number::AGENT => header.agent = field.string()?,
            number::RESOURCE => header.resource = values::attributes(field.bytes()?)?,
            _ => *unknown += 1,
        }
    }
    match version {
        Some(FORMAT_VERSION) => Ok(header),
        _ => Err(Malformed("a session file of version 1")),
    }
}

pub(crate) fn session_id(field: Field<'_>) -> Result<SessionId, Malformed> {
    let sixteen = field.bytes()?.try_into().map_err(|_| Malformed("an id of 16 bytes"))?;
    Ok(SessionId::from_u128(u128::from_be_bytes(sixteen)))
}

pub(crate) fn timestamp(field: Field<'_>) -> Result<Timestamp, Malformed> {
    Ok(Timestamp::from_unix_nanos(field.number()? as i64))
}

/// How the session ended. A file without one ended in a way that the file does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub time: Timestamp,
    /// In what way.
    pub reason: EndReason,
    /// In whose words, if anybody said.
    pub note: Option<String>,
    /// Found out by recovery afterwards, not said by the program itself.
    pub recovered: bool,
}

mod end_field {
    pub(super) const TIME: u64 = 1;
    pub(super) const REASON: u64 = 2;
    pub(super) const NOTE: u64 = 3;
    pub(super) const RECOVERED: u64 = 4;
}

const REASONS: [EndReason; 6] = [
    EndReason::Normal,
    EndReason::Crashed,
    EndReason::Killed,
    EndReason::TimedOut,
    EndReason::LostPower,
    EndReason::Unknown,
];

pub(crate) fn end_bytes(end: &End) -> Vec<u8> {
    let mut out = Vec::new();
    put_fixed_field(&mut out, end_field::TIME, end.time.as_unix_nanos() as u64);
    put_text_field(&mut out, end_field::REASON, Some(end.reason.as_str()));
    put_text_field(&mut out, end_field::NOTE, end.note.as_deref());
    put_number_field(&mut out, end_field::RECOVERED, end.recovered.into());
    out
}

/// The other way of [`end_bytes`]; a reason that is not known is [`EndReason::Unknown`], counted.
pub(crate) fn end(bytes: &[u8], unknown: &mut u64) -> Result<End, Malformed> {
    let mut end =
        End { time: Timestamp::default(), reason: EndReason::Unknown, note: None, recovered: false };
    let mut cursor = Cursor::new(bytes);
    while let Some((which, field)) = cursor.field()? {
        match which {
            end_field::TIME => end.time = timestamp(field)?,
            end_field::REASON => {
                let word = field.text()?;
                match REASONS.into_iter().find(|reason| reason.as_str() == word) {
                    Some(reason) => end.reason = reason,
                    None => *unknown += 1,
                }
            }
            end_field::NOTE => end.note = Some(field.string()?),
            end_field::RECOVERED => end.recovered = field.number()? != 0,
            _ => *unknown += 1,
        }
    }
    Ok(end)
}
