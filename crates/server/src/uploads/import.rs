//! Files that are there as a whole: taken apart and stored as an upload would, over HTTP or from this machine's disk.
//!
//! ```text
//! body -> temporary file -> parts, by session -> head told, pieces appended and decoded, as by the upload's PATCH
//! ```
//!
//! Done again, it goes on where it was.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use kymo_format::{Plan, Standing};
use kymo_model::DropReason;
use kymo_store::{Arriving, FRAGMENT_BYTES_MAX, FRAGMENTS_MAX, ProjectPk, Role, Store, StoreErrorKind};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::files::{FilePart, SessionParts, sessions_of};
use super::keep::{Keeper, Refused};
use super::{APPEND_BYTES_MAX, RETRY_AFTER, header_of, of_store};
use crate::access::Caller;
use crate::api::{ProblemShape, Refusal};
use crate::problem::Problem;
use crate::state::AppState;

/// Bytes of a body: what seven applications keep at most of their sessions, at 150 MB each. It lies on the disk twice until
/// it is taken apart.
const IMPORT_BYTES_MAX: u64 = 1 << 30;
/// Time for the next piece of a body: a line that passes nothing for so long has gone, and holds the place of others.
const PIECE_WITHIN: Duration = Duration::from_mins(1);
/// Written to the disk at a time, at least.
const WRITE_BYTES: usize = 256 * 1024;

/// What became of the sessions in a file.
#[derive(Serialize, ToSchema)]
#[schema(as = Imported)]
pub(crate) struct ImportedShape {
    sessions: Vec<ImportedSessionShape>,
    /// What could not be taken, and why.
    notes: Vec<String>,
}

/// What became of a session in a file.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportedSession)]
struct ImportedSessionShape {
    /// The session's id here.
    id: String,
    /// The id that its agent gave it.
    external_id: String,
    /// `new`, `gone_on_with` or `there_already`.
    state: &'static str,
    /// Bytes that were not there.
    bytes: u64,
}

impl From<ImportedSession> for ImportedSessionShape {
    fn from(session: ImportedSession) -> Self {
        let ImportedSession { id, external_id, state, new_bytes, .. } = session;
        Self { id, external_id, state: state.as_str(), bytes: new_bytes }
    }
}

/// Takes a session file, a download or a package of many sessions, as a whole
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/import",
    operation_id = "import_sessions",
    tag = "uploads",
    params(("id" = String, Path, description = "The project's id")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = ImportedShape),
        (status = 422, description = "No session is in it", body = ProblemShape, content_type = "application/problem+json"),
        Refusal
    )
)]
pub(crate) async fn post(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ImportedShape>, Problem> {
    let project = caller.project(&state, &id)?;
    caller.must_be(Role::Member, project)?;
    // Who goes away does not stop what has begun.
    let work = tokio::spawn(async move {
        let Ok(_importing) = state.imports.try_acquire() else {
            state.store.count_refused(Some(project), DropReason::Overload);
            let detail = "other files are being imported, try again";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(RETRY_AFTER));
        };
        let arriving = receive(&state, project, &headers, body).await?;
        let keeper = Keeper { store: &state.store, decodes: &state.decodes, project, token: 0 };
        let refuse = |detail: String| {
            state.store.count_refused(Some(project), DropReason::Unsupported);
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        };
        let imported =
            import(keeper, vec![arriving.path.clone()]).await.map_err(|refused| match refused {
                Refused::NotThis(detail) => refuse(detail),
                Refused::Store(error) => of_store(error),
                Refused::BrokeOff => broke_off(),
            })?;
        let Imported { sessions, notes } =
            imported.ok_or_else(|| refuse("expected a session file: no session is in it".to_owned()))?;
        Ok(Json(ImportedShape { sessions: sessions.into_iter().map(Into::into).collect(), notes }))
    });
    work.await.map_err(|_| broke_off())?
}

fn broke_off() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the import broke off")
}

/// The body as a file.
async fn receive(
    state: &AppState,
    project: ProjectPk,
    headers: &HeaderMap,
    body: Body,
) -> Result<Arriving, Problem> {
    let too_large = || {
        state.store.count_refused(Some(project), DropReason::TooLarge);
        let detail = format!("expected at most {IMPORT_BYTES_MAX} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse().ok());
    if announced.is_some_and(|announced: u64| announced > IMPORT_BYTES_MAX) {
        return Err(too_large());
    }
    let mut arriving = state.store.arriving().map_err(of_store)?;
    let mut pieces = body.into_data_stream();
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    loop {
        let Ok(piece) = timeout(PIECE_WITHIN, pieces.next()).await else {
            let detail = "expected a piece of the body within a minute";
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
        };
        let piece = piece.transpose().map_err(|_| Problem::input("the body broke off"))?;
        let is_last = piece.is_none();
        let piece = piece.unwrap_or_default();
        bytes += piece.len() as u64;
        if bytes > IMPORT_BYTES_MAX {
            return Err(too_large());
        }
        waiting.extend_from_slice(&piece);
        if waiting.len() >= WRITE_BYTES || is_last {
            let (kept, written) = write(arriving, std::mem::take(&mut waiting)).await?;
            arriving = kept;
            written.map_err(|error| of_store(error.into()))?;
        }
        if is_last {
            return Ok(arriving);
        }
    }
}

async fn write(mut arriving: Arriving, bytes: Vec<u8>) -> Result<(Arriving, io::Result<()>), Problem> {
    let written = tokio::task::spawn_blocking(move || {
        let written = arriving.file.write_all(&bytes);
        (arriving, written)
    });
    written.await.map_err(|_| broke_off())
}

/// What became of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Nothing of it was there.
    New,
    /// Some was.
    GoneOnWith,
    /// All was.
    ThereAlready,
}

impl ImportState {
    /// By bytes that were new, and whether anything of the session was there.
    pub fn of(new_bytes: u64, was_known: bool) -> Self {
        match (new_bytes, was_known) {
            (0, _) => Self::ThereAlready,
            (_, false) => Self::New,
            _ => Self::GoneOnWith,
        }
    }

    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::GoneOnWith => "gone_on_with",
            Self::ThereAlready => "there_already",
        }
    }
}

/// A session that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedSession {
    /// Its id here.
    pub id: String,
    /// The id that its agent gave it.
    pub external_id: String,
    /// What became of it.
    pub state: ImportState,
    /// Bytes that were not there.
    pub new_bytes: u64,
    /// Bytes that were.
    pub known_bytes: u64,
}

/// What was imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Sessions, in the order they come in the files.
    pub sessions: Vec<ImportedSession>,
    /// What could not be taken, and why.
    pub notes: Vec<String>,
}

/// Imports these files. `None`: no session is in them.
async fn import(keeper: Keeper<'_>, files: Vec<PathBuf>) -> Result<Option<Imported>, Refused> {
    let sessions = {
        // It unpacks all of them, as storing does.
        let _reading = keeper.decodes.acquire().await.map_err(|_| Refused::BrokeOff)?;
        blocking(move || sessions_of(&files)).await?.map_err(Refused::unreadable)?
    };
    if sessions.is_empty() {
        return Ok(None);
    }
    let mut imported = Imported::default();
    for session in sessions {
        let id = session.session;
        match one(keeper, session, &mut imported.notes).await {
            Ok(done) => imported.sessions.push(done),
            Err(Refused::NotThis(detail)) => {
                imported.notes.push(format!("session {id}: {detail}: passed over"));
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(Some(imported))
}

async fn one(
    keeper: Keeper<'_>,
    session: SessionParts,
    notes: &mut Vec<String>,
) -> Result<ImportedSession, Refused> {
    let SessionParts { session, parts, notes: left_out } = session;
    notes.extend(left_out);
    let (mut new_bytes, mut known_bytes) = (0, 0);
    let mut id = None;
    let was_known = !keeper.store.uploads(keeper.project, session).await?.is_empty();
    for file_part in parts {
        let part = file_part.part;
        if !(1..=FRAGMENTS_MAX).contains(&part.fragment) || part.bytes > FRAGMENT_BYTES_MAX {
            notes.push(format!(
                "session {session}: fragment {} of {} bytes: expected one from 1 to {FRAGMENTS_MAX} of at most \
                 {FRAGMENT_BYTES_MAX} bytes: passed over",
                part.fragment, part.bytes
            ));
            continue;
        }
        let (file_part, head) = read(file_part, 0, part.head_bytes).await?;
        let header = header_of(&head).map_err(Refused::NotThis)?;
        if id.is_none() {
            id = Some(keeper.tell(&header).await?);
        }
        let added = add(keeper, file_part, notes).await?;
        new_bytes += added.0;
        known_bytes += added.1;
    }
    let id = id.ok_or_else(|| Refused::NotThis("nothing of it can be taken".to_owned()))?;
    let state = ImportState::of(new_bytes, was_known);
    Ok(ImportedSession {
        id: id.to_string(),
        external_id: session.to_string(),
        state,
        new_bytes,
        known_bytes,
    })
}

/// Adds what is missing of a fragment: bytes that were new, and that were known.
async fn add(
    keeper: Keeper<'_>,
    mut file_part: FilePart,
    notes: &mut Vec<String>,
) -> Result<(u64, u64), Refused> {
    let part = file_part.part;
    let mut first = None;
    loop {
        // A piece at a time, so that a sender of the same fragment is not kept waiting for long.
        let upload = keeper.store.upload(keeper.project, part.session, part.fragment).await?;
        let plan = file_part.plan(Standing { offset: upload.bytes, is_complete: upload.is_complete });
        let known = *first.get_or_insert(upload.bytes);
        let (from, to, is_complete) = match plan {
            Plan::Add { from, to, is_complete } => (from, to, is_complete),
            Plan::There(bytes) => return Ok((bytes.saturating_sub(known), known.min(bytes))),
            Plan::Shorter(bytes) => {
                notes.push(shorter(&part, bytes));
                return Ok((0, bytes));
            }
            Plan::Longer(bytes) => {
                notes.push(longer(&part, bytes));
                return Ok((0, known));
            }
        };
        let end = to.min(from + APPEND_BYTES_MAX as u64);
        let (read_from, piece) = read(file_part, from, end).await?;
        file_part = read_from;
        keeper.append(upload, piece, is_complete && end == to, None, None).await?;
        if end == to {
            return Ok((to - known, known));
        }
    }
}

/// What is told of a fragment that cannot be gone on with.
pub fn shorter(part: &kymo_format::Part, bytes: u64) -> String {
    format!(
        "session {}: fragment {} is complete on the server with {bytes} bytes, here it has {}: passed over",
        part.session, part.fragment, part.bytes
    )
}

/// See [`shorter`].
pub fn longer(part: &kymo_format::Part, bytes: u64) -> String {
    format!(
        "session {}: the server has {bytes} bytes of fragment {}, expected at most {}: passed over",
        part.session, part.fragment, part.whole_bytes
    )
}

async fn read(part: FilePart, from: u64, to: u64) -> Result<(FilePart, Vec<u8>), Refused> {
    let (part, bytes) = blocking(move || {
        let bytes = part.read(from..to);
        (part, bytes)
    })
    .await?;
    Ok((part, bytes.map_err(Refused::unreadable)?))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Refused::BrokeOff)
}

/// For the command line: imports files into a project of a store.
pub(crate) async fn from_disk(
    store: &Store,
    project: ProjectPk,
    files: Vec<PathBuf>,
) -> Result<Imported, String> {
    let decodes = tokio::sync::Semaphore::new(1);
    let keeper = Keeper { store, decodes: &decodes, project, token: 0 };
    match import(keeper, files).await {
        Ok(Some(imported)) => Ok(imported),
        Ok(None) => Err("no session is in it".to_owned()),
        Err(Refused::Store(error)) if error.kind() == StoreErrorKind::Retry => {
            let reason =
                std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
            Err(format!("{error}{reason}: what was stored stays, try again"))
        }
        Err(refused) => Err(refused.to_string()),
    }
}
