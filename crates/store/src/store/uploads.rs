//! Files of sessions of processes: taken in piece by piece, and given out again.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use kymo_model::SessionId;
use kymo_tracker::{SessionKey, SessionRow};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::catalog::projects::ProjectPk;
use crate::catalog::uploads::{self, UploadRow};
use crate::catalog::{Catalog, sessions};
use crate::error::StoreError;
use crate::folder::{Folder, raw};
use crate::store::Store;

/// Bytes of a fragment: three times what our agent ends one at.
pub const FRAGMENT_BYTES_MAX: u64 = 64 << 20;
/// Largest number of a fragment: at 20 MiB each 200 GB of one run, at one a day 27 years.
pub const FRAGMENTS_MAX: u64 = 10_000;
/// Fragments that are written to at once; more wait for each other, by chance.
const LOCKS: usize = 64;

/// Who writes to which fragment.
#[derive(Debug)]
pub(crate) struct Locks([Arc<Mutex<()>>; LOCKS]);

impl Default for Locks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Arc::default()))
    }
}

impl Locks {
    async fn lock(&self, of: impl Hash) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        Arc::clone(&self.0[hasher.finish() as usize % LOCKS]).lock_owned().await
    }
}

/// What is there of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentState {
    /// Its number, from 1.
    pub fragment: u64,
    /// Bytes that are durable, with their events.
    pub bytes: u64,
    /// Nothing follows.
    pub is_complete: bool,
}

/// A fragment that is being written to, by nobody else.
#[derive(Debug)]
pub struct Upload {
    /// The id the agent gave the session.
    pub session: SessionId,
    /// The fragment's number.
    pub fragment: u64,
    /// Bytes that are durable, with their events.
    pub bytes: u64,
    /// Where the last frame begins.
    pub frame_at: u64,
    /// Of the first record that was not read.
    pub next_sequence: u64,
    /// Nothing follows.
    pub is_complete: bool,
    pk: i64,
    folder: PathBuf,
    _held: OwnedMutexGuard<()>,
}

/// How far a fragment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// See [`Upload::bytes`].
    pub bytes: u64,
    /// See [`Upload::frame_at`].
    pub frame_at: u64,
    /// See [`Upload::next_sequence`].
    pub next_sequence: u64,
    /// See [`Upload::is_complete`].
    pub is_complete: bool,
}

/// How far a fragment has come, for the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance(pub(crate) UploadRow);

impl Upload {
    /// The file, to be read. It holds more than [`Upload::bytes`] after an append.
    pub fn path(&self) -> PathBuf {
        raw::path(&self.folder, self.pk)
    }

    /// What to commit with events of a piece that is not the last of them.
    pub fn unchanged(&self) -> Advance {
        let Self { bytes, frame_at, next_sequence, is_complete, .. } = *self;
        self.progress(Progress { bytes, frame_at, next_sequence, is_complete })
    }

    /// What to commit with the events.
    pub fn progress(&self, progress: Progress) -> Advance {
        let Progress { bytes, frame_at, next_sequence, is_complete } = progress;
        Advance(UploadRow {
            pk: self.pk,
            fragment: self.fragment,
            bytes,
            frame_at,
            next_sequence,
            is_complete,
        })
    }
}

/// A file of bytes that are on their way in.
#[derive(Debug)]
pub struct Arriving {
    /// To be written to.
    pub file: File,
    /// Where it is.
    pub path: PathBuf,
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // What cannot be removed now goes at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A fragment's file, to be read.
#[derive(Debug)]
pub struct RawFragment {
    /// The file. It is gone when retention removed its session.
    pub path: PathBuf,
    /// What of it counts.
    pub bytes: u64,
}

impl Store {
    /// A process's session, by the id that its agent gave it: its id here, and whether a person asked for all of it.
    pub async fn process_session(
        &self,
        project: ProjectPk,
        session: SessionId,
    ) -> Result<Option<(SessionId, bool)>, StoreError> {
        let key = SessionKey::Process(session.to_string());
        sessions::process_by_key(self.catalog().readers(), project, &key).await
    }

    /// What is there of the session's files, by number of the fragment.
    pub async fn uploads(
        &self,
        project: ProjectPk,
        session: SessionId,
    ) -> Result<Vec<FragmentState>, StoreError> {
        let rows = uploads::of_session(self.catalog().readers(), project, &session.to_string()).await?;
        let state = |row: UploadRow| FragmentState {
            fragment: row.fragment,
            bytes: row.bytes,
            is_complete: row.is_complete,
        };
        Ok(rows.into_iter().map(state).collect())
    }

    /// Takes a fragment to write to; waits for whoever does.
    ///
    /// # Errors
    /// [`NotFound`](crate::StoreErrorKind::NotFound): its session is not there (any more).
    pub async fn upload(
        &self,
        project: ProjectPk,
        session: SessionId,
        fragment: u64,
    ) -> Result<Upload, StoreError> {
        let held = self.upload_locks().lock((project.0, session, fragment)).await;
        let known = uploads::one(self.catalog().readers(), project, session, fragment).await?;
        let row = match known {
            Some(row) => Some(row),
            None => uploads::add(&mut *self.catalog().writer().await, project, session, fragment).await?,
        };
        let row = row.ok_or_else(|| StoreError::not_found(format!("there is no session {session}")))?;
        Ok(Upload {
            session,
            fragment,
            bytes: row.bytes,
            frame_at: row.frame_at,
            next_sequence: row.next_sequence,
            is_complete: row.is_complete,
            pk: row.pk,
            folder: self.folder().uploads(),
            _held: held,
        })
    }

    /// Appends to the file behind what is durable of it. It counts once it is committed, see [`Upload::progress`].
    pub async fn append(&self, upload: &mut Upload, bytes: Vec<u8>) -> Result<(), StoreError> {
        let (folder, pk, offset) = (upload.folder.clone(), upload.pk, upload.bytes);
        tokio::task::spawn_blocking(move || raw::append(&folder, pk, offset, &bytes))
            .await
            .map_err(|_| StoreError::corrupt("writing a fragment panicked"))?
    }

    /// The files of a session, by number of the fragment.
    pub async fn raw_fragments(
        &self,
        project: ProjectPk,
        session: &SessionRow,
    ) -> Result<Vec<RawFragment>, StoreError> {
        let SessionKey::Process(key) = &session.key else { return Ok(Vec::new()) };
        let rows = uploads::of_session(self.catalog().readers(), project, key).await?;
        let folder = self.folder().uploads();
        let fragment = |row: UploadRow| RawFragment { path: raw::path(&folder, row.pk), bytes: row.bytes };
        Ok(rows.into_iter().filter(|row| row.bytes > 0).map(fragment).collect())
    }

    /// A new file for bytes that are taken apart when all of them are there; it goes when this is dropped, or else at the
    /// next start. Blocking.
    pub fn arriving(&self) -> Result<Arriving, StoreError> {
        let folder = self.folder().uploads();
        loop {
            let number = self.next_arriving();
            let path = folder.join(format!("arriving-{number}.part"));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Arriving { file, path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Removes files that no row names, and rows whose file is not whole: such a fragment is asked for again.
pub(crate) async fn tidy(folder: &Folder, catalog: &Catalog) -> Result<(), StoreError> {
    let mut writer = catalog.writer().await;
    let listed = uploads::all(&mut writer).await?;
    let (removed, short) = raw::tidy(&folder.uploads(), &listed)?;
    uploads::delete(&mut writer, &short).await?;
    raw::remove(&folder.uploads(), &short);
    if removed > 0 || !short.is_empty() {
        tracing::info!(removed, forgotten = short.len(), "tidied the files of uploads");
    }
    Ok(())
}
