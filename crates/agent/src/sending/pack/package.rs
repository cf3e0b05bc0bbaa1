//! Packages: fragments of one or many sessions in one file, which `kymo open` opens and a server imports.
//!
//! ```text
//!   magic | header frames | header frames | …      each fragment as it lies on the disk, without its index
//! ```
//!
//! A plan says which bytes of which files go into which package; then they are copied, one piece at a time. Where a package
//! has a largest size, it is divided between sessions, then between fragments, then between frames: a piece of a fragment
//! begins with the fragment's header, so that it can be read by itself. `docs/spec/session-file.md` has the rules.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kymo_format::{Item, MAGIC, Reader};

use crate::sending::pieces::Growing;
use crate::sending::{Local, LocalFragment};

/// Read and written at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Bytes before the first fragment.
const MAGIC_BYTES: u64 = MAGIC.len() as u64;
/// Names that are tried in a folder where the first is taken.
const NAMES_MAX: u32 = 1000;

/// A stretch of a fragment that goes into a package, behind the fragment's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The session's place in what was planned.
    pub session: usize,
    /// The fragment's number.
    pub fragment: u64,
    path: PathBuf,
    /// Bytes of the file before its first frame: magic and header.
    head: u64,
    from: u64,
    /// Up to here, in bytes of the file, the fragment is there with this piece.
    pub(super) to: u64,
    /// The fragment has no more.
    pub(super) is_last: bool,
}

impl Piece {
    fn bytes(&self) -> u64 {
        self.head - MAGIC_BYTES + self.to - self.from
    }
}

/// What goes into one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// In order.
    pub pieces: Vec<Piece>,
}

/// What goes into which file.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// None, if there is nothing to pack.
    pub packages: Vec<Package>,
    /// What cannot be read and is in none, in sentences.
    pub unreadable: Vec<String>,
    /// Place of the session and number of fragments that are closed and of which nothing is left to send.
    pub(super) settled: Vec<(usize, u64)>,
}

/// Why a package was not written.
#[derive(Debug)]
pub enum PackageError {
    /// It was to stop.
    Stopped,
    /// The target took no more.
    Target(io::Error),
}

/// What of sessions is planned anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlanOptions {
    /// Largest package in bytes, if there is one. A frame that is larger has a package of its own.
    pub bytes_max: Option<u64>,
    /// Only what no mail has taken yet.
    pub is_after_mail: bool,
}

impl Plan {
    /// Reads through all files to find where they can be divided; no event is looked at. What grows is taken as far as it
    /// is whole now.
    pub fn new(sessions: &[Local], options: PlanOptions) -> Self {
        let mut plan = Self::default();
        let mut current = Package::default();
        let bytes_max = options.bytes_max.unwrap_or(u64::MAX);
        for (at, session) in sessions.iter().enumerate() {
            let mut stretches = Vec::new();
            for fragment in &session.fragments {
                match Stretch::of(at, session, fragment, options.is_after_mail) {
                    Ok(Some(stretch)) => stretches.push(stretch),
                    Ok(None) => plan.settled.extend(fragment.is_closed.then_some((at, fragment.number))),
                    Err(reason) => plan.unreadable.push(format!("{}: {reason}", fragment.path.display())),
                }
            }
            let all: u64 = stretches.iter().map(|stretch| stretch.piece.bytes()).sum();
            // One that fits into a file of its own is not divided.
            if current.bytes() + all > bytes_max && MAGIC_BYTES + all <= bytes_max {
                plan.close(&mut current);
            }
            for stretch in stretches {
                plan.add(&mut current, stretch, bytes_max);
            }
        }
        plan.close(&mut current);
        plan
    }

    /// Bytes of all packages.
    pub fn bytes(&self) -> u64 {
        self.packages.iter().map(Package::bytes).sum()
    }

    fn close(&mut self, current: &mut Package) {
        if !current.pieces.is_empty() {
            self.packages.push(std::mem::take(current));
        }
    }

    fn add(&mut self, current: &mut Package, stretch: Stretch, bytes_max: u64) {
        let Stretch { mut piece, mut frames } = stretch;
        if current.bytes() + piece.bytes() > bytes_max && MAGIC_BYTES + piece.bytes() <= bytes_max {
            self.close(current);
        }
        while current.bytes() + piece.bytes() > bytes_max {
            let head = current.bytes() + piece.head - MAGIC_BYTES;
            let room = bytes_max.saturating_sub(head);
            // As many whole frames as there is room for.
            let fitting = frames.partition_point(|&frame| frame <= piece.from.saturating_add(room));
            let cut = frames[..fitting].iter().rev().find(|&&frame| frame > piece.from);
            // In an empty file at least one goes, whatever its size.
            let cut = cut.or_else(|| {
                let next = frames.iter().find(|&&frame| frame > piece.from);
                next.filter(|_| current.pieces.is_empty())
            });
            match cut.copied() {
                Some(cut) => {
                    current.pieces.push(Piece { to: cut, is_last: false, ..piece.clone() });
                    piece.from = cut;
                    frames.retain(|&frame| frame > cut);
                }
                None if current.pieces.is_empty() => break,
                None => {}
            }
            self.close(current);
        }
        current.pieces.push(piece);
    }
}

/// A fragment, or what is left of it, and where it can be divided.
struct Stretch {
    piece: Piece,
    frames: Vec<u64>,
}

impl Stretch {
    /// `None` where there is nothing (new) in it.
    fn of(
        session: usize,
        local: &Local,
        fragment: &LocalFragment,
        is_after_mail: bool,
    ) -> Result<Option<Self>, String> {
        let known = local.sent.mailed.fragments.get(&fragment.number);
        let known = known.filter(|_| is_after_mail).copied().unwrap_or_default();
        if known.is_complete {
            return Ok(None);
        }
        let wrong = |error: io::Error| error.to_string();
        // Only whole batches of what grows, as to a server, and looked at first: recovery never changes these.
        let whole = if fragment.is_closed {
            0
        } else {
            Growing::default().whole_bytes(&fragment.path).map_err(wrong)?
        };
        let outline = Outline::read(&fragment.path).map_err(wrong)?;
        let Some(head) = outline.head else {
            // A process that just makes its file, or was killed while it did, has said nothing.
            let is_empty = outline.bytes <= MAGIC_BYTES || !fragment.is_closed;
            return if is_empty { Ok(None) } else { Err("its header cannot be read".to_owned()) };
        };
        // What is broken off at the end of a file that is done goes along: nobody looks at it again here.
        let to = if fragment.is_closed { outline.bytes - outline.index } else { outline.whole.min(whole) };
        let from = match known.bytes {
            0 => head,
            bytes if bytes >= to => return Ok(None),
            // Blocks go on from those before them, so the frame that was not done goes again.
            bytes => outline.frames.iter().rev().find(|&&frame| frame <= bytes).copied().unwrap_or(head),
        };
        let (number, path, is_last) = (fragment.number, fragment.path.clone(), fragment.is_closed);
        Ok(Some(Self {
            piece: Piece { session, fragment: number, path, head, from, to, is_last },
            frames: outline.frames.into_iter().filter(|&frame| frame > from && frame < to).collect(),
        }))
    }
}

/// Where in a file what lies.
#[derive(Debug, Default)]
struct Outline {
    /// Before the first frame.
    head: Option<u64>,
    frames: Vec<u64>,
    /// Up to the end of the last chunk that is whole, without the index.
    whole: u64,
    /// Bytes of the index.
    index: u64,
    bytes: u64,
}

impl Outline {
    fn read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut reader, mut piece) = (Reader::new().outline(), vec![0; PIECE_BYTES]);
        let mut outline = Self::default();
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            outline.bytes += read as u64;
            reader.feed(&piece[..read]);
            while let Some(item) = reader.next() {
                match item {
                    Item::Header(_) => outline.head = outline.head.or(Some(reader.position())),
                    Item::Frame { offset, .. } => outline.frames.push(offset),
                    Item::Index(_) => outline.index = reader.position() - reader.item_offset(),
                    _ => {}
                }
            }
        }
        outline.whole = reader.position() - outline.index;
        Ok(outline)
    }
}

impl Package {
    /// How long the file becomes.
    pub fn bytes(&self) -> u64 {
        MAGIC_BYTES + self.pieces.iter().map(Piece::bytes).sum::<u64>()
    }

    /// The places of the sessions that something of is in it, in order.
    pub fn sessions(&self) -> Vec<usize> {
        let mut places: Vec<usize> = self.pieces.iter().map(|piece| piece.session).collect();
        places.dedup();
        places
    }

    /// Writes it: some 64 KiB are in memory at a time. `progress` is told how many bytes were written more. What cannot be
    /// read any more, because it was pruned meanwhile, is left out and told.
    pub fn write(
        &self,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<String>, PackageError> {
        let mut left_out = Vec::new();
        out.write_all(&MAGIC).map_err(PackageError::Target)?;
        progress(MAGIC_BYTES);
        let mut buffer = vec![0; PIECE_BYTES];
        for piece in &self.pieces {
            let mut file = match File::open(&piece.path) {
                Ok(file) => file,
                Err(error) => {
                    left_out.push(format!("{}: {error}", piece.path.display()));
                    continue;
                }
            };
            for (from, to) in [(MAGIC_BYTES, piece.head), (piece.from, piece.to)] {
                match copy(&mut file, (from, to), &mut buffer, out, progress, stop)? {
                    Ok(()) => {}
                    Err(error) => {
                        left_out.push(format!("{}: {error}", piece.path.display()));
                        break;
                    }
                }
            }
        }
        Ok(left_out)
    }

    /// Writes it to a file that is not there yet: under its name only when it is complete and on the disk.
    pub fn save(
        &self,
        path: &Path,
        progress: &mut dyn FnMut(u64),
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<String>, PackageError> {
        let mut part = path.as_os_str().to_owned();
        part.push(format!("-{}.part", std::process::id()));
        let part = PathBuf::from(part);
        let saved = self.save_as(&part, path, progress, stop);
        // It is there under its other name, or was not finished.
        let _ = std::fs::remove_file(&part);
        saved
    }

    fn save_as(
        &self,
        part: &Path,
        path: &Path,
        progress: &mut dyn FnMut(u64),
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<String>, PackageError> {
        let target = PackageError::Target;
        if path.try_exists().map_err(target)? {
            return Err(PackageError::Target(io::ErrorKind::AlreadyExists.into()));
        }
        let mut file = crate::spool::disk::create(part).map_err(target)?;
        let left_out = self.write(&mut file, progress, stop)?;
        file.sync_all().map_err(target)?;
        match std::fs::hard_link(part, path) {
            Ok(()) => Ok(left_out),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(PackageError::Target(error)),
            // Not every file system of a removable drive has links.
            Err(_) => std::fs::rename(part, path).map(|()| left_out).map_err(target),
        }
    }
}

/// The outer error is the target's, the inner the file's.
fn copy(
    file: &mut File,
    (from, to): (u64, u64),
    buffer: &mut [u8],
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
    stop: &dyn Fn() -> bool,
) -> Result<io::Result<()>, PackageError> {
    if let Err(error) = file.seek(SeekFrom::Start(from)) {
        return Ok(Err(error));
    }
    let mut left = to - from;
    while left > 0 {
        if stop() {
            return Err(PackageError::Stopped);
        }
        let room = left.min(buffer.len() as u64) as usize;
        if let Err(error) = file.read_exact(&mut buffer[..room]) {
            return Ok(Err(error));
        }
        out.write_all(&buffer[..room]).map_err(PackageError::Target)?;
        progress(room as u64);
        left -= room as u64;
    }
    Ok(Ok(()))
}

/// Writes sessions as one package, or as much of them as one of that size takes; what it says could not be read.
///
/// Errors: what the target says.
pub fn write(sessions: &[Local], out: &mut dyn Write, limit: Option<u64>) -> io::Result<Vec<String>> {
    let plan = Plan::new(sessions, PlanOptions { bytes_max: limit, is_after_mail: false });
    let mut unreadable = plan.unreadable;
    if let Some(package) = plan.packages.first() {
        match package.write(out, &mut |_| {}, &|| false) {
            Ok(mut left_out) => unreadable.append(&mut left_out),
            Err(PackageError::Target(error)) => return Err(error),
            Err(PackageError::Stopped) => {}
        }
    }
    Ok(unreadable)
}

/// The name of a package that is made now: the moment and the first session's id. Nothing foreign is in it.
pub fn file_name(sessions: &[Local]) -> String {
    let now = crate::clock::now().to_string();
    let seconds = now.split(['.', 'Z']).next().unwrap_or_default();
    let digits: String = seconds.chars().filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    let id = sessions.first().and_then(|session| session.stem.session());
    let id = id.map(|id| format!("-{:08x}", (id.as_u128() & 0xffff_ffff) as u32)).unwrap_or_default();
    format!("kymo-{digits}Z{id}.kymo")
}

/// A name in that folder that nothing has.
pub fn free_name(folder: &Path, name: &str) -> PathBuf {
    let first = folder.join(name);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "kymo"));
    let others = (2..NAMES_MAX).map(|number| folder.join(format!("{stem}-{number}.{ending}")));
    std::iter::once(first.clone()).chain(others).find(|path| !path.exists()).unwrap_or(first)
}

#[cfg(test)]
mod tests;
