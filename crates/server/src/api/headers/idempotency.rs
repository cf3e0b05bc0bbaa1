//! `Idempotency-Key`: a `POST` that is sent again, because its answer was lost, is done once and answered as before.
//!
//! Answers are kept in memory only, since one of them is a token's secret, which is never written down: a server that
//! was started in between does not know the key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::access::Caller;
use crate::api::projects::CHANGE_BYTES_MAX;
use crate::problem::Problem;
use crate::state::AppState;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// A UUID has 36.
const KEY_CHARS_MAX: usize = 100;
/// Clients that lost an answer try again within seconds; a person may take a minute.
const KEEP_FOR: Duration = Duration::from_mins(10);
/// Answers kept, at most 64 KiB each: more than that in ten minutes is no person's work.
const KEPT_MAX: usize = 256;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Requests that were answered, or are being.
#[derive(Default)]
pub(in crate::api) struct Kept(Mutex<HashMap<[u8; 32], Entry>>);

struct Entry {
    at: Instant,
    body: [u8; 32],
    /// `None`: it is under way.
    answer: Option<(StatusCode, HeaderMap, Bytes)>,
}

/// Forgets a request that never came to an end, for example because its client hung up.
struct UnderWay<'kept> {
    kept: &'kept Kept,
    name: [u8; 32],
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut entries = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.get(&self.name).is_some_and(|entry| entry.answer.is_none()) {
            entries.remove(&self.name);
        }
    }
}

impl Kept {
    /// The answer of before, or `None` if this is the first time; then it is under way.
    fn begin(&self, name: [u8; 32], body: [u8; 32]) -> Result<Option<Response>, Problem> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        entries.retain(|_, entry| now.duration_since(entry.at) < KEEP_FOR);
        let conflict = |detail| Err(Problem::new(StatusCode::CONFLICT, detail));
        match entries.get(&name) {
            Some(entry) if entry.body != body => conflict("Idempotency-Key: it came with another request"),
            Some(Entry { answer: None, .. }) => {
                conflict("Idempotency-Key: its request is under way, ask again")
            }
            Some(Entry { answer: Some((status, headers, body)), .. }) => {
                Ok(Some((*status, headers.clone(), body.clone()).into_response()))
            }
            None if entries.len() >= KEPT_MAX => {
                let detail = "Idempotency-Key: too many within ten minutes, ask again later or without it";
                Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail))
            }
            None => {
                entries.insert(name, Entry { at: now, body, answer: None });
                Ok(None)
            }
        }
    }

    fn end(&self, name: [u8; 32], answer: (StatusCode, HeaderMap, Bytes)) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(&name) {
            entry.answer = Some(answer);
        }
    }
}

/// Does a `POST` with a key once.
pub(in crate::api) async fn once(State(kept): State<Arc<Kept>>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST
        || !request.headers().contains_key(KEY)
        || is_by_itself(request.uri().path())
    {
        return next.run(request).await;
    }
    answer(&kept, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

/// What brings files is done once however often it is sent, and by callers who may not read.
fn is_by_itself(path: &str) -> bool {
    path.starts_with("/api/v1/uploads")
        || (path.starts_with("/api/v1/projects/") && path.ends_with("/import"))
}

async fn answer(kept: &Kept, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    // An answer of before is for who may still ask.
    if let Some(state) = parts.extensions.get::<AppState>().cloned() {
        Caller::from_request_parts(&mut parts, &state).await?;
    }
    let key = parts.headers.get(KEY).map(|key| key.as_bytes().to_vec()).unwrap_or_default();
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        return Err(Problem::input(format!("Idempotency-Key: expected 1 to {KEY_CHARS_MAX} characters")));
    }
    let body = axum::body::to_bytes(body, CHANGE_BYTES_MAX).await.map_err(|_| {
        let detail = format!("expected at most {CHANGE_BYTES_MAX} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    // Keys are each caller's own.
    let caller = [header::AUTHORIZATION, header::COOKIE].map(|name| parts.headers.get(name).cloned());
    let mut name = Sha256::new();
    for part in caller.iter().map(|part| part.as_ref().map_or(&[][..], |part| part.as_bytes())) {
        name.update((part.len() as u64).to_be_bytes());
        name.update(part);
    }
    name.update((parts.uri.path().len() as u64).to_be_bytes());
    name.update(parts.uri.path());
    name.update(&key);
    let (name, digest): ([u8; 32], [u8; 32]) = (name.finalize().into(), Sha256::digest(&body).into());
    if let Some(answer) = kept.begin(name, digest)? {
        return Ok(answer);
    }
    let _under_way = UnderWay { kept, name };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    let is_last_word = parts.status.is_success() || parts.status == StatusCode::CONFLICT;
    let Ok(body) = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await else {
        return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer was too long to be kept"));
    };
    if is_last_word {
        kept.end(name, (parts.status, parts.headers.clone(), body.clone()));
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}
