//! Reading from end to end: one file, and the fragments of a session one after the other.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use kymo_format::{Item, Reader};

use super::find::Fragment;

/// Read at a time, as the reader advises.
const PIECE_BYTES: usize = 64 << 10;

/// A file that is read, and may grow.
#[derive(Debug)]
pub(crate) struct FragmentReader {
    file: File,
    reader: Reader,
    piece: Vec<u8>,
    /// Bytes to the fragment's end, where that is not the file's.
    left: Option<u64>,
}

impl FragmentReader {
    /// From the beginning.
    pub(crate) fn open(fragment: &Fragment) -> io::Result<Self> {
        if fragment.start > 0 {
            return Self::open_at(fragment, fragment.start);
        }
        let file = File::open(&fragment.path)?;
        Ok(Self { file, reader: Reader::new(), piece: vec![0; PIECE_BYTES], left: fragment.end })
    }

    /// From the frame that begins there.
    pub(crate) fn open_at(fragment: &Fragment, offset: u64) -> io::Result<Self> {
        let mut file = File::open(&fragment.path)?;
        file.seek(SeekFrom::Start(offset))?;
        let left = fragment.end.map(|end| end.saturating_sub(offset));
        Ok(Self { file, reader: Reader::from_the_middle(offset), piece: vec![0; PIECE_BYTES], left })
    }

    /// Tells only where headers and frames are: see [`Reader::outline`].
    pub(crate) fn outline(self) -> Self {
        Self { reader: self.reader.outline(), ..self }
    }

    /// The next item; `None`: no more bytes, for now.
    pub(crate) fn next(&mut self) -> io::Result<Option<Item>> {
        loop {
            if let Some(item) = self.reader.next() {
                return Ok(Some(item));
            }
            let room = self.left.map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES as u64) as usize);
            match self.file.read(&mut self.piece[..room]) {
                Ok(0) => return Ok(None),
                Ok(length) => {
                    self.left = self.left.map(|left| left - length as u64);
                    self.reader.feed(&self.piece[..length]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// No more bytes will come: what waits for more becomes damage.
    pub(crate) fn finish(&mut self) {
        self.reader.finish();
    }

    /// What was stepped over because it is newer than this program.
    pub(crate) fn unknown(&self) -> u64 {
        self.reader.counts().unknown()
    }
}

/// What comes next in a session.
#[derive(Debug)]
pub(crate) enum Step {
    /// Of the fragment of that place.
    Item(usize, Item),
    /// The fragment of that place cannot be read on, for this reason.
    Trouble(usize, io::Error),
    /// At the end of the last fragment, which may grow.
    End,
}

/// A way through the fragments of a session. It holds one open file and what its reader holds: a block.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    at: usize,
    current: Option<FragmentReader>,
    /// The current fragment will not grow.
    is_finished: bool,
    unknown: u64,
}

impl Walk {
    /// Goes on. The list may have become longer since the last call. With `is_whole` the last fragment
    /// does not grow: what is not whole there is told as damage.
    pub(crate) fn next(&mut self, fragments: &[Fragment], is_whole: bool) -> Step {
        loop {
            let Some(fragment) = fragments.get(self.at) else { return Step::End };
            if self.current.is_none() {
                match FragmentReader::open(fragment) {
                    Ok(reader) => self.current = Some(reader),
                    Err(error) => return self.trouble(error),
                }
            }
            let Some(reader) = &mut self.current else { return Step::End };
            match reader.next() {
                Ok(Some(item)) => return Step::Item(self.at, item),
                Ok(None) if !self.is_finished && (is_whole || self.at + 1 < fragments.len()) => {
                    reader.finish();
                    self.is_finished = true;
                }
                Ok(None) if self.is_finished => self.leave(),
                Ok(None) => return Step::End,
                Err(error) => return self.trouble(error),
            }
        }
    }

    fn trouble(&mut self, error: io::Error) -> Step {
        let at = self.at;
        self.leave();
        Step::Trouble(at, error)
    }

    fn leave(&mut self) {
        self.unknown += self.current.take().map_or(0, |reader| reader.unknown());
        self.at += 1;
        self.is_finished = false;
    }

    /// What was stepped over because it is newer than this program, so far.
    pub(crate) fn unknown(&self) -> u64 {
        self.unknown + self.current.as_ref().map_or(0, FragmentReader::unknown)
    }
}
