//! Bodies of requests that change something: JSON, small, read once it is known who may.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::state::AppState;

/// Longest body: a member with a role in every one of hundreds of projects.
const BYTES_MAX: usize = 64 * 1024;

/// A body that was not looked at yet: who may not send one is to be told that first.
pub(super) struct Input(Result<Bytes, Problem>);

impl Input {
    /// What it says.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, Problem> {
        serde_json::from_slice(&self.0?)
            .map_err(|error| Problem::input(format!("the body could not be read: {error}")))
    }
}

impl FromRequest<AppState> for Input {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Problem> {
        let too_large = || {
            let detail = format!("expected at most {BYTES_MAX} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
        };
        Ok(Self(axum::body::to_bytes(request.into_body(), BYTES_MAX).await.map_err(|_| too_large())))
    }
}
