//! Backups: a folder with a copy of the catalog, the segments it lists, and a manifest with size and checksum of
//! each file. Made while everything goes on (ADR 0011).
//!
//! ```text
//! TO.writing/  catalog.db (VACUUM INTO: one moment)  segments/*.parquet (linked or copied)  uploads/*.kymo
//!              manifest.json
//!              all synced, then renamed to TO
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use crate::catalog;
use crate::error::{StoreError, StoreErrorKind};
use crate::folder::{CATALOG, SEGMENTS, UPLOADS, raw, sync_folder};
use crate::segment;
use crate::store::Store;

/// What a manifest says it is.
const FORMAT: &str = "kymo backup";
/// Version of the manifest and of what lies beside it. Version 1 had no uploads, and is still read.
const VERSION: u32 = 2;
const MANIFEST: &str = "manifest.json";
/// Extension of a folder that is not complete yet.
const UNFINISHED: &str = "writing";
/// Read at a time for copies and checksums.
const BLOCK_BYTES: usize = 256 * 1024;
/// Largest manifest read: 100 bytes for each of a million segments.
const MANIFEST_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    /// When it was begun, RFC 3339: everything answered before is in it.
    pub made_at: String,
    /// The version of the program that made it.
    pub program: String,
    /// Every file but this one.
    pub files: Vec<BackupFile>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BackupFile {
    /// Inside the backup.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl Store {
    /// Writes a backup of everything that was answered before into the new folder `to`. Goes on beside
    /// ingest and queries: nothing waits for it.
    ///
    /// # Errors
    /// [`Input`](StoreErrorKind::Input): `to` is there already or cannot be made. Else what could not be read or
    /// written; nothing is left at `to` then.
    pub async fn backup(&self, to: &Path) -> Result<Manifest, StoreError> {
        let made_at = self.now().to_string();
        let unfinished = begin(to)?;
        // Files that the copy of the catalog will list stay until they are in the backup.
        let held = self.views().hold();
        let written = self.write_backup(&unfinished, made_at).await;
        drop(held);
        let finished = written.and_then(|manifest| {
            fs::rename(&unfinished, to)?;
            sync_folder(&parent_of(to))?;
            Ok(manifest)
        });
        if finished.is_err() {
            // The error counts; what is left is removed by the next try.
            let _ = fs::remove_dir_all(&unfinished);
        }
        finished
    }

    async fn write_backup(&self, unfinished: &Path, made_at: String) -> Result<Manifest, StoreError> {
        let copy = unfinished.join(CATALOG);
        self.catalog().copy_to(self.folder(), &copy).await?;
        let listed = listed(&copy).await?;
        let (source, target) = (self.folder().root().to_owned(), unfinished.to_owned());
        let files = tokio::task::spawn_blocking(move || copy_files(&source, &target, &listed))
            .await
            .map_err(|_| StoreError::corrupt("writing a backup panicked"))??;
        let program = env!("CARGO_PKG_VERSION").to_owned();
        let manifest = Manifest { format: FORMAT.to_owned(), version: VERSION, made_at, program, files };
        let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        let mut file = File::create(unfinished.join(MANIFEST))?;
        file.write_all(&text)?;
        file.sync_all()?;
        sync_folder(unfinished)?;
        Ok(manifest)
    }
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    path.with_file_name(name)
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| {
        StoreError::input(format!("the folder {} cannot be made", path.display())).because(source)
    })
}

/// Makes the folder that becomes `to`.
fn begin(to: &Path) -> Result<PathBuf, StoreError> {
    if to.file_name().is_none() || fs::symlink_metadata(to).is_ok() {
        return Err(StoreError::input(format!("{} is there already: expected a new name", to.display())));
    }
    let unfinished = beside(to);
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    make_folder(&unfinished.join(SEGMENTS))?;
    make_folder(&unfinished.join(UPLOADS))?;
    Ok(unfinished)
}

/// Opens a catalog that nobody uses, without changing it.
async fn open_copy(path: &Path) -> Result<SqliteConnection, StoreError> {
    Ok(SqliteConnectOptions::new().filename(path).read_only(true).immutable(true).connect().await?)
}

/// What a copy of a catalog lists.
struct Listed {
    segments: Vec<i64>,
    /// Fragments of sessions, with the bytes that count.
    fragments: Vec<(i64, u64)>,
}

async fn listed(copy: &Path) -> Result<Listed, StoreError> {
    let mut connection = open_copy(copy).await?;
    catalog::check_version(&mut connection).await?;
    let rows = sqlx::query("SELECT pk FROM segment ORDER BY pk").fetch_all(&mut connection).await?;
    let segments = rows.iter().map(|row| row.get(0)).collect();
    // An older catalog, which is migrated when it is opened, has none.
    let table = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = 'upload'");
    let fragments = match table.fetch_optional(&mut connection).await? {
        Some(_) => catalog::uploads::all(&mut connection).await?,
        None => Vec::new(),
    };
    connection.close().await?;
    Ok(Listed { segments, fragments })
}

/// Links or copies what is listed, syncs everything and works out the checksums. Blocking.
fn copy_files(source: &Path, target: &Path, listed: &Listed) -> Result<Vec<BackupFile>, StoreError> {
    let mut files = vec![checked(target, CATALOG.to_owned())?];
    for pk in &listed.segments {
        let from = segment::path(&source.join(SEGMENTS), *pk);
        let name = format!("{SEGMENTS}/{}", from.file_name().unwrap_or_default().to_string_lossy());
        let to = target.join(&name);
        // A segment never changes: a link is as good as a copy, where both lie on one disk.
        if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to)?;
        }
        files.push(checked(target, name)?);
    }
    for (pk, bytes) in &listed.fragments {
        let from = raw::path(&source.join(UPLOADS), *pk);
        let name = format!("{UPLOADS}/{}", from.file_name().unwrap_or_default().to_string_lossy());
        // Its session was removed meanwhile, or nothing of it counts yet: a start without it asks for it again.
        let file = match File::open(&from) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            opened => opened?,
        };
        // It may grow, or be cut back to these bytes.
        std::io::copy(&mut file.take(*bytes), &mut File::create_new(target.join(&name))?)?;
        files.push(checked(target, name)?);
    }
    sync_folder(&target.join(SEGMENTS))?;
    sync_folder(&target.join(UPLOADS))?;
    Ok(files)
}

/// Syncs a file and tells its size and checksum.
fn checked(root: &Path, path: String) -> Result<BackupFile, StoreError> {
    let file = File::open(root.join(&path))?;
    file.sync_all()?;
    let (bytes, sha256) = pass(file, &mut std::io::sink())?;
    Ok(BackupFile { path, bytes, sha256 })
}

/// Passes everything on; its size and checksum.
fn pass(mut from: File, to: &mut impl Write) -> std::io::Result<(u64, String)> {
    let (mut hash, mut bytes, mut block) = (Sha256::new(), 0, vec![0; BLOCK_BYTES]);
    loop {
        let count = from.read(&mut block)?;
        if count == 0 {
            return Ok((bytes, hex(&hash.finalize())));
        }
        hash.update(&block[..count]);
        to.write_all(&block[..count])?;
        bytes += count as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Makes the data folder `to` of a backup, after checking every file of it.
///
/// # Errors
/// [`Input`](StoreErrorKind::Input): `from` is not a backup, or `to` is not empty;
/// [`Upgrade`](StoreErrorKind::Upgrade): a newer program made it; [`Corrupt`](StoreErrorKind::Corrupt): a file is
/// missing or is not what was written. Nothing is left at `to` then.
pub async fn restore(from: &Path, to: &Path) -> Result<Manifest, StoreError> {
    let manifest = read_manifest(from)?;
    let is_empty = match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    if !is_empty || to.file_name().is_none() {
        return Err(StoreError::input(format!("{} is not empty: expected a new folder", to.display())));
    }
    let unfinished = beside(to);
    let _ = fs::remove_dir_all(&unfinished);
    let done = restore_into(from, &unfinished, &manifest).await.and_then(|()| {
        fs::rename(&unfinished, to)?;
        sync_folder(&parent_of(to))
    });
    if let Err(error) = done {
        let _ = fs::remove_dir_all(&unfinished);
        return Err(error);
    }
    Ok(manifest)
}

async fn restore_into(from: &Path, unfinished: &Path, manifest: &Manifest) -> Result<(), StoreError> {
    make_folder(&unfinished.join(SEGMENTS))?;
    make_folder(&unfinished.join(UPLOADS))?;
    let (source, target, files) = (from.to_owned(), unfinished.to_owned(), manifest.files.clone());
    tokio::task::spawn_blocking(move || files.iter().try_for_each(|file| take_back(&source, &target, file)))
        .await
        .map_err(|_| StoreError::corrupt("restoring panicked"))??;
    let listed = listed(&unfinished.join(CATALOG)).await?;
    let expected = listed.segments.iter().map(|pk| segment::path(Path::new(SEGMENTS), *pk));
    let expected: BTreeSet<PathBuf> = expected.chain([PathBuf::from(CATALOG)]).collect();
    let found: BTreeSet<PathBuf> = manifest.files.iter().map(|file| PathBuf::from(&file.path)).collect();
    // A fragment that is not there is asked for again; one that nobody lists is odd.
    let fragments = listed.fragments.iter().map(|(pk, _)| raw::path(Path::new(UPLOADS), *pk));
    let fragments: BTreeSet<PathBuf> = fragments.collect();
    let found: BTreeSet<PathBuf> = found.difference(&fragments).cloned().collect();
    if let Some(odd) = expected.symmetric_difference(&found).next() {
        let detail = format!("the backup's catalog and manifest do not agree about {}", odd.display());
        return Err(StoreError::corrupt(detail));
    }
    sync_folder(&unfinished.join(SEGMENTS))?;
    sync_folder(&unfinished.join(UPLOADS))?;
    sync_folder(unfinished)
}

/// Copies a file of a backup, if it is what was written. Blocking.
fn take_back(from: &Path, to: &Path, file: &BackupFile) -> Result<(), StoreError> {
    let gone =
        |source| StoreError::corrupt(format!("{} of the backup cannot be read", file.path)).because(source);
    let source = File::open(from.join(&file.path)).map_err(gone)?;
    let found = source.metadata().map_err(gone)?.len();
    if found != file.bytes {
        let detail = format!("{} of the backup has {found} bytes, expected {}", file.path, file.bytes);
        return Err(StoreError::corrupt(detail));
    }
    let mut target = File::create_new(to.join(&file.path))?;
    let (_, sha256) = pass(source, &mut target)?;
    if sha256 != file.sha256 {
        let detail = format!("{} of the backup is damaged: its checksum is another", file.path);
        return Err(StoreError::corrupt(detail));
    }
    target.sync_all()?;
    Ok(())
}

fn read_manifest(from: &Path) -> Result<Manifest, StoreError> {
    let path = from.join(MANIFEST);
    let not_one = |why: String| StoreError::input(format!("{} is not a backup: {why}", from.display()));
    let file = File::open(&path).map_err(|error| not_one(format!("{MANIFEST} cannot be opened: {error}")))?;
    let mut text = String::new();
    file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text).map_err(|error| not_one(error.to_string()))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| not_one(format!("{MANIFEST}: {error}")))?;
    if manifest.format != FORMAT {
        return Err(not_one(format!("it says it is a {:?}", manifest.format)));
    }
    if manifest.version > VERSION {
        let detail =
            format!("the backup has version {}, this program reads version {VERSION}", manifest.version);
        return Err(StoreError::new(StoreErrorKind::Upgrade, detail));
    }
    if let Some(odd) = manifest.files.iter().find(|file| !is_ours(&file.path)) {
        return Err(not_one(format!("a backup has no file {:?}", odd.path)));
    }
    Ok(manifest)
}

/// Foreign text never becomes a path: the names we give, and no others.
fn is_ours(path: &str) -> bool {
    let number_of = |folder: &str, ending: &str| {
        path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')?.strip_suffix(ending))
    };
    let number = number_of(SEGMENTS, ".parquet").or_else(|| number_of(UPLOADS, ".kymo"));
    let is_number = |text: &str| text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    path == CATALOG || number.is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_taken_from_a_manifest() {
        for (path, expected) in [
            ("catalog.db", true),
            ("segments/000000000012.parquet", true),
            ("uploads/000000000012.kymo", true),
            ("uploads/000000000012.parquet", false),
            ("segments/../catalog.db", false),
            ("../catalog.db", false),
            ("/etc/passwd", false),
            ("segments/12.parquet", false),
            ("segments/000000000012.parquet/x", false),
        ] {
            assert_eq!(is_ours(path), expected, "{path}");
        }
    }
}
