//! The fragments in a file: one, or all of a session as a server gives it out.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use kymo_format::{Item, MAGIC, Reader};
use kymo_model::SessionId;

/// Read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// A fragment, or what is there of it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) session: SessionId,
    /// Its number.
    pub(super) fragment: u64,
    /// Where in the file it begins.
    pub(super) start: u64,
    /// Bytes of it, with the magic.
    pub(super) bytes: u64,
    /// Bytes to the end of the last chunk that is whole.
    pub(super) whole_bytes: u64,
    /// Bytes to the end of the header.
    pub(super) head_bytes: u64,
    /// Nothing will follow: it ends with an index, or the session has ended.
    pub(super) is_closed: bool,
}

/// Every fragment in the file.
pub(super) fn parts(path: &Path) -> anyhow::Result<Vec<Part>> {
    let name = || path.display().to_string();
    let mut file = File::open(path).with_context(name)?;
    let mut reader = Reader::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut piece = vec![0; PIECE_BYTES];
    // Where the chunk after the last item begins.
    let mut at = 0;
    let mut bytes = 0;
    loop {
        while let Some(item) = reader.next() {
            match item {
                Item::Header(header) => {
                    let start = if parts.is_empty() { 0 } else { at };
                    end(&mut parts, start);
                    let added = if start == 0 { 0 } else { MAGIC.len() as u64 };
                    parts.push(Part {
                        path: path.to_owned(),
                        session: header.session,
                        fragment: header.fragment,
                        start,
                        bytes: 0,
                        whole_bytes: 0,
                        head_bytes: reader.position() - start + added,
                        is_closed: false,
                    });
                }
                Item::Index(_) | Item::End(_) => {
                    if let Some(part) = parts.last_mut() {
                        part.is_closed = true;
                    }
                }
                Item::Damage(damage) => {
                    // What is intact after it may be told already.
                    at = damage.offset + damage.bytes;
                    continue;
                }
                Item::Record(_) | Item::Frame { .. } | Item::Loss { .. } | Item::Ring(_) => {}
            }
            at = reader.position();
        }
        let count = file.read(&mut piece).with_context(name)?;
        if count == 0 {
            break;
        }
        bytes += count as u64;
        reader.feed(&piece[..count]);
    }
    let whole = reader.position();
    end(&mut parts, bytes);
    if let Some(part) = parts.last_mut() {
        part.whole_bytes = part.whole_bytes.min(part.of_file(whole));
    }
    Ok(parts)
}

/// The last part ends there.
fn end(parts: &mut [Part], at: u64) {
    if let Some(part) = parts.last_mut() {
        part.bytes = part.of_file(at);
        part.whole_bytes = part.bytes;
    }
}

impl Part {
    /// A place in the file as one in the fragment.
    fn of_file(&self, at: u64) -> u64 {
        let added = if self.start == 0 { 0 } else { MAGIC.len() as u64 };
        at.saturating_sub(self.start) + added
    }
}
