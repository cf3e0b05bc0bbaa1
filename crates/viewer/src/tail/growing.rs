//! One session whose files grow.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kymo_format::{Header, Item, Reader};

use super::files::NewFile;
use super::{From, Take, Told};
use crate::session::{Channel, ChannelItem, index_of};

/// Read at a time, as the reader advises.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// Looks at the end of a file that is not closed, after which its next fragment is begun all the same: a program that
/// goes on to one has closed the other before.
const UNCLOSED_LOOKS_MAX: u32 = 20;

/// Fragments of a session by number.
pub(super) type Fragments = BTreeMap<u64, NewFile>;

#[derive(Debug)]
pub(super) struct Growing {
    header: Arc<Header>,
    channel: Channel,
    at: Opened,
    /// Fragments that come after the one that is open.
    later: Fragments,
    has_ended: bool,
    pub(super) notes: Vec<String>,
}

/// A fragment that is read.
#[derive(Debug)]
struct Opened {
    number: u64,
    path: PathBuf,
    file: File,
    /// Bytes of the file that were read.
    position: u64,
    is_closed: bool,
    /// Nothing more is read of it.
    is_finished: bool,
    unclosed_looks: u32,
    /// Where damage was seen that may be a block on its way to be written anew.
    damaged_at: Option<u64>,
}

impl Opened {
    fn new(file: &NewFile) -> io::Result<Self> {
        Ok(Self {
            number: file.header.fragment,
            path: file.path.clone(),
            file: File::open(&file.path)?,
            position: 0,
            is_closed: false,
            is_finished: false,
            unclosed_looks: 0,
            damaged_at: None,
        })
    }

    /// What there is more, at most a piece of it.
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    self.position += *read.as_ref().unwrap_or(&0) as u64;
                    return read;
                }
            }
        }
    }
}

impl Growing {
    /// Of a session whose fragments are these. `None` if it has ended, unless that is asked for by `is_wanted`.
    pub(super) fn begin(fragments: Fragments, from: From, is_wanted: bool) -> io::Result<Option<Self>> {
        let Some((&last, newest)) = fragments.last_key_value() else { return Ok(None) };
        let probed = probe(newest)?;
        if probed.has_ended && !is_wanted {
            return Ok(None);
        }
        let (first, after) = match from {
            From::Now => (last, probed.last_sequence),
            From::Start => (fragments.first_key_value().map_or(last, |(number, _)| *number), 0),
            From::After(after) => (holding(&fragments, after).unwrap_or(last), after),
        };
        let mut fragments = fragments;
        let mut later = fragments.split_off(&first);
        let Some((_, file)) = later.pop_first() else { return Ok(None) };
        let mut growing = Self {
            header: Arc::clone(&file.header),
            channel: Channel::new(Some(after)),
            at: Opened::new(&file)?,
            later,
            has_ended: false,
            notes: Vec::new(),
        };
        if let (From::Now, Some(offset)) = (from, probed.frame_at) {
            growing.read_from(offset)?;
        }
        Ok(Some(growing))
    }

    /// A file that came later.
    pub(super) fn fragment(&mut self, file: NewFile) {
        if file.header.fragment > self.at.number {
            self.later.insert(file.header.fragment, file);
        }
    }

    /// The session has ended and all of it was told.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended && self.later.is_empty()
    }

    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.at.path.parent().map(Path::to_owned)
    }

    fn read_from(&mut self, offset: u64) -> io::Result<()> {
        self.at.file.seek(SeekFrom::Start(offset))?;
        self.at.position = offset;
        self.channel.begin_with(if offset == 0 { Reader::new() } else { Reader::from_the_middle(offset) });
        Ok(())
    }

    /// Tells what came. `piece` is what is read at a time.
    pub(super) fn poll(&mut self, piece: &mut [u8], take: &mut Take<'_>) -> io::Result<()> {
        loop {
            self.tell(take)?;
            let read = if self.at.is_finished { Ok(0) } else { self.at.read(piece) };
            match read {
                Ok(0) if self.goes_on() => {}
                Ok(0) => return Ok(()),
                Ok(count) => {
                    self.at.unclosed_looks = 0;
                    self.channel.feed(&piece[..count]);
                }
                Err(error) => {
                    self.note(&format!("cannot be read on: {error}"));
                    self.at.is_finished = true;
                    if self.later.is_empty() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// At the end of the file: whether there is more to read all the same.
    fn goes_on(&mut self) -> bool {
        let is_shorter = || {
            let length = self.at.file.metadata().map_or(self.at.position, |metadata| metadata.len());
            length < self.at.position
        };
        if !self.at.is_finished && is_shorter() {
            // What was not whole is written anew, as recovery does; what was told is passed over.
            return self.read_from(self.channel.frame_at().unwrap_or(0)).is_ok();
        }
        if self.later.is_empty() {
            return false;
        }
        if !self.at.is_finished {
            self.at.unclosed_looks += 1;
            if !self.at.is_closed && self.at.unclosed_looks < UNCLOSED_LOOKS_MAX {
                return false;
            }
            self.channel.finish();
            self.at.is_finished = true;
            return true;
        }
        let Some((_, next)) = self.later.pop_first() else { return false };
        match Opened::new(&next) {
            Ok(opened) => {
                self.at = opened;
                self.header = next.header;
                self.channel.begin();
            }
            Err(error) => self.notes.push(format!("{} cannot be read: {error}", next.path.display())),
        }
        true
    }

    fn tell(&mut self, take: &mut Take<'_>) -> io::Result<()> {
        while let Some(item) = self.channel.next() {
            match &item {
                ChannelItem::Header(header) => self.header = Arc::clone(header),
                ChannelItem::Closed => self.at.is_closed = true,
                ChannelItem::End(_) => self.has_ended = true,
                ChannelItem::Damage(damage) => {
                    // Once it is read again from a place that was whole: it may have been on its way to be written.
                    if self.at.damaged_at.replace(damage.offset) != Some(damage.offset)
                        && !self.at.is_finished
                    {
                        self.read_from(self.channel.frame_at().unwrap_or(0))?;
                        return Ok(());
                    }
                }
                ChannelItem::Record(_) | ChannelItem::Gap { .. } | ChannelItem::Loss { .. } => {}
            }
            take(Told { header: &self.header, path: &self.at.path, item })?;
        }
        Ok(())
    }

    fn note(&mut self, what: &str) {
        self.notes.push(format!("{} {what}", self.at.path.display()));
    }
}

/// The number of the fragment in which the record behind that sequence is, or would be.
fn holding(fragments: &Fragments, after: u64) -> Option<u64> {
    let begins_before = |file: &NewFile| file.header.first_sequence <= after.saturating_add(1);
    let holds = fragments.iter().rev().find(|(_, file)| begins_before(file));
    holds.or_else(|| fragments.first_key_value()).map(|(number, _)| *number)
}

/// What the end of a fragment says.
struct Probed {
    has_ended: bool,
    last_sequence: u64,
    /// Where its last frame begins.
    frame_at: Option<u64>,
}

/// Reads the last frame of a fragment: where that is, its index says, or else its chunks.
fn probe(fragment: &NewFile) -> io::Result<Probed> {
    let mut file = File::open(&fragment.path)?;
    let length = file.metadata()?.len();
    let frame_at = match index_of(&mut file, length)? {
        Some(index) => index.frames.last().map(|frame| frame.offset),
        None => last_frame(&mut file)?,
    };
    let mut probed = Probed {
        has_ended: false,
        last_sequence: fragment.header.first_sequence.saturating_sub(1),
        frame_at,
    };
    let from = frame_at.unwrap_or(0);
    file.seek(SeekFrom::Start(from))?;
    let reader = if from == 0 { Reader::new() } else { Reader::from_the_middle(from) };
    each(&mut file, reader, |item| match item {
        Item::Record(record) => probed.last_sequence = probed.last_sequence.max(record.sequence),
        Item::End(_) => probed.has_ended = true,
        _ => {}
    })?;
    Ok(probed)
}

fn last_frame(file: &mut File) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(0))?;
    let mut last = None;
    each(file, Reader::new().outline(), |item| {
        if let Item::Frame { offset, .. } = item {
            last = Some(offset);
        }
    })?;
    Ok(last)
}

/// Every item up to what is now the file's end.
fn each(file: &mut File, mut reader: Reader, mut take: impl FnMut(Item)) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        while let Some(item) = reader.next() {
            take(item);
        }
        match file.read(&mut piece)? {
            0 => return Ok(()),
            count => reader.feed(&piece[..count]),
        }
    }
}
