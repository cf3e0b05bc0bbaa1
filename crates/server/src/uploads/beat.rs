//! What programs say while they run, sent or not: `POST /api/v1/uploads/{session}/beat`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use kymo_tracker::process::LOSSES_MAX;
use kymo_tracker::{Beat, SessionKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::decode::REASON_CHARS_MAX;
use super::{count, known, of_store, receive, session_of, wanted};
use crate::access::Sender;
use crate::api::Refusal;
use crate::problem::Problem;
use crate::state::AppState;

/// Bytes of a beat: three numbers, and 32 reasons of 40 characters, escaped, each with one.
const BEAT_BYTES_MAX: usize = 16 * 1024;

/// A word of a running program. All are totals since the session began.
#[derive(Deserialize, ToSchema)]
#[schema(as = Beat)]
pub(crate) struct BeatShape {
    /// Of the last record.
    last_sequence: u64,
    /// Messages recorded.
    #[serde(default)]
    messages: u64,
    /// Of these, errors.
    #[serde(default)]
    errors: u64,
    /// What could not be recorded, by the agent's word for why.
    #[serde(default)]
    dropped: BTreeMap<String, u64>,
}

/// What the server wants of a session.
#[derive(Serialize, ToSchema)]
#[schema(as = BeatAnswer)]
pub(crate) struct BeatAnswer {
    /// `all`, `with_errors`: all if the session has errors, or `none`: the head and beats.
    wanted: &'static str,
}

/// Says that a program still runs, each minute; its session's head came before
#[utoipa::path(
    post,
    path = "/api/v1/uploads/{session}/beat",
    operation_id = "beat_upload",
    tag = "uploads",
    params(("session" = String, Path, description = "The id that the agent gave the session")),
    request_body = BeatShape,
    responses((status = 200, body = BeatAnswer), Refusal)
)]
pub(crate) async fn beat(
    State(state): State<AppState>,
    sender: Sender,
    Path(session): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<BeatAnswer>, Problem> {
    let session = session_of(&session)?;
    let received = receive(&state, sender, &headers, body, BEAT_BYTES_MAX).await?;
    let shape: BeatShape = serde_json::from_slice(&received.bytes).map_err(|error| {
        let detail = format!("expected an object with last_sequence, messages, errors and dropped: {error}");
        count(&state, sender, Problem::input(detail))
    })?;
    let (_, is_requested) = known(&state, sender, session).await?;
    let cut = |reason: String| reason.chars().take(REASON_CHARS_MAX).collect::<String>();
    let lost = shape.dropped.into_iter().take(LOSSES_MAX).map(|(reason, total)| (cut(reason), total));
    let beat = Beat {
        key: SessionKey::Process(session.to_string()),
        heard_at: state.store.now(),
        recorded: shape.last_sequence,
        messages: shape.messages,
        errors: shape.errors,
        lost: lost.collect(),
    };
    state.store.beat(sender.project, session, beat).map_err(of_store)?;
    Ok(Json(BeatAnswer { wanted: wanted(&state, sender.project, is_requested) }))
}
