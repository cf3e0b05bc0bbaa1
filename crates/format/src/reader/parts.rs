//! The fragments in a file: one, all of a session as a server gives it out, or a package of many sessions.
//!
//! ```text
//! magic  header frames index   header frames   header frames …      only the first has the magic
//!        \___ a part ______/   \_ a part __/   \_ another session's, if it says so
//! ```

use std::ops::Range;

use kymo_model::SessionId;

use super::{Item, Reader};
use crate::chunk::MAGIC;
use crate::header::Header;

/// A fragment in a file, or what is there of it. Lengths are those of the fragment on its own, with the magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose it is.
    pub session: SessionId,
    /// Its number.
    pub fragment: u64,
    /// Where in the file it begins.
    pub start: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// Bytes to the end of the last chunk that is whole.
    pub whole_bytes: u64,
    /// Bytes to the end of the last chunk that is no index: what a server gives out of it.
    pub content_bytes: u64,
    /// Bytes to the end of the header.
    pub head_bytes: u64,
    /// Nothing will follow: it ends with an index, or the session has ended.
    pub is_closed: bool,
    /// Sequence of the fragment's first record, by its header.
    pub first_sequence: u64,
    /// First sequence of its first frame: beyond that of the header where it is a piece from the middle, as mail is divided
    /// into. `None`: it has no frame.
    pub frame_sequence: Option<u64>,
    /// Where its last frame begins, in bytes of the fragment, and the first sequence of that.
    pub last_frame: Option<(u64, u64)>,
    /// After its last record.
    pub next_sequence: u64,
}

/// What is there of a fragment where it is sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Bytes from its beginning.
    pub offset: u64,
    /// Nothing may be added.
    pub is_complete: bool,
}

/// What is to be done with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Everything of it is there: so many bytes.
    There(u64),
    /// Bytes of the fragment are to be added.
    Add {
        /// From here on; these are there.
        from: u64,
        /// Up to here.
        to: u64,
        /// Nothing follows.
        is_complete: bool,
    },
    /// What is there was said to be complete, and is less than this part.
    Shorter(u64),
    /// More is there than this part has.
    Longer(u64),
}

impl Part {
    /// It begins where the fragment does.
    pub fn is_beginning(&self) -> bool {
        self.frame_sequence.is_none_or(|sequence| sequence <= self.first_sequence)
    }

    /// Where a stretch of the fragment lies in the file, and what of the magic stands before it that the file lacks.
    pub fn place(&self, stretch: Range<u64>) -> (&'static [u8], Range<u64>) {
        let added = self.added();
        let of_magic = |at: u64| usize::try_from(at.min(added)).unwrap_or_default();
        let of_file = |at: u64| self.start + at.max(added) - added;
        (&MAGIC[of_magic(stretch.start)..of_magic(stretch.end)], of_file(stretch.start)..of_file(stretch.end))
    }

    /// What to do where so much of it is there. `is_followed`: the session has a later fragment, so that nothing is
    /// added to this one.
    pub fn plan(&self, there: Standing, is_followed: bool) -> Plan {
        let is_whole = self.whole_bytes == self.bytes;
        // A copy that broke off is not to be taken for all there is, whatever is beside it.
        let is_complete = self.is_closed || (is_followed && is_whole);
        let to = if is_complete { self.bytes } else { self.whole_bytes };
        if there.is_complete {
            let is_shorter = there.offset < self.content_bytes.min(to);
            return if is_shorter { Plan::Shorter(there.offset) } else { Plan::There(there.offset.min(to)) };
        }
        if there.offset > to {
            return Plan::Longer(there.offset);
        }
        if there.offset == to && !is_complete {
            return Plan::There(to);
        }
        Plan::Add { from: there.offset, to, is_complete }
    }

    fn added(&self) -> u64 {
        if self.start == 0 { 0 } else { MAGIC.len() as u64 }
    }

    /// A place in the file as one in the fragment.
    fn of_file(&self, at: u64) -> u64 {
        at.saturating_sub(self.start) + self.added()
    }
}

/// Finds the parts of a file that is fed to it in pieces. It keeps what a [`Reader`] does, and a hundred bytes for each
/// part.
#[derive(Debug, Default)]
pub struct Splitter {
    reader: Reader,
    parts: Vec<Part>,
    /// Where the chunk after the last item begins.
    at: u64,
    /// Where the damage began that reaches to there.
    damaged_from: Option<u64>,
    bytes: u64,
}

impl Splitter {
    /// For a file from its beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next bytes; some 64 KiB at a time.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.reader.feed(bytes);
        while let Some(item) = self.reader.next() {
            self.take(item);
        }
    }

    /// How many parts have begun: whoever reads what others wrote has a limit.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// Every part; no more bytes come.
    pub fn finish(mut self) -> Vec<Part> {
        // The last chunk may be on its way: it is not read as damage, and nothing in it is.
        let whole = self.damaged_from.or(self.reader.damaged_from()).unwrap_or(self.reader.position());
        self.end(self.bytes, whole);
        self.parts
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Header(header) => self.begin(&header),
            Item::Damage(damage) => {
                // What is intact after it may be told already.
                self.at = damage.offset + damage.bytes;
                self.damaged_from = Some(damage.offset);
                return;
            }
            Item::Index(_) => {
                let before = self.at;
                self.last(|part| {
                    part.is_closed = true;
                    part.content_bytes = part.of_file(before);
                });
            }
            Item::End(_) => self.last(|part| part.is_closed = true),
            Item::Frame { offset, first_sequence, .. } => self.last(|part| {
                part.frame_sequence.get_or_insert(first_sequence);
                part.last_frame = Some((part.of_file(offset), first_sequence));
                part.next_sequence = part.next_sequence.max(first_sequence);
            }),
            Item::Record(record) => {
                self.last(|part| {
                    part.next_sequence = part.next_sequence.max(record.sequence.saturating_add(1));
                });
            }
            Item::Loss { .. } | Item::Ring(_) => {}
        }
        self.at = self.reader.position();
        self.damaged_from = None;
    }

    fn begin(&mut self, header: &Header) {
        let start = if self.parts.is_empty() { 0 } else { self.at };
        self.end(start, self.damaged_from.unwrap_or(start));
        let mut part = Part {
            session: header.session,
            fragment: header.fragment,
            start,
            bytes: 0,
            whole_bytes: 0,
            content_bytes: u64::MAX,
            head_bytes: 0,
            is_closed: false,
            first_sequence: header.first_sequence,
            frame_sequence: None,
            last_frame: None,
            next_sequence: header.first_sequence,
        };
        part.head_bytes = part.of_file(self.reader.position());
        self.parts.push(part);
    }

    fn last(&mut self, change: impl FnOnce(&mut Part)) {
        if let Some(part) = self.parts.last_mut() {
            change(part);
        }
    }

    /// The last part ends at `at`, and is whole up to there.
    fn end(&mut self, at: u64, whole: u64) {
        self.last(|part| {
            part.bytes = part.of_file(at);
            part.whole_bytes = part.of_file(whole.min(at));
            part.content_bytes = part.content_bytes.min(part.whole_bytes);
        });
    }
}
