//! What is new of a fragment: bytes to events.
//!
//! The file is read from where its last frame began, since frames are what stands for itself: at most 1 MiB before
//! compression and a block are read again, and their records stepped over. Memory is bounded by a batch of events and
//! by what the reader keeps.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use kymo_format::limits::HEADER_BYTES_MAX;
use kymo_format::{Header, Item, Reader};
use kymo_model::{DropReason, SessionId, SessionKind, Timestamp, User, Value};
use kymo_store::Item as StoreItem;
use kymo_tracker::process::LOSSES_MAX;
use kymo_tracker::{Incoming, Role, SessionKey, Told, ToldEnd};

/// Events of one commit: what the store takes together, and whoever waits behind waits no longer.
const BATCH_EVENTS_MAX: usize = 4000;
/// Text of these events, beyond which a batch ends as well: one template can make a thousand long texts. A batch takes
/// some 14 MB until it is stored: its texts twice, 1.5 KB for each event.
const BATCH_TEXT_BYTES_MAX: usize = 4 << 20;
/// Read at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Of an agent's word for why it lost something; it has words like `disk_full`.
pub(super) const REASON_CHARS_MAX: usize = 40;

/// Which fragment it is, and what of it was read before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) session: SessionId,
    pub(super) fragment: u64,
    /// Bytes that were there before.
    pub(super) bytes_before: u64,
    /// Where the last frame began.
    pub(super) frame_at: u64,
    /// Of the first record that was not read.
    pub(super) next_sequence: u64,
}

/// What came out of a part of the file.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) items: Vec<StoreItem>,
    pub(super) told: Option<Told>,
    pub(super) dropped: Vec<(DropReason, u64)>,
    /// All of it was read.
    pub(super) is_last: bool,
}

/// Why a fragment is refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// Its head says something else than its address.
    NotThis(String),
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a fragment's new part, batch by batch.
pub(super) struct Decoder {
    file: File,
    /// Of the file that may be read.
    left: u64,
    reader: Reader,
    place: Place,
    /// `None`: the file is too short to have one yet.
    header: Option<Arc<Header>>,
    is_complete: bool,
    now: Timestamp,
    frame_at: u64,
    pub(super) next_sequence: u64,
    /// What waits for the next batch.
    news: News,
    /// Behind the head of another session: somebody sent a package as one fragment.
    is_foreign: bool,
}

#[derive(Default)]
struct News {
    recorded: u64,
    lost: BTreeMap<String, u64>,
    end: Option<ToldEnd>,
    damages: u64,
}

impl News {
    fn lose(&mut self, reason: &str, total: u64) {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        if self.lost.len() < LOSSES_MAX || self.lost.contains_key(&reason) {
            let known = self.lost.entry(reason).or_default();
            *known = total.max(*known);
        }
    }
}

impl Decoder {
    /// For the first `bytes` of the file.
    pub(super) fn new(
        mut file: File,
        bytes: u64,
        is_complete: bool,
        place: Place,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        let header = read_header(&mut file, bytes, is_complete, place)?;
        file.seek(SeekFrom::Start(place.frame_at))?;
        // Where the last frame begins, or within damage: either way from the next frame on.
        let reader = match place.frame_at {
            0 => Reader::new(),
            at => Reader::searching_from(at, place.session),
        };
        Ok(Self {
            file,
            left: bytes.saturating_sub(place.frame_at),
            reader,
            place,
            header,
            is_complete,
            now,
            frame_at: place.frame_at,
            next_sequence: place.next_sequence,
            news: News::default(),
            is_foreign: false,
        })
    }

    /// The next batch; the last one may be empty.
    pub(super) fn next(&mut self) -> Result<Batch, Refused> {
        let mut items = Vec::new();
        let mut text_bytes = 0;
        let mut is_last = false;
        while items.len() < BATCH_EVENTS_MAX && text_bytes < BATCH_TEXT_BYTES_MAX {
            match self.reader.next() {
                Some(item) => {
                    if let Some(incoming) = self.take(item) {
                        text_bytes += incoming.event.body.as_ref().map_or(0, String::len);
                        items.push(StoreItem { incoming, fingerprint: None });
                    }
                }
                None if self.left > 0 => self.feed()?,
                None if self.is_complete => {
                    self.is_complete = false;
                    self.reader.finish();
                }
                None => {
                    is_last = true;
                    break;
                }
            }
        }
        if is_last && self.reader.damaged_from().is_some() {
            // It is passed over from here on, and told of now: its end may be far away, and is not waited for.
            self.news.damages += 1;
        }
        let news = std::mem::take(&mut self.news);
        let dropped =
            if news.damages > 0 { vec![(DropReason::Unreadable, news.damages)] } else { Vec::new() };
        let told = self.header.as_ref().map(|header| Told {
            recorded: news.recorded.max(self.next_sequence.saturating_sub(1)),
            lost: news.lost.into_iter().collect(),
            end: news.end,
            ..told(header)
        });
        Ok(Batch { items, told, dropped, is_last })
    }

    /// Where reading goes on when there is more: at the last frame, or behind damage that was looked through, so that each
    /// byte is looked at about once.
    pub(super) fn resume_at(&self) -> u64 {
        if self.reader.is_lost() { self.reader.position() } else { self.frame_at }
    }

    fn feed(&mut self) -> Result<(), Refused> {
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(self.left).unwrap_or(PIECE_BYTES))];
        self.file.read_exact(&mut piece)?;
        self.left -= piece.len() as u64;
        self.reader.feed(&piece);
        Ok(())
    }

    fn take(&mut self, item: Item) -> Option<Incoming> {
        if self.is_foreign && !matches!(item, Item::Header(_)) {
            return None;
        }
        match item {
            // What was read before is stepped over. A number in new bytes that is not new is counted by whoever knows all.
            Item::Record(record)
                if record.sequence >= self.next_sequence
                    || self.reader.position() > self.place.bytes_before =>
            {
                self.next_sequence = self.next_sequence.max(record.sequence.saturating_add(1));
                let key = SessionKey::Process(self.place.session.to_string());
                let event = record.to_event(self.now);
                let number = Some(record.sequence);
                return Some(Incoming { number, ..Incoming::new(Some(key), Role::Ordinary, event) });
            }
            Item::Header(header) => {
                let was_foreign = self.is_foreign;
                self.is_foreign = header.session != self.place.session;
                let is_new = self.reader.position() > self.place.bytes_before;
                self.news.damages += u64::from(self.is_foreign && !was_foreign && is_new);
            }
            Item::Record(_) | Item::Ring(_) => {}
            Item::Frame { offset, .. } => self.frame_at = offset,
            Item::Loss { reason, total } => self.news.lose(&reason, total),
            Item::End(end) => {
                self.news.end = Some(ToldEnd { at: end.time, reason: end.reason, recovered: end.recovered });
            }
            Item::Index(index) => {
                self.news.recorded = self.news.recorded.max(index.next_sequence.saturating_sub(1));
            }
            // What was damaged before was counted then.
            Item::Damage(damage) => {
                self.news.damages += u64::from(damage.offset + damage.bytes > self.place.bytes_before);
            }
        }
        None
    }
}

/// What stands before the header.
const MAGIC_BYTES: u64 = 8;

/// The head of the file, if so much of it is there.
fn read_header(
    file: &mut File,
    bytes: u64,
    is_complete: bool,
    place: Place,
) -> Result<Option<Arc<Header>>, Refused> {
    let bytes = bytes.min(HEADER_BYTES_MAX as u64 + PIECE_BYTES as u64);
    file.seek(SeekFrom::Start(0))?;
    let mut reader = Reader::new();
    let mut left = usize::try_from(bytes).unwrap_or_default();
    loop {
        match reader.next() {
            Some(Item::Header(header)) => return check(header, place).map(Some),
            None if left > 0 => {
                let mut piece = vec![0; PIECE_BYTES.min(left)];
                file.read_exact(&mut piece)?;
                left -= piece.len();
                reader.feed(&piece);
            }
            // It waits for the rest of the header. A reader that is lost has moved on.
            None if !is_complete && bytes <= HEADER_BYTES_MAX as u64 && reader.position() <= MAGIC_BYTES => {
                return Ok(None);
            }
            Some(_) | None => break,
        }
    }
    Err(Refused::NotThis("expected a session file that begins with its header".to_owned()))
}

fn check(header: Arc<Header>, place: Place) -> Result<Arc<Header>, Refused> {
    let refuse = |expected: String, found: String| {
        Err(Refused::NotThis(format!("expected {expected}, found {found}")))
    };
    if header.session != place.session {
        return refuse(format!("a file of session {}", place.session), header.session.to_string());
    }
    if header.fragment != place.fragment {
        return refuse(format!("fragment {}", place.fragment), format!("fragment {}", header.fragment));
    }
    if header.kind != SessionKind::Process {
        return refuse("a session of kind process".to_owned(), header.kind.as_str().to_owned());
    }
    Ok(header)
}

/// What a header says of its session.
pub(super) fn told(header: &Header) -> Told {
    let text = |name: &str| header.resource.get(name).and_then(Value::as_text).map(str::to_owned);
    let (id, name) = (text("user.id"), text("user.name"));
    let mut properties: Vec<(String, String)> = header
        .resource
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.to_scalar_text()?)))
        .collect();
    properties.push(("telemetry.sdk".to_owned(), header.agent.clone()));
    Told {
        key: SessionKey::Process(header.session.to_string()),
        started_at: header.started_at,
        properties,
        user: (id.is_some() || name.is_some()).then_some(User { id, name }),
        previous: header.previous,
        recorded: header.first_sequence.saturating_sub(1),
        lost: Vec::new(),
        end: None,
        arrival: 0,
    }
}
