//! Request bodies, read in pieces into a memory that all requests share.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use kymo_compat::exceptionless::{InflateError, inflate};
use kymo_model::DropReason;
use tokio::sync::OwnedSemaphorePermit;

use crate::problem::Problem;
use crate::state::{AppState, BODY_KIB_MAX};

/// Bytes of a body that is refused for its size that are still read and thrown away: a client that
/// is busy sending does not look for an answer. Larger ones find the connection closed.
const DRAINED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Values of a body that are taken apart, as far as memory is concerned: the most that a decoder
/// does (Loupe's; an Exceptionless body that is denser takes up to twice as much).
const VALUES_MAX: usize = 400_000;
/// Memory that an event takes beside what it says until it is stored: measured with bodies of 49,000
/// empty ones, for which the memory of the process grew by 1.7 KB each.
const EVENT_BYTES: usize = 1536;

/// Bytes made room for on the word of the request's head alone.
const FIRST_BYTES_MAX: usize = 64 * 1024;

/// A body, decompressed, and its share of the memory.
pub(super) struct Plain {
    pub(super) bytes: Vec<u8>,
    /// Given back when the events in it are stored.
    memory: OwnedSemaphorePermit,
}

impl Plain {
    /// Takes room for the events that were read of it, until they are stored.
    pub(super) fn make_room(&mut self, state: &AppState, events: usize) -> Result<(), Refused> {
        let bytes = weight(&self.bytes) + events * EVENT_BYTES;
        grow(state, &mut self.memory, bytes)
    }
}

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is none.
    Empty,
    TooLarge {
        expected: usize,
    },
    Overload,
    UnknownEncoding(InflateError),
    /// It is not what its encoding says.
    Damaged(InflateError),
    BrokeOff,
}

impl Refused {
    /// What the refusal is counted under.
    pub(crate) fn reason(&self) -> DropReason {
        match self {
            Self::TooLarge { .. } => DropReason::TooLarge,
            Self::Overload => DropReason::Overload,
            Self::Empty | Self::UnknownEncoding(_) | Self::Damaged(_) | Self::BrokeOff => {
                DropReason::Unsupported
            }
        }
    }

    /// The answer, for agents that survive one.
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::Empty => Problem::new(StatusCode::LENGTH_REQUIRED, "expected a body"),
            Self::TooLarge { expected } => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {expected} bytes"))
            }
            Self::Overload => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too much is waiting to be stored, try again")
            }
            Self::UnknownEncoding(error) => {
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string())
            }
            Self::Damaged(error) => Problem::input(error.to_string()),
            Self::BrokeOff => Problem::input("the body broke off"),
        }
    }
}

/// A body as it came, or the part of it that did.
pub(crate) struct Collected {
    pub(crate) bytes: Vec<u8>,
    /// The sender did not break off.
    pub(crate) is_whole: bool,
    /// Its share of the memory.
    pub(crate) memory: OwnedSemaphorePermit,
}

/// Takes a body of at most `bytes_max` bytes as it is.
pub(crate) async fn collect(
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Collected, Refused> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse().ok());
    let drained_max = bytes_max + DRAINED_BYTES_MAX;
    if announced.is_some_and(|announced| announced > drained_max) {
        return Err(Refused::TooLarge { expected: bytes_max });
    }
    let mut memory = reserve(state, 0)?;
    let mut pieces = body.into_data_stream();
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(FIRST_BYTES_MAX));
    let (mut size, mut is_whole) = (0, true);
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else {
            is_whole = false;
            break;
        };
        size += piece.len();
        if size > drained_max {
            break;
        }
        if size > bytes_max {
            bytes = Vec::new();
            continue;
        }
        // A buffer that grows is up to twice as large as what is in it.
        grow(state, &mut memory, 2 * size)?;
        bytes.extend_from_slice(&piece);
    }
    if size > bytes_max {
        return Err(Refused::TooLarge { expected: bytes_max });
    }
    Ok(Collected { bytes, is_whole, memory })
}

/// Reads at most `wire_max` bytes and decompresses them to at most `plain_max`.
pub(super) async fn read(
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
    wire_max: usize,
    plain_max: usize,
) -> Result<Plain, Refused> {
    let Collected { bytes, is_whole, mut memory } = collect(state, headers, body, wire_max).await?;
    if !is_whole {
        return Err(Refused::BrokeOff);
    }
    if bytes.is_empty() {
        return Err(Refused::Empty);
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    let inflated = match inflate(&bytes, encoding, plain_max) {
        Ok(Cow::Borrowed(_)) => None,
        Ok(Cow::Owned(inflated)) => Some(inflated),
        Err(error @ InflateError::UnknownEncoding { .. }) => return Err(Refused::UnknownEncoding(error)),
        Err(InflateError::TooLarge { .. }) => return Err(Refused::TooLarge { expected: plain_max }),
        Err(error) => return Err(Refused::Damaged(error)),
    };
    let bytes = inflated.unwrap_or(bytes);
    grow(state, &mut memory, weight(&bytes))?;
    Ok(Plain { bytes, memory })
}

/// Memory that a body takes while it becomes events: its text twice, and 120 bytes (measured) for
/// each value in it. Decoders leave as text what is denser than they take apart.
fn weight(bytes: &[u8]) -> usize {
    let values = bytes.iter().filter(|byte| matches!(byte, b',' | b'{' | b'[')).count();
    5 * bytes.len() + 120 * values.min(VALUES_MAX)
}

fn reserve(state: &AppState, bytes: usize) -> Result<OwnedSemaphorePermit, Refused> {
    let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    state.body_kib.clone().try_acquire_many_owned(kib).map_err(|_| Refused::Overload)
}

/// Makes the share as large as `bytes` in all; what needs more than there is gets all of it.
fn grow(state: &AppState, memory: &mut OwnedSemaphorePermit, bytes: usize) -> Result<(), Refused> {
    let held = memory.num_permits() * 1024;
    let bytes = bytes.min(BODY_KIB_MAX * 1024);
    if bytes > held {
        memory.merge(reserve(state, bytes - held)?);
    }
    Ok(())
}
