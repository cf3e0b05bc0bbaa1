//! What is to be stored of a file, wherever it came from: the head told, a piece appended and read, all of it committed.

use std::fmt;
use std::io::{self, Read};

use kymo_format::Header;
use kymo_model::SessionId;
use kymo_store::{Item, Progress, ProjectPk, Store, StoreError, Submission, Upload};
use kymo_tracker::Told;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::decode::{self, Batch, Decoder, Place, told};
use super::digest::Expected;

/// Read at a time for a digest.
const PIECE_BYTES: usize = 256 * 1024;

/// Where it is stored, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Keeper<'store> {
    pub(super) store: &'store Store,
    /// How many files are read at once.
    pub(super) decodes: &'store Semaphore,
    pub(super) project: ProjectPk,
    pub(super) token: i64,
}

/// Why it is not.
#[derive(Debug)]
pub(super) enum Refused {
    /// It is not what it has to be: nothing of it was stored.
    NotThis(String),
    /// The store said so; what was stored before stays.
    Store(StoreError),
    /// It is a bug.
    BrokeOff,
}

impl Refused {
    /// A file that is not the store's.
    pub(super) fn unreadable(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Store(error.into()),
            _ => Self::NotThis(error.to_string()),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<decode::Refused> for Refused {
    fn from(refused: decode::Refused) -> Self {
        match refused {
            decode::Refused::NotThis(detail) => Self::NotThis(detail),
            decode::Refused::Io(error) => Self::Store(error.into()),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThis(detail) => f.write_str(detail),
            Self::Store(error) => error.fmt(f),
            Self::BrokeOff => f.write_str("reading the file broke off"),
        }
    }
}

impl Keeper<'_> {
    /// Makes the session known by what its header says; its id here.
    pub(super) async fn tell(self, header: &Header) -> Result<SessionId, Refused> {
        self.store.submit(self.submission(Vec::new(), Some(told(header)))).await?;
        let known = self.store.process_session(self.project, header.session).await?;
        let gone = || StoreError::from(io::Error::other("the session was removed meanwhile"));
        Ok(known.ok_or_else(gone)?.0)
    }

    /// Appends a piece behind what is there, and stores its events. With the last one the digest of the whole fragment is
    /// checked, if there is one. `memory` is the piece's share, given back as soon as may be. Returns how long the fragment is now.
    pub(super) async fn append(
        self,
        mut upload: Upload,
        piece: Vec<u8>,
        is_complete: bool,
        digest: Option<Expected>,
        memory: Option<OwnedSemaphorePermit>,
    ) -> Result<u64, Refused> {
        let bytes = upload.bytes + piece.len() as u64;
        self.store.append(&mut upload, piece).await?;
        // The bytes are with the disk: others need not wait for room while these are decoded.
        drop(memory);
        if let Some(expected) = digest.filter(|_| is_complete)
            && !is_whole(&upload, bytes, expected).await?
        {
            return Err(Refused::NotThis("the fragment is not what Repr-Digest says".to_owned()));
        }
        self.decode(&upload, bytes, is_complete).await?;
        Ok(bytes)
    }

    /// Commits what is new, the last part together with the new offset.
    async fn decode(self, upload: &Upload, bytes: u64, is_complete: bool) -> Result<(), Refused> {
        let _working = self.decodes.acquire().await;
        let place = Place {
            session: upload.session,
            fragment: upload.fragment,
            bytes_before: upload.bytes,
            frame_at: upload.frame_at,
            next_sequence: upload.next_sequence,
        };
        let (path, now) = (upload.path(), self.store.now());
        let mut decoder =
            blocking(move || Decoder::new(std::fs::File::open(path)?, bytes, is_complete, place, now))
                .await??;
        loop {
            let (after, batch) = blocking(move || {
                let batch = decoder.next();
                (decoder, batch)
            })
            .await?;
            decoder = after;
            let Batch { items, told, dropped, is_last } = batch?;
            let (frame_at, next_sequence) = (decoder.resume_at(), decoder.next_sequence);
            let progress = Progress { bytes, frame_at, next_sequence, is_complete };
            // Until the last part it is as far as it was; but it is still there, or nothing is stored.
            let upload = Some(if is_last { upload.progress(progress) } else { upload.unchanged() });
            let submission = Submission { dropped, upload, ..self.submission(items, told) };
            self.store.submit(submission).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn submission(self, items: Vec<Item>, told: Option<Told>) -> Submission {
        let told = told.into_iter().collect();
        Submission { items, told, ..Submission::new(self.project, self.token) }
    }
}

/// Whether the file, of so many bytes, has that digest.
async fn is_whole(upload: &Upload, bytes: u64, expected: Expected) -> Result<bool, Refused> {
    let path = upload.path();
    let checked = blocking(move || {
        let mut rest = std::fs::File::open(path)?.take(bytes);
        expected.holds(|| {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            (&mut rest).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            Ok::<_, io::Error>((!piece.is_empty()).then_some(piece))
        })
    });
    checked.await?.map_err(|error| Refused::Store(error.into()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Refused::BrokeOff)
}
