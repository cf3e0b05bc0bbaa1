//! What is read of fragments: their head, pieces, and how far one that still grows may go.
//!
//! Of a fragment that grows only whole *batches* go, up to where it says how far the rings are framed. Recovery goes on at
//! the last of these after a kill, so it never changes what was sent; and what is sent was brought to the disk before, so
//! that a loss of power does not, either.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use kymo_format::{Item, Reader};

/// Read at a time.
const READ_BYTES: usize = 64 * 1024;
/// Largest head that servers take: the largest header, and what is around it.
const HEAD_BYTES_MAX: u64 = 260 * 1024;
/// Fragments that grow and are followed at a time; of more, some are read from their beginning again.
const GROWING_MAX: usize = 32;

/// The beginning of a fragment, to the end of its header.
///
/// Errors: what the disk says; `InvalidData` if there is no header.
pub(super) fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?.take(HEAD_BYTES_MAX);
    let (mut reader, mut head, mut piece) = (Reader::new(), Vec::new(), vec![0; READ_BYTES]);
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            let text = format!("{}: expected the header of a session file", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        head.extend_from_slice(&piece[..count]);
        reader.feed(&piece[..count]);
        while let Some(item) = reader.next() {
            if let Item::Header(_) = item {
                head.truncate(usize::try_from(reader.position()).unwrap_or(usize::MAX));
                return Ok(head);
            }
        }
    }
}

/// Bytes `from` to `to` of a file.
///
/// Errors: what the disk says; `UnexpectedEof` if it became shorter.
pub(super) fn read(path: &Path, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut piece = vec![0; usize::try_from(to - from).unwrap_or(usize::MAX)];
    file.read_exact(&mut piece)?;
    Ok(piece)
}

/// Fragments that grow, each with how far it was read, so that none is read twice.
#[derive(Debug, Default)]
pub(super) struct Growing(HashMap<PathBuf, Scan>);

#[derive(Debug, Default)]
struct Scan {
    reader: Reader,
    /// Bytes that the reader was given.
    read: u64,
    /// To the end of the last whole batch.
    whole: u64,
    /// So much of it is known to be on the disk itself.
    synced: u64,
}

impl Growing {
    /// Bytes of a fragment that grows that may be sent. They are on the disk itself when this returns.
    pub(super) fn whole_bytes(&mut self, path: &Path) -> io::Result<u64> {
        self.whole_bytes_by(path, sync)
    }

    fn whole_bytes_by(&mut self, path: &Path, sync: impl Fn(&File) -> io::Result<()>) -> io::Result<u64> {
        let mut file = File::open(path)?;
        if self.0.len() >= GROWING_MAX && !self.0.contains_key(path) {
            self.0.clear();
        }
        let scan = self.0.entry(path.to_owned()).or_default();
        if file.metadata()?.len() < scan.read {
            // Recovery cut off what was half a batch.
            *scan = Scan::default();
        }
        file.seek(SeekFrom::Start(scan.read))?;
        let mut piece = vec![0; READ_BYTES];
        loop {
            let count = file.read(&mut piece)?;
            if count == 0 {
                break;
            }
            scan.read += count as u64;
            scan.reader.feed(&piece[..count]);
            while let Some(item) = scan.reader.next() {
                if let Item::Header(_) | Item::Ring(_) | Item::End(_) | Item::Index(_) = item {
                    scan.whole = scan.reader.position();
                }
            }
        }
        // Whatever failed in between: no more is said than was synced.
        if scan.whole > scan.synced {
            sync(&file)?;
            scan.synced = scan.whole;
        }
        Ok(scan.whole)
    }

    /// It does not grow any more.
    pub(super) fn forget(&mut self, path: &Path) {
        self.0.remove(path);
    }
}

#[cfg(unix)]
fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// Elsewhere a file that is open to be read cannot be synced; its process does it within two seconds.
#[cfg(not(unix))]
fn sync(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use kymo_format::{Arg, Callsite, Header, Record, RingPosition, Settings, Thread, Writer};
    use kymo_model::{Attributes, SessionId, SessionKind, Severity, Timestamp};

    use super::*;

    fn writer() -> Writer {
        let at = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
        let header = Header {
            session: SessionId::from_u128(7),
            fragment: 1,
            first_sequence: 1,
            started_at: at,
            opened_at: at,
            kind: SessionKind::Process,
            previous: None,
            agent: "test 1".to_owned(),
            resource: Attributes::default(),
        };
        let mut writer = Writer::new(&header, Settings::default()).unwrap();
        writer.define_callsite(1, &Callsite::new(Severity::INFO, "hello {}", &["name"])).unwrap();
        writer.define_thread(1, &Thread::default()).unwrap();
        writer
    }

    fn take(writer: &mut Writer) -> Vec<u8> {
        writer.flush().unwrap();
        let bytes = writer.output().to_vec();
        writer.clear_output();
        bytes
    }

    fn batch(writer: &mut Writer, number: u64, is_whole: bool) -> Vec<u8> {
        let time = Timestamp::from_unix_nanos(1_790_000_000_000_000_000 + number as i64);
        let args = [Arg::U64(number)];
        writer
            .record(&Record { time, thread: 1, callsite: 1, args: &args, extra: None, origin: None })
            .unwrap();
        if is_whole {
            writer.reached(RingPosition { ring: 0, position: number * 8 }).unwrap();
        }
        take(writer)
    }

    #[test]
    fn only_whole_batches_of_what_grows_and_nothing_is_read_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.0001.kymo");
        let mut writer = writer();
        let mut file = File::create(&path).unwrap();
        let head = take(&mut writer);
        file.write_all(&head).unwrap();
        assert_eq!(super::head(&path).unwrap(), head);
        let mut growing = Growing::default();
        assert_eq!(growing.whole_bytes(&path).unwrap(), head.len() as u64);
        let first = batch(&mut writer, 1, true);
        file.write_all(&first).unwrap();
        let whole = (head.len() + first.len()) as u64;
        assert_eq!(growing.whole_bytes(&path).unwrap(), whole);
        // Half a batch: a block that is whole, and no word of the rings.
        let half = batch(&mut writer, 2, false);
        file.write_all(&half).unwrap();
        assert_eq!(growing.whole_bytes(&path).unwrap(), whole);
        let other = batch(&mut writer, 3, true);
        file.write_all(&other[..other.len() - 1]).unwrap();
        assert_eq!(growing.whole_bytes(&path).unwrap(), whole);
        file.write_all(&other[other.len() - 1..]).unwrap();
        let all = whole + (half.len() + other.len()) as u64;
        assert_eq!(growing.whole_bytes(&path).unwrap(), all);
        // Recovery cuts and writes anew.
        file.set_len(head.len() as u64).unwrap();
        assert_eq!(growing.whole_bytes(&path).unwrap(), head.len() as u64);
    }

    #[test]
    fn what_could_not_be_synced_is_synced_before_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.0001.kymo");
        let head = take(&mut writer());
        std::fs::write(&path, &head).unwrap();
        let (mut growing, synced) = (Growing::default(), std::cell::Cell::new(0));
        let fails = |_: &File| Err(io::ErrorKind::StorageFull.into());
        let counts = |_: &File| {
            synced.set(synced.get() + 1);
            Ok(())
        };
        assert!(growing.whole_bytes_by(&path, fails).is_err());
        assert!(growing.whole_bytes_by(&path, fails).is_err(), "nothing more came, and nothing is safe");
        for _ in 0..2 {
            assert_eq!(growing.whole_bytes_by(&path, counts).unwrap(), head.len() as u64);
        }
        assert_eq!(synced.get(), 1);
    }

    #[test]
    fn what_has_no_header_has_no_head() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd.kymo");
        std::fs::write(&path, "no session").unwrap();
        let error = head(&path).unwrap_err();
        assert!(error.to_string().contains("odd.kymo: expected the header"), "{error}");
    }
}
