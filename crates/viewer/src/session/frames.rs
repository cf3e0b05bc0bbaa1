//! Where the events of a session begin in its files: one entry for each frame, no event.

use std::io;

use kymo_format::{Item, ReadRecord};
use kymo_model::Timestamp;

use super::find::Fragment;
use super::fragment::FragmentReader;

/// A frame: a place where reading can begin. Some 60 KB of file, some ten thousand events.
#[derive(Clone, Copy, Debug)]
struct Frame {
    fragment: usize,
    offset: u64,
    /// Place in the session of its first event, from 0.
    first: u64,
    /// Latest time in it and in those before it: rises, so that a time can be searched for.
    latest: Timestamp,
}

/// The frames of a session, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    list: Vec<Frame>,
    events: u64,
    next: Option<(usize, u64)>,
}

impl Frames {
    /// Notes an item of the fragment of that place.
    pub(crate) fn take(&mut self, fragment: usize, item: &Item) {
        match item {
            Item::Frame { offset, .. } => self.next = Some((fragment, *offset)),
            Item::Record(record) => {
                if let Some((fragment, offset)) = self.next.take() {
                    let latest = self.list.last().map_or(Timestamp::MIN, |frame| frame.latest);
                    self.list.push(Frame { fragment, offset, first: self.events, latest });
                }
                if let Some(frame) = self.list.last_mut() {
                    frame.latest = frame.latest.max(record.time);
                    self.events += 1;
                }
            }
            _ => {}
        }
    }

    /// How many events there are.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// Fragment and offset of the last frame.
    pub(crate) fn last(&self) -> Option<(usize, u64)> {
        self.list.last().map(|frame| (frame.fragment, frame.offset))
    }

    /// Reads the events of those places, which rise, and gives each to `found` until that says false. What cannot be
    /// read any more is left out.
    pub(crate) fn read(
        &self,
        fragments: &[Fragment],
        places: &[u64],
        found: &mut dyn FnMut(u64, Box<ReadRecord>) -> bool,
    ) -> io::Result<()> {
        let mut rest = places;
        while let Some(&place) = rest.first() {
            let after = self.list.partition_point(|frame| frame.first <= place);
            let Some(frame) = after.checked_sub(1).map(|at| self.list[at]) else { return Ok(()) };
            let end = self.list.get(after).map_or(self.events, |next| next.first);
            let here = rest.partition_point(|place| *place < end);
            if here == 0 {
                return Ok(());
            }
            let (wanted, others) = rest.split_at(here);
            rest = others;
            if !read_frame(fragments, frame, wanted, found)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The first event at or after that time, as far as times rise: it reads one frame.
    pub(crate) fn at_time(&self, fragments: &[Fragment], time: Timestamp) -> io::Result<Option<u64>> {
        let at = self.list.partition_point(|frame| frame.latest < time);
        let Some(frame) = self.list.get(at) else { return Ok(self.events.checked_sub(1)) };
        let end = self.list.get(at + 1).map_or(self.events, |next| next.first);
        let mut place = None;
        let wanted: Vec<u64> = (frame.first..end).collect();
        read_frame(fragments, *frame, &wanted, &mut |at, record| {
            place = (record.time >= time).then_some(at);
            place.is_none()
        })?;
        Ok(place.or(end.checked_sub(1)))
    }
}

fn read_frame(
    fragments: &[Fragment],
    frame: Frame,
    wanted: &[u64],
    found: &mut dyn FnMut(u64, Box<ReadRecord>) -> bool,
) -> io::Result<bool> {
    let Some(fragment) = fragments.get(frame.fragment) else { return Ok(true) };
    let mut reader = FragmentReader::open_at(fragment, frame.offset)?;
    let mut wanted = wanted.iter().copied().peekable();
    let mut place = frame.first;
    let mut is_in_frame = false;
    while let Some(next) = wanted.peek().copied() {
        match reader.next()? {
            Some(Item::Record(record)) => {
                if place == next {
                    wanted.next();
                    if !found(place, record) {
                        return Ok(false);
                    }
                }
                place += 1;
            }
            // The file is not what it was: what follows would be others' events.
            Some(Item::Frame { .. }) if is_in_frame => break,
            Some(Item::Frame { .. }) => is_in_frame = true,
            Some(Item::Damage(_)) | None => break,
            Some(_) => {}
        }
    }
    Ok(true)
}
