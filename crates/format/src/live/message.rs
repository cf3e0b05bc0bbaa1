//! The messages.

use kymo_model::{SessionId, Timestamp};

use super::command::Command;
use super::fields::Fields;
use crate::error::Malformed;
use crate::wire::{put_bytes_field, put_fixed_field, put_number_field, put_text_field, put_varint};

pub(super) mod kind {
    pub(crate) const HELLO: u8 = 0x01;
    pub(crate) const WELCOME: u8 = 0x02;
    pub(crate) const REFUSED: u8 = 0x03;
    pub(crate) const PING: u8 = 0x04;
    pub(crate) const PONG: u8 = 0x05;
    pub(crate) const REGISTER: u8 = 0x10;
    pub(crate) const STATE: u8 = 0x11;
    pub(crate) const DONE: u8 = 0x12;
    pub(crate) const ENDED: u8 = 0x13;
    pub(crate) const FOLLOW: u8 = 0x20;
    pub(crate) const STOP: u8 = 0x21;
    pub(crate) const SEND_NOW: u8 = 0x22;
    pub(crate) const VERBOSITY: u8 = 0x23;
    pub(crate) const ROLL: u8 = 0x24;
    pub(crate) const COME_BACK: u8 = 0x25;
    pub(crate) const LIST: u8 = 0x30;
    pub(crate) const OPEN: u8 = 0x31;
    pub(crate) const CLOSE: u8 = 0x32;
    pub(crate) const COMMAND: u8 = 0x33;
    pub(crate) const SESSION: u8 = 0x40;
    pub(crate) const GONE: u8 = 0x41;
    pub(crate) const OPENED: u8 = 0x42;
    pub(crate) const DATA: u8 = 0x43;
    pub(crate) const MISSED: u8 = 0x44;
    pub(crate) const CLOSED: u8 = 0x45;
    pub(crate) const LAG: u8 = 0x46;

    /// Kinds of this version.
    pub(crate) fn is_known(kind: u8) -> bool {
        matches!(
            kind,
            HELLO..=PONG | REGISTER..=ENDED | FOLLOW..=COME_BACK | LIST..=COMMAND | SESSION..=LAG
        )
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A program's control connection.
    Agent,
    /// The bytes of a followed session.
    Data,
    /// Somebody who looks on.
    Viewer,
}

impl Role {
    fn number(self) -> u64 {
        match self {
            Self::Agent => 1,
            Self::Data => 2,
            Self::Viewer => 3,
        }
    }

    fn of(number: u64) -> Result<Self, Malformed> {
        [Self::Agent, Self::Data, Self::Viewer]
            .into_iter()
            .find(|role| role.number() == number)
            .ok_or(Malformed("role 1, 2 or 3"))
    }
}

/// The first message of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The highest version that is known.
    pub version: u64,
    /// What the connection is for.
    pub role: Role,
    /// Of scope `ingest` for agents, `read` for viewers; empty on a data connection.
    pub token: String,
    /// On a data connection: that of the `follow`.
    pub key: Option<[u8; super::KEY_BYTES]>,
    /// Name and version of the program that connects.
    pub program: String,
}

/// Why somebody was not let in, or is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Live is off, on this server or for this project.
    Off,
    /// The token is not known, or not for this.
    Unauthorized,
    /// There are as many connections as there may be.
    TooMany,
    /// The version is not spoken.
    Version,
    /// The key is not known, or was used.
    Key,
    /// The session is not known.
    UnknownSession,
    /// The server is going to stop.
    Stopping,
    /// A code that this version does not know.
    Other(u64),
}

impl Refusal {
    const KNOWN: [Self; 7] = [
        Self::Off,
        Self::Unauthorized,
        Self::TooMany,
        Self::Version,
        Self::Key,
        Self::UnknownSession,
        Self::Stopping,
    ];

    fn code(self) -> u64 {
        match self {
            Self::Other(code) => code,
            known => Self::KNOWN.iter().position(|one| *one == known).map_or(0, |at| at as u64 + 1),
        }
    }

    fn of(code: u64) -> Self {
        let place = usize::try_from(code).ok().and_then(|code| code.checked_sub(1));
        place.and_then(|place| Self::KNOWN.get(place)).copied().unwrap_or(Self::Other(code))
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sequence of its last record; 0 before the first.
    pub last_sequence: u64,
    /// Its messages.
    pub messages: u64,
    /// Of them errors and worse.
    pub errors: u64,
    /// And warnings.
    pub warnings: u64,
    /// Messages that were not kept.
    pub dropped: u64,
    /// Sequence of the first record that is on the agent's disk.
    pub first_sequence: u64,
}

/// A message, either way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of docs/spec/live.md, each named as there")]
pub enum Message {
    Hello(Hello),
    Welcome { version: u64, word_every_s: u64, at: Timestamp },
    Refused { code: Refusal, why: String, wait_ms: u64 },
    Ping { at: Timestamp },
    Pong { asked_at: Timestamp, at: Timestamp },
    Register { header: Vec<u8>, counts: Counts },
    State(Counts),
    Done { number: u64, hindered: Option<String> },
    Ended { reason: String, last_sequence: u64 },
    Command { number: u64, command: Command },
    ComeBack { wait_ms: u64 },
    List { filter: String },
    Open { channel: u64, session: SessionId, after: Option<u64>, from_start: bool },
    Close { channel: u64 },
    Ask { number: u64, session: SessionId, command: Command },
    Session { session: SessionId, json: String },
    Gone { session: SessionId, reason: Option<String> },
    Opened { channel: u64, first_sequence: u64 },
    Data { channel: u64, bytes: Vec<u8> },
    Missed { channel: u64, first: u64, last: u64, why: String },
    Closed { channel: u64, why: String, reason: Option<String> },
    Lag { channel: u64, agent_has: u64, server_has: u64 },
}

fn put_time(out: &mut Vec<u8>, field: u64, at: Timestamp) {
    put_fixed_field(out, field, at.as_unix_nanos() as u64);
}

fn put_session(out: &mut Vec<u8>, field: u64, session: SessionId) {
    put_bytes_field(out, field, &session.as_u128().to_be_bytes());
}

fn put_counts(out: &mut Vec<u8>, counts: &Counts) {
    let numbers = [
        counts.last_sequence,
        counts.messages,
        counts.errors,
        counts.warnings,
        counts.dropped,
        counts.first_sequence,
    ];
    for (at, number) in numbers.into_iter().enumerate().filter(|(_, number)| *number != 0) {
        put_number_field(out, at as u64 + 2, number);
    }
}

fn counts(fields: &Fields<'_>) -> Result<Counts, Malformed> {
    Ok(Counts {
        last_sequence: fields.number(2)?,
        messages: fields.number(3)?,
        errors: fields.number(4)?,
        warnings: fields.number(5)?,
        dropped: fields.number(6)?,
        first_sequence: fields.number(7)?,
    })
}

impl Message {
    /// Appends it: kind, length, payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        let kind = self.put(&mut payload);
        out.push(kind);
        put_varint(out, payload.len() as u64);
        out.extend_from_slice(&payload);
    }

    /// [`Self::encode`] into bytes of its own.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// What stands before the bytes of a `data` message of that length, for who has them elsewhere.
    pub fn data_head(channel: u64, length: usize) -> Vec<u8> {
        let mut fields = Vec::new();
        put_number_field(&mut fields, 1, channel);
        put_varint(&mut fields, 2 << 2 | 2);
        put_varint(&mut fields, length as u64);
        let mut out = vec![kind::DATA];
        put_varint(&mut out, (fields.len() + length) as u64);
        out.extend_from_slice(&fields);
        out
    }

    fn put(&self, out: &mut Vec<u8>) -> u8 {
        match self {
            Self::Hello(hello) => {
                put_number_field(out, 1, hello.version);
                put_number_field(out, 2, hello.role.number());
                put_text_field(out, 3, Some(&hello.token));
                if let Some(key) = &hello.key {
                    put_bytes_field(out, 4, key);
                }
                put_text_field(out, 5, Some(&hello.program));
                kind::HELLO
            }
            Self::Welcome { version, word_every_s, at } => {
                put_number_field(out, 1, *version);
                put_number_field(out, 2, *word_every_s);
                put_time(out, 3, *at);
                kind::WELCOME
            }
            Self::Refused { code, why, wait_ms } => {
                put_number_field(out, 1, code.code());
                put_text_field(out, 2, Some(why));
                put_number_field(out, 3, *wait_ms);
                kind::REFUSED
            }
            Self::Ping { at } => {
                put_time(out, 1, *at);
                kind::PING
            }
            Self::Pong { asked_at, at } => {
                put_time(out, 1, *asked_at);
                put_time(out, 2, *at);
                kind::PONG
            }
            Self::Command { number, command } => {
                command.put(*number, out);
                command.kind()
            }
            Self::ComeBack { wait_ms } => {
                put_number_field(out, 1, *wait_ms);
                kind::COME_BACK
            }
            Self::Register { .. } | Self::State(_) | Self::Done { .. } | Self::Ended { .. } => {
                self.put_of_agent(out)
            }
            _ => self.put_of_viewers(out),
        }
    }

    fn put_of_agent(&self, out: &mut Vec<u8>) -> u8 {
        match self {
            Self::Register { header, counts } => {
                put_bytes_field(out, 1, header);
                put_counts(out, counts);
                kind::REGISTER
            }
            Self::State(counts) => {
                put_counts(out, counts);
                kind::STATE
            }
            Self::Ended { reason, last_sequence } => {
                put_text_field(out, 1, Some(reason));
                put_number_field(out, 2, *last_sequence);
                kind::ENDED
            }
            Self::Done { number, hindered } => {
                put_number_field(out, 1, *number);
                put_text_field(out, 2, hindered.as_deref());
                kind::DONE
            }
            _ => unreachable!("asked for an agent's message only"),
        }
    }

    fn put_of_viewers(&self, out: &mut Vec<u8>) -> u8 {
        match self {
            Self::List { filter } => {
                put_text_field(out, 1, Some(filter));
                kind::LIST
            }
            Self::Open { channel, session, after, from_start } => {
                put_number_field(out, 1, *channel);
                put_session(out, 2, *session);
                if let Some(after) = after {
                    put_number_field(out, 3, *after);
                }
                put_number_field(out, 4, u64::from(*from_start));
                kind::OPEN
            }
            Self::Close { channel } => {
                put_number_field(out, 1, *channel);
                kind::CLOSE
            }
            Self::Ask { number, session, command } => {
                put_number_field(out, 1, *number);
                put_session(out, 2, *session);
                let mut inner = vec![command.kind()];
                command.put(*number, &mut inner);
                put_bytes_field(out, 3, &inner);
                kind::COMMAND
            }
            Self::Session { session, json } => {
                put_session(out, 1, *session);
                put_text_field(out, 2, Some(json));
                kind::SESSION
            }
            Self::Gone { session, reason } => {
                put_session(out, 1, *session);
                put_text_field(out, 2, reason.as_deref());
                kind::GONE
            }
            _ => self.put_of_channel(out),
        }
    }

    fn put_of_channel(&self, out: &mut Vec<u8>) -> u8 {
        match self {
            Self::Opened { channel, first_sequence } => {
                put_number_field(out, 1, *channel);
                put_number_field(out, 2, *first_sequence);
                kind::OPENED
            }
            Self::Data { channel, bytes } => {
                put_number_field(out, 1, *channel);
                put_bytes_field(out, 2, bytes);
                kind::DATA
            }
            Self::Missed { channel, first, last, why } => {
                put_number_field(out, 1, *channel);
                put_number_field(out, 2, *first);
                put_number_field(out, 3, *last);
                put_text_field(out, 4, Some(why));
                kind::MISSED
            }
            Self::Closed { channel, why, reason } => {
                put_number_field(out, 1, *channel);
                put_text_field(out, 2, Some(why));
                put_text_field(out, 3, reason.as_deref());
                kind::CLOSED
            }
            Self::Lag { channel, agent_has, server_has } => {
                put_number_field(out, 1, *channel);
                put_number_field(out, 2, *agent_has);
                put_number_field(out, 3, *server_has);
                kind::LAG
            }
            _ => unreachable!("every other message has a place above"),
        }
    }

    /// The other way of [`put`](Self::put); `None` for a kind that this version does not know.
    pub(super) fn of(kind: u8, payload: &[u8]) -> Result<Option<Self>, Malformed> {
        if !kind::is_known(kind) {
            // What is in it is another version's matter, also whether it has fields.
            return Ok(None);
        }
        let fields = Fields::of(payload)?;
        let time = |number| Ok(Timestamp::from_unix_nanos(fields.number(number)? as i64));
        Ok(Some(match kind {
            kind::HELLO => Self::Hello(Hello {
                version: fields.number(1)?,
                role: Role::of(fields.number(2)?)?,
                token: fields.text(3)?,
                key: if fields.bytes(4)?.is_empty() { None } else { Some(fields.sixteen(4)?) },
                program: fields.text(5)?,
            }),
            kind::WELCOME => {
                Self::Welcome { version: fields.number(1)?, word_every_s: fields.number(2)?, at: time(3)? }
            }
            kind::REFUSED => Self::Refused {
                code: Refusal::of(fields.number(1)?),
                why: fields.text(2)?,
                wait_ms: fields.number(3)?,
            },
            kind::PING => Self::Ping { at: time(1)? },
            kind::PONG => Self::Pong { asked_at: time(1)?, at: time(2)? },
            kind::REGISTER => Self::Register { header: fields.bytes(1)?.to_vec(), counts: counts(&fields)? },
            kind::STATE => Self::State(counts(&fields)?),
            kind::DONE => Self::Done { number: fields.number(1)?, hindered: fields.maybe_text(2)? },
            kind::ENDED => Self::Ended { reason: fields.text(1)?, last_sequence: fields.number(2)? },
            kind::COME_BACK => Self::ComeBack { wait_ms: fields.number(1)? },
            _ => match Command::of(kind, &fields)? {
                Some((number, command)) => Self::Command { number, command },
                None => return Self::of_viewers(kind, &fields),
            },
        }))
    }

    fn of_viewers(kind: u8, fields: &Fields<'_>) -> Result<Option<Self>, Malformed> {
        let channel = fields.number(1);
        Ok(Some(match kind {
            kind::LIST => Self::List { filter: fields.text(1)? },
            kind::OPEN => Self::Open {
                channel: channel?,
                session: fields.session(2)?,
                after: fields.maybe_number(3)?,
                from_start: fields.number(4)? == 1,
            },
            kind::CLOSE => Self::Close { channel: channel? },
            kind::COMMAND => {
                let (inner, payload) =
                    fields.bytes(3)?.split_first().ok_or(Malformed("a command with its kind"))?;
                let (_, command) = Command::of(*inner, &Fields::of(payload)?)?
                    .ok_or(Malformed("a command that is known"))?;
                Self::Ask { number: fields.number(1)?, session: fields.session(2)?, command }
            }
            kind::SESSION => Self::Session { session: fields.session(1)?, json: fields.text(2)? },
            kind::GONE => Self::Gone { session: fields.session(1)?, reason: fields.maybe_text(2)? },
            kind::OPENED => Self::Opened { channel: channel?, first_sequence: fields.number(2)? },
            kind::DATA => Self::Data { channel: channel?, bytes: fields.bytes(2)?.to_vec() },
            kind::MISSED => Self::Missed {
                channel: channel?,
                first: fields.number(2)?,
                last: fields.number(3)?,
                why: fields.text(4)?,
            },
            kind::CLOSED => {
                Self::Closed { channel: channel?, why: fields.text(2)?, reason: fields.maybe_text(3)? }
            }
            kind::LAG => {
                Self::Lag { channel: channel?, agent_has: fields.number(2)?, server_has: fields.number(3)? }
            }
            _ => return Ok(None),
        }))
    }
}
