//! A session of a program as one file: its fragments one behind another.
//!
//! ```text
//! magic header frames   header frames   header frames        no indexes: their offsets are those of the fragments
//! ```

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use kymo_format::{Index, MAGIC, index_length};
use kymo_store::{Action, RawFragment};

use crate::access::{Caller, audit};
use crate::api::Refusal;
use crate::problem::Problem;
use crate::state::AppState;

/// Read at a time.
const PIECE_BYTES: u64 = 256 * 1024;
/// Bytes of an index: 16,384 frames at three numbers of at most ten bytes, and what stands around them.
const INDEX_BYTES_MAX: u64 = 512 * 1024;
/// Bytes at the end of a file that say where its index begins.
const TAIL_BYTES: u64 = 8;

/// A part of a file, which is opened when its turn comes: a session may have ten thousand.
struct Part {
    path: PathBuf,
    file: Option<File>,
    left: u64,
}

/// A session of a program as one session file, which opens without a server
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/download",
    operation_id = "download_session",
    tag = "sessions",
    params(
        ("id" = String, Path, description = "The session's id, or the id its agent gave it")
    ),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), Refusal)
)]
pub(crate) async fn session(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (project, row) = state.store.session(&caller.projects(), &id).await?;
    let fragments = state.store.raw_fragments(project, &row).await?;
    if fragments.is_empty() {
        return Err(Problem::not_found(
            "no file came for this session: it is no program's, or not sent as one",
        ));
    }
    let parts = tokio::task::spawn_blocking(move || parts(fragments)).await;
    let parts = parts
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "reading the files broke off"))?
        .map_err(|error| Problem::from(kymo_store::StoreError::from(error)))?;
    audit::record(&state, &caller, Action::Export, Some(project), Some(&row.id.to_string())).await?;
    let length = MAGIC.len() as u64 + parts.iter().map(|part| part.left).sum::<u64>();
    let rest = stream::try_unfold(Parts::from(parts), next_piece);
    let body = futures_util::StreamExt::chain(
        stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(&MAGIC))]),
        rest,
    );
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.kymo\"", row.id)),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

type Parts = VecDeque<Part>;

async fn next_piece(mut parts: Parts) -> Result<Option<(Bytes, Parts)>, std::io::Error> {
    let read = tokio::task::spawn_blocking(move || {
        while let Some(part) = parts.front_mut() {
            if part.left == 0 {
                parts.pop_front();
                continue;
            }
            let mut piece = vec![0; usize::try_from(part.left.min(PIECE_BYTES)).unwrap_or_default()];
            let file = match &mut part.file {
                Some(file) => file,
                none => {
                    let mut file = File::open(&part.path)?;
                    file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
                    none.insert(file)
                }
            };
            file.read_exact(&mut piece)?;
            part.left -= piece.len() as u64;
            return Ok(Some((Bytes::from(piece), parts)));
        }
        Ok(None)
    });
    read.await.map_err(std::io::Error::other)?
}

/// What of each fragment stands in the one file: all but the magic and the index.
fn parts(fragments: Vec<RawFragment>) -> std::io::Result<Vec<Part>> {
    let magic = MAGIC.len() as u64;
    let mut parts = Vec::new();
    for RawFragment { path, bytes } in fragments.into_iter().filter(|one| one.bytes > magic) {
        let end = bytes - index_bytes(&mut File::open(&path)?, bytes)?;
        parts.push(Part { path, file: None, left: end.saturating_sub(magic) });
    }
    Ok(parts)
}

/// How long the index at the end is; 0 if there is none.
fn index_bytes(file: &mut File, bytes: u64) -> std::io::Result<u64> {
    let mut last = [0; TAIL_BYTES as usize];
    file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES)))?;
    file.read_exact(&mut last)?;
    let length = index_length(last) as u64;
    if length == 0 || length > INDEX_BYTES_MAX.min(bytes - MAGIC.len() as u64) {
        return Ok(0);
    }
    let mut tail = vec![0; usize::try_from(length).unwrap_or_default()];
    file.seek(SeekFrom::Start(bytes - length))?;
    file.read_exact(&mut tail)?;
    Ok(if Index::from_tail(&tail).is_some() { length } else { 0 })
}
