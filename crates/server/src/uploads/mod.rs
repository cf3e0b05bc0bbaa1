//! Files of sessions of programs: in by a resumable upload, fragment by fragment, and out as one file.
//!
//! ```text
//! POST  /api/v1/uploads                              the head of a file -> what is there, what is wanted
//! HEAD  /api/v1/uploads/{session}/fragments/{n}      -> Upload-Offset, Upload-Complete
//! PATCH /api/v1/uploads/{session}/fragments/{n}      bytes at Upload-Offset -> durable, then 204
//!
//! POST  /api/v1/uploads/{session}/beat               it still runs -> what is wanted
//!
//! PATCH: offset right? -> bytes appended to the raw file, synced -> read from the last frame on -> events committed in
//!        batches, the last one together with the new offset -> answered
//! ```
//!
//! So a kill at any moment leaves an offset from which sending again loses nothing; what is committed twice are events whose
//! sequences are stored, which the tracker drops. The form is that of the IETF's resumable uploads
//! (draft-ietf-httpbis-resumable-upload); see `docs/uploads.md`.

pub(crate) mod beat;
mod decode;
mod digest;
pub(crate) mod download;
pub(crate) mod files;
pub(crate) mod import;
mod keep;
pub(crate) mod request;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_format::limits::HEADER_BYTES_MAX;
use kymo_format::{Header, Item, Reader};
use kymo_model::{DropReason, SessionId, SessionKind};
use kymo_store::{
    FRAGMENT_BYTES_MAX, FRAGMENTS_MAX, ProjectPk, StoreError, StoreErrorKind, Submission, Upload, Wanted,
};
use serde::Serialize;
use utoipa::ToSchema;

use self::decode::told;
use self::digest::Expected;
use self::keep::Keeper;
use crate::access::Sender;
use crate::api::{ProblemShape, Refusal};
use crate::ingest::body::{self, Collected, Refused as BodyRefused};
use crate::problem::Problem;
use crate::state::AppState;

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
const LIMIT: HeaderName = HeaderName::from_static("upload-limit");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// What a piece of an upload is.
const PARTIAL: &str = "application/partial-upload";
/// Bytes of one piece. It is in memory until it is on disk, twice while it grows, out of what all requests share
/// (40 MiB); at 6 bytes a message this is 170,000 messages.
const APPEND_BYTES_MAX: usize = 1 << 20;
/// Bytes of a head: a header, and what stands around it.
const HEAD_BYTES_MAX: usize = HEADER_BYTES_MAX + 4096;

/// What the server has of a session, and what it wants.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadWanted)]
pub(crate) struct WantedShape {
    /// The session's id here.
    session: String,
    /// `all`: every fragment; `with_errors`: every fragment if the session has errors; `none`: nothing but this.
    wanted: &'static str,
    /// Largest piece.
    append_bytes_max: u64,
    /// Largest fragment.
    fragment_bytes_max: u64,
    /// Fragments of which something is there, by number.
    fragments: Vec<FragmentShape>,
}

/// What is there of a fragment.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadFragment)]
pub(crate) struct FragmentShape {
    fragment: u64,
    /// Bytes that are stored: where to go on.
    offset: u64,
    complete: bool,
}

/// Says that a session is to be sent: by the beginning of one of its files
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    operation_id = "begin_upload",
    tag = "uploads",
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "The beginning of a session file, at least to the end of its header"),
    responses(
        (status = 200, body = WantedShape),
        (status = 422, description = "It is no session file, or not of a program", body = ProblemShape,
            content_type = "application/problem+json"),
        Refusal
    )
)]
pub(crate) async fn begin(
    State(state): State<AppState>,
    sender: Sender,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<WantedShape>, Problem> {
    let received = receive(&state, sender, &headers, body, HEAD_BYTES_MAX).await?;
    let header = header_of(&received.bytes).map_err(|detail| refused(&state, sender, detail))?;
    let session = header.session;
    let told = vec![told(&header)];
    let submission = Submission { told, ..Submission::new(sender.project, sender.token) };
    state.store.submit(submission).await.map_err(of_store)?;
    let (id, is_requested) = known(&state, sender, session).await?;
    let there = state.store.uploads(sender.project, session).await?;
    Ok(Json(WantedShape {
        session: id.to_string(),
        wanted: wanted(&state, sender.project, is_requested),
        append_bytes_max: APPEND_BYTES_MAX as u64,
        fragment_bytes_max: FRAGMENT_BYTES_MAX,
        fragments: there
            .into_iter()
            .map(|one| FragmentShape { fragment: one.fragment, offset: one.bytes, complete: one.is_complete })
            .collect(),
    }))
}

/// Where to go on with a fragment: `Upload-Offset`, `Upload-Complete`, `Upload-Limit`
#[utoipa::path(
    head,
    path = "/api/v1/uploads/{session}/fragments/{fragment}",
    operation_id = "ask_upload",
    tag = "uploads",
    params(
        ("session" = String, Path, description = "The id that the agent gave the session"),
        ("fragment" = u64, Path, description = "The fragment's number, from 1")
    ),
    responses((status = 204, description = "What is there is in the headers"), Refusal)
)]
pub(crate) async fn ask(
    State(state): State<AppState>,
    sender: Sender,
    Path((session, fragment)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (session, fragment) = address(&session, &fragment)?;
    known(&state, sender, session).await?;
    let there = state.store.uploads(sender.project, session).await?;
    let one = there.into_iter().find(|one| one.fragment == fragment);
    let (bytes, is_complete) = one.map_or((0, false), |one| (one.bytes, one.is_complete));
    Ok(standing(StatusCode::NO_CONTENT, bytes, is_complete))
}

/// Sends a piece of a fragment. Stored when it is answered
#[utoipa::path(
    patch,
    path = "/api/v1/uploads/{session}/fragments/{fragment}",
    operation_id = "append_upload",
    tag = "uploads",
    params(
        ("session" = String, Path, description = "The id that the agent gave the session"),
        ("fragment" = u64, Path, description = "The fragment's number, from 1"),
        ("Upload-Offset" = u64, Header, description = "Where in the fragment the piece begins"),
        ("Upload-Complete" = String, Header, description = "`?1`: the fragment ends with it, `?0`: not yet"),
        ("Content-Digest" = Option<String>, Header, description = "Of the piece: `sha-256=:BASE64:`"),
        ("Repr-Digest" = Option<String>, Header, description = "Of the whole fragment, with its last piece")
    ),
    request_body(content = Vec<u8>, content_type = "application/partial-upload"),
    responses(
        (status = 204, description = "It is stored; `Upload-Offset` says up to where"),
        (status = 415, description = "It is no `application/partial-upload`", body = ProblemShape,
            content_type = "application/problem+json"),
        (status = 422, description = "It is not what a digest says, or of another session or fragment", body = ProblemShape,
            content_type = "application/problem+json"),
        Refusal
    )
)]
pub(crate) async fn append(
    State(state): State<AppState>,
    sender: Sender,
    Path((session, fragment)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (session, fragment) = address(&session, &fragment)?;
    // A sender that goes away does not stop what has begun: what came of its piece is kept, and the file is written by
    // one request at a time.
    let work = tokio::spawn(async move {
        // The body first: a sender that is busy sending does not look for an answer.
        let received = receive(&state, sender, &headers, body, APPEND_BYTES_MAX).await?;
        let piece = Piece::of(&headers).map_err(|problem| count(&state, sender, problem))?;
        known(&state, sender, session).await?;
        if piece.content.is_given() && (!received.is_whole || !piece.content.holds_of(&received.bytes)) {
            return Err(refused(&state, sender, "the piece is not what Content-Digest says".to_owned()));
        }
        let upload = state.store.upload(sender.project, session, fragment).await.map_err(of_store)?;
        store(&state, sender, upload, piece, received).await
    });
    work.await.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the upload broke off"))?
}

/// What the headers of a piece say.
struct Piece {
    offset: u64,
    is_complete: bool,
    content: Expected,
    whole: Expected,
}

impl Piece {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let kind = text(&header::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
        if kind != Some(PARTIAL) {
            let detail = format!("Content-Type: expected {PARTIAL}");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let offset = text(&OFFSET).and_then(|text| text.parse().ok());
        let is_complete = match text(&COMPLETE) {
            Some("?1") => Some(true),
            Some("?0") => Some(false),
            _ => None,
        };
        Ok(Self {
            offset: offset.ok_or_else(|| Problem::input("Upload-Offset: expected a number of bytes"))?,
            is_complete: is_complete.ok_or_else(|| Problem::input("Upload-Complete: expected ?1 or ?0"))?,
            content: Expected::of(headers, &CONTENT_DIGEST)?,
            whole: Expected::of(headers, &REPR_DIGEST)?,
        })
    }
}

async fn receive(
    state: &AppState,
    sender: Sender,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Collected, Problem> {
    body::collect(state, headers, body, bytes_max).await.map_err(|refused| {
        state.store.count_refused(Some(sender.project), refused.reason());
        let problem = refused.problem();
        if matches!(refused, BodyRefused::Overload) { problem.retry_after(RETRY_AFTER) } else { problem }
    })
}

/// When a sender that found no room comes again.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(2);

/// Makes a session known by what its header says, for who has it by another way than a file; its id here.
pub(crate) async fn tell(
    state: &AppState,
    project: ProjectPk,
    header: &Header,
) -> Result<SessionId, Problem> {
    let keeper = Keeper { store: &state.store, decodes: &state.decodes, project, token: 0 };
    keeper.tell(header).await.map_err(|error| match error {
        keep::Refused::Store(error) => of_store(error),
        other => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, other.to_string()),
    })
}

/// What the project wants of a session, in a word.
fn wanted(state: &AppState, project: ProjectPk, is_requested: bool) -> &'static str {
    let tables = state.directory.tables();
    let policy = tables.project(project).and_then(|project| project.upload_wanted).unwrap_or_default();
    if is_requested { Wanted::All.as_str() } else { policy.as_str() }
}

/// The session's id here, and whether a person asked for it; a sender that never showed its header has none.
async fn known(state: &AppState, sender: Sender, session: SessionId) -> Result<(SessionId, bool), Problem> {
    state.store.process_session(sender.project, session).await?.ok_or_else(|| {
        Problem::not_found(format!(
            "there is no session {session}: send the head of a file to /api/v1/uploads first"
        ))
    })
}

fn address(session: &str, fragment: &str) -> Result<(SessionId, u64), Problem> {
    let session = session_of(session)?;
    let fragment = fragment.parse().ok().filter(|number| (1..=FRAGMENTS_MAX).contains(number));
    let expected = || Problem::input(format!("expected a fragment from 1 to {FRAGMENTS_MAX}"));
    Ok((session, fragment.ok_or_else(expected)?))
}

fn session_of(session: &str) -> Result<SessionId, Problem> {
    session.parse().map_err(|_| Problem::input("expected a session's id: a UUID"))
}

fn header_of(bytes: &[u8]) -> Result<Arc<Header>, String> {
    let mut reader = Reader::new();
    reader.feed(bytes);
    match reader.next() {
        Some(Item::Header(header)) if header.kind == SessionKind::Process => Ok(header),
        Some(Item::Header(header)) => {
            Err(format!("expected a session of kind process, found {}", header.kind.as_str()))
        }
        _ => Err("expected the beginning of a session file, at least to the end of its header".to_owned()),
    }
}

/// Stores a piece and answers.
async fn store(
    state: &AppState,
    sender: Sender,
    upload: Upload,
    piece: Piece,
    received: Collected,
) -> Result<Response, Problem> {
    let is_complete = piece.is_complete && received.is_whole;
    let is_there = piece.offset == upload.bytes;
    if !is_there || (upload.is_complete && !received.bytes.is_empty()) {
        // Not counted: nothing is lost, the sender goes on from where it is told to.
        return Ok(standing(StatusCode::CONFLICT, upload.bytes, upload.is_complete));
    }
    let bytes = upload.bytes + received.bytes.len() as u64;
    if bytes > FRAGMENT_BYTES_MAX {
        state.store.count_refused(Some(sender.project), DropReason::TooLarge);
        let detail = format!("expected a fragment of at most {FRAGMENT_BYTES_MAX} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    if bytes == upload.bytes && (upload.is_complete || !is_complete) {
        return Ok(standing(StatusCode::NO_CONTENT, upload.bytes, upload.is_complete));
    }
    let Collected { bytes, memory, .. } = received;
    let keeper =
        Keeper { store: &state.store, decodes: &state.decodes, project: sender.project, token: sender.token };
    let digest = piece.whole.is_given().then_some(piece.whole);
    let stored = keeper.append(upload, bytes, is_complete, digest, Some(memory)).await;
    let bytes = stored.map_err(|error| not_stored(state, sender, error))?;
    Ok(standing(StatusCode::NO_CONTENT, bytes, is_complete))
}

fn not_stored(state: &AppState, sender: Sender, refused_for: keep::Refused) -> Problem {
    match refused_for {
        keep::Refused::NotThis(detail) => refused(state, sender, detail),
        keep::Refused::Store(error) => of_store(error),
        keep::Refused::BrokeOff => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "reading the file broke off")
        }
    }
}

/// The store's word; what may be tried again says when.
fn of_store(error: StoreError) -> Problem {
    let is_for_later = error.kind() == StoreErrorKind::Retry;
    let problem = Problem::from(error);
    if is_for_later { problem.retry_after(RETRY_AFTER) } else { problem }
}

/// A request whose content is not what it has to be.
fn refused(state: &AppState, sender: Sender, detail: String) -> Problem {
    count(state, sender, Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
}

fn count(state: &AppState, sender: Sender, problem: Problem) -> Problem {
    state.store.count_refused(Some(sender.project), DropReason::Unsupported);
    problem
}

/// An answer that says what is there.
fn standing(status: StatusCode, bytes: u64, is_complete: bool) -> Response {
    let headers = [
        (OFFSET, bytes.to_string()),
        (COMPLETE, if is_complete { "?1" } else { "?0" }.to_owned()),
        (LIMIT, format!("max-size={FRAGMENT_BYTES_MAX}, max-append-size={APPEND_BYTES_MAX}")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    if status == StatusCode::CONFLICT {
        let detail = if is_complete {
            format!("the fragment is complete at {bytes} bytes")
        } else {
            format!("expected Upload-Offset: {bytes}")
        };
        return (headers, Problem::new(status, detail)).into_response();
    }
    (status, headers).into_response()
}
