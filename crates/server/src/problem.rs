//! Errors as `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_filter::FilterError;
use kymo_store::{StoreError, StoreErrorKind};
use serde_json::json;

/// What went wrong, for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<Duration>,
    /// What is wrong with a filter.
    filter: Option<FilterError>,
}

impl Problem {
    /// It is known who asks, and they may not.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }

    /// What is wrong, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None, filter: None }
    }

    pub(crate) fn input(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The sentence, for the command line.
    pub(crate) fn into_detail(self) -> String {
        self.detail
    }

    /// Says when to come again: whole seconds, rounded up.
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

/// As `Retry-After` has it: no shorter than the wait.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_millis().div_ceil(1000) as u64).max(1)
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        Self { filter: Some(error.clone()), ..Self::input(error.to_string()) }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let status = match error.kind() {
            StoreErrorKind::Retry => StatusCode::SERVICE_UNAVAILABLE,
            StoreErrorKind::Input => StatusCode::BAD_REQUEST,
            StoreErrorKind::NotFound => StatusCode::NOT_FOUND,
            StoreErrorKind::Conflict => StatusCode::CONFLICT,
            StoreErrorKind::Upgrade | StoreErrorKind::Corrupt => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(error = &error as &dyn std::error::Error, "request failed");
        }
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("error").to_lowercase();
        let mut body = json!({"type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail});
        if let Some(error) = self.filter {
            body["position"] = error.position.into();
            body["length"] = error.length.into();
            body["suggestion"] = error.suggestion.into();
        }
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body.to_string()).into_response();
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(wait).into());
        }
        response
    }
}
