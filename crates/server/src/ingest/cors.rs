//! Agents in pages of any origin may send here: they bring a token, and cookies count for nothing.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What pages of other origins may do, as the original servers say.
#[derive(Clone, Copy)]
pub(super) struct Policy {
    methods: &'static str,
    /// What agents read of an answer.
    exposed: Option<&'static str>,
    /// How long a browser may keep a preflight's answer.
    preflight_seconds: &'static str,
}

pub(super) const EXCEPTIONLESS: Policy = Policy {
    methods: "GET, POST, OPTIONS",
    exposed: Some(
        "ETag, v, X-Exceptionless-ConfigVersion, Link, X-RateLimit-Limit, X-RateLimit-Remaining, X-Result-Count",
    ),
    preflight_seconds: "300",
};

pub(super) const LOUPE: Policy = Policy { methods: "POST", exposed: None, preflight_seconds: "1200" };

/// Answers preflights and echoes the origin. Whether a page of that origin may send with its token
/// is for the request itself to say: a preflight bears none.
pub(super) async fn echo(policy: Policy, request: Request, next: Next) -> Response {
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
    if let Some(exposed) = policy.exposed {
        set(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    }
    if is_preflight {
        set(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(policy.methods));
        set(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(policy.preflight_seconds));
        if let Some(asked) = asked_headers {
            set(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
    }
    response
}
