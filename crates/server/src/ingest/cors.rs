//! Agents in pages of any origin may send here: they bring a token, and cookies count for nothing.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What agents read of an answer.
const EXPOSED: &str =
    "ETag, v, X-Exceptionless-ConfigVersion, Link, X-RateLimit-Limit, X-RateLimit-Remaining, X-Result-Count";
/// Seconds a browser may keep a preflight's answer.
const PREFLIGHT_SECONDS: &str = "300";

/// Answers preflights and echoes the origin.
pub(super) async fn echo(request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else { return next.run(request).await };
    let asked_headers = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response =
        if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: HeaderValue| drop(headers.insert(name, value));
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    set(header::VARY, HeaderValue::from_static("origin"));
    set(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if is_preflight {
        set(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
        set(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
        if let Some(asked) = asked_headers {
            set(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
    }
    response
}
